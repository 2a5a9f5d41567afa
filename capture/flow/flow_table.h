// FlowTable: segments -> streams. One per shard; owns all state of its flows and calls the StreamSink.
//
// In-order bytes are handed on in place. What is ahead of its turn is copied once, under a budget, until
//   - the hole before it is filled,
//   - the other end acknowledges the hole, so that its bytes were sent and only the mirror lost them, and
//     `reorder_wait` has passed for a mirror that delivers late, or
//   - nothing can confirm the loss (a one-sided mirror) and `loss_wait` has passed, or a budget is full:
// then the hole becomes a Gap. A segment that acknowledges bytes of the other side that have not arrived is held for
// `reorder_wait` too, so that requests come before their responses even if the mirror swapped the directions.
//
// Two mirrors of one connection, in different networks, are one flow: the same ends with the same initial sequence
// number (or, joined late, sequence numbers within kSameStream). The second copy only fills what the first one lacks.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "capture/base/budget.h"
#include "capture/base/counter.h"
#include "capture/base/hash.h"
#include "capture/base/option.h"
#include "capture/base/pool.h"
#include "capture/flow/reassembler.h"
#include "capture/flow/stream.h"

namespace specular {

struct FlowOptions : OptionGroup {
  IntOption max_flows{*this,     "max_flows",
                      1'000'000, {16, 100'000'000},
                      "flows",   "Connections tracked at once, per shard; past that the least active are given up."};
  IntOption idle{*this, "idle_seconds", 300, {1, 28'800}, "seconds", "A flow without packets for so long is closed."};
  IntOption half_open{*this,     "half_open_seconds", 10,
                      {1, 3600}, "seconds",           "The same for a flow that never carried a byte."};
  IntOption linger{*this,     "linger_seconds",
                   5,         {0, 600},
                   "seconds", "How long a closed flow is remembered, for copies of its packets that come late."};
  IntOption reorder_wait{
      *this,       "reorder_wait_ms", 100,
      {0, 60'000}, "milliseconds",    "How late a mirror may deliver a packet before it counts as lost."};
  IntOption loss_wait{*this,          "loss_wait_ms",
                      10'000,         {0, 600'000},
                      "milliseconds", "The same where no acknowledgement tells, as with mirrors of one direction."};
  IntOption held_per_flow{*this, "held_kb_per_flow",
                          1024,  {16, 65'536},
                          "KiB", "Bytes of one direction of a flow that may wait for missing ones."};
  IntOption held_total{*this, "held_mb", 64, {1, 65'536}, "MiB", "The same for all flows of a shard."};
};

struct FlowCounters : CounterGroup {
  Counter opened{*this, "opened_flows", "flows that carried at least a byte"};
  Counter evicted{*this, "evicted_flows", "flows given up because the table was full"};
  Counter linked{*this, "linked_flows", "second mirrors of a connection that was known already"};
  Counter unlinked{*this, "unlinked_flows", "flows not looked at for mirrors, as too many networks had their ends"};
  Counter out_of_order{*this, "out_of_order_segments", "segments that came ahead of their turn"};
  Counter repeated{*this, "repeated_segments", "segments that brought nothing new: retransmissions, second mirrors"};
  Counter conflicts{*this, "conflicting_segments", "overlapping segments with different bytes; the first is believed"};
  Counter gaps{*this, "gaps", "holes that were given up"};
  Counter lost{*this, "lost_bytes", "bytes in these"};
  Counter clipped{*this, "clipped_bytes", "bytes that the capture cut off"};
  Counter stale{*this, "stale_segments", "segments whose numbers belong to another connection of the same ends"};
  Counter refused{*this, "refused_segments", "segments that no budget was left to hold"};
};

class FlowTable {
 public:
  FlowTable(const FlowOptions& options, const HashKey& key, StreamSink& sink);
  ~FlowTable();
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;

  // Requires: at most kBatch packets.
  void on_packets(std::span<const Packet> packets);
  // Expires and gives up waiting. Called when packet time enters a new epoch; at no other time does time act.
  void advance(Timestamp now);
  // Closes everything: the capture ended.
  void flush();

  const FlowCounters& counters() const { return counters_; }
  std::size_t size() const { return flows_.size(); }
  std::size_t bytes_held() const { return held_.used(); }

 private:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  // Sequence numbers that close to each other, between the same ends, are one stream; twice the largest usual window.
  static constexpr std::int32_t kSameStream = 1 << 21;
  static bool near(std::uint32_t a, std::uint32_t b) { return ahead(a, b) > -kSameStream && ahead(a, b) < kSameStream; }
  // So many segments in a row that are further away are another stream: the mirror was down for long.
  static constexpr std::uint8_t kFarSegments = 16;
  // Networks whose flows of the same ends stand together, where each finds its twins. Who names more mirrors nothing.
  static constexpr int kTogether = 8;
  static constexpr std::uint32_t kWheel = 16;  // seconds; every flow is looked at once a turn at least
  static constexpr std::uint32_t kBucket = kNone - kWheel;

  // One direction, as far as every packet needs it.
  struct Half {
    bool seen : 1 = false;      // a packet was
    bool based : 1 = false;     // `next` is known
    bool firm : 1 = false;      // from a SYN, not a guess
    bool fin : 1 = false;       // Cold::fin is known
    bool finished : 1 = false;  // delivered up to there
    bool mute : 1 = false;      // ended without a byte, before the other side sent any
  };

  // The hot line: what an in-order segment touches.
  struct alignas(64) Flow {
    FlowKey key;
    std::uint16_t last_tick = 0;
    std::uint32_t next[2] = {0, 0};                            // the sequence number expected of each side
    std::uint32_t cold = kNone;                                // once closed: its Ended
    std::uint32_t wheel_next = kNone, wheel_previous = kNone;  // `previous` of the first is kBucket + its bucket
    Half half[2];
    bool used : 1 = false;
    bool alias : 1 = false;    // another network's key of flow `cold`
    bool closed : 1 = false;   // lingering
    bool waiting : 1 = false;  // in waiting_
    bool mirrored_twice : 1 = false;
    bool apart : 1 = false;                                  // stands at apart_tag()
    bool opener_known : 1 = false, opener_high : 1 = false;  // who sent the SYN
  };
  static_assert(sizeof(Flow) == 64);

  struct Hole {
    HeldSegments held;
    std::uint32_t acked = 0;  // the highest sequence number beyond Flow::next that the other side acknowledged
    bool confirmed = false;   // acked is valid
  };

  // The connection that a SYN would open in place of this one. Anybody can send a SYN: it is believed once another
  // packet goes by its number.
  struct Successor {
    std::uint32_t start = 0;
    bool answers = false;  // it was a SYN/ACK
  };

  // Exists once the flow carried a byte.
  struct Cold {
    FlowTotals totals;
    std::uint64_t offset[2] = {0, 0};  // of Flow::next in the stream
    std::uint32_t fin[2] = {0, 0};     // the sequence number of FIN or RST
    Timestamp fin_time[2]{};
    bool reset[2] = {false, false};      // it was an RST
    std::uint8_t far[2] = {0, 0};        // segments in a row that were too far from what is expected,
    std::uint32_t far_from[2] = {0, 0};  // and what that was
    std::unique_ptr<std::array<Hole, 2>> holes;
    std::optional<Successor> successor[2];  // by who would begin it
  };

  // What is left of a Cold, for copies of its packets that come late.
  struct Ended {
    std::uint32_t start[2] = {0, 0};
    Timestamp time{};
  };

  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t flow = kNone;
  };

  // flow_table.cc: packets
  void on_packet(const Packet& packet, std::uint32_t tag);
  bool deliver_in_order(std::uint32_t index, const Packet& packet);
  void on_unusual(std::uint32_t index, const Packet& packet, std::uint32_t tag);
  bool on_syn(std::uint32_t& index, const Packet& packet, std::uint32_t tag);
  std::optional<Side> successor_shown(const Flow& flow, const Packet& packet) const;
  void succeed(std::uint32_t& index, Side by, const Packet& packet, std::uint32_t tag);
  bool starts_anew(const Flow& flow, const Packet& packet) const;
  bool may_be_copy(const Flow& flow, Timestamp time) const;
  bool reopens(const Flow& flow, const Packet& packet) const;
  bool is_stale(const Flow& flow, const Packet& packet) const;
  void on_rst(std::uint32_t index, const Packet& packet);
  void note_fin(std::uint32_t index, Side side, std::uint32_t seq, bool reset, Timestamp time);
  void note_ack(std::uint32_t index, const Packet& packet);
  void set_base(std::uint32_t index, Side side, std::uint32_t seq);
  void take_around_urgent(std::uint32_t index, Side side, const Segment& segment, std::uint32_t urgent);
  void take(std::uint32_t index, Side side, Segment segment);
  void on_far(std::uint32_t index, Side side, Timestamp time);
  void hold(std::uint32_t index, Side side, const Segment& segment);
  bool ahead_of_peer(const Flow& flow, Side side, const Segment& segment) const;
  std::uint32_t start_of(const Flow& flow, Side side) const;
  bool nothing_delivered(const Flow& flow, Side side) const;

  // flow_delivery.cc: what goes to the sink
  void open(std::uint32_t index, const Packet& packet);
  void deliver(std::uint32_t index, Side side, const Segment& segment);
  void skip(std::uint32_t index, Side side, std::uint32_t count, GapReason reason, Timestamp time);
  void finish_side(std::uint32_t index, Side side);
  void settle(std::uint32_t index, Timestamp now, bool at_once);
  bool deliver_ready(std::uint32_t index, Side side, bool patient);
  bool give_up_one(std::uint32_t index, Timestamp now, bool at_once);
  std::optional<Timestamp> due(const Flow& flow, Side side) const;
  void close(std::uint32_t index, Close reason, Timestamp time);

  // flow_index.cc: finding and forgetting
  std::uint32_t tag_of(const FlowKey& key) const { return static_cast<std::uint32_t>(hash_ends(key_, key)); }
  // Where a flow stands whose ends too many networks have.
  std::uint32_t apart_tag(std::uint32_t tag, NetworkId network) const {
    return static_cast<std::uint32_t>(fast_hash(key_, std::uint64_t{tag} << 16 | static_cast<std::uint16_t>(network)));
  }
  bool crowded(std::uint32_t tag) const;
  std::uint32_t find_apart(const FlowKey& key, std::uint32_t tag) const;
  std::uint32_t find_or_add(const Packet& packet, std::uint32_t tag);
  bool is_twin(const Flow& flow, const Packet& packet) const;
  std::uint32_t add(const FlowKey& key, std::uint32_t tag);
  void remove(std::uint32_t index);
  void remove_aliases(std::uint32_t target, std::uint32_t tag);
  void insert_slot(std::uint32_t tag, std::uint32_t index);
  void erase_slot(std::size_t position);
  void grow_slots();
  void evict_one();
  void schedule(std::uint32_t index, std::int64_t ticks);
  void unschedule(std::uint32_t index);
  void turn_wheel();
  void visit(std::uint32_t index);
  std::int64_t limit_of(const Flow& flow) const;

  const FlowOptions& options_;
  HashKey key_;
  StreamSink& sink_;
  FlowCounters counters_;
  Budget held_;
  Pool<Flow, 4096> flows_;
  Pool<Cold> colds_;
  Pool<Ended> ended_;
  std::vector<Slot> slots_;
  std::size_t apart_ = 0;               // flows that stand so
  std::vector<std::uint32_t> waiting_;  // flows with a hole
  std::array<std::uint32_t, kWheel> wheel_;
  std::uint16_t tick_ = 0;  // seconds of packet time, wrapping; jumps in it count as one
  Timestamp now_ = Timestamp::min();
  std::uint64_t evict_seed_ = 0;
};

}  // namespace specular
