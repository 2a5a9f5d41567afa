// The libpcap handles of one network interface: how they are opened. Internal to live.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "capture/base/hash.h"
#include "capture/link/tunnels.h"

struct pcap;

namespace specular {

struct LiveOptions;

struct CloseLiveHandle {
  void operator()(pcap* handle) const;
};
using LiveHandle = std::unique_ptr<pcap, CloseLiveHandle>;

enum class OpenProblem : std::uint8_t { absent, down, forbidden, filter, fanout, other };

struct OpenFailure {
  OpenProblem problem;
  std::string text;  // one line, begins with the interface
};

// So many handles, none of which has anything to read that another one has, too. Frames that arrive while they are
// opened may be missed.
tl::expected<std::vector<LiveHandle>, OpenFailure> open_live(const std::string& interface, const LiveOptions& options,
                                                             const TunnelOptions& tunnels, const HashKey& key,
                                                             std::size_t count);

// What is wrong with the filter, judged as for Ethernet; empty if nothing.
std::string problem_of_filter(const std::string& expression);

}  // namespace specular
