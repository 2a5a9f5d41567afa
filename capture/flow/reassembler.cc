#include "capture/flow/reassembler.h"

#include <algorithm>
#include <cstring>

namespace specular {
namespace {

// What a held segment costs beside its bytes.
constexpr std::size_t kOverhead = 96;
// Many small pieces make every insertion slow; no sender has so many in flight.
constexpr std::size_t kMaxPieces = 4096;

}  // namespace

Segment Segment::without_front(std::uint32_t count) const {
  Segment rest = *this;
  rest.seq += count;
  rest.size -= count;
  rest.bytes = bytes.subspan(std::min<std::size_t>(count, bytes.size()));
  return rest;
}

Segment Segment::without_back(std::uint32_t count) const {
  Segment rest = *this;
  rest.size -= count;
  rest.bytes = bytes.first(std::min<std::size_t>(rest.size, bytes.size()));
  return rest;
}

bool HeldSegments::differs(const Held& held, const Segment& segment) const {
  std::int32_t shift = ahead(segment.seq, held.segment.seq);
  std::size_t in_held = shift > 0 ? static_cast<std::size_t>(shift) : 0;
  std::size_t in_new = shift < 0 ? static_cast<std::size_t>(-std::int64_t{shift}) : 0;
  Bytes ours = held.segment.bytes;
  if (in_held >= ours.size() || in_new >= segment.bytes.size()) return false;
  std::size_t common = std::min(ours.size() - in_held, segment.bytes.size() - in_new);
  return std::memcmp(ours.data() + in_held, segment.bytes.data() + in_new, common) != 0;
}

bool HeldSegments::keep(Budget& budget, std::size_t max_bytes, std::size_t index, const Segment& segment) {
  std::size_t size = segment.bytes.size();
  Held held;
  bool full = bytes_ + size > max_bytes || held_.size() - begin_ >= kMaxPieces;
  if (full || !held.charge.resize(budget, size + kOverhead)) return false;
  held.copy = std::make_unique_for_overwrite<std::uint8_t[]>(size);
  std::copy(segment.bytes.begin(), segment.bytes.end(), held.copy.get());
  held.segment = segment;
  held.segment.bytes = Bytes(held.copy.get(), size);
  bytes_ += size;
  held_.insert(held_.begin() + static_cast<std::ptrdiff_t>(index), std::move(held));
  return true;
}

HeldSegments::Insert HeldSegments::insert(Budget& budget, std::size_t max_bytes, const Segment& segment) {
  // Most arrive behind all others.
  std::size_t index = held_.size();
  while (index > begin_ && ahead(held_[index - 1].segment.end(), segment.seq) > 0) --index;
  bool conflict = false;
  Segment rest = segment;
  for (; rest.size > 0; ++index) {
    if (index == held_.size()) {
      if (!keep(budget, max_bytes, index, rest)) return Insert::refused;
      break;
    }
    const Held& next = held_[index];
    std::int32_t room = ahead(next.segment.seq, rest.seq);
    if (room >= 0 && static_cast<std::uint32_t>(room) >= rest.size) {
      if (!keep(budget, max_bytes, index, rest)) return Insert::refused;
      break;
    }
    conflict = conflict || differs(next, rest);
    Segment next_segment = next.segment;
    if (room > 0) {
      auto before = static_cast<std::uint32_t>(room);
      if (!keep(budget, max_bytes, index, rest.without_back(rest.size - before))) return Insert::refused;
      ++index;
    }
    std::int32_t covered = ahead(next_segment.end(), rest.seq);
    rest = rest.without_front(std::min(rest.size, static_cast<std::uint32_t>(std::max(covered, 0))));
  }
  return conflict ? Insert::conflict : Insert::held;
}

Segment HeldSegments::front() const {
  return held_[begin_].segment;
}

void HeldSegments::pop_front() {
  bytes_ -= held_[begin_].segment.bytes.size();
  held_[begin_++] = {};
  // Also where new ones always come before the last is gone: what is erased is more than what moves.
  if (begin_ > held_.size() / 2) {
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
}

}  // namespace specular
