// Several networks: two mirrors of one connection, and two tenants with the same addresses.
#include <doctest/doctest.h>

#include "tests/capture/flow/flow_driver.h"
#include "tests/capture/survives.h"

namespace specular::test {
namespace {

using std::chrono::seconds;

// Everything that is sent comes through both mirrors, the second after the first.
struct Mirrors {
  FlowDriver flow;

  void both(Side side, const Sent& sent) {
    one(1, side, sent);
    one(2, side, sent);
  }
  void one(std::uint16_t network, Side side, const Sent& sent) {
    flow.ends.network = network;
    flow.send(side, sent);
  }
  void open() {
    both(Side::low, {0, {}, 0, kSynFlag});
    both(Side::high, {0, {}, 0, kSynFlag | kAckFlag});
    both(Side::low, {});
  }
};

}  // namespace

TEST_CASE("the same connection in two networks is one, and told once") {
  Mirrors mirrors;
  mirrors.open();
  mirrors.both(Side::low, {0, "hello"});
  mirrors.both(Side::high, {0, "world", 5});
  mirrors.both(Side::low, {5, {}, 5, kFinFlag | kAckFlag});
  mirrors.both(Side::high, {5, {}, 6, kFinFlag | kAckFlag});
  CHECK(mirrors.flow.flush() == "open by low; > 0 hello; < 0 world; > fin; < fin; close finished");
  CHECK(mirrors.flow.table().counters().linked.value() == 1);
  REQUIRE(mirrors.flow.log.totals.size() == 1);
  CHECK(mirrors.flow.log.totals[0].mirrored_twice);
  CHECK(mirrors.flow.log.opened[0].key.network == NetworkId{1});
}

TEST_CASE("one mirror repairs what the other lost") {
  Mirrors mirrors;
  mirrors.open();
  mirrors.one(1, Side::low, {0, "one "});
  mirrors.one(2, Side::low, {4, "two "});
  mirrors.one(1, Side::low, {8, "three "});
  mirrors.one(2, Side::low, {0, "one "});
  mirrors.one(2, Side::high, {0, "answer", 14});
  CHECK(mirrors.flow.flush() == "open by low; > 0 one two three ; < 0 answer; close ended");
  CHECK(mirrors.flow.table().counters().gaps.value() == 0);
}

TEST_CASE("a flow that one mirror alone saw was not mirrored twice") {
  Mirrors mirrors;
  mirrors.one(1, Side::low, {0, {}, 0, kSynFlag});
  mirrors.one(1, Side::low, {0, "hello"});
  mirrors.flow.flush();
  REQUIRE(mirrors.flow.log.totals.size() == 1);
  CHECK(!mirrors.flow.log.totals[0].mirrored_twice);
}

TEST_CASE("two directions in two networks are one connection") {
  Mirrors mirrors;
  mirrors.one(1, Side::low, {0, {}, 0, kSynFlag});
  mirrors.one(2, Side::high, {0, {}, 0, kSynFlag | kAckFlag});
  mirrors.one(1, Side::low, {0, "hello"});
  mirrors.one(2, Side::high, {0, "world", 5});
  CHECK(mirrors.flow.flush() == "open by low; > 0 hello; < 0 world; close ended");
  CHECK(mirrors.flow.log.opened.size() == 1);
}

TEST_CASE("two tenants with the same addresses are two connections, though they overlap in time") {
  Mirrors mirrors;
  mirrors.flow.log.numbered = true;
  auto tenant = [&](std::uint16_t network) {
    mirrors.flow.ends.start[0] = network == 1 ? 1000 : 77'001'000;
    mirrors.flow.ends.start[1] = network == 1 ? 5000 : 99'005'000;
    mirrors.flow.ends.network = network;
  };
  for (std::uint16_t network : {std::uint16_t{1}, std::uint16_t{2}}) {
    tenant(network);
    mirrors.flow.open();
  }
  tenant(1);
  mirrors.flow.low(0, "one");
  tenant(2);
  mirrors.flow.low(0, "two");
  mirrors.flow.high(0, "second", 3);
  tenant(1);
  mirrors.flow.high(0, "first", 3);
  CHECK(mirrors.flow.take() == "1: open by low; 1: > 0 one; 2: open by low; 2: > 0 two; 2: < 0 second; 1: < 0 first");
  CHECK(mirrors.flow.table().counters().linked.value() == 0);
  CHECK(!(mirrors.flow.log.opened[0].key == mirrors.flow.log.opened[1].key));
  mirrors.flow.flush();
  for (const FlowTotals& totals : mirrors.flow.log.totals) CHECK(!totals.mirrored_twice);
}

TEST_CASE("mirrors that were joined late are one by their close sequence numbers") {
  Mirrors mirrors;
  mirrors.both(Side::low, {500, "hello", 700});
  mirrors.both(Side::high, {700, "world", 505});
  mirrors.both(Side::low, {505, "again", 705});
  CHECK(mirrors.flow.flush() == "open; > 0 hello; < 0 world; > 5 again; close ended");
  CHECK(mirrors.flow.table().counters().linked.value() == 1);
}

TEST_CASE("tenants that were joined late are two by their distant sequence numbers") {
  Mirrors mirrors;
  mirrors.flow.log.numbered = true;
  mirrors.one(1, Side::low, {500, "hello", 700});
  mirrors.one(2, Side::low, {50'000'500, "HELLO", 60'000'700});
  mirrors.one(1, Side::low, {505, "again", 700});
  CHECK(mirrors.flow.take() == "1: open; 1: > 0 hello; 2: open; 2: > 0 HELLO; 1: > 5 again");
}

TEST_CASE("sequence numbers that are close in one direction alone do not make two tenants one") {
  Mirrors mirrors;
  mirrors.one(1, Side::low, {500, "hello", 700});
  mirrors.one(2, Side::low, {505, "HELLO", 60'000'700});
  CHECK(mirrors.flow.log.opened.size() == 2);
}

TEST_CASE("a third mirror joins the first two") {
  Mirrors mirrors;
  mirrors.open();
  mirrors.flow.ends.network = 3;
  mirrors.flow.open();
  mirrors.flow.low(0, "hello");
  mirrors.both(Side::low, {0, "hello"});
  mirrors.one(2, Side::low, {5, "again"});
  CHECK(mirrors.flow.flush() == "open by low; > 0 helloagain; close ended");
  CHECK(mirrors.flow.table().counters().linked.value() == 2);
}

TEST_CASE("when both mirrors see the ports used again, that is one connection too") {
  Mirrors mirrors;
  mirrors.flow.log.numbered = true;
  mirrors.open();
  mirrors.both(Side::low, {0, "hello"});
  mirrors.flow.ends.start[0] = 90'000'000;
  mirrors.flow.ends.start[1] = 80'000'000;
  mirrors.open();
  mirrors.both(Side::low, {0, "other"});
  CHECK(mirrors.flow.take() == "1: open by low; 1: > 0 hello; 1: close reused; 2: open by low; 2: > 0 other");
  CHECK(mirrors.flow.table().counters().linked.value() == 2);
}

TEST_CASE("packets of the second mirror keep a connection alive, and it is forgotten whole") {
  Mirrors mirrors;
  set(mirrors.flow.options.idle, 60);
  mirrors.open();
  mirrors.both(Side::low, {0, "hello"});
  mirrors.flow.take();
  for (int i = 0; i < 5; ++i) {
    mirrors.flow.pass(seconds(50));
    mirrors.one(2, Side::high, {0, {}, 5});
  }
  CHECK(mirrors.flow.take().empty());
  CHECK(mirrors.flow.table().size() == 2);
  mirrors.flow.pass(seconds(70));
  CHECK(mirrors.flow.take() == "close idle");
  CHECK(mirrors.flow.table().size() == 0);
  mirrors.one(2, Side::low, {5, "again"});
  CHECK(mirrors.flow.take() == "open; > 0 again");
}

TEST_CASE("a second mirror that lags behind the whole connection adds nothing") {
  Mirrors mirrors;
  for (std::uint16_t network : {std::uint16_t{1}, std::uint16_t{2}}) {
    mirrors.flow.ends.network = network;
    mirrors.flow.open();
    mirrors.flow.low(0, "hello");
    mirrors.flow.high(0, "world", 5);
    mirrors.flow.fin(Side::low, 5, 5);
    mirrors.flow.fin(Side::high, 5, 6);
  }
  CHECK(mirrors.flow.flush() == "open by low; > 0 hello; < 0 world; > fin; < fin; close finished");
}

TEST_CASE("a second mirror that evicts the first one's flow stands alone") {
  Mirrors mirrors;
  set(mirrors.flow.options.max_flows, 16);
  // Whom a full table gives up is chance: every port is the twin of one that may go.
  for (std::uint16_t port = 1; port <= 16; ++port) {
    mirrors.flow.ends.client_port = port;
    mirrors.one(1, Side::low, {0, {}, 0, kSynFlag});
  }
  for (std::uint16_t port = 1; port <= 16; ++port) {
    mirrors.flow.ends.client_port = port;
    CHECK(survives([&] {
      mirrors.one(2, Side::low, {0, {}, 0, kSynFlag});
      mirrors.one(2, Side::low, {0, "hello"});
      return mirrors.flow.take() == "open by low; > 0 hello";
    }));
  }
}

TEST_CASE("a full table stays within its ceiling when mirrors link") {
  Mirrors mirrors;
  set(mirrors.flow.options.max_flows, 32);
  for (std::uint16_t port = 1; port < 500; ++port) {
    mirrors.flow.ends.client_port = port;
    mirrors.open();
    mirrors.both(Side::low, {0, "hello"});
    CHECK(mirrors.flow.table().size() <= 32);
  }
  mirrors.flow.flush();
  CHECK(mirrors.flow.log.opened.size() == mirrors.flow.log.totals.size());
}

TEST_CASE("of the same ends in very many networks a few are linked, and all are told and forgotten") {
  Mirrors mirrors;
  auto begun = std::chrono::steady_clock::now();
  constexpr std::uint16_t kNetworks = 8000;
  for (int round = 0; round < 2; ++round) {
    for (std::uint16_t network = 1; network <= kNetworks; ++network) {
      mirrors.flow.ends.start[0] = 1000 + network * 10'000'000u;
      mirrors.one(network, Side::low, {0, {}, 0, kSynFlag});
      mirrors.one(network, Side::low, {0, "hello"});
    }
    CHECK(mirrors.flow.log.open_count() == kNetworks);
    CHECK(mirrors.flow.table().size() == kNetworks);
    (void)mirrors.flow.flush();
    CHECK(mirrors.flow.table().size() == 0);
  }
  CHECK(mirrors.flow.table().counters().unlinked.value() > kNetworks);
  CHECK(std::chrono::steady_clock::now() - begun < seconds(10));
}

}  // namespace specular::test
