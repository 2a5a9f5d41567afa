// Streams: what the flow table makes of segments, and the sink it calls. Bytes of each side in order, once; loss is
// told, never papered over.
#pragma once

#include <cstdint>
#include <optional>

#include "capture/base/bytes.h"
#include "capture/base/time.h"
#include "capture/link/packet.h"

namespace specular {

// A dense number, used again after on_close: the next stage keeps its state in a vector.
enum class FlowId : std::uint32_t {};

struct FlowInfo {
  FlowId id;
  FlowKey key;
  TunnelId tunnel;                // of the segment that brought its first byte, gap or fin
  Timestamp opened;               // the time of that segment
  std::optional<Side> initiator;  // who sent the SYN, if that was seen
};

struct Chunk {
  FlowId flow;
  Side side;             // that sent it
  Timestamp time;        // of the segment that brought it
  std::uint64_t offset;  // in the side's stream
  std::uint64_t acked;   // how much of the other side's stream the sender had received when it sent this
  Bytes bytes;           // never empty
};

enum class GapReason : std::uint8_t {
  lost,     // never captured
  clipped,  // captured in part: snap length, mirror truncation
};

struct Gap {
  FlowId flow;
  Side side;
  Timestamp time;
  std::uint64_t offset, missing;
  GapReason reason;
};

enum class Close : std::uint8_t {
  finished,  // both sides sent FIN
  reset,     // one sent RST
  reused,    // a new connection took the same addresses and ports
  idle,      // no packet for the idle time
  evicted,   // the table was full
  ended,     // the capture ended
};

// What is known of a flow when it closes, for coverage.
struct FlowTotals {
  std::uint64_t bytes[2] = {0, 0};  // delivered, by side
  std::uint64_t lost[2] = {0, 0};   // in gaps
  std::uint64_t clipped[2] = {0, 0};
  bool seen[2] = {false, false};  // whether any packet of the side was
  bool mirrored_twice = false;    // a second copy came through another tunnel
};

// Called in this order: on_open, then chunks, gaps and at most one fin per side with offsets that never go back, then
// on_close exactly once. Between the sides the order is one that the acknowledgements allow: a chunk comes after what
// its sender had received when sending it, even if the mirror delivered otherwise (unless that was lost).
class StreamSink {
 public:
  virtual void on_open(const FlowInfo& flow) = 0;  // at the first byte, gap or fin; never for a mere handshake
  virtual void on_chunk(const Chunk& chunk) = 0;
  virtual void on_gap(const Gap& gap) = 0;
  virtual void on_fin(FlowId flow, Side side, Timestamp time) = 0;
  virtual void on_close(FlowId flow, Close reason, const FlowTotals& totals, Timestamp time) = 0;

 protected:
  ~StreamSink() = default;
};

}  // namespace specular
