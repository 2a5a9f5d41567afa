// Packet time: the only clock upstream of the daemon. Nanoseconds since 1970-01-01 UTC, as the capture says.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "capture/base/result.h"

namespace specular {

using Duration = std::chrono::nanoseconds;

struct PacketClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = Duration;
  using time_point = std::chrono::time_point<PacketClock>;
  static constexpr bool is_steady = false;
};

using Timestamp = PacketClock::time_point;

// What a capture may say: from 1896 to 2116. Readers bring damaged times to the nearer end, so that no difference of
// two, and no wait added to one, overflows.
inline constexpr Timestamp kLatest{Duration((std::int64_t{1} << 62) - 1)};
inline constexpr Timestamp kEarliest{Duration(-(std::int64_t{1} << 61))};

// Packet time is cut into epochs of one second; everything that crosses a stage in bulk does so at their borders.
using EpochNumber = std::int64_t;
inline constexpr Duration kEpoch = std::chrono::seconds(1);

inline EpochNumber epoch_of(Timestamp time) {
  std::int64_t ns = time.time_since_epoch().count(), unit = kEpoch.count();
  return ns / unit - (ns % unit < 0 ? 1 : 0);
}

inline Timestamp start_of(EpochNumber epoch) {
  return Timestamp(kEpoch * epoch);
}

// RFC 3339 in UTC with nine digits: 2026-03-03T08:00:00.000000000Z.
std::string to_rfc3339(Timestamp time);

// RFC 3339 section 5.6; any offset, up to nine fractional digits. A date alone means its midnight, UTC.
Result<Timestamp> parse_rfc3339(std::string_view text);

}  // namespace specular
