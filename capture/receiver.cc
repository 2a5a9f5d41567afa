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
                   std::vector<std::unique_ptr<CaptureShard>>& shards)
    : key_(key), decoder_(options, tunnels), shards_(shards), batches_(shards.size()) {}

void Receiver::on_frames(std::span<const Frame> frames) {
  decoder_.begin_batch();
  // All headers of the batch are asked for before the first is read: tunnelled ones end within the third line.
  for (const Frame& frame : frames) {
    for (std::size_t line = 0; line < 3; ++line) __builtin_prefetch(frame.bytes.data() + 64 * line);
  }
  for (const Frame& frame : frames) {
    if (auto epoch = clock_.enter(frame.time)) enter_epoch(*epoch);
    // A shard has room for a whole batch; the packet is decoded where it will stand, if there is but one.
    Batch& first = batches_.front();
    Packet& packet = first.packets[first.size];
    if (decoder_.decode(frame, packet) != Drop::none) continue;
    count(frame, packet.tunnel);
    std::size_t shard = shards_.size() == 1 ? 0 : (hash_ends(key_, packet.flow) >> 32) % shards_.size();
    Batch& owner = batches_[shard];
    if (shard != 0) owner.packets[owner.size] = packet;
    ++owner.size;
    if (owner.size == kBatch) hand_over();
  }
  hand_over();
}

void Receiver::enter_epoch(EpochNumber epoch) {
  hand_over();
  for (auto& shard : shards_) shard->enter_epoch(epoch);
}

void Receiver::hand_over() {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (batches_[i].size > 0) shards_[i]->on_packets(std::span(batches_[i].packets).first(batches_[i].size));
    batches_[i].size = 0;
  }
}

void Receiver::count(const Frame& frame, TunnelId tunnel) {
  auto index = static_cast<std::size_t>(tunnel);
  if (index >= traffic_.size()) traffic_.resize(index + 1);
  TunnelTraffic& traffic = traffic_[index];
  if (traffic.segments++ == 0) traffic.first = frame.time;
  traffic.wire_bytes += frame.wire_size;
  traffic.last = frame.time;
}

void Receiver::flush() {
  hand_over();
  for (auto& shard : shards_) shard->flush();
  clock_.restart();
  decoder_.flush();
}

}  // namespace specular
