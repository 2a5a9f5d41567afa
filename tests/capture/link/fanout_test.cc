#include "capture/link/fanout.h"

#include <map>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/capture/link/bpf_machine.h"
#include "tests/capture/link/frames.h"
#include "tests/capture/link/wraps.h"

namespace specular::test {
namespace {

constexpr HashKey kKey{};
const Outer kRequests{"192.0.2.1:50001", "192.0.2.9:4789", 7}, kResponses{"198.51.100.8:61234", "192.0.2.10:4789", 9};

std::uint32_t answer(const Octets& frame, Way way = Way::arriving) {
  static const TunnelOptions options;
  static const std::vector<sock_filter> program = fanout_program(options, kKey);
  return run_bpf(program, frame, way);
}

struct Conversation {
  Octets request, response;  // IP packets
};

Conversation conversation(int number, bool v6 = false) {
  int host = number % 250 + 1;
  std::string client = v6 ? fmt::format("[2001:db8::{:x}]:40000", host) : fmt::format("10.1.0.{}:40000", host);
  std::string server = v6 ? "[2001:db8:1::2]:443" : fmt::format("10.2.{}.2:443", number / 250);
  TcpSegment request{socket_address(client), socket_address(server)};
  TcpSegment response{request.to, request.from};
  request.payload = "GET / HTTP/1.1\r\n\r\n";
  response.payload = "HTTP/1.1 200 OK\r\n\r\n";
  return {ip_packet(request), ip_packet(response)};
}

}  // namespace

TEST_CASE("both directions of a connection have one answer, whatever wraps them, and so has the bare connection") {
  for (bool v6 : {false, true}) {
    Conversation talk = conversation(1, v6);
    std::uint32_t bare = answer(ethernet(talk.request));
    CHECK(bare != 0);
    CHECK(answer(ethernet(talk.response)) == bare);
    for (const auto& [name, wrap] : all_wraps()) {
      CAPTURE(name);
      CHECK(answer(wrap(kRequests, talk.request)) == bare);
      CHECK(answer(wrap(kResponses, talk.response)) == bare);
      CHECK(answer(wrap(kRequests, talk.request), Way::leaving) == bare);
    }
  }
}

TEST_CASE("connections spread evenly, also where addresses differ in a few bits only") {
  for (bool v6 : {false, true}) {
    for (std::uint32_t sockets : {2u, 3u, 4u, 8u}) {
      CAPTURE(v6);
      CAPTURE(sockets);
      std::vector<int> load(sockets);
      constexpr int kConversations = 1000;
      for (int i = 0; i < kConversations; ++i) {
        ++load[answer(vxlan(kRequests, ethernet(conversation(i % (v6 ? 250 : 1000), v6).request))) % sockets];
      }
      int fair = kConversations / static_cast<int>(sockets);
      for (int share : load) {
        CHECK(share > fair / 2);
        CHECK(share < fair * 2);
      }
    }
  }
}

TEST_CASE("addresses decide together: ends that are swapped among connections do not fall together") {
  auto between = [](const char* one, const char* other) {
    return answer(ethernet(ip_packet({socket_address(one), socket_address(other)})));
  };
  std::set<std::uint32_t> answers;
  for (int low = 1; low <= 10; ++low) {
    for (int high = 1; high <= 10; ++high) {
      answers.insert(between(fmt::format("10.0.0.{}:1", low).c_str(), fmt::format("10.0.1.{}:2", high).c_str()));
    }
  }
  CHECK(answers.size() > 95);
}

TEST_CASE("another key spreads otherwise") {
  TunnelOptions options;
  auto program = fanout_program(options, HashKey::random());
  int alike = 0;
  for (int i = 0; i < 100; ++i) {
    Octets frame = ethernet(conversation(i).request);
    alike += run_bpf(program, frame, Way::arriving) % 4 == answer(frame) % 4 ? 1 : 0;
  }
  CHECK(alike < 60);
}

TEST_CASE("ports of the transport do not matter, nor whether it is whole") {
  std::uint32_t whole = answer(ethernet(ip_packet(sample_v4())));
  TcpSegment other = sample_v4();
  other.from.port = 7;
  CHECK(answer(ethernet(ip_packet(other))) == whole);
  Octets first = ip_packet(sample_v4()), second = ipv4(6, text_octets("the rest"));
  first[6] = 0x20;
  second[6] = 0, second[7] = 40;
  CHECK(answer(ethernet(first)) == whole);
  CHECK(answer(ethernet(second)) == whole);
  CHECK(answer(vxlan(kRequests, ethernet(second))) == whole);
  CHECK(answer(ethernet(ipv4(6, tcp_of(sample_v4()), zeros(8)))) == whole);
}

TEST_CASE("IPv6 extension headers are looked past, fragments among them") {
  std::uint32_t whole = answer(ethernet(ip_packet(sample_v6())));
  Octets tcp = tcp_of(sample_v6()), hop_by_hop = join({{6, 0}, zeros(6)}), long_one = join({{6, 1}, zeros(14)});
  CHECK(answer(ethernet(ipv6(0, join({hop_by_hop, tcp})))) == whole);
  CHECK(answer(ethernet(ipv6(60, join({long_one, tcp})))) == whole);
  CHECK(answer(ethernet(ipv6(43, join({join({{60, 0}, zeros(6)}), hop_by_hop, tcp})))) == whole);
  CHECK(answer(ethernet(ipv6(44, join({{6, 0, 0, 1, 0, 0, 0, 9}, tcp})))) == whole);
  CHECK(answer(ethernet(ipv6(44, join({{6, 0, 0x10, 0, 0, 0, 0, 9}, tcp})))) == whole);
  // A tunnel behind them is found, too.
  Octets datagram = without_link(vxlan({"[2001:db8::a]:1", "[2001:db8::b]:4789", 3}, ethernet(ip_packet(sample_v4()))));
  Octets extended = drop_front(datagram, 40);
  CHECK(answer(ethernet(ipv6(60, join({join({{17, 0}, zeros(6)}), extended})))) ==
        answer(ethernet(ip_packet(sample_v4()))));
}

TEST_CASE("what is not looked into goes to the first socket, all of it") {
  Octets inner = ethernet(ip_packet(sample_v4()));
  Octets fragment = without_link(vxlan(kRequests, inner)), later = fragment;
  fragment[6] = 0x20;
  later[7] = 100;
  auto datagram = [](const char* from, const char* to) {
    return ethernet(udp_packet(socket_address(from), socket_address(to), text_octets("anything")));
  };
  Octets too_deep = inner;
  for (int i = 0; i < 5; ++i) too_deep = vxlan(kRequests, too_deep);
  const std::map<std::string, Octets> frames{
      {"GRE", in_gre(inner)},
      {"IP in IP", ethernet(ipv4(4, ip_packet(sample_v4())))},
      {"IPv6 in IP", ethernet(ipv4(41, ip_packet(sample_v6())))},
      {"authentication header", ethernet(ipv4(51, zeros(40)))},
      {"GRE in VXLAN", vxlan(kRequests, in_gre(inner))},
      {"a first fragment", ethernet(fragment)},
      {"a later fragment", ethernet(later)},
      {"a fragment in IPv6", ethernet(ipv6(44, join({{17, 0, 0, 1, 0, 0, 0, 9}, zeros(40)})))},
      {"GTP", datagram("10.0.0.1:9", "10.0.0.2:2152")},
      {"GTP, backwards", datagram("10.0.0.2:2152", "10.0.0.1:9")},
      {"Teredo", datagram("10.0.0.1:9", "10.0.0.2:3544")},
      {"five tunnels", too_deep},
      {"three tags", vxlan(kRequests, tagged({0x88a8, 0x8100, 0x8100}, ip_packet(sample_v4())))},
      {"three extension headers", ethernet(ipv6(60, join({join({{60, 0}, zeros(6)}), join({{60, 0}, zeros(6)}),
                                                          join({{6, 0}, zeros(6)}), zeros(20)})))},
      {"MPLS", ether(0x8847, join({{0, 1, 1, 64}, ip_packet(sample_v4())}))},
      {"ARP", ether(0x0806, zeros(28))},
      {"no IP at all", ether(0x0800, zeros(40))},
  };
  for (const auto& [name, frame] : frames) {
    CAPTURE(name);
    CHECK(answer(frame) == 0);
    CHECK(answer(frame, Way::leaving) == 0);
  }
}

TEST_CASE("a frame that is cut in front of the inner addresses goes to the first socket") {
  Octets frame = vxlan(kRequests, ethernet(ip_packet(sample_v4())));
  std::uint32_t whole = answer(frame);
  std::size_t needed = 14 + 20 + 8 + 8 + 14 + 20;
  for (std::size_t size = 14; size < needed; ++size) {
    CAPTURE(size);
    CHECK(answer(Octets(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size))) == 0);
  }
  CHECK(answer(Octets(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(needed))) == whole);
}

TEST_CASE("tunnels are known by the ports that were told") {
  TunnelOptions options;
  REQUIRE(options.ports.set_entry("vxlan", {"8472", "4790"}));
  REQUIRE(options.ports.set_entry("geneve", {"7000"}));
  auto program = fanout_program(options, kKey);
  Octets inner = ethernet(conversation(3).request);
  std::uint32_t wanted = answer(inner);
  auto at = [&](std::uint16_t port, const Octets& header) {
    return run_bpf(program,
                   ethernet(udp_packet(socket_address("192.0.2.1:4789"), {*IpAddress::parse("192.0.2.2"), port},
                                       join({header, inner}))),
                   Way::arriving);
  };
  Octets vxlan_header{8, 0, 0, 0, 0, 0, 7, 0}, geneve_header{0, 0, 0x65, 0x58, 0, 0, 7, 0};
  CHECK(at(8472, vxlan_header) == wanted);
  CHECK(at(4790, vxlan_header) == wanted);
  CHECK(at(7000, geneve_header) == wanted);
  CHECK(at(4789, vxlan_header) != wanted);
  CHECK(at(6081, geneve_header) != wanted);
}

}  // namespace specular::test
