#include "capture/base/hash.h"

#include <bit>
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

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void rounds(int count) {
    for (int i = 0; i < count; ++i) {
      v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
      v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
      v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
      v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
    }
  }

  void absorb(std::uint64_t word) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
};

}  // namespace

HashKey HashKey::random() {
  HashKey key;
  std::uint64_t words[2];
  // Sixteen bytes never come in parts (getrandom(2)); should the call be missing, the fixed key stays.
  if (getrandom(words, sizeof words, 0) == static_cast<ssize_t>(sizeof words)) key = {words[0], words[1]};
  return key;
}

std::uint64_t siphash(const HashKey& key, Bytes bytes) {
  SipState state{key.k0 ^ 0x736f6d6570736575ULL, key.k1 ^ 0x646f72616e646f6dULL, key.k0 ^ 0x6c7967656e657261ULL,
                 key.k1 ^ 0x7465646279746573ULL};
  std::size_t whole = bytes.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) state.absorb(load_eight(bytes.data() + i));
  state.absorb(load_little(bytes.data() + whole, bytes.size() - whole) | static_cast<std::uint64_t>(bytes.size())
                                                                             << 56);
  state.v2 ^= 0xff;
  state.rounds(4);
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
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
