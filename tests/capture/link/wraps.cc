#include "tests/capture/link/wraps.h"

#include "tests/capture/link/frames.h"

namespace specular::test {

Octets vxlan(const Outer& outer, const Octets& frame) {
  return ethernet(udp_packet(socket_address(outer.from), socket_address(outer.to),
                             join({{8, 0, 0, 0}, big32(outer.network << 8), frame})));
}

Octets geneve(const Outer& outer, std::uint16_t type, const Octets& inside, const Octets& options) {
  SocketAddress to = socket_address(outer.to);
  to.port = 6081;
  Octets header = join({{static_cast<std::uint8_t>(options.size() / 4), 0}, big16(type), big32(outer.network << 8)});
  return ethernet(udp_packet(socket_address(outer.from), to, join({header, options, inside})));
}

Octets tagged(const std::vector<std::uint16_t>& types, const Octets& ip) {
  Octets frame{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
  for (std::uint16_t type : types) frame = join({frame, big16(type), big16(5)});
  return join({frame, big16(ip[0] >> 4 == 4 ? 0x0800 : 0x86dd), ip});
}

Octets without_link(const Octets& frame) {
  return drop_front(frame, 14);
}

namespace {

// Between other addresses of IPv6 for each network.
Octets vxlan_over_ipv6(const Outer& outer, const Octets& frame) {
  std::string net = "[2001:db8:" + std::to_string(outer.network) + "::";
  auto colon = outer.from.rfind(':');
  return vxlan({net + "1]" + outer.from.substr(colon), net + "2]:4789", outer.network}, frame);
}

}  // namespace

const std::map<std::string, Wrap>& all_wraps() {
  static const std::map<std::string, Wrap> wraps{
      {"vxlan", [](const Outer& o, const Octets& ip) { return vxlan(o, ethernet(ip)); }},
      {"vxlan over IPv6", [](const Outer& o, const Octets& ip) { return vxlan_over_ipv6(o, ethernet(ip)); }},
      {"geneve of Ethernet", [](const Outer& o, const Octets& ip) { return geneve(o, 0x6558, ethernet(ip)); }},
      {"geneve of IP",
       [](const Outer& o, const Octets& ip) { return geneve(o, ip[0] >> 4 == 4 ? 0x0800 : 0x86dd, ip); }},
      {"geneve with options",
       [](const Outer& o, const Octets& ip) { return geneve(o, 0x6558, ethernet(ip), zeros(o.network * 4)); }},
      {"gateway load balancer",
       [](const Outer& o, const Octets& ip) {
         return geneve(o, 0x0800, without_link(vxlan(o, ethernet(ip))), zeros(32));
       }},
      {"four tunnels",
       [](const Outer& o, const Octets& ip) { return vxlan(o, vxlan(o, vxlan(o, vxlan(o, ethernet(ip))))); }},
      {"a tag inside", [](const Outer& o, const Octets& ip) { return vxlan(o, tagged({0x8100}, ip)); }},
      {"two tags inside",
       [](const Outer& o, const Octets& ip) {
         std::vector<std::uint16_t> tags{0x88a8, 0x8100};
         return vxlan(o, tagged(tags, ip));
       }},
      {"a tag outside",
       [](const Outer& o, const Octets& ip) { return tagged({0x8100}, without_link(vxlan(o, ethernet(ip)))); }},
  };
  return wraps;
}

}  // namespace specular::test
