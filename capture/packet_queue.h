// PacketQueue: packets on their way from the thread that decodes to the thread of their shard.
//
// The producer is a PacketSink. Borrowed views end with the call, as everywhere: payloads are copied once, into slots
// that are used again; but where a source can spare its buffers, these are kept until the consumer is done with the
// batch, and nothing is copied. Batches become visible when they are full or by publish(), once a burst.
#pragma once

#include <array>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "capture/base/counter.h"
#include "capture/base/ring.h"
#include "capture/receiver.h"

namespace specular {

struct QueueCounters : CounterGroup {
  Counter dropped{*this, "ring_dropped_packets", "packets there was no room for on the way to their shard"};
};

class PacketQueue final : public PacketSink {
 public:
  // Up to `batches` of kBatch packets wait. Requires: a power of two; `buffers` (or null), which those of the packets
  // are, outlives it.
  explicit PacketQueue(std::size_t batches, FrameBuffers* buffers = nullptr) : ring_(batches), buffers_(buffers) {}
  PacketQueue(const PacketQueue&) = delete;
  PacketQueue& operator=(const PacketQueue&) = delete;
  // Releases all buffers. Requires: neither end is in use.
  ~PacketQueue();

  // Producer. Packets that find no room are counted and lost; epochs and the end wait for room.
  void on_packets(std::span<const Packet> packets) override;
  void enter_epoch(EpochNumber epoch) override;
  void flush() override;
  // What was pushed so far can be taken; and buffers that the consumer is done with are released, batch by batch.
  void publish();

  // Consumer: hands all that is there to `sink`; false if nothing was.
  bool take(PacketSink& sink);
  // Waits until something was published, at most so long.
  void wait(Duration most);

  const QueueCounters& counters() const { return counters_; }
  double filled() const { return static_cast<double>(ring_.used()) / static_cast<double>(ring_.size()); }

 private:
  // What a batch means beside its packets, before them.
  enum class Event : std::uint8_t { none, epoch, flush };

  struct Batch {
    Event event = Event::none;
    EpochNumber epoch = 0;
    std::array<Packet, kBatch> packets;    // `buffer` is set where the payload was left in it
    std::array<std::size_t, kBatch> at{};  // else: where in `bytes` it stands
    std::size_t size = 0;
    std::vector<std::uint8_t> bytes;
    std::array<void*, kBatch> kept;  // `kept_size` of them
    std::size_t kept_size = 0;
  };
  // A batch takes no further packet once it holds so many bytes; glued frames may be larger.
  static constexpr std::size_t kBatchBytes = 48 << 10;

  void tell(Event event, EpochNumber epoch);
  bool begin(Event event, EpochNumber epoch);
  void add(const Packet& packet);
  void reclaim();

  Ring<Batch> ring_;
  FrameBuffers* buffers_;
  Batch* open_ = nullptr;  // of the producer: begun, not published
  QueueCounters counters_;
  std::mutex mutex_;
  std::condition_variable published_;
  std::atomic<bool> sleeping_ = false;
};

}  // namespace specular
