// DPDK by its virtual devices: net_ring (what is sent comes back), net_pcap and net_null, without huge pages.
//
// A process starts DPDK once, so the test cases share it. They are one thread, which polls.
#include "capture/link/dpdk.h"

#include <algorithm>
#include <ctime>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "capture/packet_queue.h"
#include "capture/receiver.h"
#include "tests/capture/link/capture_writer.h"
#include "tests/capture/link/frames.h"

namespace specular::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBuffers = 1'024;

// What comes, as it stands in its buffer.
struct Seen final : FrameSink {
  struct One {
    Octets bytes;
    const std::uint8_t* at;
    void* buffer;
    Timestamp time;
    std::uint32_t wire_size;
  };
  std::vector<One> frames;
  FrameBuffers* keeper = nullptr;  // keeps all, if there is one
  std::size_t refused = 0;

  void on_frames(std::span<const Frame> some) override {
    CHECK(some.size() <= kBatch);
    for (const Frame& frame : some) {
      CHECK(frame.link == LinkType::ethernet);
      frames.push_back(
          {{frame.bytes.begin(), frame.bytes.end()}, frame.bytes.data(), frame.buffer, frame.time, frame.wire_size});
      if (keeper != nullptr && !keeper->keep(frame.buffer)) ++refused;
    }
  }
};

// DPDK with a port of each kind, and a sender to the first, whose buffers are its own.
class Rig {
 public:
  enum Port : std::size_t { ring, file, zeros };

  static Rig& instance() {
    static Rig rig;
    return rig;
  }

  Dpdk& dpdk() { return *dpdk_; }
  LiveSource& queue(Port port) { return dpdk_->ports()[port]->queue(0); }
  const DpdkCounters& counters(Port port) { return dpdk_->ports()[port]->counters(0); }
  const std::vector<std::string>& notices() const { return notices_; }

  // As a driver would fill it: in buffers of `piece` bytes at most.
  void send(const Octets& frame, std::size_t piece = 4'096) {
    rte_mbuf* mbuf = piece_of(frame, 0, piece);
    for (std::size_t at = piece; at < frame.size(); at += piece) {
      REQUIRE(rte_pktmbuf_chain(mbuf, piece_of(frame, at, piece)) == 0);
    }
    REQUIRE(rte_eth_tx_burst(port_, 0, &mbuf, 1) == 1);
  }
  void set_link(bool up) { REQUIRE((up ? rte_eth_dev_set_link_up(port_) : rte_eth_dev_set_link_down(port_)) == 0); }
  unsigned buffers_in_use() const { return rte_mempool_in_use_count(pool_); }

 private:
  Rig();
  rte_mbuf* piece_of(const Octets& frame, std::size_t at, std::size_t piece) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
    REQUIRE(mbuf != nullptr);
    std::size_t size = std::min(piece, frame.size() - at);
    std::copy_n(frame.data() + at, size, rte_pktmbuf_mtod(mbuf, std::uint8_t*));
    mbuf->data_len = static_cast<std::uint16_t>(size);
    mbuf->pkt_len = static_cast<std::uint32_t>(size);
    return mbuf;
  }

  Folder folder_;
  DpdkOptions options_;
  TunnelOptions tunnels_;
  std::vector<std::string> notices_;
  std::unique_ptr<Dpdk> dpdk_;
  std::uint16_t port_ = 0;
  rte_mempool* pool_ = nullptr;
};

Octets numbered_frame(int number) {
  return ethernet_frame({socket_address("10.0.0.1:4000"), socket_address("10.0.0.2:80"),
                         static_cast<std::uint32_t>(number), 1, kAck, 0, fmt::format("frame {}", number)});
}

constexpr int kFramesInFile = 100;

Rig::Rig() {
  Pcap pcap;
  std::string capture = pcap.header();
  for (int i = 0; i < kFramesInFile; ++i) {
    Octets frame = numbered_frame(i);
    capture += pcap.record(1'700'000'000, 0, as_text(frame));
  }
  std::string path = folder_.write("frames.pcap", capture);
  REQUIRE(options_.ports.set_list({"net_ring0", "net_pcap0,rx_pcap=" + path, "net_null0,size=128"}));
  REQUIRE(options_.eal.set_list({"--no-huge", "-m", "128"}));
  REQUIRE(options_.buffers.set(std::to_string(kBuffers)));
  REQUIRE(options_.descriptors.set("64"));
  auto started = Dpdk::start(
      {options_, tunnels_, true, 2, false, [this](NoticeLevel, const std::string& text) { notices_.push_back(text); }});
  REQUIRE_MESSAGE(started, started.error().text);
  dpdk_ = std::move(*started);
  REQUIRE(rte_eth_dev_get_port_by_name("net_ring0", &port_) == 0);
  pool_ = rte_pktmbuf_pool_create("sender", 4'095, 0, 0, 4'096 + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
  REQUIRE(pool_ != nullptr);
}

// Polls until so many frames came.
void poll_frames(LiveSource& queue, Seen& seen, std::size_t count) {
  for (auto end = std::chrono::steady_clock::now() + 20s; std::chrono::steady_clock::now() < end;) {
    if (seen.frames.size() >= count) return;
    REQUIRE(queue.poll(seen, 10ms));
  }
}

Duration processor_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + Duration(time.tv_nsec);
}

}  // namespace

TEST_CASE("dpdk: ports that cannot spread have one queue each, and it is told") {
  Rig& rig = Rig::instance();
  CHECK(rig.dpdk().queues() == 1);
  REQUIRE(rig.dpdk().ports().size() == 3);
  CHECK(rig.dpdk().ports()[0]->name() == "net_ring0");
  CHECK(rig.dpdk().ports()[1]->name() == "net_pcap0");
  for (const auto& port : rig.dpdk().ports()) CHECK(port->up());
  CHECK(std::any_of(rig.notices().begin(), rig.notices().end(), [](const std::string& text) {
    return text.find("one thread reads instead") != std::string::npos;
  }));
}

TEST_CASE("dpdk: it starts once in the life of a process") {
  Rig::instance();
  DpdkOptions options;
  TunnelOptions tunnels;
  REQUIRE(options.ports.set_list({"net_null1"}));
  auto again = Dpdk::start({options, tunnels, true, 1, false, {}});
  REQUIRE_FALSE(again);
  CHECK(again.error().text.starts_with("DPDK does not start: "));
  CHECK(again.error().text.find('\n') == std::string::npos);
}

TEST_CASE("dpdk: frames are read where they stand, and their buffers are free afterwards") {
  Rig& rig = Rig::instance();
  for (int i = 0; i < 100; ++i) rig.send(numbered_frame(i));
  CHECK(rig.buffers_in_use() == 100);
  Seen seen;
  Timestamp before = wall_now();
  std::uint64_t received = rig.counters(Rig::ring).received.value();
  poll_frames(rig.queue(Rig::ring), seen, 100);
  REQUIRE(seen.frames.size() == 100);
  for (int i = 0; i < 100; ++i) {
    const Seen::One& one = seen.frames[static_cast<std::size_t>(i)];
    CHECK(one.bytes == numbered_frame(i));
    CHECK(one.wire_size == one.bytes.size());
    CHECK(one.at == rte_pktmbuf_mtod(static_cast<rte_mbuf*>(one.buffer), const std::uint8_t*));
    CHECK(one.time >= before);
    CHECK(one.time <= wall_now());
  }
  CHECK(rig.counters(Rig::ring).received.value() - received == 100);
  CHECK(rig.buffers_in_use() == 0);
}

TEST_CASE("dpdk: buffers that are kept stay as they are until they are released") {
  Rig& rig = Rig::instance();
  for (int i = 0; i < 40; ++i) rig.send(numbered_frame(i));
  Seen seen;
  seen.keeper = &rig.dpdk().buffers();
  poll_frames(rig.queue(Rig::ring), seen, 40);
  CHECK(rig.buffers_in_use() == 40);
  std::vector<void*> buffers;
  for (const Seen::One& one : seen.frames) {
    CHECK(Octets(one.at, one.at + one.bytes.size()) == one.bytes);
    buffers.push_back(one.buffer);
  }
  rig.dpdk().buffers().release(std::span<void* const>(buffers).first(1));
  CHECK(rig.buffers_in_use() == 39);
  rig.dpdk().buffers().release(std::span<void* const>(buffers).subspan(1));
  CHECK(rig.buffers_in_use() == 0);
}

TEST_CASE("dpdk: no more buffers are kept than can be spared") {
  Rig& rig = Rig::instance();
  Seen seen;
  seen.keeper = &rig.dpdk().buffers();
  for (std::size_t sent = 0; sent < 2 * kBuffers; ++sent) {
    rig.send(numbered_frame(1));
    if (sent % kBatch == kBatch - 1) poll_frames(rig.queue(Rig::ring), seen, sent + 1);
  }
  CHECK(seen.frames.size() == 2 * kBuffers);
  CHECK(seen.refused > kBuffers);
  CHECK(rig.buffers_in_use() == seen.frames.size() - seen.refused);
  for (std::size_t i = 0; i < seen.frames.size() - seen.refused; ++i) {
    rig.dpdk().buffers().release(std::span<void* const>(&seen.frames[i].buffer, 1));
  }
  CHECK(rig.buffers_in_use() == 0);
}

TEST_CASE("dpdk: payloads reach their shard in their buffers, which come back in batches; the end frees all") {
  Rig& rig = Rig::instance();
  struct Payloads final : PacketSink {
    std::vector<std::string> texts;
    bool in_buffers = true;
    void on_packets(std::span<const Packet> packets) override {
      for (const Packet& packet : packets) {
        texts.emplace_back(as_text(packet.payload));
        auto* mbuf = static_cast<rte_mbuf*>(packet.buffer);
        in_buffers =
            in_buffers && mbuf != nullptr && packet.payload.data() > static_cast<std::uint8_t*>(mbuf->buf_addr);
      }
    }
    void enter_epoch(EpochNumber) override {}
    void flush() override {}
  } payloads;
  TunnelOptions options;
  TunnelTable tunnels(options);
  auto queue = std::make_unique<PacketQueue>(64, &rig.dpdk().buffers());
  Receiver receiver(options, tunnels, HashKey{}, {queue.get()});
  for (int i = 0; i < 200; ++i) rig.send(numbered_frame(i));
  while (payloads.texts.size() < 200) {
    if (*rig.queue(Rig::ring).poll(receiver, 10ms) == Poll::frames) queue->publish();
    CHECK(rig.buffers_in_use() > 0);
    (void)queue->take(payloads);
  }
  CHECK(payloads.in_buffers);
  CHECK(payloads.texts.back() == "frame 199");
  queue->publish();
  CHECK(rig.buffers_in_use() == 0);
  // The end comes while packets wait, others are in a batch that is not published.
  for (int i = 0; i < 50; ++i) rig.send(numbered_frame(i));
  while (*rig.queue(Rig::ring).poll(receiver, 0ms) == Poll::frames) continue;
  CHECK(rig.buffers_in_use() == 50);
  queue.reset();
  CHECK(rig.buffers_in_use() == 0);
}

TEST_CASE("dpdk: frames in several buffers are put together, and counted") {
  Rig& rig = Rig::instance();
  Octets large;
  for (int i = 0; i < 9'000; ++i) large.push_back(static_cast<std::uint8_t>(i * 7));
  std::uint64_t chained = rig.counters(Rig::ring).chained.value();
  rig.send(large, 2'000);
  rig.send(numbered_frame(1));
  rig.send(large, 4'000);
  Seen seen;
  poll_frames(rig.queue(Rig::ring), seen, 3);
  REQUIRE(seen.frames.size() == 3);
  CHECK(seen.frames[0].bytes == large);
  CHECK(seen.frames[0].buffer == nullptr);
  CHECK(seen.frames[1].bytes == numbered_frame(1));
  CHECK(seen.frames[1].buffer != nullptr);
  CHECK(seen.frames[2].bytes == large);
  CHECK(rig.counters(Rig::ring).chained.value() - chained == 2);
  CHECK(rig.buffers_in_use() == 0);
}

TEST_CASE("dpdk: a capture comes frame by frame") {
  Rig& rig = Rig::instance();
  Seen seen;
  poll_frames(rig.queue(Rig::file), seen, kFramesInFile);
  REQUIRE(seen.frames.size() == kFramesInFile);
  for (int i = 0; i < kFramesInFile; ++i) CHECK(seen.frames[static_cast<std::size_t>(i)].bytes == numbered_frame(i));
}

TEST_CASE("dpdk: a port that is never empty gives many frames at a poll, but not for ever") {
  Rig& rig = Rig::instance();
  Seen seen;
  auto polled = rig.queue(Rig::zeros).poll(seen, 1h);
  REQUIRE(polled);
  CHECK(*polled == Poll::frames);
  CHECK(seen.frames.size() >= kBatch);
  CHECK(seen.frames.size() <= 64 * kBatch);
  CHECK(seen.frames[0].bytes.size() == 128);
}

TEST_CASE("dpdk: a quiet port costs little, waits as long as it is told, and is awake at once") {
  Rig& rig = Rig::instance();
  Seen seen;
  LiveSource& queue = rig.queue(Rig::ring);
  auto begin = std::chrono::steady_clock::now();
  Duration used = processor_time();
  CHECK(*queue.poll(seen, 500ms) == Poll::idle);
  CHECK(std::chrono::steady_clock::now() - begin >= 500ms);
  CHECK(processor_time() - used < 250ms);
  CHECK(queue.rest() == 200us);
  rig.send(numbered_frame(1));
  CHECK(*queue.poll(seen, 10s) == Poll::frames);
  CHECK(queue.rest() == 0us);
  CHECK(queue.descriptor() == -1);
}

TEST_CASE("dpdk: a link that goes down, and comes back, is told") {
  Rig& rig = Rig::instance();
  const DpdkPort& port = *rig.dpdk().ports()[Rig::ring];
  auto becomes = [&](bool up) {
    Seen seen;
    for (auto end = std::chrono::steady_clock::now() + 20s; port.up() != up;) {
      if (std::chrono::steady_clock::now() > end) return false;
      REQUIRE(rig.queue(Rig::ring).poll(seen, 50ms));
    }
    return true;
  };
  rig.set_link(false);
  CHECK(becomes(false));
  CHECK(rig.notices().back() == "DPDK port net_ring0: down; waiting for its link");
  rig.set_link(true);
  CHECK(becomes(true));
  CHECK(rig.notices().back() == "DPDK port net_ring0: up again");
}

TEST_CASE("dpdk: work is done in the thread that it started") {
  Rig& rig = Rig::instance();
  pthread_t here = pthread_self(), there = here;
  rig.dpdk().run_in_threads([&there] { there = pthread_self(); });
  CHECK(pthread_equal(here, there) == 0);
}

}  // namespace specular::test
