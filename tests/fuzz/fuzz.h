// What the fuzz targets share: how a broken invariant is told, and how an input is read as numbers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "capture/base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace specular::fuzz {

// Ends the process with `what` unless it holds; libFuzzer then keeps the input, the standalone driver counts it.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken invariant: %s\n", what);
  std::abort();
}

// Reads every byte, so that the sanitisers look at each, and the optimiser does not drop it.
inline unsigned touch(Bytes bytes) {
  unsigned sum = 0;
  for (std::uint8_t byte : bytes) sum += byte;
  volatile unsigned kept = sum;
  return kept;
}
inline unsigned touch(std::string_view text) {
  return touch(as_bytes(text));
}

// An input as a sequence of numbers and runs of bytes. Past the end everything is zero and empty.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

  bool empty() const { return rest_.empty(); }
  std::size_t left() const { return rest_.size(); }
  std::uint8_t u8() {
    Bytes byte = take(1);
    return byte.empty() ? std::uint8_t{0} : byte[0];
  }
  std::uint16_t u16() {
    unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  std::uint32_t u32() {
    std::uint32_t high = u16();
    return high << 16 | u16();
  }
  // At most that many; fewer at the end.
  Bytes take(std::size_t count) {
    Bytes taken = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  Bytes take_rest() { return take(rest_.size()); }

 private:
  Bytes rest_;
};

}  // namespace specular::fuzz
