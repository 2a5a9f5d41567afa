// Keyed hashing. Every table that the wire can fill uses it, so that nobody can choose colliding keys.
#pragma once

#include <cstdint>

#include "capture/base/bytes.h"
#include "capture/base/ip.h"

namespace specular {

struct HashKey {
  std::uint64_t k0 = 0x5370656375'6c6172ULL;
  std::uint64_t k1 = 0x9e3779b97f4a7c15ULL;

  // Chosen by the system at every call; a fixed key (the default) makes runs comparable. Ends the process where the
  // system has none.
  static HashKey random();
};

// A keyed 64x64 -> 128 bit multiply folded by xor: a few nanoseconds for an address pair. No
// cryptographic hash: it holds against those who see neither key nor hashes.
inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Any bytes, eight at a time, by the same folding.
std::uint64_t fast_hash(const HashKey& key, Bytes bytes);

inline std::uint64_t fast_hash(const HashKey& key, std::uint64_t value) {
  return fold(value ^ key.k0, fold(key.k1, value ^ 0xa0761d6478bd642fULL) | 1);
}

inline std::uint64_t fast_hash(const HashKey& key, const IpAddress& address) {
  return fold(address.high() ^ key.k0, fold(address.low() ^ key.k1, 0xe7037ed1a0b428dbULL) | 1);
}

}  // namespace specular
