#include "daemon/pipeline.h"

namespace specular {

Pipeline::Pipeline(const Config& config, Store* store, const HashKey& key)
    : store_(store), tunnels_(config.capture.tunnels), judge_(config.inventory, key, store != nullptr) {
  std::vector<PacketSink*> sinks;
  for (std::size_t i = 0; i < config.general.shards.size(); ++i) {
    lanes_.push_back(std::make_unique<Lane>(config, tunnels_, key, judge_));
    sinks.push_back(&lanes_.back()->shard);
  }
  receiver_ = std::make_unique<Receiver>(config.capture.tunnels, tunnels_, HashKey::random(), std::move(sinks));
}

Result<std::unique_ptr<Pipeline>> Pipeline::create(const Config& config, Store* store) {
  HashKey key = store == nullptr ? HashKey{} : store->hash_key();
  std::unique_ptr<Pipeline> pipeline(new Pipeline(config, store, key));
  if (store == nullptr) return pipeline;
  auto stored = store->read_all();
  if (!stored) return forward(stored.error());
  if (auto restored = pipeline->judge_.restore(*stored); !restored) return forward(restored.error());
  return pipeline;
}

void Pipeline::tell_counters(const CounterGroup& group) {
  for (const Counter* counter : group.counters()) {
    if (counter->value() > 0) judge_.on_counter(counter->name(), counter->value());
  }
}

Result<void> Pipeline::finish() {
  receiver_->flush();
  tell_counters(receiver_->counters());
  for (const auto& lane : lanes_) {
    lane->observer.flush();
    tell_counters(lane->shard.flows().counters());
    tell_counters(lane->shard.sessions().counters());
  }
  if (receiver_->discontinuities() > 0) judge_.on_counter("discontinuities", receiver_->discontinuities());
  std::vector<TunnelTraffic> traffic = receiver_->take_traffic();
  for (std::size_t i = 0; i < traffic.size(); ++i) {
    CoverageCounts counts = coverage_of(traffic[i]);
    if (!counts.empty()) judge_.on_tunnel(tunnels_.tunnel_name(static_cast<TunnelId>(i)), counts);
  }
  return store_ == nullptr ? Result<void>() : store_->commit(judge_.take_changes(0));
}

}  // namespace specular
