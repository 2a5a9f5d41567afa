// RxClock: what the clock of a network card says, as wall time.
//
// Cards stamp frames in units of their own, counted from any moment, or in nanoseconds since 1970; which of these
// nothing tells. So both are tried, and what says that a frame came long before it was read, or after, is not believed.
#pragma once

#include <cstdint>

#include "capture/base/time.h"

namespace specular {

class RxClock {
 public:
  // The card's clock stood there at that time. To be told again now and then, since clocks drift.
  void anchor(std::uint64_t ticks, Timestamp wall);
  // When a frame with that stamp came which was read at `now`; `now` itself if the stamp does not say.
  Timestamp time_of(std::uint64_t ticks, Timestamp now) const;

 private:
  std::uint64_t anchors_ = 0;
  std::uint64_t first_ticks_ = 0, ticks_ = 0;
  Timestamp first_wall_{}, wall_{};
  double ns_per_tick_ = 0;  // 0: not known yet
};

}  // namespace specular
