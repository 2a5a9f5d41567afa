// InterfaceFacts: what the system says about a network interface. Any thread; asked anew at every call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace specular {

struct InterfaceFacts {
  int index = 0;                  // another one after the interface was deleted and made again
  bool up = false;                // by the administrator; whether a cable is plugged in does not matter here
  std::uint32_t mtu = 0;          // bytes, without the link header
  bool gro = false, lro = false;  // packets are glued together before anybody sees them
};

// None if there is no interface of that name.
std::optional<InterfaceFacts> interface_facts(const std::string& name);

}  // namespace specular
