// Reader: the bounds-checked cursor through which all binary headers are read.
//
// A read past the end yields zero and makes the reader bad(); it never touches memory outside its view. Decoders read a
// whole header and ask once. Network byte order unless the name says little.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "capture/base/bytes.h"

namespace specular {

class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  bool bad() const { return bad_; }
  std::size_t offset() const { return offset_; }
  std::size_t left() const { return bytes_.size() - offset_; }
  Bytes rest() const { return bytes_.subspan(offset_); }

  std::uint8_t u8() { return static_cast<std::uint8_t>(big<1>()); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(big<2>()); }
  std::uint32_t u24() { return static_cast<std::uint32_t>(big<3>()); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(big<4>()); }

  void skip(std::size_t count) { take(count); }

  // The next `count` bytes, or an empty view (and bad()) if there are fewer.
  Bytes take(std::size_t count) {
    if (count > left()) {
      bad_ = true;
      offset_ = bytes_.size();
      return {};
    }
    Bytes taken = bytes_.subspan(offset_, count);
    offset_ += count;
    return taken;
  }

  // Cuts what follows the next `count` bytes off, as a length field says; never grows the view.
  void limit(std::size_t count) { bytes_ = bytes_.first(offset_ + std::min(count, left())); }

 private:
  template <std::size_t kSize>
  std::uint32_t big() {
    if (kSize > left()) {
      take(kSize);
      return 0;
    }
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < kSize; ++i) value = value << 8 | bytes_[offset_ + i];
    offset_ += kSize;
    return value;
  }

  Bytes bytes_;
  std::size_t offset_ = 0;
  bool bad_ = false;
};

}  // namespace specular
