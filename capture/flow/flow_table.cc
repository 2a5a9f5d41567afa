#include "capture/flow/flow_table.h"

#include <algorithm>

namespace specular {

FlowTable::FlowTable(const FlowOptions& options, const HashKey& key, StreamSink& sink)
    : options_(options), key_(key), sink_(sink), held_(options.held_total.size() << 20), slots_(1024) {
  wheel_.fill(kNone);
}

FlowTable::~FlowTable() = default;

// Three passes, so that the cache misses of a batch overlap: the slots, the hot lines, the work.
void FlowTable::on_packets(std::span<const Packet> packets) {
  std::array<std::uint32_t, kBatch> tags;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    tags[i] = tag_of(packets[i].flow);
    __builtin_prefetch(&slots_[tags[i] & (slots_.size() - 1)]);
  }
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const Slot& slot = slots_[tags[i] & (slots_.size() - 1)];
    if (slot.flow != kNone) __builtin_prefetch(&flows_[slot.flow]);
  }
  for (std::size_t i = 0; i < packets.size(); ++i) on_packet(packets[i], tags[i]);
}

void FlowTable::on_packet(const Packet& packet, std::uint32_t tag) {
  std::uint32_t index = find_or_add(packet, tag);
  flows_[index].last_tick = tick_;
  if (!deliver_in_order(index, packet)) on_unusual(index, packet, tag);
}

// The common case: nothing held, nothing closing, and exactly the segment that was expected.
bool FlowTable::deliver_in_order(std::uint32_t index, const Packet& packet) {
  Flow& flow = flows_[index];
  Side side = packet.from;
  const Half& peer = flow.half[index_of(opposite(side))];
  Half& half = flow.half[index_of(side)];
  constexpr std::uint8_t kUnusual = 0x27;  // FIN, SYN, RST, URG
  bool plain = packet.flags.ack() && (packet.flags.bits & kUnusual) == 0;
  if (!plain || flow.closed || flow.waiting || !half.based || half.fin || !peer.based) return false;
  if (packet.seq != flow.next[index_of(side)]) return false;
  if (peer.seen && ahead(packet.ack, flow.next[index_of(opposite(side))]) > 0) return false;
  half.seen = true;
  if (packet.payload_size == 0) return true;
  if (flow.cold == kNone) open(index, packet);
  deliver(index, side, {packet.time, packet.seq, packet.ack, true, false, packet.payload_size, packet.payload});
  return true;
}

void FlowTable::on_unusual(std::uint32_t index, const Packet& packet, std::uint32_t tag) {
  Side side = packet.from;
  if (auto by = successor_shown(flows_[index], packet)) succeed(index, *by, packet, tag);
  if (is_stale(flows_[index], packet)) return counters_.stale.add();
  if (packet.flags.syn() && !on_syn(index, packet, tag)) return;
  if (flows_[index].closed) {
    if (!reopens(flows_[index], packet)) {
      if (packet.payload_size > 0) counters_.repeated.add();
      return;
    }
    remove(index);
    index = add(packet.flow, tag);
  }
  flows_[index].half[index_of(side)].seen = true;
  if (packet.flags.rst()) return on_rst(index, packet);
  note_ack(index, packet);

  Segment segment{packet.time,   packet.seq + (packet.flags.syn() ? 1u : 0u),
                  packet.ack,    packet.flags.ack(),
                  false,         packet.payload_size,
                  packet.payload};
  // A connection that opens and ends without a byte, as load balancers probe, is nobody's stream.
  bool probe = flows_[index].cold == kNone && segment.size == 0 &&
               (!flows_[index].half[index_of(side)].based || segment.seq == flows_[index].next[index_of(side)]);
  Half& half = flows_[index].half[index_of(side)];
  if (probe && packet.flags.fin() && half.firm) half.mute = true;
  if (segment.size == 0 && (probe || !packet.flags.fin())) return;
  set_base(index, side, segment.seq);
  if (flows_[index].cold == kNone) open(index, packet);
  bool expected = near(segment.seq, flows_[index].next[index_of(side)]);
  if (packet.flags.fin() && expected) note_fin(index, side, segment.end(), false, packet.time);
  if (segment.size > 0) take_around_urgent(index, side, segment, packet.flags.urg() ? packet.urgent : 0);
  if (!flows_[index].closed) settle(index, packet.time, false);
}

// The first sequence number of the side's stream, as far as it is known.
std::uint32_t FlowTable::start_of(const Flow& flow, Side side) const {
  std::size_t i = index_of(side);
  if (flow.closed && flow.cold != kNone) return ended_[flow.cold].start[i];
  std::uint32_t delivered = flow.cold == kNone ? 0 : static_cast<std::uint32_t>(colds_[flow.cold].offset[i]);
  return flow.next[i] - delivered - (flow.half[i].finished ? 1 : 0);
}

// Requires: not closed.
bool FlowTable::nothing_delivered(const Flow& flow, Side side) const {
  return flow.cold == kNone || colds_[flow.cold].offset[index_of(side)] == 0;
}

// False if the packet needs no further look: a copy of the SYN of a connection that has ended, or one that would end
// this connection and is not confirmed.
bool FlowTable::on_syn(std::uint32_t& index, const Packet& packet, std::uint32_t tag) {
  std::size_t side = index_of(packet.from);
  if (starts_anew(flows_[index], packet)) {
    if (!flows_[index].closed && flows_[index].cold != kNone) {
      colds_[flows_[index].cold].successor[side] = {packet.seq + 1, packet.flags.ack()};
      return false;
    }
    remove(index);
    index = add(packet.flow, tag);
  }
  Flow& flow = flows_[index];
  if (flow.closed) return false;
  Half& half = flow.half[side];
  bool guess = !half.firm && !half.fin && nothing_delivered(flow, packet.from);
  if (!half.based || guess) flow.next[side] = packet.seq + 1;
  half.based = true;
  half.firm = half.firm || start_of(flow, packet.from) == packet.seq + 1;
  // Who opened: the one whose SYN has no ACK.
  flow.opener_known = true;
  flow.opener_high = (packet.from == Side::high) != packet.flags.ack();
  return true;
}

// Who began the connection that this packet shows to have taken the place of an open one: the sender, by going on from
// where its SYN began, or the other side, whose SYN is answered.
std::optional<Side> FlowTable::successor_shown(const Flow& flow, const Packet& packet) const {
  if (flow.closed || flow.cold == kNone || packet.flags.rst()) return std::nullopt;
  const auto& successor = colds_[flow.cold].successor;
  Side other = opposite(packet.from);
  if (packet.flags.syn()) {
    const auto& asked = successor[index_of(other)];
    if (asked && !asked->answers && packet.flags.ack() && packet.ack == asked->start) return other;
    return std::nullopt;
  }
  const auto& own = successor[index_of(packet.from)];
  std::uint32_t next = flow.next[index_of(packet.from)];
  bool goes_on = own && packet.seq != next &&
                 (packet.seq == own->start || (near(packet.seq, own->start) && !near(packet.seq, next)));
  return goes_on ? std::optional(packet.from) : std::nullopt;
}

void FlowTable::succeed(std::uint32_t& index, Side by, const Packet& packet, std::uint32_t tag) {
  Successor successor = *colds_[flows_[index].cold].successor[index_of(by)];
  close(index, Close::reused, packet.time);
  remove(index);
  index = add(packet.flow, tag);
  Flow& flow = flows_[index];
  Half& half = flow.half[index_of(by)];
  half.seen = half.based = half.firm = true;
  flow.next[index_of(by)] = successor.start;
  flow.opener_known = true;
  flow.opener_high = (by == Side::high) != successor.answers;
}

// Whether a SYN opens another connection between the same ends. A SYN/ACK that answers the SYN we know does not, even
// with another number: the first one is believed, since the second may be injected.
bool FlowTable::starts_anew(const Flow& flow, const Packet& packet) const {
  std::size_t side = index_of(packet.from);
  std::uint32_t start = packet.seq + 1;
  if (!flow.half[side].based) return flow.closed;
  if (start_of(flow, packet.from) == start) return flow.closed && !may_be_copy(flow, packet.time);
  bool guess = !flow.closed && !flow.half[side].firm && nothing_delivered(flow, packet.from);
  if (guess && near(start, flow.next[side])) return false;
  Side other = opposite(packet.from);
  bool answers = packet.flags.ack() && flow.half[index_of(other)].based && packet.ack == start_of(flow, other);
  return !answers;
}

// Whether a mirror may still deliver packets of a connection that has ended.
bool FlowTable::may_be_copy(const Flow& flow, Timestamp time) const {
  return flow.cold != kNone &&
         time - ended_[flow.cold].time <= std::chrono::milliseconds(options_.reorder_wait.value());
}

// Whether a packet of a connection that has ended brings bytes nobody has seen: its end was a forged RST, or the SYN of
// its successor was lost.
bool FlowTable::reopens(const Flow& flow, const Packet& packet) const {
  const Half& half = flow.half[index_of(packet.from)];
  if (packet.payload_size == 0 || packet.flags.rst()) return false;
  if (!half.based) return true;
  std::uint32_t next = flow.next[index_of(packet.from)];
  return !near(packet.seq, next) || (ahead(packet.seq, next) >= 0 && !half.finished);
}

// A late copy from the connection before: it acknowledges what this one never sent. Only asked before the side has sent
// anything, since later its own numbers tell.
bool FlowTable::is_stale(const Flow& flow, const Packet& packet) const {
  const Half& peer = flow.half[index_of(opposite(packet.from))];
  bool comparable = !flow.closed && packet.flags.ack() && peer.firm && !flow.half[index_of(packet.from)].firm;
  return comparable && !near(packet.ack, flow.next[index_of(opposite(packet.from))]);
}

void FlowTable::on_rst(std::uint32_t index, const Packet& packet) {
  Flow& flow = flows_[index];
  std::size_t side = index_of(packet.from);
  if (flow.cold == kNone) {
    flow.closed = true;
    return schedule(index, options_.linger.value());
  }
  if (flow.half[side].based && !near(packet.seq, flow.next[side])) return;  // blind
  std::int32_t distance = flow.half[side].based ? ahead(packet.seq, flow.next[side]) : 0;
  if (flow.half[side].finished) return close(index, Close::reset, packet.time);
  set_base(index, packet.from, packet.seq);
  note_fin(index, packet.from, distance > 0 ? packet.seq : flow.next[side], true, packet.time);
  settle(index, packet.time, false);
}

void FlowTable::note_fin(std::uint32_t index, Side side, std::uint32_t seq, bool reset, Timestamp time) {
  Flow& flow = flows_[index];
  Half& half = flow.half[index_of(side)];
  if (half.fin) return;
  Cold& cold = colds_[flow.cold];
  half.fin = true;
  cold.fin[index_of(side)] = seq;
  cold.fin_time[index_of(side)] = time;
  cold.reset[index_of(side)] = reset;
}

// What the sender has received tells where the other side's stream is, and which of its bytes the mirror owes us.
void FlowTable::note_ack(std::uint32_t index, const Packet& packet) {
  if (!packet.flags.ack()) return;
  Flow& flow = flows_[index];
  std::size_t peer = index_of(opposite(packet.from));
  if (!flow.half[peer].based) {
    flow.next[peer] = packet.ack;
    flow.half[peer].based = true;
    return;
  }
  std::int32_t beyond = ahead(packet.ack, flow.next[peer]);
  if (beyond <= 0 || beyond >= kSameStream || flow.cold == kNone) return;
  Cold& cold = colds_[flow.cold];
  if (!cold.holes) cold.holes = std::make_unique<std::array<Hole, 2>>();
  Hole& hole = (*cold.holes)[peer];
  if (!hole.confirmed || ahead(packet.ack, hole.acked) > 0) hole.acked = packet.ack;
  hole.confirmed = true;
}

// Where the stream begins if no SYN says it: at what comes first, corrected downwards while nothing was delivered.
void FlowTable::set_base(std::uint32_t index, Side side, std::uint32_t seq) {
  Flow& flow = flows_[index];
  Half& half = flow.half[index_of(side)];
  std::uint32_t& next = flow.next[index_of(side)];
  if (half.based) {
    if (half.firm || half.fin || !nothing_delivered(flow, side)) return;
    if (ahead(seq, next) >= 0 || !near(seq, next)) return;
  }
  next = seq;
  half.based = true;
}

bool FlowTable::ahead_of_peer(const Flow& flow, Side side, const Segment& segment) const {
  std::size_t peer = index_of(opposite(side));
  if (!segment.has_ack || !flow.half[peer].seen || !flow.half[peer].based) return false;
  std::int32_t beyond = ahead(segment.ack, flow.next[peer]);
  return beyond > 0 && beyond < kSameStream;
}

// Systems take the urgent byte out of the stream unless asked not to (SO_OOBINLINE), and so do we: left in, it would
// hide what the server reads. It is the one before where the pointer points, as all of them count (RFC 6093
// section 2.1).
void FlowTable::take_around_urgent(std::uint32_t index, Side side, const Segment& segment, std::uint32_t urgent) {
  if (urgent == 0 || urgent > segment.size) return take(index, side, segment);
  Segment byte = segment.without_front(urgent - 1).without_back(segment.size - urgent);
  byte.bytes = {};
  byte.out_of_band = true;
  if (urgent > 1) take(index, side, segment.without_back(segment.size - urgent + 1));
  // Each part may be the one that closes the flow.
  if (!flows_[index].closed) take(index, side, byte);
  if (urgent < segment.size && !flows_[index].closed) take(index, side, segment.without_front(urgent));
}

void FlowTable::take(std::uint32_t index, Side side, Segment segment) {
  Flow& flow = flows_[index];
  Cold& cold = colds_[flow.cold];
  std::size_t i = index_of(side);
  if (flow.half[i].fin) {
    std::int32_t excess = ahead(segment.end(), cold.fin[i]);
    if (excess > 0) segment = segment.without_back(std::min(static_cast<std::uint32_t>(excess), segment.size));
  }
  std::int32_t distance = ahead(segment.seq, flow.next[i]);
  if (!near(segment.seq, flow.next[i])) return on_far(index, side, segment.time);
  cold.far[i] = 0;
  if (distance < 0) {
    auto known = static_cast<std::uint32_t>(-std::int64_t{distance});
    if (known >= segment.size) return counters_.repeated.add();
    segment = segment.without_front(known);
  }
  if (segment.size == 0) return;
  const HeldSegments* held = cold.holes ? &(*cold.holes)[i].held : nullptr;
  bool overlaps = held != nullptr && !held->empty() && ahead(segment.end(), held->front().seq) > 0;
  if (distance <= 0 && !overlaps && !ahead_of_peer(flow, side, segment)) return deliver(index, side, segment);
  if (distance > 0) counters_.out_of_order.add();
  hold(index, side, segment);
}

// In a row is what comes while nothing else is delivered.
void FlowTable::on_far(std::uint32_t index, Side side, Timestamp time) {
  Cold& cold = colds_[flows_[index].cold];
  std::size_t i = index_of(side);
  std::uint32_t next = flows_[index].next[i];
  counters_.stale.add();
  if (cold.far_from[i] != next) cold.far[i] = 0;
  cold.far_from[i] = next;
  if (++cold.far[i] >= kFarSegments) close(index, Close::reused, time);
}

void FlowTable::hold(std::uint32_t index, Side side, const Segment& segment) {
  Flow& flow = flows_[index];
  Cold& cold = colds_[flow.cold];
  if (!cold.holes) cold.holes = std::make_unique<std::array<Hole, 2>>();
  Hole& hole = (*cold.holes)[index_of(side)];
  switch (hole.held.insert(held_, options_.held_per_flow.size() << 10, segment)) {
    case HeldSegments::Insert::conflict: counters_.conflicts.add(); [[fallthrough]];
    case HeldSegments::Insert::held: break;
    case HeldSegments::Insert::refused: {
      // No room to wait in: what is missing is given up, for this flow.
      counters_.refused.add();
      settle(index, segment.time, true);
      if (flows_[index].closed) return;
      std::int32_t missing = ahead(segment.seq, flow.next[index_of(side)]);
      if (missing > 0) skip(index, side, static_cast<std::uint32_t>(missing), GapReason::lost, segment.time);
      if (missing > -static_cast<std::int64_t>(segment.size)) {
        deliver(index, side, segment.without_front(static_cast<std::uint32_t>(std::max(0, -missing))));
      }
      return;
    }
  }
  if (!flow.waiting) waiting_.push_back(index);
  flow.waiting = true;
}

void FlowTable::advance(Timestamp now) {
  constexpr Duration kJump = std::chrono::hours(1);
  bool jumped = now_ != Timestamp::min() && (now - now_ > kJump || now_ - now > kJump);
  if (now_ == Timestamp::min()) now_ = now;
  if (now <= now_ && !jumped) return;
  auto seconds = jumped ? 1 : (now - now_ + std::chrono::milliseconds(500)) / std::chrono::seconds(1);
  now_ = now;
  std::vector<std::uint32_t> waiting;
  waiting.swap(waiting_);
  for (std::uint32_t index : waiting) {
    if (!flows_[index].used || !flows_[index].waiting) continue;
    settle(index, now, false);
    if (flows_[index].waiting) waiting_.push_back(index);
  }
  for (; seconds > 0; --seconds) {
    ++tick_;
    turn_wheel();
  }
}

void FlowTable::flush() {
  for (std::uint32_t index = 0; index < flows_.end(); ++index) {
    if (!flows_[index].used || flows_[index].alias) continue;
    if (flows_[index].cold != kNone) close(index, Close::ended, now_);
    remove(index);
  }
  waiting_.clear();
  now_ = Timestamp::min();
}

}  // namespace specular
