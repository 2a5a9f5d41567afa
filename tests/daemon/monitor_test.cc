#include "daemon/monitor.h"

#include <doctest/doctest.h>

namespace specular::test {
namespace {

using namespace std::chrono_literals;

struct Watched {
  HealthOptions options;
  Monitor monitor{options};
  Monitor::Clock::time_point now{1h};
  Totals totals;
  std::uint64_t folder_frames = 0;  // a second

  // That many seconds with so much in each.
  void pass(int seconds, const Totals& each) {
    for (int i = 0; i < seconds; ++i) {
      totals.frames += each.frames + folder_frames;
      totals.live_frames += each.frames;
      totals.wire_bytes += each.wire_bytes;
      totals.transactions += each.transactions;
      totals.lost += each.lost;
      totals.shed += each.shed;
      monitor.add(now += 1s, totals);
    }
  }
};

}  // namespace

TEST_CASE("rates are those of the last ten seconds") {
  Watched watched;
  CHECK(watched.monitor.rates().frames == 0);
  watched.pass(60, {100, 10'000, 5, 0, 0, 0});
  CHECK(watched.monitor.rates().frames == doctest::Approx(100));
  CHECK(watched.monitor.rates().bits == doctest::Approx(80'000));
  CHECK(watched.monitor.rates().transactions == doctest::Approx(5));
  watched.pass(10, {300, 0, 0, 0, 30, 6});
  CHECK(watched.monitor.rates().frames == doctest::Approx(300));
  CHECK(watched.monitor.rates().lost == doctest::Approx(30));
  CHECK(watched.monitor.rates().shed == doctest::Approx(6));
  CHECK(watched.monitor.rates().bits == doctest::Approx(0));
}

TEST_CASE("loss counts only when it lasts") {
  Watched watched;
  watched.pass(30, {0, 0, 0, 0, 100, 0});
  CHECK(watched.monitor.loss_percent() == 0);  // the window is not full yet
  watched.pass(40, {900, 0, 0, 0, 100, 0});
  CHECK(watched.monitor.loss_percent() > 10);
  watched.pass(70, {1000, 0, 0, 0, 0, 0});
  CHECK(watched.monitor.loss_percent() == 0);
  watched.folder_frames = 1'000'000;  // a capture that is read meanwhile hides nothing
  watched.pass(61, {900, 0, 0, 0, 100, 90});
  CHECK(watched.monitor.loss_percent() == doctest::Approx(19));
}

}  // namespace specular::test
