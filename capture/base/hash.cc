#include "capture/base/hash.h"

#include <bit>
#include <cstdlib>
#include <cstring>

#include <sys/random.h>

namespace specular {
namespace {

std::uint64_t load_little(const std::uint8_t* from, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value |= static_cast<std::uint64_t>(from[i]) << (8 * i);
  return value;
}

std::uint64_t load_eight(const std::uint8_t* from) {
  std::uint64_t value;
  std::memcpy(&value, from, 8);
  if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
  return value;
}

}  // namespace

HashKey HashKey::random() {
  std::uint64_t words[2];
  // Sixteen bytes never come in parts (getrandom(2)).
  if (getrandom(words, sizeof words, 0) != static_cast<ssize_t>(sizeof words)) std::abort();
  return {words[0], words[1]};
}

std::uint64_t fast_hash(const HashKey& key, Bytes bytes) {
  std::uint64_t hash = key.k0 ^ bytes.size() * 0x8ebc6af09c88c6e3ULL;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 16; left -= 16, at += 16) hash = fold(load_eight(at) ^ key.k1, load_eight(at + 8) ^ hash);
  std::uint64_t a = 0, b = 0;
  if (left >= 8) {
    a = load_eight(at);
    b = load_eight(at + left - 8);
  } else if (left > 0) {
    a = load_little(at, left);
  }
  return fold(a ^ key.k1 ^ 0x589965cc75374cc3ULL, fold(b ^ hash, 0xe7037ed1a0b428dbULL ^ key.k0) | 1);
}

}  // namespace specular
