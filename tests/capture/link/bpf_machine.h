// BpfMachine: runs classic BPF as the kernel does for a fan-out group, so that programs can be tested without one.
#pragma once

#include <cstdint>
#include <vector>

#include <linux/filter.h>

#include "tests/support/packet_builder.h"

namespace specular::test {

enum class Way : std::uint8_t { arriving, leaving };

// The program's answer for an Ethernet frame that arrives or leaves. 0 if it loads what is not there, as in the kernel.
// Terminates on an instruction that it does not know, and if the program has no end.
std::uint32_t run_bpf(const std::vector<sock_filter>& program, const Octets& frame, Way way);

}  // namespace specular::test
