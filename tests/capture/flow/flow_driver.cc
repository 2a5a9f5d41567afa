#include "tests/capture/flow/flow_driver.h"

#include <algorithm>
#include <utility>

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace specular::test {
namespace {

const char* arrow(Side side) {
  return side == Side::low ? ">" : "<";
}

const char* reason_text(Close reason) {
  switch (reason) {
    case Close::finished: return "finished";
    case Close::reset: return "reset";
    case Close::reused: return "reused";
    case Close::idle: return "idle";
    case Close::evicted: return "evicted";
    case Close::ended: return "ended";
  }
  return "";
}

}  // namespace

void StreamLog::law(bool holds, const char* what) {
  if (!holds && broken.empty()) broken = what;
}

StreamLog::State& StreamLog::find(FlowId flow) {
  law(flows_.contains(flow), "an event of a flow that is not open");
  return flows_[flow];
}

void StreamLog::add(const State& state, const std::string& line) {
  last_was_chunk_ = false;
  lines.push_back(numbered ? fmt::format("{}: {}", state.number, line) : line);
}

void StreamLog::on_open(const FlowInfo& flow) {
  law(!flows_.contains(flow.id), "a flow opened twice");
  flows_[flow.id] = State{opened.size() + 1};
  opened.push_back(flow);
  std::string by = !flow.initiator ? "" : *flow.initiator == Side::low ? " by low" : " by high";
  add(find(flow.id), "open" + by);
}

void StreamLog::on_chunk(const Chunk& chunk) {
  State& state = find(chunk.flow);
  std::size_t side = index_of(chunk.side);
  law(!chunk.bytes.empty(), "an empty chunk");
  law(chunk.offset >= state.next[side], "a chunk whose offset goes back");
  law(!state.finished[side], "a chunk behind the fin of its side");
  bool joins = !lines.empty() && last_was_chunk_ && last_flow_ == chunk.flow && last_side_ == chunk.side &&
               chunk.offset == state.next[side];
  if (joins) {
    lines.back() += as_text(chunk.bytes);
  } else {
    add(state, fmt::format("{} {} {}", arrow(chunk.side), chunk.offset, as_text(chunk.bytes)));
  }
  last_was_chunk_ = true;
  last_flow_ = chunk.flow;
  last_side_ = chunk.side;
  state.next[side] = chunk.offset + chunk.bytes.size();
  state.bytes[side] += chunk.bytes.size();
  bytes_seen_ += chunk.bytes.size();
  chunks.push_back(chunk);
  chunks.back().bytes = {};
  times.push_back(chunk.time);
}

void StreamLog::on_gap(const Gap& gap) {
  State& state = find(gap.flow);
  std::size_t side = index_of(gap.side);
  law(gap.missing > 0, "an empty gap");
  law(gap.offset >= state.next[side], "a gap whose offset goes back");
  law(!state.finished[side], "a gap behind the fin of its side");
  bool lost = gap.reason == GapReason::lost;
  add(state, fmt::format("{} {} {} {}", arrow(gap.side), gap.offset, lost ? "lost" : "clipped", gap.missing));
  state.next[side] = gap.offset + gap.missing;
  (lost ? state.lost : state.clipped)[side] += gap.missing;
  bytes_missing_ += gap.missing;
  times.push_back(gap.time);
}

void StreamLog::on_fin(FlowId flow, Side side, Timestamp time) {
  State& state = find(flow);
  law(!state.finished[index_of(side)], "two fins of one side");
  state.finished[index_of(side)] = true;
  add(state, fmt::format("{} fin", arrow(side)));
  times.push_back(time);
}

void StreamLog::on_close(FlowId flow, Close reason, const FlowTotals& flow_totals, Timestamp) {
  State state = find(flow);
  for (std::size_t side : {0u, 1u}) {
    law(flow_totals.bytes[side] == state.bytes[side], "a total of bytes that is not their sum");
    law(flow_totals.lost[side] == state.lost[side], "a total of lost bytes that is not their sum");
    law(flow_totals.clipped[side] == state.clipped[side], "a total of clipped bytes that is not their sum");
  }
  totals.push_back(flow_totals);
  add(state, fmt::format("close {}", reason_text(reason)));
  flows_.erase(flow);
}

Packet FlowDriver::packet(Side side, const Sent& sent) const {
  std::size_t i = index_of(side);
  bool syn = (sent.flags & kSynFlag) != 0;
  Packet packet;
  packet.time = now_;
  packet.flow = {*IpAddress::parse("10.0.0.1"), *IpAddress::parse("10.0.0.2"), ends.client_port, 80,
                 static_cast<NetworkId>(ends.network)};
  packet.tunnel = static_cast<TunnelId>(ends.network);
  packet.from = side;
  packet.flags.bits = sent.flags;
  packet.seq = ends.start[i] + (syn ? 0 : 1) + sent.offset;
  packet.ack = (sent.flags & kAckFlag) != 0 ? ends.start[1 - i] + 1 + sent.acked : 0;
  packet.urgent = sent.urgent;
  packet.payload = as_bytes(sent.text.substr(0, sent.text.size() - sent.clipped));
  packet.payload_size = static_cast<std::uint32_t>(sent.text.size());
  return packet;
}

void FlowDriver::raw(const Packet& packet) {
  // Bytes of exactly their size, gone after the call: whatever is kept must have been copied.
  auto bytes = std::make_unique<std::uint8_t[]>(packet.payload.size());
  std::copy(packet.payload.begin(), packet.payload.end(), bytes.get());
  Packet copy = packet;
  copy.payload = Bytes(bytes.get(), packet.payload.size());
  table().on_packets(std::span(&copy, 1));
}

void FlowDriver::send(Side side, const Sent& sent) {
  raw(packet(side, sent));
}
void FlowDriver::syn(std::string_view text) {
  send(Side::low, {0, text, 0, kSynFlag});
}

void FlowDriver::syn_ack(std::string_view text, std::uint32_t acked) {
  send(Side::high, {0, text, acked, kSynFlag | kAckFlag});
}

void FlowDriver::open() {
  syn();
  syn_ack();
  low(0, "");
}

void FlowDriver::fin(Side side, std::uint32_t offset, std::uint32_t acked, std::string_view text) {
  send(side, {offset, text, acked, kFinFlag | kAckFlag});
}

void FlowDriver::rst(Side side, std::uint32_t offset) {
  send(side, {offset, {}, 0, kRstFlag});
}

void FlowDriver::pass(Duration duration) {
  Timestamp end = now_ + duration;
  while (epoch_of(now_) < epoch_of(end)) {
    now_ = start_of(epoch_of(now_) + 1);
    table().advance(now_);
  }
  now_ = end;
}

void FlowDriver::jump(Duration duration) {
  now_ += duration;
  table().advance(start_of(epoch_of(now_)));
}

FlowTable& FlowDriver::table() {
  if (!table_) {
    table_ = std::make_unique<FlowTable>(options, HashKey{}, log);
    table_->advance(start_of(epoch_of(now_)));
  }
  return *table_;
}

std::string FlowDriver::take() {
  CHECK(log.broken == "");
  std::string text;
  for (const std::string& line : std::exchange(log.lines, {})) text += (text.empty() ? "" : "; ") + line;
  return text;
}

std::string FlowDriver::flush() {
  table().flush();
  CHECK(table().size() == 0);
  CHECK(table().bytes_held() == 0);
  CHECK(log.open_count() == 0);
  return take();
}

void set(Option& option, std::int64_t value) {
  REQUIRE(option.set(std::to_string(value)));
}

}  // namespace specular::test
