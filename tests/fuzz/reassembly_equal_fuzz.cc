// FlowTable: where nothing is lost, the streams come out as they were sent, whatever the segments look like and in
// whatever order a mirror delivers them within the reorder window: no gap, each side's end, and no byte before those
// that its sender had received.
//
// Input: both initial sequence numbers, the size of the window, then what the two ends do, a byte or two a step.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "capture/flow/flow_table.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/stream_checker.h"

namespace specular::fuzz {
namespace {

constexpr std::uint8_t kFin = 1, kSyn = 2, kPsh = 8, kAck = 16;

// What one end sends; differs at every place, so that nothing can be exchanged unnoticed.
char byte_at(Side side, std::size_t offset) {
  return static_cast<char>(fast_hash(HashKey{}, offset * 2 + index_of(side)) & 0xff);
}

struct End {
  std::uint32_t first = 0;  // the initial sequence number
  std::string sent;
  std::size_t acked = 0;  // how much of the other's bytes it has said to have received
  bool finished = false;
};

struct Delivery {
  Packet packet;
  std::size_t place;  // among all, with its delay
};

// Two ends that talk, and a mirror that delivers late, twice and through two networks.
class Conversation {
 public:
  explicit Conversation(Input input) : input_(input) {
    ends_[0].first = input_.u32();
    ends_[1].first = input_.u32();
    window_ = 1 + input_.u8() % 16;
    // The payloads are views into what was sent, which must not move.
    for (End& end : ends_) end.sent.reserve(64 * (input_.left() + 1));
    send(Side::low, kSyn, 0, 0, 0);
    send(Side::high, kSyn | kAck, 0, 0, 0);
    send(Side::low, kAck, 0, 0, 0);
    for (Delivery& delivery : deliveries_) delivery.place = 0;
    while (!input_.empty()) step();
    for (Side side : {Side::low, Side::high}) finish(side);
    std::stable_sort(deliveries_.begin(), deliveries_.end(),
                     [](const Delivery& a, const Delivery& b) { return a.place < b.place; });
  }

  const std::vector<Delivery>& deliveries() const { return deliveries_; }
  const std::string& sent(Side side) const { return ends_[index_of(side)].sent; }

 private:
  void step() {
    std::uint8_t what = input_.u8();
    Side side = (what & 1) != 0 ? Side::high : Side::low;
    End& end = ends_[index_of(side)];
    if ((what & 2) == 0) end.acked = ends_[index_of(opposite(side))].sent.size();
    network_ = (what & 4) != 0 ? 2 : 1;
    switch (what >> 3 & 7) {
      case 0: return finish(side);
      case 1: return repeat(side, input_.u8());
      case 2: return again(what >> 6);
      case 3: return send(side, kAck, end.sent.size(), 0, delay());
      default: return write(side, 1 + (what >> 3 & 3) * 16 + (what >> 6));
    }
  }

  std::size_t delay() { return input_.u8() % window_; }

  void write(Side side, std::size_t size) {
    End& end = ends_[index_of(side)];
    if (end.finished) return;
    std::size_t from = end.sent.size();
    for (std::size_t i = 0; i < size; ++i) end.sent += byte_at(side, from + i);
    send(side, kAck | kPsh, from, size, delay());
  }

  // A retransmission: any part of what was sent, cut in any way.
  void repeat(Side side, std::uint8_t how) {
    std::size_t all = ends_[index_of(side)].sent.size();
    std::size_t from = all - std::min<std::size_t>(all, (how & 15u) * 8);
    send(side, kAck, from, std::min<std::size_t>(all - from, (how >> 4) * 12 + 1), delay());
  }

  // A copy of a packet of the handshake that comes late.
  void again(unsigned which) {
    Packet copy = deliveries_[std::min<std::size_t>(which, 2)].packet;
    copy.flow.network = static_cast<NetworkId>(network_);
    deliveries_.push_back({copy, deliveries_.size() + delay()});
  }

  void finish(Side side) {
    End& end = ends_[index_of(side)];
    if (!end.finished) send(side, kAck | kFin, end.sent.size(), 0, delay());
    end.finished = true;
  }

  void send(Side side, std::uint8_t flags, std::size_t from, std::size_t size, std::size_t delay) {
    const End& end = ends_[index_of(side)];
    const End& peer = ends_[index_of(opposite(side))];
    Packet packet;
    packet.flow = {IpAddress::v4(0x0a000001), IpAddress::v4(0x0a000002), 1000, 80, static_cast<NetworkId>(network_)};
    packet.from = side;
    packet.flags.bits = flags;
    bool syn = (flags & kSyn) != 0;
    packet.seq = end.first + (syn ? 0 : 1) + static_cast<std::uint32_t>(from);
    if ((flags & kAck) != 0) packet.ack = peer.first + 1 + static_cast<std::uint32_t>(end.acked);
    packet.payload = as_bytes(end.sent).subspan(from, size);
    packet.payload_size = static_cast<std::uint32_t>(size);
    deliveries_.push_back({packet, deliveries_.size() + delay});
  }

  Input input_;
  std::size_t window_ = 1;
  std::array<End, 2> ends_;
  unsigned network_ = 1;
  std::vector<Delivery> deliveries_;
};

struct Received {
  std::string bytes[2];
  std::size_t closed = 0;
};

void look(const StreamChecker::State& state, const Chunk& chunk, Received& received) {
  require(chunk.acked <= state.side[index_of(opposite(chunk.side))].offset,
          "a chunk comes after what its sender had received");
  received.bytes[index_of(chunk.side)].append(as_text(chunk.bytes));
}

void look_at_end(const StreamChecker::State& state, Close reason, Received& received) {
  require(reason == Close::finished, "a conversation that both sides ended is finished");
  for (const auto& side : state.side)
    require(side.lost + side.clipped == 0, "nothing counts as lost that was delivered");
  ++received.closed;
}

void run(Input input) {
  Conversation conversation(input);
  FlowOptions options;
  StreamChecker checker;
  Received received;
  checker.look = [&](const auto& state, const Chunk& chunk) { look(state, chunk, received); };
  checker.look_at_end = [&](const auto& state, Close reason) { look_at_end(state, reason, received); };
  FlowTable table(options, HashKey{}, checker);
  Timestamp now(std::chrono::hours(1));
  for (const Delivery& delivery : conversation.deliveries()) {
    Packet packet = delivery.packet;
    packet.time = now += std::chrono::milliseconds(1);
    table.on_packets({&packet, 1});
    if (now.time_since_epoch() % kEpoch == Duration(0)) table.advance(now);
  }
  bool any = !conversation.sent(Side::low).empty() || !conversation.sent(Side::high).empty();
  require(table.bytes_held() == 0, "nothing is held once all has come");
  table.flush();
  require(checker.opened() <= 1 && received.closed == checker.opened(), "one conversation is one flow");
  require(!any || checker.opened() == 1, "a conversation with bytes is told");
  for (Side side : {Side::low, Side::high}) {
    require(received.bytes[index_of(side)] == conversation.sent(side), "what was sent is what is received");
  }
}

}  // namespace
}  // namespace specular::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  specular::fuzz::run({data, size});
  return 0;
}
