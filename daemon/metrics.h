// Metrics: what a running daemon measures of itself: the counters of every stage, gauges, and how long stages take.
//
// Everything is registered before the first thread starts and only read from then on; whoever owns a value writes it
// from one thread, and any number may read.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "capture/base/counter.h"
#include "capture/base/time.h"

namespace specular {

// How often something took how long: a count for each doubling from 1 µs to 64 s, as Prometheus' histograms have it.
class LatencyHistogram {
 public:
  static constexpr std::size_t kBuckets = 27;  // bucket i: at most 2^i µs; what takes longer is only in count()

  void add(Duration duration);
  std::uint64_t bucket(std::size_t index) const { return buckets_[index].load(std::memory_order_relaxed); }
  std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  Duration sum() const { return Duration(sum_ns_.load(std::memory_order_relaxed)); }

 private:
  std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};  // not cumulative
  std::atomic<std::uint64_t> count_ = 0;
  std::atomic<std::int64_t> sum_ns_ = 0;
};

class Metrics {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  Metrics() = default;
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Requires: what is registered outlives the metrics; names and helps are literals. `read` is called by any thread.
  void add(const CounterGroup& group, Labels labels);
  void add(const LatencyHistogram& histogram, const char* stage, Labels labels);
  void add_gauge(const char* name, const char* help, Labels labels, std::function<double()> read);

  // The sum of a counter over all groups that have it.
  std::uint64_t total(std::string_view counter) const;
  // The Prometheus text exposition format, version 0.0.4: specular_NAME_total, specular_NAME, and
  // specular_stage_seconds with the label `stage`.
  std::string prometheus_text() const;

 private:
  struct Counters {
    const CounterGroup* group;
    Labels labels;
  };
  struct Latency {
    const LatencyHistogram* histogram;
    const char* stage;
    Labels labels;
  };
  struct Gauge {
    const char* name;
    const char* help;
    Labels labels;
    std::function<double()> read;
  };

  std::vector<Counters> counters_;
  std::vector<Latency> latencies_;
  std::vector<Gauge> gauges_;
};

}  // namespace specular
