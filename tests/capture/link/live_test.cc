#include "capture/link/live.h"

#include <functional>

#include <doctest/doctest.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

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

}  // namespace specular::test
