// The borrowed view of wire bytes that every stage passes on.
//
// Lifetime: a Bytes is valid until the callback that received it returns. There is no other rule; whoever wants to keep
// bytes copies them, under a Charge (budget.h).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace specular {

using Bytes = std::span<const std::uint8_t>;

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// How many frames or packets a stage hands on at once, at most: enough to hide a cache miss, few enough to stay in L1.
inline constexpr std::size_t kBatch = 32;

}  // namespace specular
