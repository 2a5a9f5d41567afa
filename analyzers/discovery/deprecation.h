// Deprecation: what an endpoint's answers said of its end. The latest answer that said something has the last word.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>

#include "capture/base/time.h"

namespace specular {

struct Deprecation {
  // Told at that time; Timestamp::min(): never, or without a date.
  struct Word {
    Timestamp told = Timestamp::min(), since = Timestamp::min(), sunset = Timestamp::min();
    auto operator<=>(const Word&) const = default;
  };

  std::uint64_t answers = 0;  // that said so
  Word last;

  void merge(const Deprecation& other) {
    answers += other.answers;
    last = std::max(last, other.last);
  }
  bool operator==(const Deprecation&) const = default;
};

}  // namespace specular
