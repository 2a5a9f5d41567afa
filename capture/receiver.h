// Receiver: the head of the road. Frames are decoded, packet time is cut into epochs, and every packet goes to the
// shard that owns its flow.
//
// A CaptureShard owns all state of its flows and calls its ExchangeSink. Here both run in the caller's thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
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

class CaptureShard {
 public:
  // Requires: options and sink outlive it.
  CaptureShard(const CaptureOptions& options, const HashKey& key, ExchangeSink& sink)
      : sink_(sink), sessions_(options.http, options.bodies, sink), flows_(options.flows, key, sessions_) {}

  void on_packets(std::span<const Packet> packets) { flows_.on_packets(packets); }
  void enter_epoch(EpochNumber epoch);
  // The capture ended: closes every flow.
  void flush() { flows_.flush(); }

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

// What came through one tunnel (or, under TunnelId::none, through none).
struct TunnelTraffic {
  std::uint64_t segments = 0, wire_bytes = 0;
  Timestamp first{}, last{};
};

class Receiver final : public FrameSink {
 public:
  // Requires: all outlive it.
  Receiver(const TunnelOptions& options, TunnelTable& tunnels, const HashKey& key,
           std::vector<std::unique_ptr<CaptureShard>>& shards);

  void on_frames(std::span<const Frame> frames) override;
  // Closes every flow.
  void flush() override;

  const DecodeCounters& counters() const { return decoder_.counters(); }
  const std::vector<TunnelTraffic>& traffic() const { return traffic_; }  // by TunnelId
  std::uint64_t discontinuities() const { return clock_.discontinuities(); }

 private:
  struct Batch {
    std::array<Packet, kBatch> packets;
    std::size_t size = 0;
  };

  void enter_epoch(EpochNumber epoch);
  void hand_over();
  void count(const Frame& frame, TunnelId tunnel);

  HashKey key_;
  Decoder decoder_;
  EpochClock clock_;
  std::vector<std::unique_ptr<CaptureShard>>& shards_;
  std::vector<Batch> batches_;  // by shard
  std::vector<TunnelTraffic> traffic_;
};

}  // namespace specular
