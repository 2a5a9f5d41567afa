#include "tests/support/packet_builder.h"

#include <charconv>
#include <cstdlib>

namespace specular::test {
namespace {

void put16(Octets& out, std::uint32_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

void put32(Octets& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}

std::uint16_t checksum(std::uint32_t sum, const Octets& bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += static_cast<std::uint32_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

Octets address_bytes(const IpAddress& address) {
  const auto& all = address.bytes();
  return Octets(all.begin() + (address.is_v4() ? 12 : 0), all.end());
}

}  // namespace

SocketAddress socket_address(std::string_view text) {
  auto colon = text.rfind(':');
  auto address = IpAddress::parse(text.substr(0, colon));
  std::uint16_t port = 0;
  std::string_view digits = text.substr(colon + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (!address) std::abort();
  return {*address, port};
}

Octets join(std::initializer_list<Octets> parts) {
  Octets all;
  for (const Octets& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Octets from_hex(std::string_view hex) {
  Octets bytes;
  std::string digits;
  for (char c : hex) {
    if (c == ' ' || c == '\n') continue;
    digits += c;
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<std::uint8_t>(std::strtoul(digits.c_str(), nullptr, 16)));
    digits.clear();
  }
  return bytes;
}

Octets ip_header(const IpAddress& from, const IpAddress& to, std::uint8_t protocol, std::size_t payload) {
  Octets header;
  if (from.is_v4()) {
    header = {0x45, 0};
    put16(header, static_cast<std::uint32_t>(20 + payload));
    put32(header, 0x00014000);  // identification 1, do not fragment
    header.insert(header.end(), {64, protocol, 0, 0});
  } else {
    header = {0x60, 0, 0, 0};
    put16(header, static_cast<std::uint32_t>(payload));
    header.insert(header.end(), {protocol, 64});
  }
  for (const IpAddress& address : {from, to}) {
    Octets bytes = address_bytes(address);
    header.insert(header.end(), bytes.begin(), bytes.end());
  }
  if (from.is_v4()) {
    std::uint16_t sum = checksum(0, header);
    header[10] = static_cast<std::uint8_t>(sum >> 8);
    header[11] = static_cast<std::uint8_t>(sum);
  }
  return header;
}

Octets ip_packet(const TcpSegment& segment) {
  Octets tcp;
  put16(tcp, segment.from.port);
  put16(tcp, segment.to.port);
  put32(tcp, segment.seq);
  put32(tcp, segment.ack);
  tcp.push_back(0x50);
  tcp.push_back(segment.flags);
  put16(tcp, 0xffff);
  put16(tcp, 0);
  put16(tcp, segment.urgent);
  tcp.insert(tcp.end(), segment.payload.begin(), segment.payload.end());
  Octets pseudo = join({address_bytes(segment.from.address), address_bytes(segment.to.address)});
  put16(pseudo, 6);
  put16(pseudo, static_cast<std::uint32_t>(tcp.size()));
  std::uint16_t sum = checksum(0, join({pseudo, tcp}));
  tcp[16] = static_cast<std::uint8_t>(sum >> 8);
  tcp[17] = static_cast<std::uint8_t>(sum);
  return join({ip_header(segment.from.address, segment.to.address, 6, tcp.size()), tcp});
}

Octets ethernet(const Octets& ip) {
  Octets frame{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
  put16(frame, ip[0] >> 4 == 4 ? 0x0800 : 0x86dd);
  return join({frame, ip});
}

Octets ethernet_frame(const TcpSegment& segment) {
  return ethernet(ip_packet(segment));
}

Octets udp_packet(const SocketAddress& from, const SocketAddress& to, const Octets& payload) {
  Octets udp;
  put16(udp, from.port);
  put16(udp, to.port);
  put16(udp, static_cast<std::uint32_t>(8 + payload.size()));
  put16(udp, 0);
  return join({ip_header(from.address, to.address, 17, udp.size() + payload.size()), udp, payload});
}

Octets in_vxlan(const Octets& frame, std::uint32_t vni) {
  Octets header{0x08, 0, 0, 0};
  put32(header, vni << 8);
  auto port = static_cast<std::uint16_t>(49152 + frame.size() % 1000);  // differs by direction, as with real senders
  return ethernet(
      udp_packet({*IpAddress::parse("192.0.2.1"), port}, socket_address("192.0.2.2:4789"), join({header, frame})));
}

Octets in_geneve(const Octets& frame, std::uint32_t vni) {
  Octets header{0x02, 0, 0x65, 0x58};
  put32(header, vni << 8);
  Octets option{0x01, 0x08, 0x01, 0x01, 1, 2, 3, 4};
  return ethernet(
      udp_packet(socket_address("192.0.2.1:50000"), socket_address("192.0.2.2:6081"), join({header, option, frame})));
}

Octets in_gre(const Octets& frame) {
  Octets gre{0, 0, 0x65, 0x58};
  return ethernet(
      join({ip_header(*IpAddress::parse("192.0.2.1"), *IpAddress::parse("192.0.2.2"), 47, gre.size() + frame.size()),
            gre, frame}));
}

Octets in_gateway_load_balancer(const Octets& frame, std::uint32_t vni) {
  Octets wrapped = in_vxlan(frame, vni);
  Octets inner_ip(wrapped.begin() + 14, wrapped.end());
  Octets header{0x00, 0, 0x08, 0x00, 0, 0, 0, 0};
  return ethernet(
      udp_packet(socket_address("192.0.2.3:50000"), socket_address("192.0.2.4:6081"), join({header, inner_ip})));
}

}  // namespace specular::test
