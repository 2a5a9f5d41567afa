#include "capture/receiver.h"

#include <doctest/doctest.h>

#include "tests/capture/flow/flow_driver.h"

namespace specular::test {

using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("time that runs back stands still, but not where another capture begins") {
  EpochClock clock;
  Timestamp begin{seconds(1'700'000'000)};
  CHECK(clock.enter(begin));
  CHECK(!clock.enter(begin - minutes(10)));
  clock.restart();
  CHECK(clock.enter(begin - minutes(10)));
  CHECK(clock.enter(begin - minutes(9)));
  CHECK(clock.discontinuities() == 0);
}

TEST_CASE("what an earlier capture waits for is given up in time, though a later one was told first") {
  FlowDriver flow;
  flow.pass(seconds(1));
  flow.open();
  CHECK(flow.flush().empty());
  flow.jump(-minutes(10));
  flow.open();
  flow.low(0, "hello");
  flow.low(10, "world");
  flow.pass(seconds(12));
  CHECK(flow.take() == "open by low; > 0 hello; > 5 lost 5; > 10 world");
}

}  // namespace specular::test
