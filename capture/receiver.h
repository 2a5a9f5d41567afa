// Receiver: the head of the road. Frames are decoded, packet time is cut into epochs, and every packet goes to the
// shard that owns its flow.
//
// A CaptureShard owns all state of its flows and calls its ExchangeSink. The Receiver calls it in its own thread, or by
// way of a PacketQueue.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "capture/exchange.h"
#include "capture/flow/flow_table.h"
#include "capture/http/session.h"
#include "capture/link/decode.h"

namespace specular {

struct CaptureOptions {
  TunnelOptions tunnels;
  FlowOptions flows;
  HttpOptions http;
  BodyOptions bodies;
};

// Where the packets of a shard's flows go.
class PacketSink {
 public:
  // At most kBatch packets, in the order of the source. All views are borrowed.
  virtual void on_packets(std::span<const Packet> packets) = 0;
  // Packet time has entered this epoch.
  virtual void enter_epoch(EpochNumber epoch) = 0;
  // The capture ended: every flow is closed.
  virtual void flush() = 0;

 protected:
  ~PacketSink() = default;
};

class CaptureShard final : public PacketSink {
 public:
  // Requires: options and sink outlive it.
  CaptureShard(const CaptureOptions& options, const HashKey& key, ExchangeSink& sink)
      : sink_(sink), sessions_(options.http, options.bodies, sink), flows_(options.flows, key, sessions_) {}

  void on_packets(std::span<const Packet> packets) override { flows_.on_packets(packets); }
  void enter_epoch(EpochNumber epoch) override;
  void flush() override { flows_.flush(); }

  const FlowTable& flows() const { return flows_; }
  const HttpSessions& sessions() const { return sessions_; }

 private:
  ExchangeSink& sink_;
  HttpSessions sessions_;
  FlowTable flows_;
};

// Cuts packet time into epochs. Time that runs back is taken to stand still, unless it jumps by more than an hour in
// either direction: that is a discontinuity, counted, and time goes on from there.
class EpochClock {
 public:
  // The epoch that `time` enters, if it is a new one.
  std::optional<EpochNumber> enter(Timestamp time);
  // What follows is another capture, whose time may be any.
  void restart() { current_.reset(); }
  std::uint64_t discontinuities() const { return discontinuities_; }

 private:
  std::optional<EpochNumber> current_;
  std::uint64_t discontinuities_ = 0;
};

struct LoadCounters : CounterGroup {
  Counter shed{*this, "shed_packets", "TCP segments not looked at, as the sensor was overloaded"};
};

// What came through one tunnel (or, under TunnelId::none, through none).
struct TunnelTraffic {
  std::uint64_t segments = 0, wire_bytes = 0;
  std::uint64_t shed_segments = 0, shed_bytes = 0;  // of these: not looked at
};

class Receiver final : public FrameSink {
 public:
  // Packets go to the sink that owns their flow, by a keyed hash of its ends. Requires: all outlive it.
  Receiver(const TunnelOptions& options, TunnelTable& tunnels, const HashKey& key, std::vector<PacketSink*> sinks,
           Decoder::Scope scope = Decoder::Scope::configured);

  void on_frames(std::span<const Frame> frames) override;
  // Closes every flow.
  void flush() override;
  // Nothing came, and it is that late: time goes on.
  void advance(Timestamp now);

  // Of the flows of that sink only so large a share is looked at from now on, 0 to 1: whole flows, by their hash, so
  // that what is kept is complete. Any thread may call it.
  void keep(std::size_t sink, double share);

  const DecodeCounters& counters() const { return decoder_.counters(); }
  const LoadCounters& load() const { return load_; }
  // What was counted since the last call, by TunnelId.
  std::vector<TunnelTraffic> take_traffic();
  std::uint64_t discontinuities() const { return clock_.discontinuities(); }
  Timestamp last_time() const { return last_time_; }  // of the newest frame

 private:
  static constexpr std::uint32_t kAll = 1 << 16;

  struct Batch {
    std::array<Packet, kBatch> packets;
    std::size_t size = 0;
  };

  void enter_epoch(EpochNumber epoch);
  void hand_over();
  TunnelTraffic& traffic_of(TunnelId tunnel);

  HashKey key_;
  Decoder decoder_;
  LoadCounters load_;
  EpochClock clock_;
  std::vector<PacketSink*> sinks_;
  std::vector<std::atomic<std::uint32_t>> kept_;  // by sink: flows whose hash is below, of kAll
  std::vector<Batch> batches_;                    // by sink
  std::vector<TunnelTraffic> traffic_;
  Timestamp last_time_{};
};

}  // namespace specular
