// What each stage costs: the same packets, loaded once, through ever more of the road; interleaved and repeated,
// medians.
//
//   stages FILE [ROUNDS]
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "analyzers/discovery/endpoints.h"
#include "capture/link/capture_file.h"
#include "daemon/pipeline.h"

namespace specular::bench {
namespace {

// All frames of a file, in one piece of memory.
class Loaded final : public FrameSink {
 public:
  explicit Loaded(const std::string& path) {
    CaptureFiles files({path});
    while (true) {
      auto polled = files.poll(*this, Duration(0));
      if (!polled || *polled == Poll::finished) break;
    }
    for (std::size_t i = 0; i < frames_.size(); ++i)
      frames_[i].bytes = Bytes(bytes_).subspan(offsets_[i], frames_[i].bytes.size());
  }
  void on_frames(std::span<const Frame> frames) override {
    for (const Frame& frame : frames) {
      offsets_.push_back(bytes_.size());
      bytes_.insert(bytes_.end(), frame.bytes.begin(), frame.bytes.end());
      frames_.push_back(frame);
    }
  }
  void feed(FrameSink& sink) const {
    for (std::size_t at = 0; at < frames_.size(); at += kBatch) {
      sink.on_frames(std::span(frames_).subspan(at, std::min(kBatch, frames_.size() - at)));
    }
  }
  const std::vector<Frame>& frames() const { return frames_; }
  std::size_t bytes() const { return bytes_.size(); }

 private:
  std::vector<std::uint8_t> bytes_;
  std::vector<std::size_t> offsets_;
  std::vector<Frame> frames_;
};

struct NoStreams final : StreamSink {
  std::uint64_t bytes = 0;
  void on_open(const FlowInfo&) override {}
  void on_chunk(const Chunk& chunk) override { bytes += chunk.bytes.size(); }
  void on_gap(const Gap&) override {}
  void on_fin(FlowId, Side, Timestamp) override {}
  void on_close(FlowId, Close, const FlowTotals&, Timestamp) override {}
};

struct NoExchanges final : ExchangeSink {
  std::uint64_t finished = 0;
  BodyWish on_request(ExchangeId, const Connection&, const RequestHead&) override { return {}; }
  void on_request_body(ExchangeId, const BodyView&) override {}
  BodyWish on_response(ExchangeId, const Connection&, const ResponseHead&) override { return {}; }
  void on_response_body(ExchangeId, const BodyView&) override {}
  void on_body_piece(ExchangeId, bool, Bytes) override {}
  void on_finished(ExchangeId, const ExchangeEnd&) override { ++finished; }
  void on_connection(const ConnectionFacts&) override {}
  void on_epoch(EpochNumber) override {}
};

// Keeps results from being optimised away.
volatile std::uint64_t g_result;

void walk(const Loaded& packets) {
  std::uint64_t sum = 0;
  for (const Frame& frame : packets.frames()) sum += frame.bytes.size() + frame.bytes[0];
  g_result = sum;
}

void decode(const Loaded& packets) {
  CaptureOptions options;
  TunnelTable tunnels(options.tunnels);
  Decoder decoder(options.tunnels, tunnels);
  Packet packet;
  std::uint64_t sum = 0;
  for (const Frame& frame : packets.frames())
    sum += decoder.decode(frame, packet) == Drop::none ? packet.payload_size : 0;
  g_result = sum;
}

struct FlowsOnly final : FrameSink {
  CaptureOptions options;
  TunnelTable tunnels{options.tunnels};
  Decoder decoder{options.tunnels, tunnels};
  NoStreams sink;
  FlowTable flows{options.flows, HashKey{}, sink};
  std::array<Packet, kBatch> packets;
  EpochClock clock;
  void on_frames(std::span<const Frame> frames) override {
    std::size_t count = 0;
    for (const Frame& frame : frames) {
      if (auto epoch = clock.enter(frame.time)) flows.advance(start_of(*epoch));
      if (decoder.decode(frame, packets[count]) == Drop::none) ++count;
    }
    flows.on_packets(std::span(packets).first(count));
  }
};

void flows(const Loaded& packets) {
  FlowsOnly stage;
  packets.feed(stage);
  stage.flows.flush();
  g_result = stage.sink.bytes;
}

void http(const Loaded& packets) {
  CaptureOptions options;
  TunnelTable tunnels(options.tunnels);
  NoExchanges sink;
  CaptureShard shard(options, HashKey{}, sink);
  Receiver receiver(options.tunnels, tunnels, HashKey{}, {&shard});
  packets.feed(receiver);
  receiver.flush();
  g_result = sink.finished;
}

void everything(const Loaded& packets, const char* inspect) {
  Config config;
  (void)config.general.inspect.set(inspect);
  auto pipeline = Pipeline::create(config, nullptr);
  packets.feed((*pipeline)->entry());
  (void)(*pipeline)->finish();
  g_result = (*pipeline)->inventory().hosts().size();
}

int run(const char* path, int rounds) {
  Loaded packets(path);
  if (packets.frames().empty()) return 1;
  struct Stage {
    const char* name;
    std::function<void()> run;
    std::vector<double> seconds;
  };
  std::vector<Stage> stages{{"bare walk", [&] { walk(packets); }, {}},
                            {"decode", [&] { decode(packets); }, {}},
                            {"+ flows", [&] { flows(packets); }, {}},
                            {"+ HTTP", [&] { http(packets); }, {}},
                            {"+ analysis, budget", [&] { everything(packets, "budget"); }, {}},
                            {"+ analysis, full", [&] { everything(packets, "full"); }, {}}};
  for (int round = 0; round < rounds; ++round) {
    for (Stage& stage : stages) {
      auto begin = std::chrono::steady_clock::now();
      stage.run();
      stage.seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
  }
  auto count = static_cast<double>(packets.frames().size()), bytes = static_cast<double>(packets.bytes());
  std::printf("%zu packets, %zu bytes, %d rounds\n%-20s %12s %12s %12s %12s\n", packets.frames().size(),
              packets.bytes(), rounds, "stage", "ns a packet", "ns a byte", "fastest", "slowest");
  for (Stage& stage : stages) {
    std::sort(stage.seconds.begin(), stage.seconds.end());
    double median = stage.seconds[stage.seconds.size() / 2];
    std::printf("%-20s %12.1f %12.4f %12.1f %12.1f\n", stage.name, median * 1e9 / count, median * 1e9 / bytes,
                stage.seconds.front() * 1e9 / count, stage.seconds.back() * 1e9 / count);
  }
  return 0;
}

}  // namespace
}  // namespace specular::bench

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  return specular::bench::run(argv[1], argc > 2 ? std::atoi(argv[2]) : 9);
}
