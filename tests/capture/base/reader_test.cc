#include "capture/base/reader.h"

#include <doctest/doctest.h>

namespace specular::test {
namespace {

const std::uint8_t kBytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

}  // namespace

TEST_CASE("a reader takes numbers in network order, one after the other") {
  Reader r{Bytes(kBytes)};
  CHECK(r.u8() == 1);
  CHECK(r.u16() == 0x0203);
  CHECK(r.u24() == 0x040506);
  CHECK(r.u32() == 0x0708090a);
  CHECK(r.left() == 0);
  CHECK(r.offset() == 10);
  CHECK(!r.bad());
}

TEST_CASE("a read past the end is zero and makes the reader bad for good") {
  Reader r{Bytes(kBytes, 3)};
  CHECK(r.u32() == 0);
  CHECK(r.bad());
  CHECK(r.left() == 0);
  CHECK(r.u8() == 0);
  CHECK(r.bad());
  CHECK(r.rest().empty());
}

TEST_CASE("taking more than there is takes nothing") {
  Reader r{Bytes(kBytes)};
  CHECK(r.take(4).size() == 4);
  CHECK(r.take(7).empty());
  CHECK(r.bad());
  Reader s{Bytes(kBytes)};
  s.skip(10);
  CHECK(!s.bad());
  CHECK(s.take(0).empty());
  CHECK(!s.bad());
  s.skip(1);
  CHECK(s.bad());
}

TEST_CASE("a limit cuts what follows off and never lets a view grow") {
  Reader r{Bytes(kBytes, 6)};
  r.skip(2);
  r.limit(3);
  CHECK(r.left() == 3);
  CHECK(r.rest()[0] == 3);
  r.limit(100);
  CHECK(r.left() == 3);
  r.limit(0);
  CHECK(r.u8() == 0);
  CHECK(r.bad());
}

}  // namespace specular::test
