#include "daemon/pipeline.h"

namespace specular {

Pipeline::Pipeline(const Config& config, Store* store, const HashKey& key)
    : store_(store), tunnels_(config.capture.tunnels), judge_(config.inventory, key, store != nullptr) {
  Observer::Options observing{config.inventory, config.clients, config.general.inspect.value() == "full"};
  for (std::size_t i = 0; i < config.general.shards.size(); ++i) {
    observers_.push_back(std::make_unique<Observer>(observing, tunnels_, key, judge_));
    shards_.push_back(std::make_unique<CaptureShard>(config.capture, HashKey::random(), *observers_.back()));
  }
  receiver_ = std::make_unique<Receiver>(config.capture.tunnels, tunnels_, HashKey::random(), shards_);
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
  for (auto& observer : observers_) observer->flush();
  tell_counters(receiver_->counters());
  for (const auto& shard : shards_) {
    tell_counters(shard->flows().counters());
    tell_counters(shard->sessions().counters());
  }
  if (receiver_->discontinuities() > 0) judge_.on_counter("discontinuities", receiver_->discontinuities());
  for (std::size_t i = 0; i < receiver_->traffic().size(); ++i) {
    const TunnelTraffic& traffic = receiver_->traffic()[i];
    CoverageCounts counts;
    counts[CoverageItem::packets] = traffic.segments;
    counts[CoverageItem::wire_bytes] = traffic.wire_bytes;
    if (traffic.segments > 0) judge_.on_tunnel(tunnels_.tunnel_name(static_cast<TunnelId>(i)), counts);
  }
  return store_ == nullptr ? Result<void>() : store_->commit(judge_.take_changes(0));
}

}  // namespace specular
