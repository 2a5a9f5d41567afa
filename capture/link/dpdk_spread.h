// How a network card spreads frames over queues: by the addresses inside of tunnels, both directions alike, as the
// kernel's fan-out does (fanout.h). Internal to dpdk_port.cc.
//
// DPDK 22.11 has no setting of a port for this, but rules (rte_flow): for each kind of tunnel one that hashes the inner
// addresses, and one for what is left, which goes to queue 0, all of it. A card that takes not all of these rules has
// one queue.
#pragma once

#include <cstddef>
#include <cstdint>

#include "capture/link/tunnels.h"

namespace specular {

// False if the driver knows no rules at all. Requires: the port is configured.
bool can_spread(std::uint16_t port);

// Gives the port its rules; false, with none left, if it refuses one. Requires: the port has started.
bool spread_frames(std::uint16_t port, std::size_t queues, const TunnelOptions& tunnels);

}  // namespace specular
