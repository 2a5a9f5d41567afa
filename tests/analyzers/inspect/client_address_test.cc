#include "analyzers/inspect/client_address.h"

#include <doctest/doctest.h>

#include "tests/analyzers/survives.h"
#include "tests/support/packet_builder.h"

namespace specular::test {
namespace {

// Who the client is of a request from `peer`, where 10.0.0.0/8 and 2001:db8:ff::/48 are trusted.
struct Who {
  std::string peer = "10.0.0.1:40000";
  std::string proxied = {};
  std::vector<std::string> trusted = {"10.0.0.0/8", "2001:db8:ff::/48"};

  std::string operator()(const std::vector<HeaderField>& headers) const {
    Connection connection;
    connection.client = socket_address(peer);
    connection.server = socket_address("10.0.9.9:80");
    if (!proxied.empty()) connection.proxied_client = socket_address(proxied);
    std::vector<Prefix> prefixes;
    for (const std::string& text : trusted) prefixes.push_back(*Prefix::parse(text));
    return client_address(connection, headers, prefixes).text();
  }
};

HeaderField xff(std::string_view value) {
  return {"X-Forwarded-For", value};
}
HeaderField forwarded(std::string_view value) {
  return {"Forwarded", value};
}

const Who kWho;

}  // namespace

TEST_CASE("without trusted proxies the client is the TCP peer, whatever headers say") {
  Who nobody{.trusted = {}};
  CHECK(nobody({}) == "10.0.0.1");
  CHECK(nobody({xff("192.0.2.1")}) == "10.0.0.1");
  CHECK(nobody({forwarded("for=192.0.2.1")}) == "10.0.0.1");
  nobody.proxied = "192.0.2.5:1000";
  CHECK(nobody({}) == "10.0.0.1");
}

TEST_CASE("an untrusted peer is the client, whatever it says") {
  Who stranger{.peer = "192.0.2.66:40000"};
  CHECK(stranger({xff("198.51.100.1")}) == "192.0.2.66");
  CHECK(stranger({xff("10.0.0.7")}) == "192.0.2.66");
  CHECK(stranger({forwarded("for=198.51.100.1")}) == "192.0.2.66");
  stranger.proxied = "198.51.100.1:1000";
  CHECK(stranger({}) == "192.0.2.66");
}

TEST_CASE("behind a trusted peer the client is the rightmost untrusted hop") {
  CHECK(kWho({}) == "10.0.0.1");
  CHECK(kWho({xff("192.0.2.1")}) == "192.0.2.1");
  CHECK(kWho({xff("192.0.2.1, 10.0.0.2, 10.0.0.3")}) == "192.0.2.1");
  CHECK(kWho({xff("192.0.2.1,10.0.0.2")}) == "192.0.2.1");
  CHECK(kWho({xff("  192.0.2.1\t, 10.0.0.2 ")}) == "192.0.2.1");
}

TEST_CASE("what a client wrote into the header itself is not believed") {
  CHECK(kWho({xff("6.6.6.6, 192.0.2.1")}) == "192.0.2.1");
  CHECK(kWho({xff("10.0.0.99, 6.6.6.6, 192.0.2.1, 10.0.0.2")}) == "192.0.2.1");
  CHECK(kWho({xff("127.0.0.1, 192.0.2.1")}) == "192.0.2.1");
  CHECK(kWho({forwarded("for=6.6.6.6, for=192.0.2.1")}) == "192.0.2.1");
}

TEST_CASE("several fields are one list, in order") {
  CHECK(kWho({xff("6.6.6.6"), xff("192.0.2.1")}) == "192.0.2.1");
  CHECK(kWho({xff("192.0.2.1"), {"Accept", "*/*"}, xff("10.0.0.2")}) == "192.0.2.1");
  CHECK(kWho({xff("6.6.6.6, 192.0.2.1"), xff("10.0.0.2, 10.0.0.3")}) == "192.0.2.1");
  CHECK(kWho({forwarded("for=192.0.2.1"), forwarded("for=10.0.0.2")}) == "192.0.2.1");
}

TEST_CASE("if every hop is trusted, the leftmost is the client") {
  CHECK(kWho({xff("10.1.1.1, 10.0.0.2")}) == "10.1.1.1");
  CHECK(kWho({forwarded("for=10.1.1.1")}) == "10.1.1.1");
}

TEST_CASE("header names have any case") {
  CHECK(kWho({{"x-forwarded-for", "192.0.2.1"}}) == "192.0.2.1");
  CHECK(kWho({{"X-FORWARDED-FOR", "192.0.2.1"}}) == "192.0.2.1");
  CHECK(kWho({{"FORWARDED", "FOR=192.0.2.1"}}) == "192.0.2.1");
  CHECK(kWho({{"X-Forwarded-Forx", "192.0.2.1"}}) == "10.0.0.1");
}

TEST_CASE("hops may have ports, and IPv6 addresses brackets") {
  CHECK(kWho({xff("192.0.2.1:4711")}) == "192.0.2.1");
  CHECK(kWho({xff("2001:db8::1")}) == "2001:db8::1");
  CHECK(kWho({xff("[2001:db8::1]")}) == "2001:db8::1");
  CHECK(kWho({xff("[2001:db8::1]:4711, 10.0.0.2")}) == "2001:db8::1");
  CHECK(kWho({xff("2001:db8::1, 2001:db8:ff::5")}) == "2001:db8::1");
}

TEST_CASE("an IPv4 address in IPv6 form is the IPv4 address, for trust too") {
  CHECK(kWho({xff("::ffff:192.0.2.1")}) == "192.0.2.1");
  CHECK(kWho({xff("192.0.2.1, ::ffff:10.0.0.2")}) == "192.0.2.1");
}

TEST_CASE("the elements of Forwarded are read as RFC 7239 writes them") {
  CHECK(kWho({forwarded("for=192.0.2.43")}) == "192.0.2.43");
  CHECK(kWho({forwarded("for=192.0.2.60;proto=http;by=203.0.113.43")}) == "192.0.2.60");
  CHECK(kWho({forwarded("proto=https; For=\"192.0.2.60:8080\" ;by=10.0.0.9")}) == "192.0.2.60");
  CHECK(kWho({forwarded("For=\"[2001:db8:cafe::17]:4711\"")}) == "2001:db8:cafe::17");
  CHECK(kWho({forwarded("for=\"[2001:db8:cafe::17]\", for=10.0.0.2")}) == "2001:db8:cafe::17");
  CHECK(kWho({forwarded("by=203.0.113.43;for=192.0.2.60")}) == "192.0.2.60");
}

TEST_CASE("behind a hop that cannot be read nothing is believed") {
  for (const char* hop :
       {"unknown", "_hidden", "nonsense", "256.1.1.1", "fe80::1%eth0", "[2001:db8::1", "192.0.2.1.5"}) {
    CHECK(kWho({xff(std::string("6.6.6.6, ") + hop)}) == "10.0.0.1");
    CHECK(kWho({xff(std::string("6.6.6.6, ") + hop + ", 10.0.0.2")}) == "10.0.0.2");
    CHECK(kWho({forwarded(std::string("for=6.6.6.6, for=") + hop)}) == "10.0.0.1");
  }
  CHECK(kWho({forwarded("for=6.6.6.6, for=\"_gazonk\", for=10.0.0.2")}) == "10.0.0.2");
}

TEST_CASE("an element of Forwarded need not say for whom it is") {
  REQUIRE(survives([] { return !kWho({forwarded("for=6.6.6.6, proto=https")}).empty(); }));
  CHECK(kWho({forwarded("for=6.6.6.6, proto=https")}) == "10.0.0.1");
}

TEST_CASE("empty elements of the list say nothing (RFC 9110 section 5.6.1.2)") {
  REQUIRE(survives([] { return !kWho({xff("192.0.2.1, ")}).empty(); }));
  CHECK(kWho({xff("192.0.2.1, ")}) == "192.0.2.1");
  CHECK(kWho({xff("192.0.2.1,, 10.0.0.2")}) == "192.0.2.1");
  CHECK(kWho({xff("192.0.2.1"), xff("")}) == "192.0.2.1");
}

TEST_CASE("what stands inside quotes is no element of its own") {
  // A proxy that quotes the Host it was given; the client chose that Host.
  CHECK(kWho({forwarded("for=192.0.2.1;host=\"a, for=6.6.6.6\"")}) == "192.0.2.1");
  CHECK(kWho({forwarded("host=\"a;for=6.6.6.6\";for=192.0.2.1")}) == "192.0.2.1");
}

TEST_CASE("X-Forwarded-For is believed rather than Forwarded, which a client may send through") {
  CHECK(kWho({xff("198.51.100.1"), forwarded("for=192.0.2.1")}) == "198.51.100.1");
}

TEST_CASE("the PROXY header of a trusted peer names the next hop") {
  Who behind{.proxied = "192.0.2.5:1000"};
  CHECK(behind({}) == "192.0.2.5");
  // That hop is not trusted: what it says in headers is not looked at.
  CHECK(behind({xff("6.6.6.6")}) == "192.0.2.5");
  Who through{.proxied = "10.0.0.8:1000"};
  CHECK(through({}) == "10.0.0.8");
  CHECK(through({xff("192.0.2.1")}) == "192.0.2.1");
}

TEST_CASE("trust goes by prefix, exactly") {
  Who narrow{.trusted = {"10.0.0.1", "10.0.1.0/24"}};
  CHECK(narrow({xff("192.0.2.1, 10.0.1.255")}) == "192.0.2.1");
  CHECK(narrow({xff("192.0.2.1, 10.0.2.0")}) == "10.0.2.0");
  CHECK(narrow({xff("192.0.2.1, 10.0.0.2")}) == "10.0.0.2");
}

TEST_CASE("any header at all gives an address") {
  auto all_give_one = [] {
    std::uint32_t random = 1;
    auto next = [&](std::uint32_t limit) { return ((random = random * 1664525 + 1013904223) >> 16) % limit; };
    for (int round = 0; round < 5000; ++round) {
      std::string value(next(40), '\0');
      for (char& c : value) c = "1.:[],;=\" for%a\x01"[next(16)];
      if (kWho({xff(value)}).empty() || kWho({forwarded(value)}).empty()) return false;
    }
    return true;
  };
  CHECK(survives(all_give_one));
}

}  // namespace specular::test
