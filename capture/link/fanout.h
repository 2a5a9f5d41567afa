// Fan-out: the kernel spreads the frames of an interface over several sockets by the addresses inside of tunnels.
//
// A program in the kernel (classic BPF) finds the innermost addresses that VXLAN and GENEVE wrap and hashes them,
// source and destination alike, without ports and without the tunnel's identifiers. So the two directions of a
// connection, its fragments, and its copies from other mirrors come to the socket with the same index, whatever the
// outer headers say. What the program cannot look into goes to socket 0, all of it.
#pragma once

#include <span>
#include <vector>

#include <linux/filter.h>

#include "capture/base/hash.h"
#include "capture/base/result.h"
#include "capture/link/tunnels.h"

namespace specular {

// What the kernel runs for each frame; its result modulo the number of sockets is the index.
std::vector<sock_filter> fanout_program(const TunnelOptions& options, const HashKey& key);

// Makes a fan-out group of packet sockets; indices are those of `descriptors`. Requires: all are bound to the same
// interface and protocol. Fails where the kernel refuses; then some may have joined, and should be closed.
Result<void> join_fanout(std::span<const int> descriptors, const TunnelOptions& options, const HashKey& key);

}  // namespace specular
