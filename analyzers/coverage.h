// Coverage: how much of the traffic an answer rests on. Added up, never guessed.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "capture/exchange.h"

namespace specular {

enum class CoverageItem : std::uint8_t {
#define COVERAGE(name, help) name,
#include "analyzers/coverage.def"
#undef COVERAGE
};

inline constexpr std::size_t kCoverageItems = 0
#define COVERAGE(name, help) +1
#include "analyzers/coverage.def"
#undef COVERAGE
    ;

const char* to_text(CoverageItem item);
const char* help_of(CoverageItem item);

struct CoverageCounts {
  std::array<std::uint64_t, kCoverageItems> items{};
  std::array<std::uint64_t, kAnomalyCount> anomalies{};

  std::uint64_t& operator[](CoverageItem item) { return items[static_cast<std::size_t>(item)]; }
  std::uint64_t operator[](CoverageItem item) const { return items[static_cast<std::size_t>(item)]; }
  void add(Anomalies found);
  void merge(const CoverageCounts& other);
  bool empty() const;
};

}  // namespace specular
