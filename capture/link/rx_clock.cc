#include "capture/link/rx_clock.h"

#include <algorithm>

namespace specular {
namespace {

// A frame waits in the card's ring for less than that.
constexpr Duration kLongest = std::chrono::seconds(1);
// Two anchors closer together would tell the speed badly.
constexpr Duration kSpan = std::chrono::milliseconds(100);
constexpr Duration kSkew = std::chrono::milliseconds(1);

bool is_plausible(Timestamp time, Timestamp now) {
  return time > now - kLongest && time <= now + kSkew;
}

}  // namespace

void RxClock::anchor(std::uint64_t ticks, Timestamp wall) {
  bool anew = anchors_ == 0 || ticks < ticks_ || wall < wall_;  // one of the clocks was set back
  if (anew) {
    first_ticks_ = ticks;
    first_wall_ = wall;
    anchors_ = 0;
    ns_per_tick_ = 0;
  } else if (ticks > first_ticks_ && wall - first_wall_ >= kSpan) {
    ns_per_tick_ = static_cast<double>((wall - first_wall_).count()) / static_cast<double>(ticks - first_ticks_);
  }
  ++anchors_;
  ticks_ = ticks;
  wall_ = wall;
}

Timestamp RxClock::time_of(std::uint64_t ticks, Timestamp now) const {
  Timestamp since_1970{Duration(static_cast<std::int64_t>(ticks & ~(std::uint64_t{1} << 63)))};
  if (is_plausible(since_1970, now)) return std::min(since_1970, now);
  if (ns_per_tick_ == 0) return now;
  auto passed = static_cast<double>(static_cast<std::int64_t>(ticks - ticks_)) * ns_per_tick_;
  constexpr double kFar = 1e15;
  if (passed > kFar || passed < -kFar) return now;
  Timestamp time = wall_ + Duration(static_cast<std::int64_t>(passed));
  return is_plausible(time, now) ? std::min(time, now) : now;
}

}  // namespace specular
