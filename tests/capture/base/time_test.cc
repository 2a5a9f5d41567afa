#include "capture/base/time.h"

#include <doctest/doctest.h>

#include "tests/capture/survives.h"

namespace specular::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// What a text means, as nanoseconds since 1970; an impossible value if it is refused.
std::int64_t parsed(std::string_view text) {
  auto time = parse_rfc3339(text);
  return time ? time->time_since_epoch().count() : -77;
}

bool refused(std::string_view text) {
  return !parse_rfc3339(text);
}

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

TEST_CASE("a time prints as RFC 3339 in UTC with nine digits") {
  CHECK(to_rfc3339(Timestamp(seconds(0))) == "1970-01-01T00:00:00.000000000Z");
  CHECK(to_rfc3339(Timestamp(seconds(1772524800))) == "2026-03-03T08:00:00.000000000Z");
  CHECK(to_rfc3339(Timestamp(seconds(1772524800) + nanoseconds(7))) == "2026-03-03T08:00:00.000000007Z");
  CHECK(to_rfc3339(Timestamp(seconds(951782400) - nanoseconds(1))) == "2000-02-28T23:59:59.999999999Z");
  CHECK(to_rfc3339(Timestamp(seconds(951782400))) == "2000-02-29T00:00:00.000000000Z");
}

TEST_CASE("a time before 1970 prints as what it is") {
  CHECK(to_rfc3339(Timestamp(nanoseconds(-1))) == "1969-12-31T23:59:59.999999999Z");
  CHECK(to_rfc3339(Timestamp(-hours(24))) == "1969-12-31T00:00:00.000000000Z");
  CHECK(to_rfc3339(Timestamp(-seconds(1) - milliseconds(500))) == "1969-12-31T23:59:58.500000000Z");
}

TEST_CASE("RFC 3339 times are read with any number of fractional digits up to nine") {
  CHECK(parsed("1970-01-01T00:00:00Z") == 0);
  CHECK(parsed("1970-01-01T00:00:01.5Z") == kSecond * 3 / 2);
  CHECK(parsed("1970-01-01T00:00:00.000000001Z") == 1);
  CHECK(parsed("1970-01-01T00:00:00.123456789Z") == 123456789);
  CHECK(parsed("2026-03-03T08:00:00Z") == 1772524800 * kSecond);
  CHECK(parsed("1969-12-31T23:59:59.999999999Z") == -1);
}

TEST_CASE("RFC 3339 times are read with any offset") {
  CHECK(parsed("1970-01-01T01:00:00+01:00") == 0);
  CHECK(parsed("1970-01-01T00:00:00-00:30") == 1800 * kSecond);
  CHECK(parsed("1969-12-31T18:15:00-05:45") == 0);
  CHECK(parsed("1970-01-01T23:59:00+23:59") == 0);
  CHECK(parsed("1970-01-01T00:00:00-00:00") == 0);
  CHECK(parsed("1970-01-02T00:00:00.25+24:00") == -77);
  CHECK(refused("1970-01-01T00:00:00+01:60"));
  CHECK(refused("1970-01-01T00:00:00+0100"));
  CHECK(refused("1970-01-01T00:00:00+1:00"));
}

TEST_CASE("the letters of RFC 3339 may be small, and a date alone is its midnight") {
  CHECK(parsed("1970-01-02t00:00:00z") == 86400 * kSecond);
  CHECK(parsed("1970-01-02") == 86400 * kSecond);
  CHECK(parsed("2024-02-29") == 1709164800 * kSecond);
}

TEST_CASE("dates and clocks out of range are refused") {
  for (const char* text : {"2023-02-29", "1900-02-29", "2026-13-01", "2026-00-01", "2026-04-31", "2026-01-00",
                           "2026-01-32", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z"}) {
    CAPTURE(std::string(text));
    CHECK(refused(text));
  }
  CHECK(parsed("2000-02-29") == 951782400 * kSecond);
  CHECK(parsed("2016-12-31T23:59:60Z") == 1483228800 * kSecond);  // a leap second is the next one
}

TEST_CASE("what is no RFC 3339 time is refused with one line that quotes it") {
  for (const char* text : {"", "now", "2026", "2026-1-1", "2026-01-01T", "2026-01-01T00:00:00", "2026-01-01T00:00Z",
                           "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00Zx", " 2026-01-01",
                           "2026-01-01 ", "+026-01-01", "2026-01-01T-1:00:00Z", "20260101T000000Z", "1772524800"}) {
    CAPTURE(std::string(text));
    auto time = parse_rfc3339(text);
    REQUIRE(!time);
    CHECK(time.error().kind == ErrorKind::invalid);
    CHECK(time.error().text.find(text) != std::string::npos);
    CHECK(time.error().text.find('\n') == std::string::npos);
  }
}

TEST_CASE("what 64 bits of nanoseconds do not hold is refused, not wrapped") {
  CHECK(refused("0000-01-01"));
  CHECK(refused("1600-01-01"));
  CHECK(refused("9999-12-31"));
  CHECK(refused("2263-01-01"));
  CHECK(parsed("2261-12-31T23:59:59Z") > 0);
  CHECK(parsed("1678-01-02") < 0);
}

TEST_CASE("printing and reading a time are each other's inverse") {
  for (std::int64_t ns : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{999'999'999}, 1772524800 * kSecond + 123,
                          std::int64_t{-5'000'000'000'000'000'001}, std::int64_t{8'000'000'000'000'000'000}}) {
    CHECK(parsed(to_rfc3339(Timestamp(nanoseconds(ns)))) == ns);
  }
}

TEST_CASE("an epoch is the second that contains a time, before 1970 too") {
  CHECK(epoch_of(Timestamp(nanoseconds(0))) == 0);
  CHECK(epoch_of(Timestamp(nanoseconds(kSecond - 1))) == 0);
  CHECK(epoch_of(Timestamp(nanoseconds(kSecond))) == 1);
  CHECK(epoch_of(Timestamp(nanoseconds(-1))) == -1);
  CHECK(epoch_of(Timestamp(nanoseconds(-kSecond))) == -1);
  CHECK(epoch_of(Timestamp(nanoseconds(-kSecond - 1))) == -2);
  for (std::int64_t ns : {std::int64_t{-3'999'999'999}, std::int64_t{-3}, std::int64_t{3}, 5 * kSecond}) {
    Timestamp time{nanoseconds(ns)};
    CHECK(start_of(epoch_of(time)) <= time);
    CHECK(start_of(epoch_of(time) + 1) > time);
  }
}

TEST_CASE("the earliest and the latest time that a capture can hold have an epoch") {
  CHECK(epoch_of(kLatest) == 4'611'686'018);
  CHECK(epoch_of(kEarliest) == -2'305'843'010);
}

TEST_CASE("the earliest and the latest time that a capture can hold can be printed") {
  CHECK(to_rfc3339(kLatest) == "2116-02-20T23:53:38.427387903Z");
  CHECK(to_rfc3339(kEarliest) == "1896-12-06T00:03:10.786306048Z");
}

}  // namespace specular::test
