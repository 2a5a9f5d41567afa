#include <algorithm>

#include "capture/flow/flow_table.h"

namespace specular {

void FlowTable::open(std::uint32_t index, const Packet& packet) {
  Flow& flow = flows_[index];
  flow.cold = colds_.add();
  counters_.opened.add();
  FlowInfo info{static_cast<FlowId>(flow.cold), flow.key, packet.tunnel, packet.time, std::nullopt};
  if (flow.opener_known) info.initiator = flow.opener_high ? Side::high : Side::low;
  sink_.on_open(info);
  // When it was to be looked at while it was half open may be too late.
  if (options_.idle.value() < options_.half_open.value()) schedule(index, options_.idle.value());
  Side other = opposite(packet.from);
  if (!flow.half[index_of(other)].mute) return;
  note_fin(index, other, flow.next[index_of(other)], false, packet.time);
  finish_side(index, other);
}

void FlowTable::deliver(std::uint32_t index, Side side, const Segment& segment) {
  Flow& flow = flows_[index];
  Cold& cold = colds_[flow.cold];
  std::size_t i = index_of(side), peer = index_of(opposite(side));
  if (segment.out_of_band) {
    flow.next[i] += segment.size;
    cold.offset[i] += segment.size;
    return;
  }
  auto captured = static_cast<std::uint32_t>(segment.bytes.size());
  std::uint64_t acked = cold.offset[peer];
  if (segment.has_ack && flow.half[peer].based) {
    std::int64_t distance = ahead(segment.ack, flow.next[peer]);
    acked = distance >= -static_cast<std::int64_t>(acked) ? acked + static_cast<std::uint64_t>(distance) : 0;
  }
  Chunk chunk{static_cast<FlowId>(flow.cold), side, segment.time, cold.offset[i], acked, segment.bytes};
  flow.next[i] += captured;
  cold.offset[i] += captured;
  cold.totals.bytes[i] += captured;
  if (captured > 0) sink_.on_chunk(chunk);
  if (captured < segment.size) skip(index, side, segment.size - captured, GapReason::clipped, segment.time);
}

void FlowTable::skip(std::uint32_t index, Side side, std::uint32_t count, GapReason reason, Timestamp time) {
  Flow& flow = flows_[index];
  Cold& cold = colds_[flow.cold];
  std::size_t i = index_of(side);
  Gap gap{static_cast<FlowId>(flow.cold), side, time, cold.offset[i], count, reason};
  flow.next[i] += count;
  cold.offset[i] += count;
  bool lost = reason == GapReason::lost;
  (lost ? cold.totals.lost : cold.totals.clipped)[i] += count;
  (lost ? counters_.lost : counters_.clipped).add(count);
  if (lost) counters_.gaps.add();
  sink_.on_gap(gap);
}

// Ends the side if its FIN or RST is what comes next.
void FlowTable::finish_side(std::uint32_t index, Side side) {
  Flow& flow = flows_[index];
  std::size_t i = index_of(side);
  if (flow.closed || !flow.half[i].fin || flow.half[i].finished) return;
  Cold& cold = colds_[flow.cold];
  if (ahead(cold.fin[i], flow.next[i]) > 0) return;
  // What was held from beyond the end is no part of the stream: receivers drop it too.
  if (cold.holes) (*cold.holes)[i].held = {};
  Timestamp time = cold.fin_time[i];
  if (cold.reset[i]) {
    // Takes no sequence number, and is not believed for good: what comes next may show that it was forged.
    flow.half[i].fin = false;
    return close(index, Close::reset, time);
  }
  flow.half[i].finished = true;
  ++flow.next[i];
  sink_.on_fin(static_cast<FlowId>(flow.cold), side, time);
  if (flow.half[index_of(opposite(side))].finished) close(index, Close::finished, time);
}

// Delivers what can be, gives up what is overdue (or everything, at once), and notes whether anything is left waiting.
void FlowTable::settle(std::uint32_t index, Timestamp now, bool at_once) {
  Flow& flow = flows_[index];
  for (bool progress = true; progress && !flow.closed;) {
    bool low = deliver_ready(index, Side::low, true);
    bool high = deliver_ready(index, Side::high, true);
    progress = low || high || give_up_one(index, now, at_once);
  }
  if (flow.closed || flow.cold == kNone) return;
  finish_side(index, Side::low);
  finish_side(index, Side::high);
  if (flow.closed) return;
  bool waits = due(flow, Side::low) || due(flow, Side::high);
  if (waits && !flow.waiting) waiting_.push_back(index);
  flow.waiting = waits;
  if (!waits && colds_[flow.cold].holes) {
    const auto& holes = *colds_[flow.cold].holes;
    bool owed = (holes[0].confirmed && ahead(holes[0].acked, flow.next[0]) > 0) ||
                (holes[1].confirmed && ahead(holes[1].acked, flow.next[1]) > 0);
    if (!owed) colds_[flow.cold].holes.reset();
  }
}

// True if anything was delivered. Without patience, also what acknowledges bytes of the other side that are missing.
bool FlowTable::deliver_ready(std::uint32_t index, Side side, bool patient) {
  bool any = false;
  for (;;) {
    Flow& flow = flows_[index];
    if (flow.closed || flow.cold == kNone || !colds_[flow.cold].holes) return any;
    HeldSegments& held = (*colds_[flow.cold].holes)[index_of(side)].held;
    if (held.empty()) return any;
    Segment front = held.front();
    std::int32_t distance = ahead(front.seq, flow.next[index_of(side)]);
    if (distance > 0 || (patient && ahead_of_peer(flow, side, front))) return any;
    auto known = std::min(static_cast<std::uint32_t>(-std::int64_t{distance}), front.size);
    if (known < front.size) deliver(index, side, front.without_front(known));
    held.pop_front();
    any = true;
    if (!patient) return any;
  }
}

// When what the side waits for counts as lost; nothing if it waits for nothing.
std::optional<Timestamp> FlowTable::due(const Flow& flow, Side side) const {
  std::size_t i = index_of(side);
  const Cold& cold = colds_[flow.cold];
  const Hole* hole = cold.holes ? &(*cold.holes)[i] : nullptr;
  bool confirmed = hole != nullptr && hole->confirmed && ahead(hole->acked, flow.next[i]) > 0;
  Duration reorder_wait = std::chrono::milliseconds(options_.reorder_wait.value());
  Duration wait = confirmed ? reorder_wait : std::chrono::milliseconds(options_.loss_wait.value());
  if (hole != nullptr && !hole->held.empty()) {
    Segment front = hole->held.front();
    bool own_hole = ahead(front.seq, flow.next[i]) > 0;
    return front.time + (own_hole ? wait : reorder_wait);
  }
  if (flow.half[i].fin && !flow.half[i].finished) return cold.fin_time[i] + wait;
  return std::nullopt;
}

// Gives up the hole that has been waited for longest, if it is overdue. Of two that wait for each other the earlier
// segment decides.
bool FlowTable::give_up_one(std::uint32_t index, Timestamp now, bool at_once) {
  Flow& flow = flows_[index];
  if (flow.closed || flow.cold == kNone) return false;
  auto low = due(flow, Side::low), high = due(flow, Side::high);
  if (!low && !high) return false;
  Side side = low && (!high || *low <= *high) ? Side::low : Side::high;
  Timestamp deadline = side == Side::low ? *low : *high;
  if (!at_once && deadline > now) return false;
  std::size_t i = index_of(side);
  Cold& cold = colds_[flow.cold];
  if (cold.holes && !(*cold.holes)[i].held.empty()) {
    Segment front = (*cold.holes)[i].held.front();
    std::int32_t missing = ahead(front.seq, flow.next[i]);
    if (missing <= 0) return deliver_ready(index, side, false);
    skip(index, side, static_cast<std::uint32_t>(missing), GapReason::lost, front.time);
    return true;
  }
  std::int32_t missing = ahead(cold.fin[i], flow.next[i]);
  if (missing > 0) skip(index, side, static_cast<std::uint32_t>(missing), GapReason::lost, cold.fin_time[i]);
  finish_side(index, side);
  return true;
}

void FlowTable::close(std::uint32_t index, Close reason, Timestamp time) {
  if (flows_[index].closed) return;
  settle(index, time, true);
  Flow& flow = flows_[index];
  if (flow.closed) return;
  Cold& cold = colds_[flow.cold];
  for (Side side : {Side::low, Side::high}) {
    std::size_t i = index_of(side);
    cold.totals.seen[i] = flow.half[i].seen;
    const Hole* hole = cold.holes ? &(*cold.holes)[i] : nullptr;
    // What was acknowledged and never came; a side that is not mirrored at all owes nothing. One byte may be a FIN.
    bool owed = hole != nullptr && hole->confirmed && flow.half[i].seen;
    std::int32_t missing = owed ? ahead(hole->acked, flow.next[i]) : 0;
    if (missing > 1 && !flow.half[i].finished) {
      skip(index, side, static_cast<std::uint32_t>(missing), GapReason::lost, time);
    }
  }
  cold.totals.mirrored_twice = flow.mirrored_twice;
  sink_.on_close(static_cast<FlowId>(flow.cold), reason, cold.totals, time);
  std::uint32_t ended = ended_.add();
  ended_[ended].time = time;
  for (Side side : {Side::low, Side::high}) ended_[ended].start[index_of(side)] = start_of(flow, side);
  colds_.erase(flow.cold);
  flow.cold = ended;
  flow.closed = true;
  flow.waiting = false;
  schedule(index, options_.linger.value());
}

}  // namespace specular
