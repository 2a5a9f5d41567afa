// Laws that hold whatever comes: the log of the driver checks the sink's, budgets return to zero, honest streams
// survive.
#include <algorithm>
#include <cstdio>
#include <random>

#include <doctest/doctest.h>

#include "tests/capture/flow/flow_driver.h"
#include "tests/capture/survives.h"

namespace specular::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using Random = std::mt19937;

std::uint32_t below(Random& random, std::uint32_t limit) {
  return static_cast<std::uint32_t>(random() % limit);
}

// Any flags, numbers near the flow's or anywhere, bytes that contradict each other.
void send_anything(FlowDriver& flow, Random& random) {
  static const std::string kText(300, 'a'), kOther(300, 'b');
  constexpr std::uint8_t kFlags[] = {kAckFlag,
                                     kAckFlag,
                                     kAckFlag,
                                     kAckFlag,
                                     0,
                                     kSynFlag,
                                     kSynFlag | kAckFlag,
                                     kFinFlag | kAckFlag,
                                     kRstFlag,
                                     kRstFlag | kAckFlag,
                                     kAckFlag | kUrgFlag,
                                     0x3f};
  flow.ends.client_port = static_cast<std::uint16_t>(1000 + below(random, 6));
  flow.ends.network = static_cast<std::uint16_t>(below(random, 3));
  Sent sent;
  sent.offset = below(random, 50) == 0 ? static_cast<std::uint32_t>(random()) & 0x7ffffff0u : below(random, 2000);
  sent.acked = below(random, 2000);
  sent.flags = kFlags[below(random, std::size(kFlags))];
  std::size_t size = below(random, 3) == 0 ? 0 : below(random, 300);
  sent.text = std::string_view(below(random, 10) == 0 ? kOther : kText).substr(0, size);
  if (size > 0 && below(random, 10) == 0) sent.clipped = below(random, static_cast<std::uint32_t>(size));
  // Of urgent bytes that are held out of order there is a test of its own.
  sent.urgent = 0;
  flow.send(below(random, 2) == 0 ? Side::low : Side::high, sent);
}

bool keeps_the_laws(std::uint32_t seed, std::int64_t most_flows) {
  Random random(seed);
  FlowDriver flow;
  set(flow.options.held_per_flow, 16);
  set(flow.options.max_flows, most_flows);
  flow.ends.start[0] = static_cast<std::uint32_t>(random());
  flow.ends.start[1] = 0xfffffc00;
  for (int i = 0; i < 3000; ++i) {
    send_anything(flow, random);
    if (below(random, 20) == 0) flow.pass(milliseconds(below(random, 3000)));
    if (below(random, 500) == 0) flow.jump(seconds(below(random, 10'000)));
  }
  flow.table().flush();
  bool empty = flow.table().bytes_held() == 0 && flow.table().size() == 0 && flow.log.open_count() == 0;
  if (!flow.log.broken.empty()) std::fprintf(stderr, "%s\n", flow.log.broken.c_str());
  return empty && flow.log.broken.empty() && flow.log.opened.size() > 10;
}

}  // namespace

TEST_CASE("whatever is sent, every open has one close, offsets never go back and budgets return to zero") {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    REQUIRE(survives([&] { return keeps_the_laws(seed, 1'000'000); }));
  }
}

TEST_CASE("whatever is sent, the same holds in a table that is full") {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    REQUIRE(survives([&] { return keeps_the_laws(seed, 16); }));
  }
}

TEST_CASE("an honest stream survives any shuffling, repetition and cutting within the reorder window") {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    std::string text;
    for (int i = 0; i < 4000; ++i) text += static_cast<char>('a' + below(random, 26));
    FlowDriver flow;
    flow.ends.start[0] = static_cast<std::uint32_t>(random());
    flow.open();
    std::vector<Sent> parts;
    for (std::uint32_t at = 0; at < text.size();) {
      std::uint32_t size = std::min(1 + below(random, 200), static_cast<std::uint32_t>(text.size()) - at);
      std::uint32_t early = below(random, 4) == 0 ? std::min(at, below(random, 100)) : 0;
      parts.push_back({at - early, std::string_view(text).substr(at - early, size + early)});
      if (below(random, 5) == 0) parts.push_back(parts.back());
      at += size;
    }
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      std::size_t j = std::min(parts.size() - 1, i + below(random, 5));
      std::swap(parts[i], parts[j]);
    }
    for (const Sent& part : parts) flow.send(Side::low, part);
    flow.fin(Side::low, static_cast<std::uint32_t>(text.size()));
    bool same = flow.take() == "open by low; > 0 " + text + "; > fin";
    CHECK(same);
    CHECK(flow.table().counters().conflicts.value() == 0);
    CHECK(flow.table().bytes_held() == 0);
    flow.flush();
  }
}

TEST_CASE("of a stream with losses every byte is told in its place or missing in a gap") {
  for (std::uint32_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    FlowDriver flow;
    flow.open();
    constexpr std::uint32_t kParts = 300, kSize = 50;
    std::string text(kSize, 'x');
    std::uint32_t lost = 0;
    for (std::uint32_t i = 0; i < kParts; ++i) {
      bool lose = i + 1 < kParts && below(random, 10) == 0;
      lost += lose ? kSize : 0;
      if (!lose) flow.low(i * kSize, text);
      if (below(random, 4) == 0) flow.high(0, "", (i + 1) * kSize);
      if (below(random, 10) == 0) flow.pass(milliseconds(below(random, 4000)));
    }
    flow.flush();
    CHECK(flow.log.bytes_missing() == lost);
    CHECK(flow.log.bytes_seen() == kParts * kSize - lost);
  }
}

}  // namespace specular::test
