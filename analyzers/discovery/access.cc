#include "analyzers/discovery/access.h"

#include <bit>
#include <cmath>

namespace specular {

void RoughCount::add(std::uint64_t hash) {
  std::size_t index = hash >> (64 - kBits);
  auto rank = static_cast<std::uint8_t>(std::countl_zero(hash << kBits | std::uint64_t{1} << (kBits - 1)) + 1);
  registers_[index] = std::max(registers_[index], rank);
}

void RoughCount::merge(const RoughCount& other) {
  for (std::size_t i = 0; i < kRegisters; ++i) registers_[i] = std::max(registers_[i], other.registers_[i]);
}

// Flajolet et al., 2007; few values are counted by the registers that are empty.
std::uint64_t RoughCount::estimate() const {
  constexpr auto m = static_cast<double>(kRegisters);
  double sum = 0;
  std::size_t zeros = 0;
  for (std::uint8_t rank : registers_) {
    sum += std::ldexp(1.0, -rank);
    zeros += rank == 0 ? 1 : 0;
  }
  double estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
  if (estimate <= 2.5 * m && zeros > 0) estimate = m * std::log(m / static_cast<double>(zeros));
  return static_cast<std::uint64_t>(std::llround(estimate));
}

bool RoughCount::restore(std::string_view registers) {
  if (registers.size() != kRegisters) return false;
  for (std::size_t i = 0; i < kRegisters; ++i) {
    registers_[i] = static_cast<std::uint8_t>(registers[i]);
    if (registers_[i] > kMaxRank) return false;
  }
  return true;
}

void AccessSummary::merge(const AccessSummary& other) {
  sets.merge(other.sets);
  values.merge(other.values);
  bearers += other.bearers;
  jwts += other.jwts;
}

void AccessSummary::clear() {
  sets.clear();
  values.clear();
  bearers = jwts = 0;
}

std::vector<std::string> ways_in(std::string_view set) {
  std::vector<std::string> ways;
  while (!set.empty()) {
    auto end = std::min(set.find(AccessSummary::kSeparator), set.size());
    ways.emplace_back(set.substr(0, end));
    set.remove_prefix(std::min(end + 1, set.size()));
  }
  return ways;
}

}  // namespace specular
