// Reports: what a thread of capture has learned, on its way to the judge's thread.
//
// A report is an owned copy, so nothing borrowed crosses. If the judge is behind, nothing waits and nothing is lost:
// the observer keeps adding to its own summaries, and tells them with a later report.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "analyzers/judge.h"
#include "capture/receiver.h"
#include "daemon/lane.h"

namespace specular {

struct Report {
  struct EndpointDelta {
    ServedHost host;
    SegmentPath path;
    std::string method;
    EndpointSummary added;
  };
  struct ValuesDelta {
    ServedHost host;
    SegmentPath path;
    DistinctCounter added;
  };

  std::vector<EndpointDelta> endpoints;
  std::vector<ValuesDelta> values;
  std::vector<std::pair<ServedHost, CoverageCounts>> hosts;
  std::vector<std::pair<std::string, CoverageCounts>> tunnels;
  std::vector<std::pair<std::string, std::uint64_t>> counters;  // by how much they have grown
  std::optional<AnalysedCapture> capture;                       // that all of this comes from
  std::vector<std::string> forgotten_captures;                  // names
  std::optional<Timestamp> time;                                // packet time that was reached
  std::uint64_t transactions = 0;
  std::chrono::steady_clock::time_point sent;

  void apply_to(Judge& judge) const;
};

// Between several producers and one consumer. Bounded by its producers, which ask for room.
class Mailbox {
 public:
  explicit Mailbox(std::size_t capacity) : capacity_(capacity) {}

  bool has_room() const;
  // Never waits: who can, asks for room before.
  void put(std::unique_ptr<Report> report);
  // The oldest report, or null if none came within `most`.
  std::unique_ptr<Report> take(Duration most);
  std::size_t size() const;

 private:
  std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Report>> reports_;
};

// By how much counters have grown since the last look.
class CounterWatch {
 public:
  // Requires: the group outlives it.
  void add(const CounterGroup& group);
  void tell_growth(std::vector<std::pair<std::string, std::uint64_t>>& out);

 private:
  std::vector<std::pair<const Counter*, std::uint64_t>> told_;
};

// Collects what one thread learns, and sends it.
class ReportWriter final : public DeltaSink {
 public:
  // Requires: all outlive it.
  ReportWriter(Mailbox& mailbox, const TunnelTable& tunnels) : mailbox_(mailbox), tunnels_(tunnels) {}

  CounterWatch& counters() { return counters_; }
  // The receiver of this thread, if it has one: its traffic is told with each report.
  void set_receiver(Receiver& receiver) { receiver_ = &receiver; }
  // Holds back what is told until send(): a capture counts as a whole.
  void hold_back() { held_back_ = true; }

  void on_endpoint(const ServedHost& host, const SegmentPath& path, const std::string& method,
                   const EndpointSummary& added) override;
  void on_values(const ServedHost& host, const SegmentPath& path, const DistinctCounter& added) override;
  void on_host(const ServedHost& host, const CoverageCounts& added) override;
  void on_tunnel(const std::string& tunnel, const CoverageCounts& added) override;
  bool is_ready() override { return !held_back_ && mailbox_.has_room(); }
  void on_told(EpochNumber epoch) override;

  // Sends what was collected, whether or not there is room.
  void send(std::optional<Timestamp> time);
  void send_capture(const AnalysedCapture& capture, std::vector<std::string> forgotten, Timestamp time);

 private:
  void add_traffic();
  Report& report();

  Mailbox& mailbox_;
  const TunnelTable& tunnels_;
  Receiver* receiver_ = nullptr;
  CounterWatch counters_;
  std::uint64_t discontinuities_told_ = 0;
  bool held_back_ = false;
  std::unique_ptr<Report> report_;
};

}  // namespace specular
