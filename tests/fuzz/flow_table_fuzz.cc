// FlowTable: segments of a few flows in any order, with numbers near those where decisions are made; what comes out
// obeys stream.h, and in the end nothing is held.
//
// Input: a byte of options, then steps: which flow, side and network and what time does; flags; sequence and
// acknowledgement number, relative to what is expected; the payload's size, and what of it the capture cut.
#include <deque>
#include <string>
#include <vector>

#include "capture/flow/flow_table.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/stream_checker.h"

namespace specular::fuzz {
namespace {

constexpr std::size_t kFlows = 64;
constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16, kUrg = 32;

void set_options(std::uint8_t bits, FlowOptions& options) {
  if ((bits & 1) != 0) (void)options.max_flows.set("16");
  if ((bits & 2) != 0) (void)options.held_per_flow.set("16");
  if ((bits & 4) != 0) (void)options.reorder_wait.set("0");
  if ((bits & 8) != 0) (void)options.loss_wait.set("0");
  if ((bits & 16) != 0) (void)options.linger.set("0");
  (void)options.held_total.set("1");
}

// Says whose a byte is and where it stands: four bits of the sequence number, three of the flow, one of the side.
std::uint8_t byte_at(std::size_t flow, Side side, std::uint32_t seq) {
  return static_cast<std::uint8_t>((seq & 15) | (flow & 7) << 4 | index_of(side) << 7);
}

class Traffic {
 public:
  Traffic(Input input, FlowTable& table, StreamChecker& checker) : input_(input), table_(table), checker_(checker) {
    many_flows_ = (options_of(input) & 32) != 0;
    batched_ = (options_of(input) & 64) != 0;
    (void)input_.u8();
    for (std::size_t flow = 0; flow < kFlows; ++flow) {
      next_[flow][0] = flow % 2 == 0 ? 1000 : 0xfffffff0;  // the second kind wraps soon
      next_[flow][1] = 5000;
    }
  }

  static std::uint8_t options_of(Input input) { return input.u8(); }

  void run() {
    while (!input_.empty()) step();
    hand_over();
  }

  // Overlapping segments may differ: then it is not known which bytes come out.
  bool has_conflicts() const { return has_conflicts_; }

 private:
  void step() {
    std::uint8_t what = input_.u8();
    std::size_t flow = what & 3;
    if (many_flows_) flow = input_.u8() % kFlows;
    pass_time(what >> 5);
    add_segment(flow, (what & 4) != 0 ? Side::high : Side::low, (what >> 3) & 3);
    if (!batched_ || batch_.size() == kBatch) hand_over();
  }

  void pass_time(int kind) {
    now_ += std::chrono::milliseconds(1);
    if (kind < 5) return;
    if (kind == 6) now_ += std::chrono::milliseconds(10) * input_.u8();
    if (kind == 7) now_ -= std::chrono::milliseconds(10) * input_.u8();
    if (kind != 5) return;
    hand_over();
    std::uint8_t seconds = input_.u8();
    now_ += std::chrono::seconds(seconds == 255 ? 7200 : seconds);
    table_.advance(start_of(epoch_of(now_)));
  }

  // Near `next`, or near where the table thinks that another stream begins.
  std::uint32_t number(std::uint32_t next) {
    std::uint8_t code = input_.u8();
    std::uint32_t n = code >> 3;
    switch (code & 7) {
      case 0: return next;
      case 1: return next - n;
      case 2: return next + n;
      case 3: return next - n * 64;
      case 4: return next + n * 64;
      case 5: return next + (1u << 21) + n - 16;
      case 6: return next + (1u << 31) + n - 16;
      default: return input_.u32();
    }
  }

  void add_segment(std::size_t flow, Side side, unsigned network) {
    std::uint8_t flags = input_.u8();
    Packet packet;
    packet.time = now_;
    packet.flow = {IpAddress::v4(0x0a000001), IpAddress::v4(0x0a000002), static_cast<std::uint16_t>(1000 + flow), 80,
                   static_cast<NetworkId>(network == 3 ? 1 : network)};
    packet.from = side;
    packet.flags.bits = flags & 0x3f;
    std::uint32_t& next = next_[flow][index_of(side)];
    packet.seq = number(next);
    packet.ack = (flags & kAck) != 0 ? number(next_[flow][index_of(opposite(side))]) : 0;
    std::uint32_t size = input_.u8();
    if (size > 63) size = (size - 63) * 23;
    std::uint32_t clip = (flags & 64) != 0 ? input_.u8() : 0;
    bool conflict = (flags & 128) != 0;
    has_conflicts_ = has_conflicts_ || conflict;
    if ((flags & kUrg) != 0) {
      packet.urgent = input_.u8();
      ++checker_.most_out_of_band;
    }
    packet.payload_size = size;
    packet.payload = make_payload(flow, packet, size - std::min(size, clip), conflict);
    if (packet.seq == next || (flags & (kSyn | kRst)) != 0) {
      next = packet.seq + size + ((flags & kSyn) != 0 ? 1 : 0) + ((flags & kFin) != 0 ? 1 : 0);
    }
    batch_.push_back(packet);
  }

  Bytes make_payload(std::size_t flow, const Packet& packet, std::size_t size, bool conflict) {
    std::vector<std::uint8_t>& bytes = payloads_.emplace_back(size);
    std::uint32_t seq = packet.seq + (packet.flags.syn() ? 1u : 0u);
    for (std::size_t i = 0; i < size; ++i) {
      std::uint32_t at = seq + static_cast<std::uint32_t>(i) + (conflict ? 1 : 0);
      bytes[i] = byte_at(flow, packet.from, at);
    }
    return bytes;
  }

  void hand_over() {
    table_.on_packets(batch_);
    batch_.clear();
    payloads_.clear();  // nobody may look at them any more
  }

  Input input_;
  FlowTable& table_;
  StreamChecker& checker_;
  bool many_flows_ = false, batched_ = false, has_conflicts_ = false;
  Timestamp now_ = Timestamp(std::chrono::hours(1));
  std::uint32_t next_[kFlows][2];
  std::vector<Packet> batch_;
  std::deque<std::vector<std::uint8_t>> payloads_;
};

// Whether each byte of a chunk belongs to its flow and side, and stands where its number says: the distance between the
// sequence number and the offset is the same all over a stream.
class ContentCheck {
 public:
  void look(const StreamChecker::State& state, const Chunk& chunk) {
    std::size_t flow = state.info.key.low_port - 1000u;
    std::uint8_t owner = byte_at(flow, chunk.side, 0);
    int& base = bases_[{static_cast<std::uint32_t>(chunk.flow), index_of(chunk.side)}];
    if (state.side[index_of(chunk.side)].bytes == chunk.bytes.size()) base = -1;  // the first chunk
    for (std::size_t i = 0; i < chunk.bytes.size(); ++i) {
      require((chunk.bytes[i] & 0xf0) == owner, "bytes come out of the flow and side they went into");
      int distance = static_cast<int>((chunk.bytes[i] - chunk.offset - i) & 15);
      if (base < 0) base = distance;
      shifted = shifted || base != distance;
    }
  }
  bool shifted = false;

 private:
  std::map<std::pair<std::uint32_t, std::size_t>, int> bases_;
};

void run(Input input) {
  FlowOptions options;
  set_options(Traffic::options_of(input), options);
  StreamChecker checker;
  ContentCheck content;
  checker.look = [&](const auto& state, const Chunk& chunk) { content.look(state, chunk); };
  FlowTable table(options, HashKey{}, checker);
  Traffic traffic(input, table, checker);
  traffic.run();
  require(traffic.has_conflicts() || !content.shifted, "every byte stands where its sequence number says");
  require(table.size() <= options.max_flows.size(), "there are no more flows than allowed");
  require(table.bytes_held() <= options.held_total.size() << 20, "no more is held than allowed");
  table.flush();
  require(checker.all_closed(), "every flow that opened closes");
  require(table.bytes_held() == 0, "nothing is held in the end");
  require(table.size() == 0, "no flow is left in the end");
  require(table.counters().opened.value() == checker.opened(), "opened flows are counted");
}

}  // namespace
}  // namespace specular::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  specular::fuzz::run({data, size});
  return 0;
}
