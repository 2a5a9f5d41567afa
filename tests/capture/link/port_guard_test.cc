#include "capture/link/port_guard.h"

#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/capture/link/frames.h"
#include "tests/capture/link/live_bench.h"

namespace specular::test {
namespace {

// `near` has addresses and knows where `far` is, as a mirror target does; what leaves it is seen at `far`.
struct Target {
  LiveBench bench;
  std::vector<std::string> notices;
  NoticeSink notice = [this](NoticeLevel, const std::string& text) { notices.push_back(text); };

  Target() {
    run("echo 0 > /proc/sys/net/ipv6/conf/near/disable_ipv6");
    run("ip link set near address 02:00:00:00:00:02");
    run("ip addr add 192.0.2.2/24 dev near && ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev near");
    run("ip addr add 2001:db8::2/64 dev near nodad && ip neigh add 2001:db8::1 lladdr 02:00:00:00:00:01 dev near");
    REQUIRE(bench.options.filter.set("icmp[0] == 3 or (icmp6 and ip6[40] == 1)"));
    REQUIRE(bench.open(1, "far"));
  }

  // The ports for which the target sends "port unreachable", when each gets a datagram by either protocol. In the order
  // of the answers; the last is for a port that nobody ever guards.
  std::vector<std::string> unreachable(const std::vector<std::uint16_t>& ports) {
    bench.caught[0].frames.clear();
    FrameSender far("far");
    constexpr std::uint16_t kLast = 9;
    for (std::string net : {"192.0.2.", "2001:db8::"}) {
      for (std::uint16_t port : ports) far.send(datagram(net, port));
      far.send(datagram(net, kLast));
    }
    auto answers = [&] {
      std::vector<std::string> texts;
      for (const Caught::One& frame : bench.caught[0].frames) texts.push_back(port_in_answer(frame.bytes));
      return texts;
    };
    CHECK(bench.until([&] {
      auto texts = answers();
      return std::count(texts.begin(), texts.end(), "IPv4 9") == 1 &&
             std::count(texts.begin(), texts.end(), "IPv6 9") == 1;
    }));
    return answers();
  }

  static Octets datagram(const std::string& net, std::uint16_t port) {
    IpAddress from = *IpAddress::parse(net + "1"), to = *IpAddress::parse(net + "2");
    Octets packet = udp_packet({from, 5000}, {to, port}, text_octets("mirrored"));
    // IPv6 demands a checksum; over a pseudo-header of addresses, length and protocol.
    if (!from.is_v4()) {
      std::uint32_t sum = 17 + 16;
      for (std::size_t i = 8; i < packet.size(); i += 2)
        sum += static_cast<std::uint32_t>(packet[i] << 8 | packet[i + 1]);
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
      packet[46] = static_cast<std::uint8_t>(~sum >> 8);
      packet[47] = static_cast<std::uint8_t>(~sum);
    }
    return ethernet(packet);
  }

  // ICMP quotes the packet that it is about.
  static std::string port_in_answer(const Octets& frame) {
    bool v4 = frame[14] >> 4 == 4;
    std::size_t at = v4 ? 14 + 20 + 8 + 20 + 2 : 14 + 40 + 8 + 40 + 2;
    REQUIRE(frame.size() >= at + 2);
    return fmt::format("{} {}", v4 ? "IPv4" : "IPv6", frame[at] << 8 | frame[at + 1]);
  }
};

const std::vector<std::string> kNothing{"IPv4 9", "IPv6 9"};

}  // namespace

LIVE_TEST_CASE("without a guard the machine answers what is mirrored to it; with one it does not") {
  Target target;
  TunnelOptions options;
  REQUIRE(options.ports.set_entry("vxlan", {"4789", "8472"}));
  CHECK(target.unreachable({4789}) == std::vector<std::string>{"IPv4 4789", "IPv4 9", "IPv6 4789", "IPv6 9"});
  {
    auto guard = PortGuard::create(options.ports, target.notice);
    REQUIRE(guard);
    CHECK(guard->held() == 6);
    CHECK(target.unreachable({4789, 8472, 6081}) == kNothing);
    PortGuard moved = std::move(*guard);
    CHECK(target.unreachable({4789}) == kNothing);
  }
  CHECK(target.unreachable({6081}) == std::vector<std::string>{"IPv4 6081", "IPv4 9", "IPv6 6081", "IPv6 9"});
  CHECK(target.notices.empty());
}

LIVE_TEST_CASE("a port that is held already is left to its holder, and told") {
  Target target;
  run("ip link add tap type vxlan id 7 remote 192.0.2.1 dstport 4789 dev near && ip link set tap up");
  auto guard = PortGuard::create(target.bench.tunnels.ports, target.notice);
  REQUIRE(guard);
  REQUIRE(!target.notices.empty());
  CHECK(target.notices[0] == "UDP port 4789 (IPv4) is held by somebody else, who may answer what is mirrored to it");
  CHECK(target.unreachable({6081}) == kNothing);
}

LIVE_TEST_CASE("a guarded port keeps nothing of what it receives") {
  Target target;
  auto guard = PortGuard::create(target.bench.tunnels.ports, target.notice);
  REQUIRE(guard);
  FrameSender far("far");
  for (int i = 0; i < 100; ++i) far.send(Target::datagram("192.0.2.", 4789));
  CHECK(target.unreachable({}) == kNothing);
  run("! grep ':12B5 ' /proc/net/udp | grep -v ' 00000000:00000000 '");  // bytes that wait to be sent, and to be read
  run("grep -q ':12B5 ' /proc/net/udp");
}

}  // namespace specular::test
