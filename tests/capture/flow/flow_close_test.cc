// How streams end, and when connections are forgotten.
#include <doctest/doctest.h>

#include "tests/capture/flow/flow_driver.h"
#include "tests/capture/survives.h"

namespace specular::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A connection that has carried a byte each way, and is idle.
void talk(FlowDriver& flow) {
  flow.open();
  flow.low(0, "hello");
  flow.high(0, "world", 5);
}

// The sequence number that lies `distance` ahead of what the client would send next after talk().
void inject(FlowDriver& flow, std::int32_t distance, std::uint8_t flags, std::string_view text = {}) {
  flow.send(Side::low, {static_cast<std::uint32_t>(5 + distance), text, 5, flags});
}

}  // namespace

TEST_CASE("a connection whose sides have both ended is finished") {
  FlowDriver flow;
  talk(flow);
  flow.fin(Side::low, 5, 5);
  flow.fin(Side::high, 5, 6);
  flow.low(6, "", 6);
  CHECK(flow.take() == "open by low; > 0 hello; < 0 world; > fin; < fin; close finished");
  CHECK(flow.flush().empty());
}

TEST_CASE("a side that has ended does not end the other") {
  FlowDriver flow;
  flow.open();
  flow.fin(Side::low, 0, 0, "hello");
  CHECK(flow.take() == "open by low; > 0 hello; > fin");
  flow.high(0, "wor", 6);
  flow.pass(seconds(200));
  flow.high(3, "ld", 6);
  flow.fin(Side::high, 5, 6);
  CHECK(flow.take() == "< 0 world; < fin; close finished");
}

TEST_CASE("an end that comes early waits for the bytes before it") {
  FlowDriver flow;
  flow.open();
  flow.fin(Side::low, 5, 0, "world");
  flow.fin(Side::low, 10);
  CHECK(flow.take() == "open by low");
  flow.low(0, "hello");
  CHECK(flow.take() == "> 0 helloworld; > fin");
}

TEST_CASE("an end is told once however often it is sent") {
  FlowDriver flow;
  talk(flow);
  for (int i = 0; i < 3; ++i) flow.fin(Side::low, 5, 5);
  flow.fin(Side::low, 3, 5, "lo");
  CHECK(flow.take() == "open by low; > 0 hello; < 0 world; > fin");
}

TEST_CASE("bytes behind an end are no part of the stream") {
  FlowDriver flow;
  talk(flow);
  flow.fin(Side::low, 5, 5);
  flow.low(6, "behind", 5);
  flow.low(3, "lo+behind", 5);
  CHECK(flow.flush() == "open by low; > 0 hello; < 0 world; > fin; close ended");
}

TEST_CASE("a reset closes the connection") {
  for (Side side : {Side::low, Side::high}) {
    FlowDriver flow;
    talk(flow);
    flow.rst(side, 5);
    CHECK(flow.take() == "open by low; > 0 hello; < 0 world; close reset");
  }
}

TEST_CASE("a reset waits for the bytes before it") {
  FlowDriver flow;
  talk(flow);
  flow.rst(Side::low, 10);
  CHECK(flow.take() == "open by low; > 0 hello; < 0 world");
  flow.low(5, "again", 5);
  CHECK(flow.take() == "> 5 again; close reset");
}

TEST_CASE("a reset before which bytes were lost closes all the same") {
  FlowDriver flow;
  talk(flow);
  flow.rst(Side::low, 10);
  flow.pass(seconds(11));
  CHECK(flow.take() == "open by low; > 0 hello; < 0 world; > 5 lost 5; close reset");
}

TEST_CASE("a reset far out of the window is blind, and does nothing") {
  for (std::int32_t distance : {1 << 22, -(1 << 22), 1 << 30, -(1 << 30)}) {
    FlowDriver flow;
    talk(flow);
    inject(flow, distance, kRstFlag);
    flow.low(5, "again", 5);
    CHECK(flow.take() == "open by low; > 0 hello; < 0 world; > 5 again");
  }
}

TEST_CASE("segments as far away as numbers can be are survived, and do nothing") {
  constexpr std::int32_t kFarthest = std::numeric_limits<std::int32_t>::min();
  for (std::uint8_t flags : {kAckFlag, kRstFlag, std::uint8_t{kFinFlag | kAckFlag}}) {
    CAPTURE(static_cast<int>(flags));
    CHECK(survives([&] {
      FlowDriver flow;
      talk(flow);
      inject(flow, kFarthest, flags, flags == kRstFlag ? "" : "x");
      flow.low(5, "again", 5);
      return flow.take() == "open by low; > 0 hello; < 0 world; > 5 again";
    }));
  }
  CHECK(survives([] {
    FlowDriver flow;
    talk(flow);
    flow.ends.network = 1;
    inject(flow, kFarthest, kAckFlag, "x");
    return flow.take() != "";
  }));
}

TEST_CASE("what follows a reset that nobody obeyed is not lost") {
  FlowDriver flow;
  talk(flow);
  flow.rst(Side::low, 5);
  flow.take();
  flow.low(5, "again", 5);
  flow.high(5, "more", 10);
  CHECK(flow.take() == "open; > 0 again; < 0 more");
}

TEST_CASE("late copies of a closed connection's bytes and ends are not another one") {
  FlowDriver flow;
  talk(flow);
  flow.fin(Side::low, 5, 5);
  flow.fin(Side::high, 5, 6);
  flow.take();
  flow.low(0, "hello");
  flow.high(0, "world", 5);
  flow.fin(Side::low, 5, 5);
  flow.rst(Side::low, 6);
  CHECK(flow.flush().empty());
}

TEST_CASE("late copies of a closed connection's handshake do not open it again") {
  FlowDriver flow;
  talk(flow);
  flow.fin(Side::low, 5, 5);
  flow.fin(Side::high, 5, 6);
  flow.take();
  talk(flow);
  CHECK(flow.flush().empty());
}

TEST_CASE("nothing of a side is told after its end, though it was held before that came") {
  FlowDriver flow;
  talk(flow);
  flow.take();
  flow.low(7, "behind", 5);
  flow.fin(Side::low, 5, 5);
  CHECK(flow.flush() == "> fin; close ended");
}

TEST_CASE("a handshake that comes after its side's end brings no bytes behind it") {
  FlowDriver flow;
  flow.low(0, "hello", 1);
  flow.fin(Side::high, 1, 5);
  flow.take();
  flow.syn_ack("X", 5);
  CHECK(flow.flush() == "close ended");
}

TEST_CASE("a SYN with another number is another connection, whatever became of the first") {
  for (bool closed : {false, true}) {
    FlowDriver flow;
    flow.log.numbered = true;
    talk(flow);
    if (closed) flow.rst(Side::high, 5);
    flow.take();
    flow.ends.start[0] = 90'000'000;
    flow.ends.start[1] = 80'000'000;
    talk(flow);
    CHECK(flow.take() == std::string(closed ? "" : "1: close reused; ") + "2: open by low; 2: > 0 hello; 2: < 0 world");
  }
}

TEST_CASE("a SYN that nobody answers ends no connection") {
  FlowDriver flow;
  talk(flow);
  Ends real = flow.ends;
  for (Side side : {Side::low, Side::high}) {
    flow.ends.start[0] = 90'000'000;
    flow.ends.start[1] = 80'000'000;
    flow.send(side, {0, {}, 0, kSynFlag});
  }
  flow.ends = real;
  flow.low(5, "again", 5);
  flow.high(5, "indeed", 10);
  CHECK(flow.take() == "open by low; > 0 hello; < 0 world; > 5 again; < 5 indeed");
  CHECK(flow.flush() == "close ended");
}

TEST_CASE("ports are used again once the SYN is answered, or bytes follow it, on a mirror of one direction too") {
  for (std::uint32_t start : {90'000'000u, 1'000'000u}) {  // the latter as close as one stream's numbers
    for (int seen = 0; seen < 3; ++seen) {                 // the SYN/ACK, the ACK, the bytes alone
      FlowDriver flow;
      talk(flow);
      flow.take();
      flow.ends.start[0] = start;
      flow.ends.start[1] = 80'000'000;
      flow.syn();
      CHECK(flow.take().empty());
      if (seen == 0) flow.syn_ack();
      if (seen < 2) flow.low(0, "");
      CHECK(flow.take() == (seen < 2 ? "close reused" : ""));
      flow.low(0, "next");
      CHECK(flow.take() == std::string(seen < 2 ? "" : "close reused; ") + "open by low; > 0 next");
    }
  }
}

TEST_CASE("of a server alone the SYN/ACK and what follows it show that ports are used again") {
  FlowDriver flow;
  flow.syn_ack();
  flow.high(0, "world");
  flow.ends.start[0] = 90'000'000;
  flow.ends.start[1] = 80'000'000;
  flow.syn_ack();
  flow.high(0, "next");
  CHECK(flow.take() == "open by low; < 0 world; close reused; open by low; < 0 next");
}

TEST_CASE("of a closed connection's successor the SYN may be lost") {
  FlowDriver flow;
  talk(flow);
  flow.fin(Side::low, 5, 5);
  flow.fin(Side::high, 5, 6);
  flow.take();
  flow.ends.start[0] = 90'000'000;
  flow.ends.start[1] = 80'000'000;
  flow.low(0, "hello");
  flow.high(0, "world", 5);
  CHECK(flow.take() == "open; > 0 hello; < 0 world");
}

TEST_CASE("late segments of the connection before are stale, and no part of its successor") {
  FlowDriver flow;
  talk(flow);
  Packet late = flow.packet(Side::low, {5, "late", 5});
  Packet late_answer = flow.packet(Side::high, {5, "late", 5});
  flow.rst(Side::low, 5);
  flow.take();
  flow.ends.start[0] = 90'000'000;
  flow.ends.start[1] = 80'000'000;
  flow.syn();
  flow.raw(late_answer);
  flow.syn_ack();
  flow.raw(late);
  flow.low(0, "hello");
  flow.raw(late);
  flow.raw(late_answer);
  flow.high(0, "world", 5);
  CHECK(flow.take() == "open by low; > 0 hello; < 0 world");
  CHECK(flow.table().counters().stale.value() >= 3);
}

TEST_CASE("a SYN/ACK with another number than the first is not believed") {
  FlowDriver flow;
  flow.open();
  Packet injected = flow.packet(Side::high, {12345, {}, 0, kSynFlag | kAckFlag});
  flow.raw(injected);
  flow.low(0, "hello");
  flow.high(0, "world", 5);
  flow.raw(injected);
  flow.high(5, "!", 5);
  CHECK(flow.take() == "open by low; > 0 hello; < 0 world!");
}

TEST_CASE("segments far from what is expected are left out and counted") {
  FlowDriver flow;
  talk(flow);
  for (std::int32_t distance : {1 << 21, -(1 << 21), 1 << 28}) inject(flow, distance, kAckFlag, "evil");
  inject(flow, 1 << 28, kFinFlag | kAckFlag);
  flow.low(5, "good", 5);
  CHECK(flow.take() == "open by low; > 0 hello; < 0 world; > 5 good");
  CHECK(flow.table().counters().stale.value() >= 3);
}

TEST_CASE("many far segments in a row are another stream: the mirror was down for long") {
  FlowDriver flow;
  talk(flow);
  std::uint32_t far = 1 << 25;
  for (std::uint32_t i = 0; i < 100; ++i) flow.low(far + i * 4, "next", 5);
  std::string told = flow.take();
  CHECK(told.starts_with("open by low; > 0 hello; < 0 world; close reused; open; > 0 next"));
  CHECK(flow.log.bytes_seen() > 10 + 4 * 70);
}

TEST_CASE("far segments that are not in a row do not end a connection, however many there are") {
  FlowDriver flow;
  talk(flow);
  for (std::uint32_t i = 0; i < 100; ++i) {
    inject(flow, 1 << 28, kAckFlag, "evil");
    flow.low(5 + i, "+", 5);
  }
  CHECK(flow.take() == "open by low; > 0 hello; < 0 world; > 5 " + std::string(100, '+'));
}

TEST_CASE("a connection without packets for the idle time is closed, and not before") {
  FlowDriver flow;
  talk(flow);
  flow.take();
  flow.pass(seconds(299));
  CHECK(flow.take().empty());
  flow.pass(seconds(2));
  CHECK(flow.take() == "close idle");
  CHECK(flow.table().size() == 0);
}

TEST_CASE("every packet keeps its connection alive, also one without bytes") {
  FlowDriver flow;
  set(flow.options.idle, 60);
  talk(flow);
  flow.take();
  for (int i = 0; i < 20; ++i) {
    flow.pass(seconds(50));
    flow.send(i % 2 == 0 ? Side::low : Side::high, {5, {}, 5});
  }
  CHECK(flow.take().empty());
  flow.pass(seconds(62));
  CHECK(flow.take() == "close idle");
}

TEST_CASE("the shortest idle time is kept to as well") {
  FlowDriver flow;
  set(flow.options.idle, 2);
  talk(flow);
  flow.take();
  flow.pass(seconds(1));
  CHECK(flow.take().empty());
  flow.pass(seconds(3));
  CHECK(flow.take() == "close idle");
}

TEST_CASE("a connection that never carried a byte is forgotten sooner") {
  FlowDriver flow;
  flow.open();
  flow.pass(seconds(9));
  CHECK(flow.table().size() == 1);
  flow.pass(seconds(3));
  CHECK(flow.table().size() == 0);
  CHECK(flow.take().empty());
}

TEST_CASE("a closed connection is remembered for a while, and no longer") {
  FlowDriver flow;
  set(flow.options.linger, 20);
  talk(flow);
  flow.rst(Side::low, 5);
  flow.take();
  flow.pass(seconds(18));
  CHECK(flow.table().size() == 1);
  flow.low(0, "hello");
  CHECK(flow.take().empty());
  flow.pass(seconds(25));
  CHECK(flow.table().size() == 0);
}

TEST_CASE("time that jumps by hours expires nothing, in either direction") {
  for (Duration jump : {Duration(hours(5)), Duration(-hours(5)), Duration(hours(24 * 365))}) {
    FlowDriver flow;
    talk(flow);
    flow.take();
    flow.jump(jump);
    CHECK(flow.take().empty());
    flow.low(5, "again", 5);
    CHECK(flow.take() == "> 5 again");
    flow.pass(seconds(302));
    CHECK(flow.take() == "close idle");
  }
}

TEST_CASE("time that runs back a little stands still") {
  FlowDriver flow;
  talk(flow);
  flow.take();
  flow.jump(-seconds(30));
  flow.low(5, "again", 5);
  flow.jump(seconds(20));
  CHECK(flow.take() == "> 5 again");
  flow.pass(seconds(315));
  CHECK(flow.take() == "close idle");
}

TEST_CASE("times that only a damaged capture has are survived") {
  for (Timestamp time : {kLatest, kEarliest, kLatest - seconds(1)}) {
    CHECK(survives([&] {
      FlowDriver flow;
      talk(flow);
      Packet packet = flow.packet(Side::low, {10, "held", 5});
      packet.time = time;
      flow.table().advance(time);
      flow.raw(packet);
      flow.pass(seconds(1));
      flow.flush();
    }));
  }
}

TEST_CASE("a full table gives up connections without bytes first") {
  FlowDriver flow;
  set(flow.options.max_flows, 64);
  flow.log.numbered = true;
  for (std::uint16_t port = 1; port <= 8; ++port) {
    flow.ends.client_port = port;
    talk(flow);
  }
  flow.take();
  for (std::uint16_t port = 1000; port < 3000; ++port) {
    flow.ends.client_port = port;
    flow.syn();
    CHECK(flow.table().size() <= 64);
  }
  CHECK(flow.take().empty());
  CHECK(flow.table().counters().evicted.value() == 2000 - 56);
  flow.ends.client_port = 5;
  flow.low(5, "again", 5);
  CHECK(flow.take() == "5: > 5 again");
}

TEST_CASE("a table full of connections with bytes gives up the least active, and says so") {
  FlowDriver flow;
  set(flow.options.max_flows, 64);
  flow.log.numbered = true;
  for (std::uint16_t port = 1; port <= 64; ++port) {
    flow.ends.client_port = port;
    talk(flow);
  }
  flow.pass(seconds(100));
  for (std::uint16_t port = 1; port <= 4; ++port) {
    flow.ends.client_port = port;
    flow.low(5, "active", 5);
  }
  flow.take();
  for (std::uint16_t port = 1000; port < 1030; ++port) {
    flow.ends.client_port = port;
    talk(flow);
  }
  std::string told = flow.take();
  for (const char* active : {" 1: close", " 2: close", " 3: close", " 4: close"}) {
    CHECK(told.find(active) == std::string::npos);
  }
  CHECK(told.find("close evicted") != std::string::npos);
  CHECK(flow.table().size() <= 64);
  CHECK(flow.table().counters().evicted.value() == 30);
  flow.flush();
}

TEST_CASE("numbers of closed flows are used again, so that they stay dense") {
  FlowDriver flow;
  for (std::uint16_t port = 1; port <= 1000; ++port) {
    flow.ends.client_port = port;
    talk(flow);
    flow.rst(Side::low, 5);
  }
  std::uint32_t highest = 0;
  for (const FlowInfo& info : flow.log.opened) highest = std::max(highest, static_cast<std::uint32_t>(info.id));
  CHECK(highest == 0);
}

TEST_CASE("the end of the capture closes what is open, and forgets everything") {
  FlowDriver flow;
  for (std::uint16_t port = 1; port <= 10; ++port) {
    flow.ends.client_port = port;
    talk(flow);
  }
  flow.take();
  std::string told = flow.flush();
  CHECK(flow.log.totals.size() == 10);
  CHECK(told.starts_with("close ended; close ended"));
  flow.ends.client_port = 3;
  flow.low(5, "again", 5);
  CHECK(flow.take() == "open; > 0 again");
}

}  // namespace specular::test
