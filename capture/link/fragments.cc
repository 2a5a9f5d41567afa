#include "capture/link/fragments.h"

#include <algorithm>

namespace specular {
namespace {

constexpr std::uint32_t kMaxDatagram = 65535;
// More pieces than that are no network's fragments but an attempt on our time.
constexpr std::size_t kMaxPieces = 256;
// What a held datagram costs beside its bytes.
constexpr std::size_t kOverhead = 256;

}  // namespace

FragmentTable::Added FragmentTable::add(const FragmentKey& key, Timestamp time, std::uint32_t offset, bool more,
                                        Bytes bytes, std::uint8_t protocol) {
  expire(time);
  bool bad = bytes.empty() || offset + bytes.size() > kMaxDatagram || (more && bytes.size() % 8 != 0);
  if (bad) return {Outcome::refused, {}, 0};
  auto [entry, is_new] = datagrams_.try_emplace(key);
  Datagram& datagram = entry->second;
  if (is_new) {
    datagram.first = time;
    datagram.age = by_age_.insert(by_age_.end(), key);
  }
  if (offset == 0) datagram.protocol = protocol;
  if (!make_room(entry, kOverhead + datagram.received + (datagram.refused ? 0 : bytes.size()))) {
    erase(entry);
    return {Outcome::refused, {}, 0};
  }
  if (datagram.refused || !insert(datagram, offset, more, bytes)) {
    datagram.refused = true;
    datagram.pieces.clear();
    datagram.received = 0;
    return {Outcome::refused, {}, 0};
  }
  if (!datagram.size || datagram.received != *datagram.size) return {Outcome::held, {}, 0};
  Added added{Outcome::whole, assemble(datagram), datagram.protocol};
  erase(entry);
  return added;
}

void FragmentTable::erase(Entry entry) {
  by_age_.erase(entry->second.age);
  datagrams_.erase(entry);
}

bool FragmentTable::make_room(Entry entry, std::size_t size) {
  while (!entry->second.charge.resize(budget_, size)) {
    auto oldest = datagrams_.find(by_age_.front());
    if (oldest == entry) return false;
    erase(oldest);
  }
  return true;
}

bool FragmentTable::insert(Datagram& datagram, std::uint32_t offset, bool more, Bytes bytes) {
  auto end = offset + static_cast<std::uint32_t>(bytes.size());
  auto after = std::lower_bound(datagram.pieces.begin(), datagram.pieces.end(), offset,
                                [](const Piece& piece, std::uint32_t at) { return piece.offset < at; });
  // A repetition, as of a packet mirrored twice, is no attack.
  if (after != datagram.pieces.end() && after->offset == offset && std::ranges::equal(after->bytes, bytes)) return true;
  bool overlaps = (after != datagram.pieces.end() && after->offset < end) ||
                  (after != datagram.pieces.begin() && std::prev(after)->end() > offset);
  bool past_end = datagram.size && (end > *datagram.size || !more);
  bool cuts = !more && !datagram.pieces.empty() && datagram.pieces.back().end() > end;
  if (overlaps || past_end || cuts || datagram.pieces.size() == kMaxPieces) return false;
  datagram.pieces.insert(after, Piece{offset, {bytes.begin(), bytes.end()}});
  datagram.received += end - offset;
  if (!more) datagram.size = end;
  return true;
}

Bytes FragmentTable::assemble(Datagram& datagram) {
  auto& whole = finished_.emplace_back();
  whole.reserve(*datagram.size);
  for (const Piece& piece : datagram.pieces) whole.insert(whole.end(), piece.bytes.begin(), piece.bytes.end());
  return whole;
}

void FragmentTable::clear() {
  datagrams_.clear();
  by_age_.clear();
}

void FragmentTable::expire(Timestamp now) {
  while (!by_age_.empty()) {
    auto oldest = datagrams_.find(by_age_.front());
    if (oldest->second.first + timeout_ >= now) return;
    erase(oldest);
  }
}

}  // namespace specular
