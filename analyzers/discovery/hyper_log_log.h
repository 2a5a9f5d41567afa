// The estimate of HyperLogLog (Flajolet et al., 2007), whatever the number of registers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

namespace specular {

// How many different hashes there were. Requires: at least 128 registers; each holds the highest rank of its hashes.
inline std::uint64_t estimate_of_registers(std::span<const std::uint8_t> registers) {
  auto m = static_cast<double>(registers.size());
  double sum = 0;
  for (std::uint8_t rank : registers) sum += std::ldexp(1.0, -rank);
  auto zeros = std::count(registers.begin(), registers.end(), std::uint8_t{0});
  double estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
  // Few values: counting the empty registers is more exact.
  if (estimate <= 2.5 * m && zeros > 0) estimate = m * std::log(m / static_cast<double>(zeros));
  return static_cast<std::uint64_t>(std::llround(estimate));
}

}  // namespace specular
