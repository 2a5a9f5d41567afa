// Decoder: Frame -> Packet. Link headers, tags, IP, fragments and tunnels, down to the innermost TCP segment.
//
// Malformed input is data: it is counted by reason and never an error. Not thread-safe: one per receiver.
#pragma once

#include <array>
#include <cstdint>

#include "capture/base/counter.h"
#include "capture/link/fragments.h"
#include "capture/link/packet.h"
#include "capture/link/source.h"
#include "capture/link/tunnels.h"

namespace specular {

enum class Drop : std::uint8_t {
  none,
#define DROP(name, help) name,
#include "capture/link/drops.def"
#undef DROP
};

const char* to_text(Drop drop);

struct DecodeCounters : CounterGroup {
  Counter frames{*this, "frames", "frames taken from the source"};
  Counter bytes{*this, "wire_bytes", "bytes these had on the wire"};
  Counter segments{*this, "tcp_segments", "TCP segments found in them"};
  Counter clipped{*this, "clipped_segments", "TCP segments of which the capture holds only a part"};
  Counter checksums_tested{*this, "tested_checksums", "whole segments whose TCP checksum was looked at, a sample"};
  Counter checksums_wrong{*this, "wrong_checksums", "of these, the wrong ones: offload and mirrors leave them undone"};
#define DROP(name, help) Counter dropped_##name{*this, "dropped_" #name "_frames", help};
#include "capture/link/drops.def"
#undef DROP

  // Counts a frame that gave no segment. Requires: not Drop::none.
  void add(Drop drop);
};

class Decoder {
 public:
  // What `only_tunnelled` says, or whatever it says: captures are not mirrored to us, but given.
  enum class Scope : std::uint8_t { configured, everything };

  Decoder(const TunnelOptions& options, TunnelTable& tunnels, Scope scope = Scope::configured);

  // Fills `packet` and returns Drop::none, or tells why there is none. The packet's views last as long as the frame's,
  // those of a datagram made of fragments until the next begin_batch().
  Drop decode(const Frame& frame, Packet& packet);
  void begin_batch() { fragments_.forget_finished(); }
  // Forgets datagrams that are not whole: what follows is another capture.
  void flush() { fragments_.clear(); }

  const DecodeCounters& counters() const { return counters_; }

 private:
  friend class FrameWalk;

  Tunnel find_tunnel(const TunnelPath& path);
  void sample_checksum(const Packet& packet, Bytes segment);

  const TunnelOptions& options_;
  bool only_tunnelled_;
  TunnelTable& tunnels_;
  FragmentTable fragments_;
  DecodeCounters counters_;
  std::uint32_t sample_ = 0;

  // What the table said last, by a hash of the path: mirrors have few sessions.
  struct Cached {
    TunnelPath path;
    Tunnel tunnel;
  };
  std::array<Cached, 64> cache_{};
};

}  // namespace specular
