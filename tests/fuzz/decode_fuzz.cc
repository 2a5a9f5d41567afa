// Decoder: frames of any link type give segments whose views lie within what was captured, or a reason why not; the
// same frames always give the same.
//
// Input: link type, options, how many frames; then each frame as two bytes of size, one of time, one of what the
// capture cut, and its bytes. The last frame has all that is left.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "capture/link/decode.h"
#include "tests/fuzz/fuzz.h"

namespace specular::fuzz {
namespace {

constexpr std::array kLinks = {LinkType::ethernet, LinkType::raw,        LinkType::linux_sll, LinkType::linux_sll2,
                               LinkType::null,     LinkType::ppp,        LinkType::ppp_hdlc,  LinkType::ipv4,
                               LinkType::ipv6,     LinkType::ieee802_11, LinkType::radiotap,  LinkType::loop,
                               LinkType::raw_bsd,  LinkType::raw_openbsd};

struct Case {
  std::uint8_t options = 0;
  std::vector<std::unique_ptr<std::uint8_t[]>> memory;  // a block a frame, so that the sanitisers see its borders
  std::vector<Frame> frames;
};

Case read_case(Input input) {
  Case made;
  std::uint8_t link = input.u8();
  LinkType type = link < kLinks.size() ? kLinks[link] : static_cast<LinkType>(link);
  made.options = input.u8();
  Timestamp time{};
  for (std::size_t left = 1 + input.u8() % kBatch; left > 0 && !input.empty(); --left) {
    std::size_t size = input.u16();
    time += std::chrono::seconds(input.u8() % 64);
    std::uint32_t cut = input.u8();
    Bytes bytes = left == 1 ? input.take_rest() : input.take(size);
    auto copy = std::make_unique<std::uint8_t[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), copy.get());
    made.frames.push_back(
        {time, Bytes(copy.get(), bytes.size()), static_cast<std::uint32_t>(bytes.size()) + cut, type});
    made.memory.push_back(std::move(copy));
  }
  return made;
}

struct Outcome {
  Drop drop;
  Packet packet;
  std::vector<std::uint8_t> payload;

  bool operator==(const Outcome& other) const {
    if (drop != other.drop || drop != Drop::none) return drop == other.drop;
    const Packet &a = packet, &b = other.packet;
    return a.time == b.time && a.flow == b.flow && a.from == b.from && a.flags.bits == b.flags.bits && a.seq == b.seq &&
           a.ack == b.ack && a.urgent == b.urgent && a.tunnel == b.tunnel && a.payload_size == b.payload_size &&
           payload == other.payload;
  }
};

void check_packet(const Packet& packet, const Frame& frame, bool fragments_held) {
  require(packet.time == frame.time, "a packet has its frame's time");
  require(packet.payload_size >= packet.payload.size(), "no more is captured than was sent");
  require(packet.flow.low() <= packet.flow.high(), "the ends of a flow are in order");
  require(packet.flow.low() != packet.flow.high() || packet.from == Side::low, "equal ends send from the low side");
  const std::uint8_t* begin = frame.bytes.data();
  bool inside =
      packet.payload.data() >= begin && packet.payload.data() + packet.payload.size() <= begin + frame.bytes.size();
  // Views into a datagram made whole: the sanitisers tell whether that memory is there.
  require(inside || fragments_held, "a payload lies within its frame");
  touch(packet.payload);
}

void check_counters(const DecodeCounters& counters, std::size_t frames) {
  std::uint64_t outcomes = counters.segments.value();
#define DROP(name, help) outcomes += counters.dropped_##name.value();
#include "capture/link/drops.def"
#undef DROP
  require(counters.frames.value() == frames && outcomes == frames, "every frame is counted once");
  require(counters.clipped.value() <= counters.segments.value(), "what is clipped is a segment");
  require(counters.checksums_wrong.value() <= counters.checksums_tested.value(), "a wrong checksum was tested");
}

std::vector<Outcome> decode_all(const Case& input) {
  TunnelOptions options;
  if ((input.options & 1) != 0) (void)options.only_tunnelled.set("true");
  if ((input.options & 2) != 0) (void)options.groups.set_entry("a", {"vlan:7", "vxlan:7"});
  (void)options.max_depth.set(std::to_string((input.options >> 2) % 17));
  TunnelTable tunnels(options);
  Decoder decoder(options, tunnels);
  decoder.begin_batch();
  std::vector<Outcome> outcomes;
  for (const Frame& frame : input.frames) {
    Packet packet;
    Drop drop = decoder.decode(frame, packet);
    bool fragments_held = decoder.counters().dropped_fragment_held.value() > 0;
    if (drop == Drop::none) check_packet(packet, frame, fragments_held);
    outcomes.push_back({drop, packet, {}});
  }
  // All of a batch must last until the next one begins.
  for (Outcome& outcome : outcomes) {
    if (outcome.drop != Drop::none) continue;
    outcome.payload.assign(outcome.packet.payload.begin(), outcome.packet.payload.end());
    require(tunnels.tunnel_name(outcome.packet.tunnel).empty() == (outcome.packet.tunnel == TunnelId::none),
            "every tunnel but none has a name");
  }
  check_counters(decoder.counters(), input.frames.size());
  return outcomes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Case input = read_case(Input(data, size));
  require(decode_all(input) == decode_all(input), "the same frames give the same packets");
  return 0;
}

}  // namespace specular::fuzz
