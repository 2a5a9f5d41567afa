// The ways in which a mirror wraps packets that a fan-out program looks into.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/support/packet_builder.h"

namespace specular::test {

// What a mirror session puts around packets; each direction of a connection may have one of its own.
struct Outer {
  std::string from, to;  // IPv4, with ports; that of the target is for VXLAN
  std::uint32_t network;
};

Octets vxlan(const Outer& outer, const Octets& frame);
// `type` is the Ethertype of what is inside; the port is 6081. Requires: whole words of options.
Octets geneve(const Outer& outer, std::uint16_t type, const Octets& inside, const Octets& options = {});
// An Ethernet frame with VLAN tags of these types in front of an IP packet.
Octets tagged(const std::vector<std::uint16_t>& types, const Octets& ip);
Octets without_link(const Octets& frame);

// Makes an Ethernet frame of an IP packet.
using Wrap = std::function<Octets(const Outer& outer, const Octets& ip)>;
const std::map<std::string, Wrap>& all_wraps();

}  // namespace specular::test
