#include "capture/base/sha256.h"

#include <doctest/doctest.h>

namespace specular::test {
namespace {

std::string hex(const Digest& digest) {
  return to_hex(digest);
}

}  // namespace

TEST_CASE("SHA-256 gives the values of FIPS 180-4") {
  CHECK(hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex(sha256(as_bytes("abc"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("SHA-256 does not depend on where its input is cut") {
  std::string text(1000, 'a');
  for (std::size_t step : {1, 7, 63, 64, 65, 999}) {
    Sha256 hash;
    for (std::size_t at = 0; at < text.size(); at += step) hash.add(as_bytes(std::string_view(text).substr(at, step)));
    CHECK(hash.finish() == sha256(as_bytes(text)));
  }
}

TEST_CASE("a SHA-256 can be used again after it was finished") {
  Sha256 hash;
  hash.add(as_bytes("something else"));
  (void)hash.finish();
  hash.add(as_bytes("abc"));
  CHECK(hash.finish() == sha256(as_bytes("abc")));
  Sha256 moved(std::move(hash));
  CHECK(moved.finish() == sha256({}));
}

TEST_CASE("hex digits are small and two for each byte") {
  const std::uint8_t bytes[] = {0x00, 0x0f, 0xa0, 0xff};
  CHECK(to_hex(bytes) == "000fa0ff");
  CHECK(to_hex({}).empty());
}

}  // namespace specular::test
