// Monitor: a sample of the counters each second, and what follows from the last ones: rates, and whether too much is
// lost for too long. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>

#include "daemon/config.h"

namespace specular {

// Everything since the start.
struct Totals {
  std::uint64_t frames = 0, wire_bytes = 0, transactions = 0;
  std::uint64_t live_frames = 0;  // of these: not of captures, which wait for us
  std::uint64_t lost = 0;         // frames and packets that were there and could not be read in time
  std::uint64_t shed = 0;         // packets left out on purpose
};

struct Rates {
  double frames = 0, bits = 0, transactions = 0, lost = 0, shed = 0;  // a second
};

class Monitor {
 public:
  using Clock = std::chrono::steady_clock;

  // Requires: options outlive it.
  explicit Monitor(const HealthOptions& options) : options_(options) {}

  void add(Clock::time_point now, const Totals& totals);
  // Over the last ten seconds.
  Rates rates() const;
  // The share that was lost or shed, in percent, over as many seconds as the options want; 0 before these have passed.
  double loss_percent() const;

 private:
  struct Sample {
    Clock::time_point time;
    Totals totals;
  };
  static constexpr Duration kRateWindow = std::chrono::seconds(10);

  const Sample* oldest_within(Duration window) const;

  const HealthOptions& options_;
  mutable std::mutex mutex_;
  std::deque<Sample> samples_;
};

}  // namespace specular
