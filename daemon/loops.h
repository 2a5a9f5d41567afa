// Loops: the threads of the daemon, what each owns, and how they end.
//
//   intake × R ─packets→ lane × N ─Report→ judge ─Epoch→ keeper → Store
//                        folder ──────────↗
//
// An intake reads interfaces, decodes, and hands packets to their lanes: to the one in its own thread where the kernel
// spreads the flows, else through a PacketQueue to each. Nothing is shared but what is named here; whoever asks from
// outside (sensor.h) reads atomics, or the inventory under its mutex.
//
// The end: `stopping` is set. Intakes read what waits and close their flows; queued lanes, the judge and the keeper
// follow, each when all before it have ended.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <poll.h>

#include "analyzers/judge.h"
#include "capture/link/live_source.h"
#include "capture/packet_queue.h"
#include "daemon/lane.h"
#include "daemon/metrics.h"
#include "daemon/overload.h"
#include "daemon/reports.h"
#include "storage/store.h"

namespace specular {

using SteadyClock = std::chrono::steady_clock;

// Shows that a thread moves.
class Heart {
 public:
  void beat() { last_.store(SteadyClock::now().time_since_epoch().count(), std::memory_order_relaxed); }
  Duration still_for() const {
    return SteadyClock::now().time_since_epoch() - SteadyClock::duration(last_.load(std::memory_order_relaxed));
  }

 private:
  std::atomic<SteadyClock::rep> last_ = SteadyClock::now().time_since_epoch().count();
};

// A lane with its way to the judge, and its figures for whoever asks.
struct ReportingLane {
  ReportingLane(const Config& config, const TunnelTable& tunnels, const HashKey& key, Mailbox& mailbox);

  void note_gauges();
  // All flows are closed: tells what is left.
  void finish();

  ReportWriter reports;
  Lane lane;
  std::atomic<std::size_t> flows = 0, held_bytes = 0;
};

// A lane in a thread of its own.
class QueuedLane {
 public:
  QueuedLane(ReportingLane& lane, std::size_t batches, FrameBuffers* buffers = nullptr)
      : queue(batches, buffers), lane_(lane) {}

  // Until the queue is empty and `intakes_ended`.
  void run(const std::atomic<bool>& intakes_ended);

  PacketQueue queue;
  Heart heart;

 private:
  ReportingLane& lane_;
};

struct IntakeLatencies {
  LatencyHistogram capture;  // from a frame's arrival to its reading
  LatencyHistogram receive;  // what a burst takes, up to the queue or, without one, through the observer
};

class Intake {
 public:
  struct Wiring {
    std::vector<LiveSource*> sources;  // one of each interface
    ReportingLane* own = nullptr;      // the lane in this thread, or
    std::vector<QueuedLane*> lanes{};  // those in others
  };

  // `memory_share`: resident memory, of its limit. Requires: all outlive it.
  Intake(const Config& config, TunnelTable& tunnels, Mailbox& mailbox, Wiring wiring,
         const std::atomic<double>& memory_share);

  void run(const std::atomic<bool>& stopping);

  const Receiver& receiver() const { return receiver_; }
  std::size_t sinks() const { return governors_.size(); }
  Duration lag() const { return Duration(lag_ns_.load(std::memory_order_relaxed)); }
  double kept_share(std::size_t sink) const { return kept_[sink].load(std::memory_order_relaxed); }

  IntakeLatencies latencies;
  Heart heart;

 private:
  static std::vector<PacketSink*> sinks_of(const Wiring& wiring);
  bool poll(Duration wait);
  void step(Duration wait);
  void look(SteadyClock::time_point now);
  void govern(std::size_t sink, SteadyClock::time_point now, const Pressure& pressure);
  void watch_clock(SteadyClock::time_point now);
  void tell_clipped();

  Wiring wiring_;
  std::vector<pollfd> waited_;
  Receiver receiver_;
  std::optional<ReportWriter> own_reports_;  // where the lanes are elsewhere
  const std::atomic<double>& memory_share_;
  std::vector<LoadGovernor> governors_;     // by sink
  std::vector<std::atomic<double>> kept_;   // what they say
  std::vector<std::uint64_t> queue_drops_;  // by sink: told so far
  std::uint64_t source_drops_ = 0;
  SteadyClock::time_point looked_{}, reported_{}, announced_{};
  bool clipped_told_ = false;
  Duration longest_lag_{};
  std::optional<Duration> wall_ahead_;  // of the steady clock
  std::atomic<std::int64_t> lag_ns_ = 0;
};

// Makes epochs durable. Holds one at a time, and tries it until it is.
class Keeper {
 public:
  explicit Keeper(Store& store) : store_(store) { state_.store_bytes = store.bytes(); }

  // Whether it can take an epoch; waits for that, at most so long.
  bool wait_until_idle(Duration most) const;
  // What was learned so far, by count.
  struct Reached {
    std::uint64_t captures = 0;  // of the drop folder
    std::uint64_t changes = 0;   // by the user
  };
  // `reached` with the epoch. Requires: it is idle.
  void take(Epoch epoch, const Reached& reached);
  // Nothing more comes: run() ends when what it holds is durable, or after kLastTries. `lost`: there is more, which it
  // could not be given.
  void close(bool lost);

  void run();

  // How many captures of the drop folder are durable. Waits until it is `wanted`, or for `most`.
  std::uint64_t wait_for_captures(std::uint64_t wanted, Duration most) const;
  // Whether so many changes are durable; waits for that, at most so long, or until nothing more comes.
  bool wait_for_changes(std::uint64_t wanted, Duration most) const;
  struct State {
    std::uint64_t commits = 0, store_bytes = 0;
    std::optional<Timestamp> last;  // wall time
    std::string failing;            // why the disk refuses; empty if it does not
    bool lost = false;              // it gave up at the end
  };
  State state() const;

  LatencyHistogram commit_latency;
  Heart heart;

 private:
  static constexpr Duration kRetry = std::chrono::seconds(1);
  static constexpr int kLastTries = 10;

  Result<void> commit(const Epoch& epoch);

  Store& store_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::optional<Epoch> held_;
  Reached held_reached_, durable_;
  bool closed_ = false;
  State state_;
};

// Merges reports into the inventory, and gives the keeper what changed.
class JudgeLoop {
 public:
  JudgeLoop(Judge& judge, std::mutex& inventory_mutex, Mailbox& mailbox, Keeper& keeper, Duration commit_interval)
      : judge_(judge),
        inventory_mutex_(inventory_mutex),
        mailbox_(mailbox),
        keeper_(keeper),
        commit_interval_(commit_interval) {}

  void run(const std::atomic<bool>& producers_ended);

  // By any other thread: calls `change` with the judge; if that returns true, it is handed over at once. Returns how
  // many changes there were, with this one: for Keeper::wait_for_changes().
  std::uint64_t change(const std::function<bool(Judge&)>& change);

  std::uint64_t transactions() const { return transactions_.load(std::memory_order_relaxed); }
  std::optional<Timestamp> packet_time() const;
  // Of the inventory, as of the last report: so that asking waits for nothing.
  std::size_t endpoints() const { return endpoints_.load(std::memory_order_relaxed); }
  std::size_t hosts() const { return hosts_.load(std::memory_order_relaxed); }

  LatencyHistogram queue_latency;  // from a report's sending to its merging
  LatencyHistogram merge_latency;
  Heart heart;

 private:
  void merge(const Report& report);
  void count_inventory();
  void hand_over();

  Judge& judge_;
  std::mutex& inventory_mutex_;
  Mailbox& mailbox_;
  Keeper& keeper_;
  Duration commit_interval_;
  bool changed_ = false, hurry_ = false;
  std::uint64_t captures_ = 0;
  std::atomic<std::uint64_t> changes_ = 0;  // by the user; grows with the inventory held
  std::uint64_t changes_handed_over_ = 0;
  SteadyClock::time_point handed_over_{};
  std::atomic<std::uint64_t> transactions_ = 0;
  std::atomic<std::int64_t> packet_time_ns_ = 0;
  std::atomic<std::size_t> endpoints_ = 0, hosts_ = 0;
};

}  // namespace specular
