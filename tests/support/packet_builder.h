// Frames for tests: Ethernet, IPv4 or IPv6, TCP, and wrappings around them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "capture/base/ip.h"
#include "capture/base/time.h"
#include "capture/link/source.h"

namespace specular::test {

using Octets = std::vector<std::uint8_t>;

struct TcpSegment {
  SocketAddress from, to;
  std::uint32_t seq = 0, ack = 0;
  std::uint8_t flags = 0x10;  // ACK
  std::uint16_t urgent = 0;
  std::string payload;
};

inline constexpr std::uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kAck = 0x10, kUrg = 0x20;

SocketAddress socket_address(std::string_view text);  // "10.0.0.1:80", "[2001:db8::1]:80"; terminates if it is none

// The IP packet of a segment, with its checksums.
Octets ip_packet(const TcpSegment& segment);
Octets ethernet(const Octets& ip);
Octets ethernet_frame(const TcpSegment& segment);

Octets udp_packet(const SocketAddress& from, const SocketAddress& to, const Octets& payload);
Octets ip_header(const IpAddress& from, const IpAddress& to, std::uint8_t protocol, std::size_t payload);

// An Ethernet frame as a mirror wraps it.
Octets in_vxlan(const Octets& frame, std::uint32_t vni);
Octets in_geneve(const Octets& frame, std::uint32_t vni);
Octets in_gre(const Octets& frame);
// GENEVE > IP > UDP > VXLAN > Ethernet, as behind the AWS Gateway Load Balancer.
Octets in_gateway_load_balancer(const Octets& frame, std::uint32_t vni);

Octets join(std::initializer_list<Octets> parts);
Octets from_hex(std::string_view hex);

}  // namespace specular::test
