// HeldSegments: what has arrived of one direction ahead of its turn, in order, without overlap, within budgets.
//
// Where segments overlap, the bytes that came first win, whatever their order in the stream; a difference between two
// copies is counted while both are at hand (RFC 9293 leaves it to the receiver; evasion lives on the difference).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "capture/base/budget.h"
#include "capture/base/bytes.h"
#include "capture/base/time.h"

namespace specular {

// Serial number arithmetic on sequence numbers (RFC 1982, RFC 9293 section 3.4): how far `to` is ahead of `from`.
inline std::int32_t ahead(std::uint32_t to, std::uint32_t from) {
  return static_cast<std::int32_t>(to - from);
}

struct Segment {
  Timestamp time;
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  bool has_ack = false;
  bool out_of_band = false;  // takes sequence space, but is no part of the stream
  std::uint32_t size = 0;    // as sent
  Bytes bytes;               // captured: a prefix

  std::uint32_t end() const { return seq + size; }
  // Without the first `count` bytes. Requires: count <= size.
  Segment without_front(std::uint32_t count) const;
  Segment without_back(std::uint32_t count) const;
};

class HeldSegments {
 public:
  enum class Insert : std::uint8_t { held, conflict, refused };

  bool empty() const { return begin_ == held_.size(); }
  std::size_t bytes() const { return bytes_; }
  std::size_t slots() const { return held_.size(); }  // what the bookkeeping takes, emptied ones included

  // Keeps a copy of what is not held already. `conflict`: held, but overlapping bytes differed. `refused`: the budget
  // or `max_bytes` is exhausted; of a segment that fills several holes the first may have been. Requires: all held
  // segments lie within 2^31 of this one.
  Insert insert(Budget& budget, std::size_t max_bytes, const Segment& segment);

  // The segment with the lowest sequence number; views into the held copy. Requires: !empty().
  Segment front() const;
  void pop_front();

 private:
  struct Held {
    Segment segment;
    std::unique_ptr<std::uint8_t[]> copy;
    Charge charge;
  };

  bool differs(const Held& held, const Segment& segment) const;
  bool keep(Budget& budget, std::size_t max_bytes, std::size_t index, const Segment& segment);

  // Ascending by sequence number, from begin_ on; a few elements, as a rule.
  std::vector<Held> held_;
  std::size_t begin_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace specular
