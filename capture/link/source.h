// Source: where frames come from. The seam behind which files, live interfaces and DPDK are alike.
#pragma once

#include <cstdint>
#include <span>

#include "capture/base/bytes.h"
#include "capture/base/result.h"
#include "capture/base/time.h"

namespace specular {

// LINKTYPE_ values as registered at tcpdump.org; others pass through as numbers and are counted as unknown.
enum class LinkType : std::uint16_t {
  null = 0,
  ethernet = 1,
  ppp = 9,
  raw_bsd = 12,
  raw_openbsd = 14,
  ppp_hdlc = 50,
  raw = 101,
  ieee802_11 = 105,
  loop = 108,
  linux_sll = 113,
  radiotap = 127,
  ipv4 = 228,
  ipv6 = 229,
  linux_sll2 = 276,
};

struct Frame {
  Timestamp time;
  Bytes bytes;              // what was captured
  std::uint32_t wire_size;  // what was on the wire; larger than bytes.size() where the capture cut
  LinkType link;
  void* buffer = nullptr;  // of the source's FrameBuffers, if the bytes stand in one
};

// Buffers of a source that may be kept for longer than the callback lasts, so that nobody has to copy what is in them.
// All calls are made by the thread that polls the source.
class FrameBuffers {
 public:
  // In the callback that got the frame: its bytes stay until the buffer is released, as often as it was kept. False if
  // so many are kept that none can be spared.
  virtual bool keep(void* buffer) = 0;
  virtual void release(std::span<void* const> buffers) = 0;

 protected:
  ~FrameBuffers() = default;
};

class FrameSink {
 public:
  // At most kBatch frames, in the order of the source. The bytes are borrowed.
  virtual void on_frames(std::span<const Frame> frames) = 0;
  // Nothing that follows goes on with what came so far: the capture ended, or the same is told again.
  virtual void flush() {}

 protected:
  ~FrameSink() = default;
};

enum class Poll : std::uint8_t { frames, idle, finished };

class Source {
 public:
  virtual ~Source() = default;

  // Pushes what is there to `sink`, waiting at most `wait` for the first frame. The end of a file is an answer, not an
  // error. After an error the source is finished.
  virtual Result<Poll> poll(FrameSink& sink, Duration wait) = 0;
};

}  // namespace specular
