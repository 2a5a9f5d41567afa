// LiveSource: a source that never ends, as one thread of a running sensor reads it: a queue of a network interface.
#pragma once

#include <ctime>

#include "capture/base/counter.h"
#include "capture/link/source.h"

namespace specular {

// By the wall clock, as the kernel stamps packets.
inline Timestamp wall_now() {
  return Timestamp(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

// For those calls of the system that wait.
inline timespec to_timespec(Duration duration) {
  auto whole = std::chrono::duration_cast<std::chrono::seconds>(duration);
  return {static_cast<time_t>(whole.count()), static_cast<long>((duration - whole).count())};
}

// What every live source counts; each kind adds its own.
struct SourceCounters : CounterGroup {
  Counter received{*this, "received_frames", "frames read from live sources"};
  Counter clipped{*this, "clipped_frames", "frames of which only a part was taken, by snap_length"};
};

class LiveSource : public Source {
 public:
  // Readable when poll() has something to do; -1 where there is nothing to wait at. To be asked anew after each poll().
  virtual int descriptor() const = 0;
  // For how long it may be left alone, if nothing becomes readable before.
  virtual Duration rest() const = 0;
  virtual const SourceCounters& counters() const = 0;  // any thread
  // Frames that it lost so far since it was read too slowly; any thread.
  virtual std::uint64_t overrun() const = 0;
};

}  // namespace specular
