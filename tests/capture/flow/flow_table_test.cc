// Segments into streams: order, overlaps, where a stream begins. Losses, ends and second mirrors have files of their
// own.
#include "capture/flow/flow_table.h"

#include <algorithm>
#include <array>

#include <doctest/doctest.h>

#include "tests/capture/flow/flow_driver.h"
#include "tests/capture/survives.h"

namespace specular::test {

using std::chrono::milliseconds;

TEST_CASE("bytes of both sides are told as they come, after an open that says who began") {
  FlowDriver flow;
  flow.open();
  CHECK(flow.take().empty());
  flow.low(0, "hello");
  flow.high(0, "world", 5);
  flow.low(5, "again", 5);
  CHECK(flow.take() == "open by low; > 0 hello; < 0 world; > 5 again");
  CHECK(flow.table().counters().opened.value() == 1);
  CHECK(flow.flush() == "close ended");
}

TEST_CASE("a mere handshake is nobody's stream, nor is one that ends without a byte") {
  FlowDriver flow;
  flow.open();
  CHECK(flow.table().size() == 1);
  flow.fin(Side::low, 0);
  flow.fin(Side::high, 0, 1);
  CHECK(flow.take().empty());
  CHECK(flow.flush().empty());
  FlowDriver refused;
  refused.syn();
  refused.send(Side::high, {0, {}, 0, kRstFlag | kAckFlag});
  CHECK(refused.flush().empty());
  CHECK(refused.table().counters().opened.value() == 0);
}

TEST_CASE("what a flow is, is told when it opens: ends, tunnel, who began, and the time of its first bytes") {
  FlowDriver flow;
  flow.ends.network = 3;
  flow.open();
  flow.pass(milliseconds(50));
  flow.low(0, "hello");
  REQUIRE(flow.log.opened.size() == 1);
  const FlowInfo& info = flow.log.opened[0];
  CHECK(info.key.low().text() == "10.0.0.1:40000");
  CHECK(info.key.high().text() == "10.0.0.2:80");
  CHECK(info.key.network == NetworkId{3});
  CHECK(info.tunnel == TunnelId{3});
  CHECK(info.initiator == Side::low);
  CHECK(info.opened == flow.now());
}

TEST_CASE("the side that sends the SYN is the initiator, whichever address sorts first") {
  FlowDriver flow;
  flow.send(Side::high, {0, {}, 0, kSynFlag});
  flow.send(Side::low, {0, {}, 0, kSynFlag | kAckFlag});
  flow.high(0, "hello");
  CHECK(flow.take() == "open by high; < 0 hello");
  FlowDriver answer_only;
  answer_only.syn_ack();
  answer_only.low(0, "hello");
  CHECK(answer_only.take() == "open by low; > 0 hello");
}

TEST_CASE("segments of one side in any order give its stream") {
  std::array<std::uint32_t, 5> order{0, 1, 2, 3, 4};
  do {
    FlowDriver flow;
    flow.open();
    for (std::uint32_t part : order) flow.low(part * 3, std::string_view("aaabbbcccdddeee").substr(part * 3, 3));
    CHECK(flow.take() == "open by low; > 0 aaabbbcccdddeee");
    CHECK(flow.table().bytes_held() == 0);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("what is ahead of its turn is held and counted, and told when the hole before it is filled") {
  FlowDriver flow;
  flow.open();
  flow.low(5, "world");
  flow.low(10, "!");
  CHECK(flow.take() == "open by low");
  CHECK(flow.table().bytes_held() > 0);
  CHECK(flow.table().counters().out_of_order.value() == 2);
  flow.low(0, "hello");
  CHECK(flow.take() == "> 0 helloworld!");
  CHECK(flow.table().bytes_held() == 0);
}

TEST_CASE("repeated segments bring nothing, and are counted") {
  FlowDriver flow;
  flow.open();
  flow.low(0, "hello");
  flow.low(5, "world");
  flow.low(0, "hello");
  flow.low(5, "world");
  flow.low(3, "lowo");
  flow.low(0, "helloworld");
  CHECK(flow.take() == "open by low; > 0 helloworld");
  CHECK(flow.table().counters().repeated.value() == 4);
  CHECK(flow.table().counters().conflicts.value() == 0);
}

TEST_CASE("of an overlapping segment only what is new is told") {
  FlowDriver flow;
  flow.open();
  flow.low(0, "hello");
  flow.low(3, "XXworld");
  CHECK(flow.take() == "open by low; > 0 helloworld");
  flow.low(20, "held");
  flow.low(15, "12345XX");
  flow.low(10, "abcdeXXXXXXXXXX");
  CHECK(flow.take() == "> 10 abcde12345heldX");
  CHECK(flow.take().empty());
}

TEST_CASE("of different copies the first is believed, and the difference counted while both are at hand") {
  FlowDriver flow;
  flow.open();
  flow.low(5, "GOOD");
  flow.low(5, "EVIL");
  flow.low(3, "..GOOD");
  flow.low(3, "..GOOD");
  CHECK(flow.table().counters().conflicts.value() == 1);
  flow.low(0, "abc??EVIL");
  CHECK(flow.table().counters().conflicts.value() == 2);
  CHECK(flow.take() == "open by low; > 0 abc..GOOD");
}

TEST_CASE("a retransmission with more than the first copy brings the rest") {
  FlowDriver flow;
  flow.open();
  flow.low(0, "hel");
  flow.low(0, "hello world");
  CHECK(flow.take() == "open by low; > 0 hello world");
}

TEST_CASE("streams go on around the end of the sequence numbers, in order and out of it") {
  for (std::uint32_t start : {0xfffffff0u, 0xfffffffeu, 0xffffffffu, 0x7ffffffau, 0x80000000u}) {
    CAPTURE(start);
    FlowDriver flow;
    flow.ends.start[0] = start;
    flow.open();
    flow.low(0, "aaaaaaaa");
    flow.low(16, "cccccccc");
    flow.low(24, "dddddddd");
    flow.low(8, "bbbbbbbb");
    flow.low(0, "aaaaaaaabbbb");
    flow.high(0, "answer", 32);
    CHECK(flow.take() == "open by low; > 0 aaaaaaaabbbbbbbbccccccccdddddddd; < 0 answer");
    CHECK(flow.table().counters().stale.value() == 0);
  }
}

TEST_CASE("a stream of many times the size of the sequence window stays one") {
  FlowDriver flow;
  flow.ends.start[0] = 0xfff00000;
  flow.open();
  std::string block(60'000, 'x');
  for (std::uint32_t i = 0; i < 300; ++i) flow.low(i * 60'000, block);
  CHECK(flow.log.open_count() == 1);
  CHECK(flow.log.bytes_seen() == 300 * 60'000);
}

TEST_CASE("a connection joined in its middle begins with what comes first") {
  FlowDriver flow;
  flow.low(500, "hello", 700);
  flow.high(700, "world", 505);
  CHECK(flow.take() == "open; > 0 hello; < 0 world");
  CHECK(!flow.log.opened[0].initiator);
}

TEST_CASE("joined in the middle, an acknowledgement says where the other side is, also if its segments are swapped") {
  FlowDriver flow;
  flow.high(0, "", 500);
  flow.low(505, "world");
  flow.low(500, "hello");
  CHECK(flow.take() == "open; > 0 helloworld");
}

TEST_CASE("a mirror of one direction gives that direction at once") {
  FlowDriver flow;
  flow.syn();
  flow.low(0, "", 0);
  flow.low(0, "first", 0);
  flow.low(5, "second", 1000);
  flow.low(11, "third", 2000);
  CHECK(flow.take() == "open by low; > 0 firstsecondthird");
  flow.flush();
  CHECK((flow.log.totals[0].seen[0] && !flow.log.totals[0].seen[1]));
}

TEST_CASE("data that overtakes the SYN/ACK is no loss and comes once") {
  FlowDriver flow;
  flow.syn();
  flow.low(0, "hello");
  flow.high(0, "wor", 5);
  flow.high(3, "ld", 5);
  flow.syn_ack();
  flow.high(5, "!", 5);
  CHECK(flow.flush() == "open by low; > 0 hello; < 0 world!; close ended");
}

TEST_CASE("data that overtakes its own SYN is no loss and comes once") {
  FlowDriver flow;
  flow.low(0, "hello");
  flow.syn();
  flow.syn_ack();
  flow.low(5, "world");
  CHECK(flow.take() == "open; > 0 helloworld");
  CHECK(flow.flush() == "close ended");
}

TEST_CASE("swapped data that overtakes the SYN/ACK is put in order by it") {
  FlowDriver flow;
  flow.syn();
  flow.low(0, "hello");
  flow.high(3, "ld", 5);
  flow.syn_ack();
  flow.high(0, "wor", 5);
  CHECK(flow.take() == "open by low; > 0 hello; < 0 world");
}

TEST_CASE("handshakes that are repeated, or come late, begin nothing anew") {
  FlowDriver flow;
  flow.syn();
  flow.syn();
  flow.syn_ack();
  flow.low(0, "hello");
  flow.syn_ack();
  flow.syn();
  flow.high(0, "world", 5);
  flow.syn_ack();
  CHECK(flow.flush() == "open by low; > 0 hello; < 0 world; close ended");
}

TEST_CASE("keep-alive probes and their answers are no bytes") {
  FlowDriver flow;
  flow.open();
  flow.low(0, "hello");
  flow.high(0, "world", 5);
  for (std::string_view garbage : {"", "X"}) {
    flow.low(4, garbage, 5);
    flow.high(5, "", 5);
    flow.high(4, garbage, 5);
    flow.low(5, "", 5);
  }
  flow.low(5, "!", 5);
  CHECK(flow.flush() == "open by low; > 0 hello; < 0 world; > 5 !; close ended");
  CHECK(flow.table().counters().conflicts.value() == 0);
}

TEST_CASE("a handshake may carry data") {
  FlowDriver flow;
  flow.syn("hello");
  flow.syn_ack("wor", 5);
  flow.low(5, "!", 3);
  flow.high(3, "ld", 6);
  CHECK(flow.take() == "open by low; > 0 hello; < 0 wor; > 5 !; < 3 ld");
}

TEST_CASE("data of a handshake that was not accepted is sent again and comes once") {
  FlowDriver flow;
  flow.syn("hello");
  flow.syn_ack();
  flow.low(0, "hello");
  flow.high(0, "world", 5);
  CHECK(flow.take() == "open by low; > 0 hello; < 0 world");
}

TEST_CASE("the urgent byte is left out of the stream, wherever it stands") {
  for (auto [urgent, expected] : {std::pair{std::uint16_t{1}, "> 1 ello"},
                                  {std::uint16_t{3}, "> 0 he; > 3 lo"},
                                  {std::uint16_t{5}, "> 0 hell"},
                                  {std::uint16_t{0}, "> 0 hello"},
                                  {std::uint16_t{6}, "> 0 hello"}}) {
    CAPTURE(urgent);
    FlowDriver flow;
    flow.open();
    flow.send(Side::low, {0, "hello", 0, kAckFlag | kUrgFlag, 0, urgent});
    flow.low(5, "world");
    std::string told = flow.take();
    CHECK(told.starts_with(std::string("open by low; ") + expected));
    CHECK(told.ends_with("world"));
    CHECK(flow.flush() == "close ended");
  }
}

TEST_CASE("an urgent pointer without its flag points to nothing") {
  FlowDriver flow;
  flow.open();
  flow.send(Side::low, {0, "hello", 0, kAckFlag, 0, 3});
  CHECK(flow.take() == "open by low; > 0 hello");
}

TEST_CASE("the urgent byte is left out of segments that come out of order too") {
  CHECK(survives([] {
    FlowDriver flow;
    flow.open();
    flow.send(Side::low, {5, "world", 0, kAckFlag | kUrgFlag, 0, 2});
    flow.low(0, "hello");
    return flow.take() == "open by low; > 0 hellow; > 7 rld";
  }));
}

TEST_CASE("a response that the mirror delivers before its request comes after it") {
  FlowDriver flow;
  flow.open();
  flow.high(0, "response", 7);
  CHECK(flow.take() == "open by low");
  flow.low(0, "request");
  CHECK(flow.take() == "> 0 request; < 0 response");
}

TEST_CASE("swapped directions are put in order step by step") {
  FlowDriver flow;
  flow.open();
  flow.low(2, "c2", 2);
  flow.high(2, "s2", 4);
  flow.high(0, "s1", 2);
  flow.low(0, "c1", 0);
  CHECK(flow.take() == "open by low; > 0 c1; < 0 s1; > 2 c2; < 2 s2");
}

TEST_CASE("a chunk says how much of the other side its sender had received") {
  FlowDriver flow;
  flow.open();
  flow.low(0, "request", 0);
  flow.high(0, "one", 7);
  flow.high(3, "two", 7);
  flow.low(7, "more", 3);
  REQUIRE(flow.log.chunks.size() == 4);
  CHECK(flow.log.chunks[0].acked == 0);
  CHECK(flow.log.chunks[1].acked == 7);
  CHECK(flow.log.chunks[2].acked == 7);
  CHECK(flow.log.chunks[3].acked == 3);
}

TEST_CASE("a chunk of a mirror of one direction says what its sender acknowledged since the beginning") {
  FlowDriver flow;
  flow.syn();
  flow.low(0, "one", 0);
  flow.low(3, "two", 100);
  flow.low(6, "three", 250);
  REQUIRE(flow.log.chunks.size() == 3);
  CHECK(flow.log.chunks[0].acked == 0);
  CHECK(flow.log.chunks[1].acked == 100);
  CHECK(flow.log.chunks[2].acked == 250);
}

TEST_CASE("a chunk has the time of the segment that brought it, also if it was held") {
  FlowDriver flow;
  flow.open();
  Timestamp early = flow.now();
  flow.low(5, "world");
  flow.pass(milliseconds(20));
  flow.low(0, "hello");
  REQUIRE(flow.log.chunks.size() == 2);
  CHECK(flow.log.chunks[0].time == early + milliseconds(20));
  CHECK(flow.log.chunks[1].time == early);
}

TEST_CASE("what the capture cut off is told as a clipped gap, in order and out of it") {
  FlowDriver flow;
  flow.open();
  flow.send(Side::low, {0, "hello world", 0, kAckFlag, 6});
  flow.low(11, "next");
  CHECK(flow.take() == "open by low; > 0 hello; > 5 clipped 6; > 11 next");
  flow.send(Side::low, {19, "held", 0, kAckFlag, 4});
  flow.low(15, "fill");
  CHECK(flow.take() == "> 15 fill; > 19 clipped 4");
  flow.send(Side::low, {0, "hello world", 0, kAckFlag, 6});
  CHECK(flow.take().empty());
  CHECK(flow.flush() == "close ended");
  CHECK(flow.table().counters().clipped.value() == 10);
  CHECK(flow.table().counters().lost.value() == 0);
}

TEST_CASE("several connections between the same hosts do not mix") {
  FlowDriver flow;
  flow.log.numbered = true;
  for (std::uint16_t port : {std::uint16_t{40000}, std::uint16_t{40001}}) {
    flow.ends.client_port = port;
    flow.open();
    flow.low(0, "hello");
  }
  flow.low(5, "two");
  flow.ends.client_port = 40000;
  flow.low(5, "one");
  CHECK(flow.take() == "1: open by low; 1: > 0 hello; 2: open by low; 2: > 0 hellotwo; 1: > 5 one");
}

TEST_CASE("thousands of connections at once each give their own stream") {
  FlowDriver flow;
  constexpr std::uint16_t kFlows = 5000;
  for (std::uint32_t round = 0; round < 3; ++round) {
    for (std::uint16_t i = 0; i < kFlows; ++i) {
      flow.ends.client_port = static_cast<std::uint16_t>(1024 + i);
      if (round == 0) flow.syn();
      flow.low(round * 5, "hello");
    }
  }
  CHECK(flow.log.open_count() == kFlows);
  CHECK(flow.log.opened.size() == kFlows);
  CHECK(flow.log.bytes_seen() == 3 * 5 * kFlows);
  CHECK(flow.table().counters().gaps.value() == 0);
  flow.flush();
}

TEST_CASE("of a segment with an urgent byte that closes its flow the rest is nobody's") {
  CHECK(survives([] {
    FlowDriver flow;
    for (std::uint16_t port = 0; port < 2000; ++port) {  // what is left of them outnumbers the open ones
      flow.ends.client_port = static_cast<std::uint16_t>(10'000 + port);
      flow.open();
      flow.low(0, "x");
      flow.fin(Side::low, 1);
      flow.fin(Side::high, 0, 2);
    }
    flow.ends.client_port = 40'000;
    flow.open();
    flow.low(0, "hello");
    flow.take();
    for (int i = 0; i < 15; ++i) flow.low(1 << 25, "far");
    flow.send(Side::low, {1 << 25, "far", 0, kAckFlag | kUrgFlag, 0, 2});
    return flow.take() == "close reused" && flow.flush().empty();
  }));
}

}  // namespace specular::test
