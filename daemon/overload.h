// LoadGovernor: how large a share of the flows one shard can look at, found out as it goes.
//
// What waits to be read for too long, lost packets, a full queue or full memory say that it is too much: the share is
// cut at once and by a factor. It grows again slowly while nothing says so, then ever faster, until all is looked at.
// Pure: time is given, so that every course of events can be tested. One thread.
#pragma once

#include <chrono>
#include <cstdint>

#include "capture/base/time.h"

namespace specular {

// What an intake feels, since the last look.
struct Pressure {
  Duration lag{};             // how old the newest frame was when it was read
  std::uint64_t dropped = 0;  // frames and packets lost before they were read, since the last look
  double filled = 0;          // of the queue to the shard, 0 to 1
  double memory = 0;          // resident memory, of its limit
};

class LoadGovernor {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr Duration kInterval = std::chrono::milliseconds(100);  // how often to look
  static constexpr double kLeast = 1.0 / 256;

  // The share to keep from now on, kLeast to 1.
  double look(Clock::time_point now, const Pressure& pressure);
  double share() const { return share_; }

 private:
  static constexpr Duration kLongLag = std::chrono::milliseconds(400), kShortLag = std::chrono::milliseconds(100);
  // So long what waits may go on saying what was true before the last cut.
  static constexpr Duration kEffect = std::chrono::milliseconds(300);
  static constexpr double kCut = 0.7, kFullQueue = 0.75, kFullMemory = 0.95;
  static constexpr double kGrowth = 0.01;  // each look, at first; twice as much after each kFaster of calm
  static constexpr Duration kCalm = std::chrono::seconds(1), kFaster = std::chrono::seconds(5);

  double share_ = 1;
  Duration last_lag_{};
  Clock::time_point cut_{}, pressed_{};
};

}  // namespace specular
