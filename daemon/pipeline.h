// Pipeline: every stage built and connected in one thread, as captures are analysed; sensor.h does the same for the
// daemon's threads.
//
//   frames → Receiver → Lane (flows → HTTP → observer) → Judge → Store
//
// Sinks are built first and destroyed last.
#pragma once

#include <memory>
#include <vector>

#include "analyzers/judge.h"
#include "capture/receiver.h"
#include "daemon/config.h"
#include "daemon/lane.h"
#include "storage/store.h"

namespace specular {

class Pipeline {
 public:
  // `store` may be null: what is learned is then in memory only. What it holds is taken in first. Requires: both
  // outlive the pipeline.
  static Result<std::unique_ptr<Pipeline>> create(const Config& config, Store* store);

  FrameSink& entry() { return *receiver_; }
  // The capture has ended: closes every flow, and commits what was learned, all at once.
  Result<void> finish();

  const Inventory& inventory() const { return judge_.inventory(); }

 private:
  Pipeline(const Config& config, Store* store, const HashKey& key);
  void tell_counters(const CounterGroup& group);

  Store* store_;
  TunnelTable tunnels_;
  Judge judge_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::unique_ptr<Receiver> receiver_;
};

}  // namespace specular
