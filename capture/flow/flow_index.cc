#include <algorithm>

#include "capture/flow/flow_table.h"

namespace specular {

std::uint32_t FlowTable::find_or_add(const Packet& packet, std::uint32_t tag) {
  std::size_t mask = slots_.size() - 1;
  std::uint32_t twin = kNone;
  for (std::size_t at = tag & mask; slots_[at].flow != kNone; at = (at + 1) & mask) {
    if (slots_[at].tag != tag) continue;
    const Flow& flow = flows_[slots_[at].flow];
    if (flow.key == packet.flow) return flow.alias ? flow.cold : slots_[at].flow;
    if (!flow.alias && flow.key.same_ends(packet.flow) && is_twin(flow, packet)) twin = slots_[at].flow;
  }
  if (apart_ > 0) {
    if (std::uint32_t apart = find_apart(packet.flow, tag); apart != kNone) return apart;
  }
  std::uint32_t index = add(packet.flow, tag);
  if (flows_[index].apart) return index;
  // Adding may have evicted the twin, and even taken its place.
  if (twin == kNone || twin == index || !flows_[twin].used) return index;
  unschedule(index);  // it lives as long as its twin
  flows_[index].alias = true;
  flows_[index].cold = twin;
  flows_[twin].mirrored_twice = true;
  counters_.linked.add();
  return twin;
}

bool FlowTable::crowded(std::uint32_t tag) const {
  std::size_t mask = slots_.size() - 1;
  int same = 0;
  for (std::size_t at = tag & mask; slots_[at].flow != kNone; at = (at + 1) & mask) same += slots_[at].tag == tag;
  return same >= kTogether;
}

std::uint32_t FlowTable::find_apart(const FlowKey& key, std::uint32_t tag) const {
  std::size_t mask = slots_.size() - 1;
  tag = apart_tag(tag, key.network);
  for (std::size_t at = tag & mask; slots_[at].flow != kNone; at = (at + 1) & mask) {
    if (slots_[at].tag == tag && flows_[slots_[at].flow].key == key) return slots_[at].flow;
  }
  return kNone;
}

// Whether a packet of another network belongs to the same connection: the same initial sequence number, or, joined
// late, sequence numbers as close as only one stream has them.
bool FlowTable::is_twin(const Flow& flow, const Packet& packet) const {
  Side other = opposite(packet.from);
  const Half& half = flow.half[index_of(packet.from)];
  const Half& peer = flow.half[index_of(other)];
  if (packet.flags.syn()) {
    bool same_start = half.based && start_of(flow, packet.from) == packet.seq + 1;
    return same_start || (packet.flags.ack() && peer.based && start_of(flow, other) == packet.ack);
  }
  bool same_seq = half.based && near(packet.seq, flow.next[index_of(packet.from)]);
  bool same_ack = packet.flags.ack() && peer.based && near(packet.ack, flow.next[index_of(other)]);
  return half.based && peer.based && packet.flags.ack() ? same_seq && same_ack : same_seq || same_ack;
}

std::uint32_t FlowTable::add(const FlowKey& key, std::uint32_t tag) {
  while (flows_.size() >= options_.max_flows.size()) evict_one();
  if ((flows_.size() + 1) * 8 > slots_.size() * 5) grow_slots();
  std::uint32_t index = flows_.add();
  Flow& flow = flows_[index];
  flow.key = key;
  flow.used = true;
  flow.last_tick = tick_;
  flow.apart = crowded(tag);
  if (flow.apart) {
    ++apart_;
    counters_.unlinked.add();
  }
  insert_slot(flow.apart ? apart_tag(tag, key.network) : tag, index);
  schedule(index, options_.half_open.value());
  return index;
}

// Requires: closed, or never opened.
void FlowTable::remove(std::uint32_t index) {
  const Flow& flow = flows_[index];
  std::uint32_t tag = tag_of(flow.key);
  if (flow.mirrored_twice) remove_aliases(index, tag);
  if (flow.apart) {
    tag = apart_tag(tag, flow.key.network);
    --apart_;
  }
  if (flow.cold != kNone) ended_.erase(flow.cold);
  std::size_t mask = slots_.size() - 1;
  for (std::size_t at = tag & mask; slots_[at].flow != kNone; at = (at + 1) & mask) {
    if (slots_[at].flow != index) continue;
    erase_slot(at);
    break;
  }
  unschedule(index);
  flows_.erase(index);
}

void FlowTable::remove_aliases(std::uint32_t target, std::uint32_t tag) {
  std::size_t mask = slots_.size() - 1;
  for (std::size_t at = tag & mask; slots_[at].flow != kNone;) {
    std::uint32_t index = slots_[at].flow;
    const Flow& flow = flows_[index];
    if (slots_[at].tag == tag && flow.alias && flow.cold == target) {
      erase_slot(at);  // moves another one here
      flows_.erase(index);
    } else {
      at = (at + 1) & mask;
    }
  }
}

void FlowTable::insert_slot(std::uint32_t tag, std::uint32_t index) {
  std::size_t mask = slots_.size() - 1, at = tag & mask;
  while (slots_[at].flow != kNone) at = (at + 1) & mask;
  slots_[at] = {tag, index};
}

// Linear probing without tombstones: what follows moves up if its own place is not behind the hole.
void FlowTable::erase_slot(std::size_t position) {
  std::size_t mask = slots_.size() - 1, hole = position;
  for (std::size_t at = (hole + 1) & mask; slots_[at].flow != kNone; at = (at + 1) & mask) {
    std::size_t home = slots_[at].tag & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = {};
}

void FlowTable::grow_slots() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.flow != kNone) insert_slot(slot.tag, slot.flow);
  }
}

// Of a few flows picked at random, the one that matters least: without a byte, closed, or silent for longest. As good
// as a list in order of use, and costs nothing while the table is not full.
void FlowTable::evict_one() {
  constexpr int kCandidates = 8;
  std::uint32_t victim = kNone;
  std::int64_t best = -1;
  for (int candidates = 0; candidates < kCandidates || victim == kNone;) {
    evict_seed_ += 0x9e3779b97f4a7c15ULL;
    auto index = static_cast<std::uint32_t>(fast_hash(key_, evict_seed_) % flows_.end());
    const Flow& flow = flows_[index];
    if (!flow.used || flow.alias) continue;
    ++candidates;
    std::int64_t silent = static_cast<std::uint16_t>(tick_ - flow.last_tick);
    std::int64_t score = silent + (flow.closed || flow.cold == kNone ? 1 << 20 : 0);
    if (score <= best) continue;
    best = score;
    victim = index;
  }
  counters_.evicted.add();
  if (flows_[victim].cold != kNone) close(victim, Close::evicted, now_);
  remove(victim);
}

void FlowTable::schedule(std::uint32_t index, std::int64_t ticks) {
  unschedule(index);
  auto in = static_cast<std::uint16_t>(std::clamp<std::int64_t>(ticks, 1, kWheel - 1));
  std::uint32_t bucket = static_cast<std::uint16_t>(tick_ + in) % kWheel;
  Flow& flow = flows_[index];
  flow.wheel_next = wheel_[bucket];
  flow.wheel_previous = kBucket + bucket;
  if (flow.wheel_next != kNone) flows_[flow.wheel_next].wheel_previous = index;
  wheel_[bucket] = index;
}

void FlowTable::unschedule(std::uint32_t index) {
  Flow& flow = flows_[index];
  if (flow.wheel_previous == kNone) return;
  if (flow.wheel_next != kNone) flows_[flow.wheel_next].wheel_previous = flow.wheel_previous;
  if (flow.wheel_previous >= kBucket) {
    wheel_[flow.wheel_previous - kBucket] = flow.wheel_next;
  } else {
    flows_[flow.wheel_previous].wheel_next = flow.wheel_next;
  }
  flow.wheel_next = flow.wheel_previous = kNone;
}

void FlowTable::turn_wheel() {
  // A visit schedules for a later tick, never for this one.
  while (wheel_[tick_ % kWheel] != kNone) visit(wheel_[tick_ % kWheel]);
}

void FlowTable::visit(std::uint32_t index) {
  const Flow& flow = flows_[index];
  std::int64_t silent = static_cast<std::uint16_t>(tick_ - flow.last_tick), limit = limit_of(flow);
  if (silent < limit) return schedule(index, limit - silent);
  if (flow.cold != kNone) close(index, Close::idle, now_);
  remove(index);
}

std::int64_t FlowTable::limit_of(const Flow& flow) const {
  if (flow.closed) return options_.linger.value();
  return flow.cold == kNone ? options_.half_open.value() : options_.idle.value();
}

}  // namespace specular
