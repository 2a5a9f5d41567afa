#include "capture/receiver.h"

#include <algorithm>

namespace specular {

void CaptureShard::enter_epoch(EpochNumber epoch) {
  flows_.advance(start_of(epoch));
  sink_.on_epoch(epoch);
}

std::optional<EpochNumber> EpochClock::enter(Timestamp time) {
  constexpr EpochNumber kJump = std::chrono::hours(1) / kEpoch;
  EpochNumber epoch = epoch_of(time);
  if (!current_) return current_ = epoch;
  EpochNumber distance = epoch - *current_;
  if (distance > kJump || distance < -kJump) {
    ++discontinuities_;
  } else if (distance <= 0) {
    return std::nullopt;
  }
  return current_ = epoch;
}

Receiver::Receiver(const TunnelOptions& options, TunnelTable& tunnels, const HashKey& key,
                   std::vector<PacketSink*> sinks, Decoder::Scope scope)
    : key_(key),
      decoder_(options, tunnels, scope),
      sinks_(std::move(sinks)),
      kept_(sinks_.size()),
      batches_(sinks_.size()) {
  for (auto& kept : kept_) kept = kAll;
}

void Receiver::keep(std::size_t sink, double share) {
  kept_[sink].store(static_cast<std::uint32_t>(share * kAll), std::memory_order_relaxed);
}

void Receiver::on_frames(std::span<const Frame> frames) {
  decoder_.begin_batch();
  // All headers of the batch are asked for before the first is read: tunnelled ones end within the third line.
  for (const Frame& frame : frames) {
    for (std::size_t line = 0; line < 3; ++line) __builtin_prefetch(frame.bytes.data() + 64 * line);
  }
  for (const Frame& frame : frames) {
    if (auto epoch = clock_.enter(frame.time)) enter_epoch(*epoch);
    // A sink has room for a whole batch; the packet is decoded where it will stand, if there is but one.
    Batch& first = batches_.front();
    Packet& packet = first.packets[first.size];
    if (decoder_.decode(frame, packet) != Drop::none) continue;
    TunnelTraffic& traffic = traffic_of(packet.tunnel);
    ++traffic.segments;
    traffic.wire_bytes += frame.wire_size;
    bool all_to_one = sinks_.size() == 1 && kept_[0].load(std::memory_order_relaxed) == kAll;
    std::uint64_t hash = all_to_one ? 0 : hash_ends(key_, packet.flow);
    std::size_t sink = (hash >> 32) % sinks_.size();
    if ((hash & (kAll - 1)) >= kept_[sink].load(std::memory_order_relaxed)) {
      load_.shed.add();
      ++traffic.shed_segments;
      traffic.shed_bytes += frame.wire_size;
      continue;
    }
    Batch& owner = batches_[sink];
    if (sink != 0) owner.packets[owner.size] = packet;
    ++owner.size;
    if (owner.size == kBatch) hand_over();
  }
  hand_over();
  if (!frames.empty()) last_time_ = frames.back().time;
}

void Receiver::enter_epoch(EpochNumber epoch) {
  hand_over();
  for (PacketSink* sink : sinks_) sink->enter_epoch(epoch);
}

void Receiver::hand_over() {
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    if (batches_[i].size > 0) sinks_[i]->on_packets(std::span(batches_[i].packets).first(batches_[i].size));
    batches_[i].size = 0;
  }
}

TunnelTraffic& Receiver::traffic_of(TunnelId tunnel) {
  auto index = static_cast<std::size_t>(tunnel);
  if (index >= traffic_.size()) traffic_.resize(index + 1);
  return traffic_[index];
}

std::vector<TunnelTraffic> Receiver::take_traffic() {
  std::vector<TunnelTraffic> taken(traffic_.size());
  traffic_.swap(taken);
  return taken;
}

void Receiver::flush() {
  hand_over();
  for (PacketSink* sink : sinks_) sink->flush();
  clock_.restart();
  decoder_.flush();
}

void Receiver::advance(Timestamp now) {
  if (auto epoch = clock_.enter(now)) enter_epoch(*epoch);
}

}  // namespace specular
