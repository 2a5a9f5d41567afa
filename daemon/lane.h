// Lane: one shard from packets to deltas. All of it belongs to one thread.
//
//   packets → CaptureShard (flows → HTTP) → Observer → DeltaSink
#pragma once

#include "analyzers/observer.h"
#include "capture/receiver.h"
#include "daemon/config.h"

namespace specular {

struct Lane {
  // Requires: all outlive it. `key` is that of the store: what is hashed with it can be compared for ever.
  Lane(const Config& config, const TunnelTable& tunnels, const HashKey& key, DeltaSink& sink)
      : observer({config.inventory, config.clients, config.general.inspect.value() == "full"}, tunnels, key, sink),
        shard(config.capture, HashKey::random(), observer) {}

  Observer observer;  // built first: the shard calls it
  CaptureShard shard;
};

// What a receiver counted, as coverage has it.
inline CoverageCounts coverage_of(const TunnelTraffic& traffic) {
  CoverageCounts counts;
  counts[CoverageItem::packets] = traffic.segments;
  counts[CoverageItem::wire_bytes] = traffic.wire_bytes;
  counts[CoverageItem::shed_packets] = traffic.shed_segments;
  counts[CoverageItem::shed_bytes] = traffic.shed_bytes;
  return counts;
}

}  // namespace specular
