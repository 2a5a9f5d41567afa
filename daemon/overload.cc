#include "daemon/overload.h"

#include <algorithm>
#include <cmath>

namespace specular {

double LoadGovernor::look(Clock::time_point now, const Pressure& pressure) {
  bool lags = pressure.lag > kLongLag;
  bool pressed = lags || pressure.dropped > 0 || pressure.filled > kFullQueue || pressure.memory > kFullMemory;
  // A backlog that shrinks is being dealt with: it needs no further cut.
  bool shrinks = lags && pressure.lag < last_lag_ && pressure.dropped == 0;
  last_lag_ = pressure.lag;
  if (pressed) {
    pressed_ = now;
    if (!shrinks && now - cut_ >= kEffect) {
      share_ = std::max(kLeast, share_ * kCut);
      cut_ = now;
    }
  } else if (share_ < 1 && pressure.lag < kShortLag && now - pressed_ >= kCalm) {
    double calm = std::chrono::duration<double>(now - pressed_) / std::chrono::duration<double>(kFaster);
    share_ = std::min(1.0, share_ * (1 + kGrowth * std::exp2(std::min(calm, 4.0))));
  }
  return share_;
}

}  // namespace specular
