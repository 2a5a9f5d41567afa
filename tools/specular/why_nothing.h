// Why a run found no HTTP in its captures, as far as the counters know it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "analyzers/coverage.h"
#include "analyzers/discovery/inventory.h"

namespace specular {

// What was counted, over all tunnels.
struct Counted {
  CoverageCounts coverage;
  std::map<std::string, std::uint64_t> counters;  // of capture, by name

  std::uint64_t counter(const std::string& name) const;
};

Counted counted_in(const Inventory& inventory);

// A line for each reason; empty if there were transactions. Before and after the run tell it from what its store held.
// `packets` were read; the options `leave_out` may have left out some of them.
std::string why_nothing(const Counted& before, const Counted& after, std::uint64_t packets,
                        const std::vector<std::string>& leave_out);

}  // namespace specular
