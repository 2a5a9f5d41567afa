#include "analyzers/coverage.h"

#include <algorithm>

namespace specular {

const char* to_text(CoverageItem item) {
  static constexpr const char* kNames[] = {
#define COVERAGE(name, help) #name,
#include "analyzers/coverage.def"
#undef COVERAGE
  };
  return kNames[static_cast<std::size_t>(item)];
}

const char* help_of(CoverageItem item) {
  static constexpr const char* kHelp[] = {
#define COVERAGE(name, help) help,
#include "analyzers/coverage.def"
#undef COVERAGE
  };
  return kHelp[static_cast<std::size_t>(item)];
}

void CoverageCounts::add(Anomalies found) {
  for (std::size_t i = 0; found.bits != 0 && i < kAnomalyCount; ++i) {
    if (found.has(static_cast<Anomaly>(i))) ++anomalies[i];
  }
}

void CoverageCounts::merge(const CoverageCounts& other) {
  for (std::size_t i = 0; i < items.size(); ++i) items[i] += other.items[i];
  for (std::size_t i = 0; i < anomalies.size(); ++i) anomalies[i] += other.anomalies[i];
}

bool CoverageCounts::empty() const {
  auto zero = [](std::uint64_t count) { return count == 0; };
  return std::all_of(items.begin(), items.end(), zero) && std::all_of(anomalies.begin(), anomalies.end(), zero);
}

}  // namespace specular
