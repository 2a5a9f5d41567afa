// LiveBench: a cable in a network of its own, and a capture at one end of it. For tests that are skipped where
// may_make_networks() says no.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "capture/link/live.h"
#include "tests/support/network.h"

#define LIVE_TEST_CASE(name) TEST_CASE(name* doctest::skip(!may_make_networks()))

namespace specular::test {

// Keeps what it is given.
struct Caught final : FrameSink {
  struct One {
    Timestamp time;
    Octets bytes;
    std::uint32_t wire_size;
    LinkType link;
  };
  std::vector<One> frames;

  void on_frames(std::span<const Frame> some) override;
};

struct LiveBench {
  OwnNetwork network;
  LiveOptions options;
  TunnelOptions tunnels;
  std::vector<std::string> notices;
  std::unique_ptr<LiveInterface> interface;
  std::vector<Caught> caught;  // by queue

  LiveBench() { make_cable("far", "near"); }

  Result<void> open(std::size_t queues = 1, const std::string& name = "near");
  // Polls all queues until it is so; false if it is not within half a minute.
  bool until(const std::function<bool()>& so);
  bool until_frames(std::size_t count);
  std::size_t total() const;
  // How many notices have that in them.
  std::size_t noticed(std::string_view what) const;
};

}  // namespace specular::test
