// StreamChecker: a StreamSink that holds the flow table to what stream.h promises.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <utility>

#include "capture/flow/stream.h"
#include "tests/fuzz/fuzz.h"

namespace specular::fuzz {

class StreamChecker final : public StreamSink {
 public:
  struct SideState {
    std::uint64_t offset = 0;  // up to where chunks and gaps have gone
    std::uint64_t bytes = 0, lost = 0, clipped = 0;
    bool finished = false;
  };
  struct State {
    FlowInfo info;
    SideState side[2];
  };

  // Sees every chunk once it has been checked.
  std::function<void(const State&, const Chunk&)> look;
  // Sees every flow at its end.
  std::function<void(const State&, Close)> look_at_end;
  // Out-of-band bytes leave holes between the offsets: at most so many a flow.
  std::uint64_t most_out_of_band = 0;

  std::size_t opened() const { return opened_; }
  bool all_closed() const { return open_.empty(); }

  void on_open(const FlowInfo& flow) override {
    bool fresh = open_.emplace(flow.id, State{flow, {}}).second;
    require(fresh, "a flow's number is not used again before it closes");
    ++opened_;
  }

  void on_chunk(const Chunk& chunk) override {
    require(!chunk.bytes.empty(), "a chunk is never empty");
    SideState& side = advance(chunk.flow, chunk.side, chunk.offset);
    side.offset += chunk.bytes.size();
    side.bytes += chunk.bytes.size();
    touch(chunk.bytes);
    if (look) look(state_of(chunk.flow), chunk);
  }

  void on_gap(const Gap& gap) override {
    // Twice what the flow table takes for one stream.
    constexpr std::uint64_t kMost = 1u << 22;
    require(gap.missing > 0 && gap.missing < kMost, "a gap has a size that one stream can have");
    SideState& side = advance(gap.flow, gap.side, gap.offset);
    side.offset += gap.missing;
    (gap.reason == GapReason::lost ? side.lost : side.clipped) += gap.missing;
  }

  void on_fin(FlowId flow, Side side, Timestamp) override {
    SideState& state = state_of(flow).side[index_of(side)];
    require(!state.finished, "a side ends once");
    state.finished = true;
  }

  void on_close(FlowId flow, Close reason, const FlowTotals& totals, Timestamp) override {
    const State& state = state_of(flow);
    for (std::size_t i = 0; i < 2; ++i) {
      const SideState& side = state.side[i];
      require(totals.bytes[i] == side.bytes, "the total of bytes is what was delivered");
      require(totals.lost[i] == side.lost && totals.clipped[i] == side.clipped, "the totals of gaps are what was told");
      require(side.offset == 0 || totals.seen[i] || side.bytes == 0, "what was delivered was seen");
    }
    bool both = state.side[0].finished && state.side[1].finished;
    require((reason == Close::finished) == both, "a flow is finished when both sides are");
    if (look_at_end) look_at_end(state, reason);
    open_.erase(flow);
  }

 private:
  State& state_of(FlowId flow) {
    auto found = open_.find(flow);
    require(found != open_.end(), "nothing is told of a flow that is not open");
    return found->second;
  }

  SideState& advance(FlowId flow, Side side, std::uint64_t offset) {
    SideState& state = state_of(flow).side[index_of(side)];
    require(!state.finished, "nothing is told of a side that has ended");
    require(offset >= state.offset, "offsets never go back");
    std::uint64_t hole = offset - state.offset;
    std::uint64_t told = state.bytes + state.lost + state.clipped;
    require(hole == 0 || offset - told <= most_out_of_band, "chunks and gaps leave no hole");
    state.offset = offset;
    return state;
  }

  std::map<FlowId, State> open_;
  std::size_t opened_ = 0;
};

}  // namespace specular::fuzz
