#include "daemon/overload.h"

#include <doctest/doctest.h>

namespace specular::test {
namespace {

using namespace std::chrono_literals;

// A sensor that can look at `capacity` of what comes in each interval; what is too much waits, and past `ring` is lost.
struct SimulatedSensor {
  double capacity, ring;
  LoadGovernor governor;
  LoadGovernor::Clock::time_point now{};
  double waiting = 0, lost = 0, looked_at = 0;

  // Plays so much time of a load in which `offered` comes in each interval.
  void play(double offered, Duration time) {
    for (Duration passed{}; passed < time; passed += LoadGovernor::kInterval) {
      now += LoadGovernor::kInterval;
      // What is shed costs a twentieth of what is looked at.
      double share = governor.share(), cost = share + (1 - share) / 20;
      waiting += offered;
      double done = std::min(waiting, capacity / cost);
      waiting -= done;
      looked_at += done * share;
      double too_many = std::max(0.0, waiting - ring);
      waiting -= too_many;
      lost += too_many;
      Pressure pressure;
      pressure.lag = Duration(static_cast<std::int64_t>(waiting / offered * 1e8));
      pressure.dropped = static_cast<std::uint64_t>(too_many);
      governor.look(now, pressure);
    }
  }
};

}  // namespace

TEST_CASE("a load that fits is looked at whole") {
  SimulatedSensor sensor{1000, 10'000, {}};
  sensor.play(900, 60s);
  CHECK(sensor.governor.share() == 1);
  CHECK(sensor.lost == 0);
}

TEST_CASE("at four times what it can do, most of its capacity goes into whole flows, and little is lost unasked") {
  SimulatedSensor sensor{1000, 30'000, {}};
  sensor.play(4000, 20s);  // to settle
  sensor.lost = sensor.looked_at = 0;
  sensor.play(4000, 120s);
  CHECK(sensor.governor.share() < 0.3);
  CHECK(sensor.governor.share() > 0.05);
  CHECK(sensor.lost < 0.01 * 4000 * 1200);
  CHECK(sensor.looked_at > 0.6 * 1000 * 1200);
}

TEST_CASE("afterwards all is looked at again, within a minute") {
  SimulatedSensor sensor{1000, 30'000, {}};
  sensor.play(4000, 60s);
  REQUIRE(sensor.governor.share() < 1);
  sensor.play(500, 60s);
  CHECK(sensor.governor.share() == 1);
}

TEST_CASE("losses, a full queue and full memory are overload too; it never gives up everything") {
  auto share_under = [](const Pressure& pressure) {
    LoadGovernor governor;
    LoadGovernor::Clock::time_point now{};
    for (int i = 0; i < 1000; ++i) governor.look(now += LoadGovernor::kInterval, pressure);
    return governor.share();
  };
  CHECK(share_under({0ms, 1, 0, 0}) == LoadGovernor::kLeast);
  CHECK(share_under({0ms, 0, 0.8, 0}) == LoadGovernor::kLeast);
  CHECK(share_under({0ms, 0, 0, 0.96}) == LoadGovernor::kLeast);
  CHECK(share_under({50ms, 0, 0.5, 0.9}) == 1);
}

TEST_CASE("a backlog that shrinks is not cut again") {
  LoadGovernor governor;
  LoadGovernor::Clock::time_point now{std::chrono::hours(1)};
  governor.look(now += 100ms, {2000ms, 0, 0, 0});
  double cut = governor.share();
  CHECK(cut < 1);
  for (Duration lag = 1900ms; lag > 500ms; lag -= 100ms) governor.look(now += 100ms, {lag, 0, 0, 0});
  CHECK(governor.share() == cut);
}

}  // namespace specular::test
