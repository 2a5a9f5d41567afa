#include "analyzers/discovery/access.h"

#include <bit>

#include "analyzers/discovery/hyper_log_log.h"

namespace specular {

void RoughCount::add(std::uint64_t hash) {
  std::size_t index = hash >> (64 - kBits);
  auto rank = static_cast<std::uint8_t>(std::countl_zero(hash << kBits | std::uint64_t{1} << (kBits - 1)) + 1);
  registers_[index] = std::max(registers_[index], rank);
}

void RoughCount::merge(const RoughCount& other) {
  for (std::size_t i = 0; i < kRegisters; ++i) registers_[i] = std::max(registers_[i], other.registers_[i]);
}

std::uint64_t RoughCount::estimate() const {
  return estimate_of_registers(registers_);
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
