#include "capture/link/rx_clock.h"

#include <doctest/doctest.h>

namespace specular::test {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp kNow{1'700'000'000s};

}  // namespace

TEST_CASE("rx clock: without an anchor the time of reading is all that is known") {
  RxClock clock;
  CHECK(clock.time_of(12'345, kNow) == kNow);
}

TEST_CASE("rx clock: stamps in nanoseconds since 1970 are times") {
  RxClock clock;
  auto stamp = [](Timestamp time) { return static_cast<std::uint64_t>(time.time_since_epoch().count()); };
  CHECK(clock.time_of(stamp(kNow - 30us), kNow) == kNow - 30us);
  CHECK(clock.time_of(stamp(kNow + 10us), kNow) == kNow);  // the two clocks differ a little
  CHECK(clock.time_of(stamp(kNow - 2h), kNow) == kNow);
  CHECK(clock.time_of(stamp(kNow + 2h), kNow) == kNow);
  CHECK(clock.time_of(~std::uint64_t{0}, kNow) == kNow);
}

TEST_CASE("rx clock: ticks are told by what the clock said before, once its speed is known") {
  RxClock clock;
  constexpr std::uint64_t kStart = 5'000'000'000;  // a clock of 250 MHz: four nanoseconds a tick
  clock.anchor(kStart, kNow);
  CHECK(clock.time_of(kStart + 250, kNow + 2us) == kNow + 2us);  // not known yet
  clock.anchor(kStart + 250'000, kNow + 1ms);                    // too soon to tell
  CHECK(clock.time_of(kStart + 250'250, kNow + 1ms + 2us) == kNow + 1ms + 2us);
  clock.anchor(kStart + 250'000'000, kNow + 1s);
  CHECK(clock.time_of(kStart + 250'000'000 + 250, kNow + 1s + 50us) == kNow + 1s + 1us);
  CHECK(clock.time_of(kStart + 250'000'000 - 250, kNow + 1s + 50us) == kNow + 1s - 1us);
  CHECK(clock.time_of(kStart + 250'000'000 + 250, kNow + 1s) == kNow + 1s);  // never after it was read
}

TEST_CASE("rx clock: what cannot be is not believed") {
  RxClock clock;
  clock.anchor(1'000, kNow);
  clock.anchor(1'001'000, kNow + 1s);
  Timestamp now = kNow + 1s;
  CHECK(clock.time_of(0, now) == now);          // more than a second ago
  CHECK(clock.time_of(3'000'000, now) == now);  // two seconds to come
  CHECK(clock.time_of(std::uint64_t{1} << 63, now) == now);
}

TEST_CASE("rx clock: a clock that was set back is learned anew") {
  RxClock clock;
  clock.anchor(1'000'000, kNow);
  clock.anchor(2'000'000, kNow + 1s);
  clock.anchor(500, kNow + 2s);  // the card was reset
  CHECK(clock.time_of(600, kNow + 2s + 200us) == kNow + 2s + 200us);
  clock.anchor(1'000'500, kNow + 3s);
  CHECK(clock.time_of(1'000'600, kNow + 3s + 200us) == kNow + 3s + 100us);
}

}  // namespace specular::test
