// Losses: what is waited for, how long, and what it costs.
#include <doctest/doctest.h>

#include "tests/capture/flow/flow_driver.h"

namespace specular::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("a hole that the other end acknowledges is a gap once the mirror had time to deliver late") {
  FlowDriver flow;
  set(flow.options.reorder_wait, 2500);
  flow.open();
  flow.low(0, "one");
  flow.low(8, "later");
  flow.high(0, "", 13);
  flow.pass(seconds(2));
  CHECK(flow.take() == "open by low; > 0 one");
  flow.pass(seconds(1));
  CHECK(flow.take() == "> 3 lost 5; > 8 later");
  CHECK(flow.table().counters().gaps.value() == 1);
  CHECK(flow.table().counters().lost.value() == 5);
}

TEST_CASE("with the default wait a confirmed loss is told in the next epoch") {
  FlowDriver flow;
  flow.open();
  flow.low(0, "one");
  flow.low(8, "later");
  flow.high(0, "", 13);
  CHECK(flow.take() == "open by low; > 0 one");
  flow.pass(seconds(1));
  CHECK(flow.take() == "> 3 lost 5; > 8 later");
}

TEST_CASE("a hole that nobody acknowledges is waited for much longer") {
  FlowDriver flow;
  flow.open();
  flow.low(0, "one");
  flow.low(8, "later");
  flow.pass(seconds(9));
  CHECK(flow.take() == "open by low; > 0 one");
  flow.pass(seconds(2));
  CHECK(flow.take() == "> 3 lost 5; > 8 later");
}

TEST_CASE("an acknowledgement of what precedes a hole confirms nothing") {
  FlowDriver flow;
  flow.open();
  flow.low(0, "one");
  flow.low(8, "later");
  flow.high(0, "", 3);
  flow.pass(seconds(5));
  CHECK(flow.take() == "open by low; > 0 one");
  flow.low(3, "12345");
  CHECK(flow.take() == "> 3 12345later");
}

TEST_CASE("the waits are options, zero among them") {
  FlowDriver flow;
  set(flow.options.loss_wait, 0);
  set(flow.options.reorder_wait, 0);
  flow.open();
  flow.low(8, "later");
  flow.pass(seconds(1));
  CHECK(flow.take() == "open by low; > 0 lost 8; > 8 later");
}

TEST_CASE("a hole that is filled in time is none") {
  FlowDriver flow;
  flow.open();
  flow.low(3, "later");
  flow.pass(seconds(9));
  flow.low(0, "one");
  flow.pass(seconds(60));
  CHECK(flow.flush() == "open by low; > 0 onelater; close ended");
  CHECK(flow.table().counters().gaps.value() == 0);
}

TEST_CASE("what comes after its gap was told is too late, and no other gap") {
  FlowDriver flow;
  flow.open();
  flow.low(3, "later");
  flow.pass(seconds(11));
  CHECK(flow.take() == "open by low; > 0 lost 3; > 3 later");
  flow.low(0, "one");
  flow.low(1, "nelater!");
  CHECK(flow.flush() == "> 8 !; close ended");
  CHECK(flow.table().counters().lost.value() == 3);
}

TEST_CASE("several holes are given up one after the other, each by its own wait") {
  FlowDriver flow;
  flow.open();
  flow.low(10, "aa");
  flow.pass(seconds(6));
  flow.low(20, "bb");
  flow.pass(seconds(5));
  CHECK(flow.take() == "open by low; > 0 lost 10; > 10 aa");
  flow.pass(seconds(6));
  CHECK(flow.take() == "> 12 lost 8; > 20 bb");
}

TEST_CASE("a response whose request was lost is told after the wait for a late mirror") {
  FlowDriver flow;
  flow.open();
  flow.high(0, "response", 7);
  CHECK(flow.take() == "open by low");
  flow.pass(seconds(1));
  CHECK(flow.take() == "< 0 response");
  flow.low(7, "next", 8);
  flow.pass(seconds(11));
  CHECK(flow.take() == "> 0 lost 7; > 7 next");
}

TEST_CASE("two sides that wait for each other's lost bytes are resolved") {
  FlowDriver flow;
  flow.open();
  flow.low(0, "a");
  flow.low(5, "cc", 9);
  flow.high(0, "x", 1);
  flow.high(9, "zz", 7);
  flow.pass(seconds(30));
  std::string told = flow.take();
  CHECK(told.find("> 1 lost 4") != std::string::npos);
  CHECK(told.find("< 1 lost 8") != std::string::npos);
  CHECK(told.find("> 5 cc") != std::string::npos);
  CHECK(told.find("< 9 zz") != std::string::npos);
  CHECK(flow.table().bytes_held() == 0);
}

TEST_CASE("when the capture ends, holes are gaps, and what was held is told") {
  FlowDriver flow;
  flow.open();
  flow.low(3, "later");
  flow.high(5, "too", 8);
  std::string told = flow.flush();
  CHECK(told.starts_with("open by low; > 0 lost 3; > 3 later; "));
  CHECK(told.ends_with("< 0 lost 5; < 5 too; close ended"));
}

TEST_CASE("the end of a stream waits for what is lost before it") {
  FlowDriver flow;
  flow.open();
  flow.low(0, "one");
  flow.fin(Side::low, 8);
  flow.high(0, "", 9);
  CHECK(flow.take() == "open by low; > 0 one");
  flow.pass(seconds(1));
  CHECK(flow.take() == "> 3 lost 5; > fin");
}

TEST_CASE("the last bytes, lost but acknowledged, are told when the flow closes") {
  FlowDriver flow;
  flow.open();
  flow.low(0, "request");
  flow.high(0, "resp", 7);
  flow.low(7, "", 20);
  CHECK(flow.flush() == "open by low; > 0 request; < 0 resp; < 4 lost 16; close ended");
}

TEST_CASE("an acknowledged FIN that was not captured is no lost byte") {
  FlowDriver flow;
  flow.open();
  flow.low(0, "request");
  flow.high(0, "resp", 7);
  flow.fin(Side::low, 7, 5);
  CHECK(flow.flush() == "open by low; > 0 request; < 0 resp; > fin; close ended");
}

TEST_CASE("a side that is not mirrored at all owes nothing") {
  FlowDriver flow;
  flow.syn();
  flow.low(0, "request", 0);
  flow.low(7, "another", 5000);
  flow.pass(seconds(30));
  CHECK(flow.flush() == "open by low; > 0 requestanother; close ended");
  CHECK(flow.table().counters().lost.value() == 0);
}

TEST_CASE("what one direction may hold is bounded: past that a hole is a gap at once") {
  FlowDriver flow;
  set(flow.options.held_per_flow, 16);
  flow.open();
  std::string block(1000, 'x');
  std::size_t most = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    flow.low(10 + i * 1000, block);
    most = std::max(most, flow.table().bytes_held());
  }
  CHECK(most > 12'000);
  CHECK(most < 20'000);
  CHECK(flow.take().starts_with("open by low; > 0 lost 10; > 10 xxx"));
  CHECK(flow.table().counters().refused.value() == 1);
  CHECK(flow.log.bytes_seen() == 1'000'000);
}

TEST_CASE("with holes all over, memory stays bounded and every byte is told or missing") {
  FlowDriver flow;
  set(flow.options.held_per_flow, 16);
  flow.open();
  std::string block(700, 'x');
  std::size_t most = 0;
  for (std::uint32_t i = 0; i < 2000; ++i) {
    flow.low(10 + i * 710, block);
    most = std::max(most, flow.table().bytes_held());
  }
  CHECK(most < 20'000);
  flow.flush();
  CHECK(flow.log.bytes_seen() == 2000 * 700);
  CHECK(flow.log.bytes_missing() == 2000 * 10);
}

TEST_CASE("what all flows hold together is bounded, and the one that asks for more gives up its own hole") {
  FlowDriver flow;
  set(flow.options.held_total, 1);
  set(flow.options.held_per_flow, 65'536);
  std::string block(1000, 'x');
  std::size_t most = 0;
  constexpr std::uint16_t kFlows = 200;
  for (std::uint16_t i = 0; i < kFlows; ++i) {
    flow.ends.client_port = static_cast<std::uint16_t>(2000 + i);
    flow.open();
    for (std::uint32_t part = 0; part < 10; ++part) {
      flow.low(10 + part * 1000, block);
      most = std::max(most, flow.table().bytes_held());
    }
  }
  CHECK(most <= 1 << 20);
  CHECK(most > 900'000);
  CHECK(flow.table().counters().refused.value() > 0);
  flow.flush();
  CHECK(flow.log.bytes_seen() == kFlows * 10'000u);
  CHECK(flow.log.bytes_missing() == kFlows * 10u);
}

TEST_CASE("held bytes are given back when a flow closes, however it does") {
  FlowDriver flow;
  flow.open();
  flow.low(100, "held");
  flow.rst(Side::low, 104);
  flow.pass(seconds(11));
  CHECK(flow.table().bytes_held() == 0);
  flow.ends.client_port = 40001;
  flow.open();
  flow.low(100, "held");
  CHECK(flow.table().bytes_held() > 0);
  flow.ends.start[0] = 0x70000000;
  flow.syn();
  flow.syn_ack();
  CHECK(flow.table().bytes_held() == 0);
  flow.flush();
}

}  // namespace specular::test
