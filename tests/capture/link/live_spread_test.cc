// Which queue a frame comes to, and that it stays so.
#include <array>
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "capture/link/fanout.h"
#include "tests/capture/link/bpf_machine.h"
#include "tests/capture/link/frames.h"
#include "tests/capture/link/live_bench.h"
#include "tests/capture/link/wraps.h"

namespace specular::test {
namespace {

using std::chrono::milliseconds;

// So many connections, each a request and a response, by IPv4 and IPv6, wrapped in every way, the two directions from
// different outer addresses and ports.
struct Traffic {
  std::vector<Octets> requests, responses;

  explicit Traffic(int connections, std::size_t filling = 0) {
    std::string body(filling, 'x');
    auto wrap = all_wraps().begin();
    for (int i = 0; i < connections; ++i) {
      bool v6 = i % 3 == 0;
      TcpSegment request{
          socket_address(fmt::format("{}{}{}:4{:04}", v6 ? "[2001:db8::" : "10.1.0.", i + 1, v6 ? "]" : "", i)),
          socket_address(v6 ? "[2001:db8::9:9]:80" : "10.2.0.9:80")};
      TcpSegment response{request.to, request.from};
      request.payload = "GET /" + body;
      response.payload = "HTTP/1.1 200 OK" + body;
      Outer there{fmt::format("192.0.2.7:{}", 20'000 + i), "198.51.100.7:4789", 7};
      Outer back{fmt::format("192.0.2.8:{}", 30'000 + i * 17), "198.51.100.8:4789", 9};
      requests.push_back(wrap->second(there, ip_packet(request)));
      responses.push_back(wrap->second(back, ip_packet(response)));
      if (++wrap == all_wraps().end()) wrap = all_wraps().begin();
    }
  }
};

std::string text_of(const Octets& bytes) {
  return std::string(as_text(bytes));
}

// What each queue received.
std::vector<std::set<std::string>> by_queue(const LiveBench& bench) {
  std::vector<std::set<std::string>> queues;
  for (const Caught& caught : bench.caught) {
    queues.emplace_back();
    for (const Caught::One& frame : caught.frames) queues.back().insert(text_of(frame.bytes));
  }
  return queues;
}

// Every frame came once, to the queue that the program says, both directions of a connection to the same, and no queue
// went without.
void check_spread(const LiveBench& bench, const Traffic& traffic, Way way) {
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

}  // namespace

LIVE_TEST_CASE("the kernel spreads connections by their inner addresses, frames that arrive and frames that leave") {
  for (std::size_t queues : {2u, 4u}) {
    for (Way way : {Way::arriving, Way::leaving}) {
      CAPTURE(queues);
      CAPTURE(static_cast<int>(way));
      LiveBench bench;
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
    LiveBench bench;
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

LIVE_TEST_CASE("after an interface was down, or was deleted and made again, its queues have the places they had") {
  LiveBench bench;
  REQUIRE(bench.open(4));
  Traffic traffic(60);
  for (bool deleted : {false, true, false}) {
    CAPTURE(deleted);
    run(deleted ? "ip link del near" : "ip link set near down");
    REQUIRE(bench.until([&] { return !bench.interface->up(); }));
    if (deleted) make_cable("far", "near");
    if (!deleted) run("ip link set near up");
    REQUIRE(bench.until([&] {
      bool all = bench.interface->up();
      for (std::size_t i = 0; i < 4; ++i) all = all && bench.interface->queue(i).descriptor() >= 0;
      return all;
    }));
    bench.caught = std::vector<Caught>(4);
    bench.notices.clear();
    FrameSender far("far");
    for (const Octets& frame : traffic.requests) far.send(frame);
    for (const Octets& frame : traffic.responses) far.send(frame);
    REQUIRE(bench.until_frames(120));
    check_spread(bench, traffic, Way::arriving);
  }
}

LIVE_TEST_CASE("no frame comes twice, not even of those that arrive while queues are opened") {
  LiveBench bench;
  std::atomic<bool> stop = false;
  std::thread sender([&] {
    FrameSender far("far");
    for (int number = 0; !stop; ++number) {
      TcpSegment segment{socket_address(fmt::format("10.1.0.{}:4000", number % 200 + 1)),
                         socket_address("10.2.0.9:80")};
      segment.seq = static_cast<std::uint32_t>(number);
      far.send(ethernet_frame(segment));
      if (number % 10 == 0) std::this_thread::sleep_for(milliseconds(1));
    }
  });
  bool opened = bench.open(4).has_value(), came = opened && bench.until_frames(500), back = came;
  for (int round = 0; round < 2 && back; ++round) {
    run("ip link set near down");
    back = bench.until([&] { return !bench.interface->up(); });
    run("ip link set near up");
    std::size_t before = bench.total();
    back = back && bench.until_frames(before + 500);
  }
  stop = true;
  sender.join();
  CHECK(opened);
  CHECK(came);
  CHECK(back);
  std::set<std::string> distinct;
  for (const auto& queue : by_queue(bench)) distinct.insert(queue.begin(), queue.end());
  CHECK(distinct.size() == bench.total());
}

LIVE_TEST_CASE("a connection whose directions come through two interfaces meets in one queue") {
  LiveBench bench;
  make_cable("far2", "near2");
  REQUIRE(bench.open(4));
  auto second = LiveInterface::create({"near2", bench.options, bench.tunnels, 4, HashKey{}, {}});
  REQUIRE(second);
  Traffic traffic(40);
  FrameSender far("far"), far2("far2");
  for (const Octets& frame : traffic.requests) far.send(frame);
  for (const Octets& frame : traffic.responses) far2.send(frame);
  std::vector<Caught> caught2(4);
  REQUIRE(bench.until([&] {
    std::size_t there = bench.total();
    for (std::size_t i = 0; i < 4; ++i) {
      (void)(*second)->queue(i).poll(caught2[i], milliseconds(1));
      there += caught2[i].frames.size();
    }
    return there == 80;
  }));
  for (std::size_t i = 0; i < 4; ++i) {
    CAPTURE(i);
    CHECK(!caught2[i].frames.empty());
    CHECK(caught2[i].frames.size() == bench.caught[i].frames.size());
  }
}

LIVE_TEST_CASE("queues may be read by a thread each while the interface comes and goes") {
  LiveBench bench;
  REQUIRE(bench.open(4));
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  std::array<std::atomic<std::size_t>, 4> counts{};
  struct Count final : FrameSink {
    std::atomic<std::size_t>* count = nullptr;
    void on_frames(std::span<const Frame> frames) override { *count += frames.size(); }
  };
  for (std::size_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      Count sink;
      sink.count = &counts[i];
      while (!stop) (void)bench.interface->queue(i).poll(sink, milliseconds(5));
    });
  }
  auto wait_until = [](const auto& so) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!so() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(milliseconds(2));
    return so();
  };
  Traffic traffic(60);
  for (int round = 0; round < 3; ++round) {
    CAPTURE(round);
    CHECK(wait_until([&] { return bench.interface->up(); }));
    for (auto& count : counts) count = 0;
    FrameSender far("far");
    for (const Octets& frame : traffic.requests) far.send(frame);
    CHECK(wait_until([&] { return counts[0] + counts[1] + counts[2] + counts[3] == 60; }));
    for (auto& count : counts) CHECK(count > 0);
    if (round == 2) break;
    run("ip link del near");
    CHECK(wait_until([&] { return !bench.interface->up(); }));
    make_cable("far", "near");
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

LIVE_TEST_CASE("where the kernel refuses to spread there is one queue and a notice, or an error if it must") {
  LiveBench bench;
  std::vector<std::string> ports;
  for (int port = 1; port < 1000; ++port) ports.push_back(std::to_string(port));
  REQUIRE(bench.tunnels.ports.set_entry("vxlan", ports));
  REQUIRE(bench.open(2));
  CHECK(bench.interface->spread() == LiveInterface::Spread::single);
  CHECK(bench.interface->queues() == 1);
  CHECK(bench.noticed("one thread reads instead") == 1);
  FrameSender("far").send(ethernet_frame(sample_v4()));
  CHECK(bench.until_frames(1));

  REQUIRE(bench.options.spread.set("fanout"));
  auto refused = bench.open(2);
  REQUIRE(!refused);
  CHECK(refused.error().text.find("interface near: ") == 0);
}

LIVE_TEST_CASE("what the kernel itself wraps and mirrors is spread by its inner addresses") {
  LiveBench bench;
  run("ip addr add 192.0.2.1/24 dev far && ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev far");
  run("ip link add tap type vxlan id 7 remote 192.0.2.2 dstport 4789 dev far && ip link set tap up");
  make_cable("client", "server");
  run("tc qdisc add dev server ingress && tc filter add dev server parent ffff: protocol all u32 match u32 0 0 "
      "action mirred egress mirror dev tap");
  run("tc qdisc add dev client ingress && tc filter add dev client parent ffff: protocol all u32 match u32 0 0 "
      "action mirred egress mirror dev tap");
  REQUIRE(bench.options.filter.set("udp port 4789"));
  REQUIRE(bench.open(4));
  FrameSender client("client"), server("server");
  for (int i = 0; i < 40; ++i) {
    TcpSegment request{socket_address(fmt::format("10.1.0.{}:40000", i + 1)), socket_address("10.2.0.1:80")};
    client.send(ethernet_frame(request));
    server.send(ethernet_frame({request.to, request.from}));
  }
  REQUIRE(bench.until_frames(80));
  std::size_t used = 0;
  for (const Caught& queue : bench.caught) {
    std::map<std::uint8_t, int> directions;  // by the client's last octet
    constexpr std::size_t kInner = 14 + 20 + 8 + 8 + 14;
    for (const Caught::One& frame : queue.frames) {
      bool from_client = frame.bytes[kInner + 13] == 1;
      ++directions[frame.bytes[kInner + (from_client ? 15 : 19)]];
    }
    used += directions.empty() ? 0 : 1;
    for (const auto& [host, count] : directions) CHECK(count == 2);
  }
  CHECK(used == 4);
}

}  // namespace specular::test
