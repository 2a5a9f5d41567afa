#include "capture/link/live.h"

#include <functional>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "capture/link/fanout.h"
#include "tests/capture/link/bpf_machine.h"
#include "tests/capture/link/frames.h"
#include "tests/support/network.h"

namespace specular::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

#define LIVE_TEST_CASE(name) TEST_CASE(name* doctest::skip(!may_make_networks()))

struct Caught final : FrameSink {
  struct One {
    Timestamp time;
    Octets bytes;
    std::uint32_t wire_size;
    LinkType link;
  };
  std::vector<One> frames;

  void on_frames(std::span<const Frame> some) override {
    for (const Frame& frame : some) {
      frames.push_back({frame.time, Octets(frame.bytes.begin(), frame.bytes.end()), frame.wire_size, frame.link});
    }
  }
};

Timestamp wall_clock() {
  return Timestamp(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

// A cable from `far` to `near`, and a capture at `near`.
struct Bench {
  OwnNetwork network;
  LiveOptions options;
  TunnelOptions tunnels;
  std::vector<std::string> notices;
  std::unique_ptr<LiveInterface> interface;
  std::vector<Caught> caught;

  Bench() { make_cable("far", "near"); }

  Result<void> open(std::size_t queues = 1, const std::string& name = "near") {
    auto created = LiveInterface::create({name, options, tunnels, queues, HashKey{},
                                          [this](NoticeLevel, const std::string& text) { notices.push_back(text); }});
    if (!created) return forward(created.error());
    interface = std::move(*created);
    caught.resize(interface->queues());
    return {};
  }

  // Polls all queues until it is so; false if it never is.
  bool until(const std::function<bool()>& so) {
    auto deadline = std::chrono::steady_clock::now() + seconds(20);
    while (!so()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      for (std::size_t i = 0; i < interface->queues(); ++i) {
        if (!interface->queue(i).poll(caught[i], milliseconds(2))) return false;
      }
    }
    return true;
  }
  std::size_t total() const {
    std::size_t sum = 0;
    for (const Caught& queue : caught) sum += queue.frames.size();
    return sum;
  }
  bool until_frames(std::size_t count) {
    return until([&] { return total() >= count; });
  }
  bool noticed(std::string_view what) const {
    for (const std::string& notice : notices) {
      if (notice.find(what) != std::string::npos) return true;
    }
    return false;
  }
};

}  // namespace

LIVE_TEST_CASE("frames arrive byte for byte, with the time of their arrival") {
  Bench bench;
  REQUIRE(bench.open());
  FrameSender far("far");
  Timestamp before = wall_clock();
  std::vector<Octets> sent;
  for (std::size_t size : {0u, 1u, 100u, 1400u}) {
    sent.push_back(ethernet_frame(sample_v4(std::string(size, 'x'))));
    far.send(sent.back());
  }
  REQUIRE(bench.until_frames(sent.size()));
  Timestamp after = wall_clock();
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const Caught::One& frame = bench.caught[0].frames[i];
    CHECK(frame.bytes == sent[i]);
    CHECK(frame.wire_size == sent[i].size());
    CHECK(frame.link == LinkType::ethernet);
    CHECK(frame.time >= before);
    CHECK(frame.time <= after);
  }
  CHECK(bench.notices.empty());
}

LIVE_TEST_CASE("the ring is of the third version, by which the kernel hands over blocks and not single frames") {
  Bench bench;
  REQUIRE(bench.open());
  int version = 0;
  socklen_t size = sizeof version;
  REQUIRE(getsockopt(bench.interface->queue(0).descriptor(), SOL_PACKET, PACKET_VERSION, &version, &size) == 0);
  CHECK(version == TPACKET_V3);
}

// So many connections, each a request and a response, in different tunnels, from different outer addresses and ports.
struct Traffic {
  std::vector<Octets> requests, responses;

  explicit Traffic(int connections, std::size_t filling = 0) {
    std::string body(filling, 'x');
    for (int i = 0; i < connections; ++i) {
      TcpSegment request{socket_address(fmt::format("10.1.0.{}:4{:04}", i % 200 + 1, i)),
                         socket_address(fmt::format("10.2.0.{}:80", i / 7 + 1))};
      TcpSegment response{request.to, request.from};
      request.payload = "GET /" + body;
      response.payload = "HTTP/1.1 200 OK" + body;
      requests.push_back(wrap(i, 7, ethernet_frame(request)));
      responses.push_back(wrap(i, 9, ethernet_frame(response)));
    }
  }

  static Octets wrap(int number, std::uint32_t network, const Octets& frame) {
    auto from = socket_address(fmt::format("192.0.2.{}:{}", network, 20'000 + number * 17));
    auto to = socket_address(fmt::format("198.51.100.{}:{}", network, number % 2 == 0 ? 4789 : 6081));
    Octets header = number % 2 == 0 ? Octets{8, 0, 0, 0} : Octets{0, 0, 0x65, 0x58};
    return ethernet(udp_packet(from, to, join({header, big32(network << 8), frame})));
  }
};

std::string text_of(const Octets& bytes) {
  return std::string(as_text(bytes));
}

// What each queue received.
std::vector<std::set<std::string>> by_queue(const Bench& bench) {
  std::vector<std::set<std::string>> queues;
  for (const Caught& caught : bench.caught) {
    queues.emplace_back();
    for (const Caught::One& frame : caught.frames) queues.back().insert(text_of(frame.bytes));
  }
  return queues;
}

// Every frame came once, to the queue that the program says, both directions of a connection to the same, and no queue
// went without.
void check_spread(const Bench& bench, const Traffic& traffic, Way way) {
  REQUIRE(bench.interface->spread() == LiveInterface::Spread::fanout);
  CHECK(bench.notices == std::vector<std::string>{});
  auto queues = by_queue(bench);
  auto program = fanout_program(bench.tunnels, HashKey{});
  std::size_t sum = 0;
  for (const auto& queue : queues) {
    CHECK(!queue.empty());
    sum += queue.size();
  }
  CHECK(sum == traffic.requests.size() * 2);
  CHECK(bench.total() == sum);
  for (std::size_t i = 0; i < traffic.requests.size(); ++i) {
    std::size_t wanted = run_bpf(program, traffic.requests[i], way) % queues.size();
    CHECK(queues[wanted].count(text_of(traffic.requests[i])) == 1);
    CHECK(queues[wanted].count(text_of(traffic.responses[i])) == 1);
  }
}

LIVE_TEST_CASE("the kernel spreads connections by their inner addresses, frames that arrive and frames that leave") {
  for (std::size_t queues : {2u, 4u}) {
    for (Way way : {Way::arriving, Way::leaving}) {
      CAPTURE(queues);
      CAPTURE(static_cast<int>(way));
      Bench bench;
      REQUIRE(bench.open(queues, way == Way::arriving ? "near" : "far"));
      FrameSender far("far");
      Traffic traffic(60);
      for (const Octets& frame : traffic.requests) far.send(frame);
      for (const Octets& frame : traffic.responses) far.send(frame);
      REQUIRE(bench.until_frames(120));
      check_spread(bench, traffic, way);
    }
  }
}

LIVE_TEST_CASE("packets whose inner addresses lie outside of the kernel's linear buffer are spread alike") {
  for (Way way : {Way::arriving, Way::leaving}) {
    CAPTURE(static_cast<int>(way));
    Bench bench;
    for (const char* end : {"far", "near"}) run(fmt::format("ip link set {} mtu 9000", end));
    REQUIRE(bench.open(4, way == Way::arriving ? "near" : "far"));
    FrameSender far("far");
    Traffic traffic(40, 6000);
    for (const Octets& frame : traffic.requests) far.send_scattered(frame);
    for (const Octets& frame : traffic.responses) far.send_scattered(frame);
    REQUIRE(bench.until_frames(80));
    check_spread(bench, traffic, way);
  }
}

}  // namespace specular::test
