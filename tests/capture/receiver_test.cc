#include "capture/receiver.h"

#include <doctest/doctest.h>

#include "tests/capture/flow/flow_driver.h"
#include "tests/support/packet_builder.h"

namespace specular::test {
namespace {

// Counts what comes, by the client's port.
struct Arrived final : PacketSink {
  std::map<std::uint16_t, int> packets;
  std::vector<EpochNumber> epochs;
  int flushes = 0;
  void on_packets(std::span<const Packet> some) override {
    for (const Packet& packet : some) ++packets[std::max(packet.flow.low_port, packet.flow.high_port)];
  }
  void enter_epoch(EpochNumber epoch) override { epochs.push_back(epoch); }
  void flush() override { ++flushes; }
};

struct Receiving {
  TunnelOptions options;
  TunnelTable tunnels{options};
  std::vector<Arrived> sinks;
  Receiver receiver;

  explicit Receiving(std::size_t count)
      : sinks(count), receiver(options, tunnels, HashKey{}, [this] {
          std::vector<PacketSink*> all;
          for (Arrived& sink : sinks) all.push_back(&sink);
          return all;
        }()) {}

  // Both directions of that many connections, a segment each.
  void send(std::uint16_t connections, Timestamp time) {
    for (std::uint16_t i = 0; i < connections; ++i) {
      SocketAddress client = socket_address("10.0.0.1:" + std::to_string(20'000 + i)),
                    server = socket_address("10.0.0.2:80");
      for (bool up : {true, false}) {
        Octets bytes = ethernet_frame({up ? client : server, up ? server : client, 1, 1, kAck, 0, "x"});
        Frame frame{time, bytes, static_cast<std::uint32_t>(bytes.size()), LinkType::ethernet};
        receiver.on_frames(std::span(&frame, 1));
      }
    }
  }
};

}  // namespace

using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("time that runs back stands still, but not where another capture begins") {
  EpochClock clock;
  Timestamp begin{seconds(1'700'000'000)};
  CHECK(clock.enter(begin));
  CHECK(!clock.enter(begin - minutes(10)));
  clock.restart();
  CHECK(clock.enter(begin - minutes(10)));
  CHECK(clock.enter(begin - minutes(9)));
  CHECK(clock.discontinuities() == 0);
}

TEST_CASE("what an earlier capture waits for is given up in time, though a later one was told first") {
  FlowDriver flow;
  flow.pass(seconds(1));
  flow.open();
  CHECK(flow.flush().empty());
  flow.jump(-minutes(10));
  flow.open();
  flow.low(0, "hello");
  flow.low(10, "world");
  flow.pass(seconds(12));
  CHECK(flow.take() == "open by low; > 0 hello; > 5 lost 5; > 10 world");
}

TEST_CASE("what is shed are whole flows: of each both directions come, or none; the rest is told") {
  for (std::size_t count : {1, 3}) {
    Receiving receiving(count);
    for (std::size_t i = 0; i < count; ++i) receiving.receiver.keep(i, 0.25);
    receiving.send(1000, Timestamp(seconds(1)));
    std::size_t kept = 0;
    for (const Arrived& sink : receiving.sinks) {
      kept += sink.packets.size();
      for (const auto& [port, packets] : sink.packets) CHECK(packets == 2);
    }
    CHECK(kept > 150);
    CHECK(kept < 350);
    TunnelTraffic traffic = receiving.receiver.take_traffic().at(0);
    CHECK(traffic.segments == 2000);
    CHECK(traffic.shed_segments == 2000 - 2 * kept);
    CHECK(receiving.receiver.load().shed.value() == traffic.shed_segments);
    CHECK(receiving.receiver.take_traffic().at(0).segments == 0);
  }
}

TEST_CASE("a larger share keeps the flows of a smaller one, and all of them in the end") {
  Receiving receiving(1);
  receiving.receiver.keep(0, 0.3);
  receiving.send(500, Timestamp(seconds(1)));
  auto few = receiving.sinks[0].packets;
  receiving.receiver.keep(0, 0.6);
  receiving.send(500, Timestamp(seconds(2)));
  for (const auto& [port, packets] : few) CHECK(receiving.sinks[0].packets[port] == 4);
  receiving.receiver.keep(0, 1);
  receiving.send(500, Timestamp(seconds(3)));
  CHECK(receiving.sinks[0].packets.size() == 500);
}

TEST_CASE("time goes on without packets, but never back") {
  Receiving receiving(2);
  receiving.send(1, Timestamp(seconds(100)));
  receiving.receiver.advance(Timestamp(seconds(103)));
  receiving.receiver.advance(Timestamp(seconds(101)));
  receiving.receiver.advance(Timestamp(seconds(103)));
  for (const Arrived& sink : receiving.sinks) CHECK(sink.epochs == std::vector<EpochNumber>{100, 103});
}

}  // namespace specular::test
