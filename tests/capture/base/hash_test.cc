#include "capture/base/hash.h"

#include <numeric>
#include <set>
#include <vector>

#include <doctest/doctest.h>

namespace specular::test {
namespace {

std::vector<std::uint8_t> counting(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return bytes;
}

// Key 00 01 ... 0f, as in the paper's appendix and the reference implementation's test vectors.
constexpr HashKey kKey{0x243f6a8885a308d3ULL, 0x13198a2e03707344ULL};

}  // namespace

TEST_CASE("the fast hash depends on every bit of its input") {
  for (std::size_t size = 1; size <= 70; ++size) {
    auto bytes = counting(size);
    std::uint64_t before = fast_hash(kKey, Bytes(bytes));
    for (std::size_t bit = 0; bit < size * 8; ++bit) {
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1u << (bit % 8)));
      if (fast_hash(kKey, Bytes(bytes)) == before) FAIL_CHECK("bit " << bit << " of " << size << " bytes");
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1u << (bit % 8)));
    }
  }
}

TEST_CASE("the fast hash depends on the length, also of zeros") {
  std::set<std::uint64_t> seen;
  std::vector<std::uint8_t> zeros(64);
  for (std::size_t size = 0; size <= zeros.size(); ++size) seen.insert(fast_hash(kKey, Bytes(zeros).first(size)));
  CHECK(seen.size() == zeros.size() + 1);
}

TEST_CASE("each fast hash depends on both halves of the key") {
  auto bytes = counting(37);
  auto address = IpAddress::parse("2001:db8::1").value();
  HashKey other0 = kKey, other1 = kKey;
  other0.k0 ^= 1;
  other1.k1 ^= 1;
  for (const HashKey& other : {other0, other1}) {
    CHECK(fast_hash(kKey, Bytes(bytes)) != fast_hash(other, Bytes(bytes)));
    CHECK(fast_hash(kKey, Bytes(bytes).first(3)) != fast_hash(other, Bytes(bytes).first(3)));
    CHECK(fast_hash(kKey, 42) != fast_hash(other, 42));
    CHECK(fast_hash(kKey, address) != fast_hash(other, address));
  }
}

TEST_CASE("the fast hash of an address depends on each of its bits") {
  std::uint8_t raw[16] = {0x20, 0x01, 0x0d, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  std::set<std::uint64_t> seen{fast_hash(kKey, IpAddress::v6(raw))};
  for (std::size_t bit = 0; bit < 128; ++bit) {
    raw[bit / 8] = static_cast<std::uint8_t>(raw[bit / 8] ^ (1u << (bit % 8)));
    seen.insert(fast_hash(kKey, IpAddress::v6(raw)));
    raw[bit / 8] = static_cast<std::uint8_t>(raw[bit / 8] ^ (1u << (bit % 8)));
  }
  CHECK(seen.size() == 129);
}

TEST_CASE("hashes of neighbouring numbers fill the low bits that a table looks at") {
  std::set<std::uint64_t> slots;
  for (std::uint64_t value = 0; value < 4096; ++value) slots.insert(fast_hash(kKey, value) % 4096);
  CHECK(slots.size() > 4096 / 2);  // about 63 % for a random function
}

TEST_CASE("the fixed key makes runs comparable, and random keys differ") {
  CHECK(HashKey{}.k0 == HashKey{}.k0);
  HashKey a = HashKey::random(), b = HashKey::random();
  CHECK((a.k0 != b.k0 || a.k1 != b.k1));
  CHECK((a.k0 != HashKey{}.k0 || a.k1 != HashKey{}.k1));
}

}  // namespace specular::test
