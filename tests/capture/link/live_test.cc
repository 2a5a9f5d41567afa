#include "capture/link/live.h"

#include <chrono>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/capture/link/frames.h"
#include "tests/capture/link/live_bench.h"

namespace specular::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Timestamp wall_clock() {
  return Timestamp(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

}  // namespace

LIVE_TEST_CASE("frames arrive byte for byte, with the time of their arrival") {
  LiveBench bench;
  REQUIRE(bench.open());
  FrameSender far("far");
  Timestamp before = wall_clock();
  std::vector<Octets> sent;
  for (std::size_t size : {0u, 1u, 100u, 1400u}) {
    sent.push_back(ethernet_frame(sample_v4(std::string(size, 'x'))));
    far.send(sent.back());
  }
  // The kernel takes the tag out; it is there again.
  sent.push_back(ether(0x8100, join({big16(5), big16(0x0800), ip_packet(sample_v4())})));
  far.send(sent.back());
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
  LiveBench bench;
  REQUIRE(bench.open());
  int version = 0;
  socklen_t size = sizeof version;
  REQUIRE(getsockopt(bench.interface->queue(0).descriptor(), SOL_PACKET, PACKET_VERSION, &version, &size) == 0);
  CHECK(version == TPACKET_V3);
}

LIVE_TEST_CASE("poll waits for the first frame, but no longer than it is told") {
  LiveBench bench;
  REQUIRE(bench.open());
  LiveQueue& queue = bench.interface->queue(0);
  auto start = std::chrono::steady_clock::now();
  auto polled = queue.poll(bench.caught[0], milliseconds(30));
  REQUIRE(polled);
  CHECK(*polled == Poll::idle);
  CHECK(std::chrono::steady_clock::now() - start >= milliseconds(30));
  FrameSender("far").send(ethernet_frame(sample_v4()));
  polled = queue.poll(bench.caught[0], seconds(20));
  REQUIRE(polled);
  CHECK(*polled == Poll::frames);
  CHECK(std::chrono::steady_clock::now() - start < seconds(10));
}

LIVE_TEST_CASE("the filter is the kernel's work: what it keeps out arrives nowhere and counts nowhere") {
  LiveBench bench;
  REQUIRE(bench.options.filter.set("tcp port 81"));
  REQUIRE(bench.open(2));
  FrameSender far("far");
  TcpSegment wanted = sample_v4();
  wanted.to.port = 81;
  for (int i = 0; i < 5; ++i) far.send(ethernet_frame(sample_v4()));
  far.send(ethernet_frame(wanted));
  REQUIRE(bench.until_frames(1));
  std::size_t first = bench.caught[0].frames.empty() ? 1 : 0;
  CHECK(bench.total() == 1);
  CHECK(bench.caught[first].frames[0].bytes == ethernet_frame(wanted));
}

LIVE_TEST_CASE("a filter that does not compile is an error that quotes it, be the interface up or down") {
  LiveBench bench;
  REQUIRE(bench.options.filter.set("tcp prot 80"));
  for (const char* state : {"up", "down"}) {
    CAPTURE(std::string(state));
    run(fmt::format("ip link set near {}", state));
    auto opened = bench.open();
    REQUIRE(!opened);
    CHECK(opened.error().kind == ErrorKind::invalid);
    CHECK(opened.error().text.find("interface near: filter 'tcp prot 80': ") == 0);
  }
}

LIVE_TEST_CASE("what is larger than the snap length is clipped, counted, and told once") {
  LiveBench bench;
  REQUIRE(bench.options.snap_length.set("96"));
  REQUIRE(bench.open());
  FrameSender far("far");
  Octets large = ethernet_frame(sample_v4(std::string(1000, 'x'))), small = ethernet_frame(sample_v4(""));
  far.send(small);
  far.send(large);
  far.send(large);
  REQUIRE(bench.until([&] { return bench.total() == 3 && bench.noticed("snap_length 96") > 0; }));
  const auto& frames = bench.caught[0].frames;
  CHECK(frames[0].bytes == small);
  CHECK(frames[1].bytes == Octets(large.begin(), large.begin() + 96));
  CHECK(frames[1].wire_size == large.size());
  CHECK(bench.interface->queue(0).counters().clipped.value() == 2);
  CHECK(bench.notices.size() == 1);
}

LIVE_TEST_CASE("frames that offloads glued together are counted, and told once") {
  LiveBench bench;
  REQUIRE(bench.open());
  FrameSender far("far");
  TcpSegment whole = sample_v4(std::string(1460, 'x')), glued = sample_v4(std::string(5000, 'x'));
  far.send(ethernet_frame(whole));
  for (int i = 0; i < 3; ++i) far.send_glued(ethernet_frame(glued), 1000);
  REQUIRE(bench.until([&] { return bench.total() == 4 && bench.noticed("larger than its MTU") > 0; }));
  CHECK(bench.caught[0].frames[3].wire_size == ethernet_frame(glued).size());
  CHECK(bench.interface->queue(0).counters().glued.value() == 3);
  CHECK(bench.notices.size() == 1);
}

LIVE_TEST_CASE("offloads that glue packets together are told when an interface is opened, with how to end that") {
  LiveBench bench;
  switch_offload("near", ETHTOOL_SGRO, true);
  REQUIRE(bench.open());
  CHECK(bench.noticed("GRO is on") == 1);
  CHECK(bench.noticed("ethtool -K near gro off") == 1);
}

LIVE_TEST_CASE("frames for which the ring has no room are counted: none is lost without a trace") {
  LiveBench bench;
  REQUIRE(bench.options.ring.set("1"));
  REQUIRE(bench.open());
  FrameSender far("far");
  constexpr std::size_t kSent = 4000;
  Octets frame = ethernet_frame(sample_v4(std::string(1400, 'x')));
  for (std::size_t i = 0; i < kSent; ++i) far.send(frame);
  const LiveCounters& counters = bench.interface->queue(0).counters();
  REQUIRE(bench.until([&] { return bench.total() + counters.kernel_dropped.value() == kSent; }));
  CHECK(counters.kernel_dropped.value() > 1000);
  CHECK(bench.total() > 100);
  // The count outlives the ring.
  std::uint64_t dropped = counters.kernel_dropped.value();
  run("ip link set near down");
  REQUIRE(bench.until([&] { return !bench.interface->up(); }));
  run("ip link set near up");
  REQUIRE(bench.until([&] { return bench.interface->up(); }));
  auto opened = std::chrono::steady_clock::now();
  far.send(frame);
  // Long enough for the counters to be looked at again.
  REQUIRE(bench.until([&] {
    return bench.total() + dropped == kSent + 1 && std::chrono::steady_clock::now() - opened > milliseconds(300);
  }));
  CHECK(counters.kernel_dropped.value() == dropped);
}

LIVE_TEST_CASE("an interface that is set down is idle until it is up again; what had arrived is still read") {
  LiveBench bench;
  REQUIRE(bench.open());
  LiveQueue& queue = bench.interface->queue(0);
  CHECK(bench.interface->up());
  FrameSender far("far");
  for (int i = 0; i < 5; ++i) far.send(ethernet_frame(sample_v4()));
  set_down("near");
  REQUIRE(bench.until([&] { return !bench.interface->up(); }));
  CHECK(bench.total() == 5);
  CHECK(bench.noticed("interface near: down") == 1);
  CHECK(queue.descriptor() == -1);
  CHECK(queue.counters().vanished.value() == 1);
  auto start = std::chrono::steady_clock::now();
  auto polled = queue.poll(bench.caught[0], milliseconds(20));
  REQUIRE(polled);
  CHECK(*polled == Poll::idle);
  CHECK(std::chrono::steady_clock::now() - start >= milliseconds(20));
  run("ip link set near up");
  REQUIRE(bench.until([&] { return bench.interface->up(); }));
  CHECK(bench.noticed("interface near: up again") == 1);
  far.send(ethernet_frame(sample_v4()));
  CHECK(bench.until_frames(6));
}

LIVE_TEST_CASE("an interface that is deleted, or takes another name, is waited for") {
  LiveBench bench;
  REQUIRE(bench.open(2));
  for (bool deleted : {true, false}) {
    CAPTURE(deleted);
    run(deleted ? "ip link del near" : "ip link set near name elsewhere");
    REQUIRE(bench.until([&] { return !bench.interface->up(); }));
    if (deleted) make_cable("far", "near");
    if (!deleted) run("ip link set elsewhere name near");
    REQUIRE(bench.until([&] { return bench.interface->up(); }));
    std::size_t before = bench.total();
    FrameSender("far").send(ethernet_frame(sample_v4()));
    CHECK(bench.until_frames(before + 1));
  }
  CHECK(bench.interface->queue(0).counters().vanished.value() == 2);
  CHECK(bench.interface->queue(1).counters().vanished.value() == 0);
}

LIVE_TEST_CASE("an interface that is down from the first is waited for") {
  LiveBench bench;
  run("ip link set near down");
  REQUIRE(bench.open(2));
  CHECK(!bench.interface->up());
  CHECK(bench.interface->queue(0).descriptor() == -1);
  CHECK(bench.noticed("interface near: down") == 1);
  run("ip link set near up");
  REQUIRE(bench.until([&] { return bench.interface->up(); }));
  FrameSender("far").send(ethernet_frame(sample_v4()));
  CHECK(bench.until_frames(1));
}

LIVE_TEST_CASE("an interface that flaps does not flood the log") {
  LiveBench bench;
  REQUIRE(bench.open());
  constexpr std::uint64_t kTimes = 5;
  for (std::uint64_t i = 1; i <= kTimes; ++i) {
    run("ip link set near down");
    REQUIRE(bench.until([&] { return !bench.interface->up(); }));
    run("ip link set near up");
    REQUIRE(bench.until([&] { return bench.interface->up(); }));
    CHECK(bench.interface->queue(0).counters().vanished.value() == i);
  }
  CHECK(bench.notices.size() == 6);
}

LIVE_TEST_CASE("an interface that there is not is an error, also where libpcap knows something of that name") {
  LiveBench bench;
  for (const char* name : {"nowhere", "any", "nflog", "", "a-name-that-is-too-long"}) {
    CAPTURE(std::string(name));
    auto opened = bench.open(1, name);
    REQUIRE(!opened);
    CHECK(opened.error().kind == ErrorKind::invalid);
    CHECK(opened.error().text == fmt::format("interface {}: there is no such interface", name));
  }
}

LIVE_TEST_CASE("without the right to capture, the error names the capability") {
  LiveBench bench;
  pid_t child = fork();
  if (child == 0) {
    bool dropped = setuid(65534) == 0;
    auto opened = bench.open();
    _exit(dropped && !opened && opened.error().text.find("CAP_NET_RAW") != std::string::npos ? 0 : 1);
  }
  int status = 1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

}  // namespace specular::test
