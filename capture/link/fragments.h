// FragmentTable: IPv4 and IPv6 fragments (RFC 791 section 3.2, RFC 8200 section 4.5) made whole, within bounds.
//
// A fragment that overlaps what is held ends its datagram, as RFC 5722 wants for IPv6; honest senders do not overlap.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <vector>

#include "capture/base/budget.h"
#include "capture/base/bytes.h"
#include "capture/base/ip.h"
#include "capture/base/time.h"

namespace specular {

struct FragmentKey {
  IpAddress source, destination;
  std::uint64_t tunnel = 0;  // a hash of the tunnel path
  std::uint32_t id = 0;
  std::uint8_t protocol = 0;  // of IPv4; IPv6 identifies without it
  auto operator<=>(const FragmentKey&) const = default;
};

class FragmentTable {
 public:
  enum class Outcome : std::uint8_t { held, refused, whole };
  struct Added {
    Outcome outcome;
    Bytes datagram;  // if whole: the payload behind the (unfragmentable) header; valid until forget_finished()
    std::uint8_t protocol = 0;  // of that: what the first fragment says, whatever the others do
  };

  FragmentTable(std::size_t max_bytes, Duration timeout) : budget_(max_bytes), timeout_(timeout) {}

  Added add(const FragmentKey& key, Timestamp time, std::uint32_t offset, bool more, Bytes bytes,
            std::uint8_t protocol = 0);
  // Releases the datagrams handed out.
  void forget_finished() { finished_.clear(); }
  void clear();
  std::size_t bytes_held() const { return budget_.used(); }

 private:
  struct Piece {
    std::uint32_t offset;
    std::vector<std::uint8_t> bytes;
    std::uint32_t end() const { return offset + static_cast<std::uint32_t>(bytes.size()); }
  };
  struct Datagram {
    Timestamp first;
    std::vector<Piece> pieces;  // by offset, without overlap
    std::uint32_t received = 0;
    std::optional<std::uint32_t> size;  // known from the last fragment
    std::uint8_t protocol = 0;
    bool refused = false;  // an overlap was seen: nothing of it is used
    Charge charge;
    std::list<FragmentKey>::iterator age;
  };
  using Entry = std::map<FragmentKey, Datagram>::iterator;

  void expire(Timestamp now);
  void erase(Entry entry);
  // Evicts the oldest others until `size` bytes can be charged to `entry`; false if that was not enough.
  bool make_room(Entry entry, std::size_t size);
  bool insert(Datagram& datagram, std::uint32_t offset, bool more, Bytes bytes);
  Bytes assemble(Datagram& datagram);

  Budget budget_;
  Duration timeout_;
  std::map<FragmentKey, Datagram> datagrams_;
  std::list<FragmentKey> by_age_;  // the oldest first
  std::vector<std::vector<std::uint8_t>> finished_;
};

}  // namespace specular
