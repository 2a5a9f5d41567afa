#include "capture/link/decode.h"

#include <algorithm>

#include "capture/link/frame_walk.h"

namespace specular {
namespace {

namespace ethertype {
constexpr std::uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd, kVlan = 0x8100, kQinQ = 0x88a8, kQinQOld = 0x9100,
                        kMpls = 0x8847, kMplsMulticast = 0x8848, kPppoeSession = 0x8864, kTransparentEthernet = 0x6558;
}  // namespace ethertype

namespace protocol {
constexpr std::uint8_t kHopByHop = 0, kIpv4 = 4, kTcp = 6, kUdp = 17, kIpv6 = 41, kRouting = 43, kFragment = 44,
                       kGre = 47, kEsp = 50, kAuthentication = 51, kDestination = 60, kMobility = 135, kHip = 139,
                       kShim6 = 140;
}  // namespace protocol

constexpr std::size_t kFragmentBytes = 16u << 20;
constexpr Duration kFragmentTimeout = std::chrono::seconds(30);
constexpr HashKey kPathKey{};

bool is_extension(std::uint8_t next) {
  return next == protocol::kHopByHop || next == protocol::kRouting || next == protocol::kDestination ||
         next == protocol::kMobility || next == protocol::kHip || next == protocol::kShim6;
}

std::uint64_t hash_path(const TunnelPath& path) {
  std::uint64_t hash = path.size;
  for (std::size_t i = 0; i < path.size; ++i) {
    hash = fast_hash(kPathKey, hash ^ path.hops[i].id ^ static_cast<std::uint64_t>(path.hops[i].kind) << 56);
  }
  return hash;
}

// RFC 1071 over whatever is summed up; odd lengths are padded by zero.
std::uint32_t add_words(std::uint32_t sum, Bytes bytes) {
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  if (i < bytes.size()) sum += static_cast<std::uint32_t>(bytes[i] << 8);
  return sum;
}

}  // namespace

const char* to_text(Drop drop) {
  static constexpr const char* kNames[] = {
      "none",
#define DROP(name, help) #name,
#include "capture/link/drops.def"
#undef DROP
  };
  return kNames[static_cast<std::size_t>(drop)];
}

void DecodeCounters::add(Drop drop) {
  switch (drop) {
    case Drop::none: return;
#define DROP(name, help) \
  case Drop::name:       \
    return dropped_##name.add();
#include "capture/link/drops.def"
#undef DROP
  }
}

Decoder::Decoder(const TunnelOptions& options, TunnelTable& tunnels, Scope scope)
    : options_(options),
      only_tunnelled_(scope == Scope::configured && options.only_tunnelled.value()),
      tunnels_(tunnels),
      fragments_(kFragmentBytes, kFragmentTimeout) {}

Drop Decoder::decode(const Frame& frame, Packet& packet) {
  counters_.frames.add();
  counters_.bytes.add(frame.wire_size);
  Drop drop = FrameWalk(*this, frame, packet).link();
  if (drop != Drop::none) {
    counters_.add(drop);
    return drop;
  }
  counters_.segments.add();
  if (packet.payload.size() < packet.payload_size) counters_.clipped.add();
  return drop;
}

Tunnel Decoder::find_tunnel(const TunnelPath& path) {
  if (path.size == 0) return {};
  Cached& cached = cache_[hash_path(path) % cache_.size()];
  if (!(cached.path == path)) cached = {path, tunnels_.find(path)};
  return cached.tunnel;
}

// One whole segment in 64 is summed up: enough to tell a mirror whose checksums are not computed, at no cost.
void Decoder::sample_checksum(const Packet& packet, Bytes segment) {
  if (++sample_ % 64 != 0 || packet.payload.size() < packet.payload_size) return;
  std::uint32_t sum = add_words(0, packet.flow.low_address.bytes());
  sum = add_words(sum, packet.flow.high_address.bytes());
  // The pseudo-header of an IPv4 segment has no ::ffff: in front of either address.
  if (packet.flow.low_address.is_v4()) sum -= 2 * 0xffff;
  sum += protocol::kTcp + static_cast<std::uint32_t>(segment.size());
  sum = add_words(sum, segment);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  counters_.checksums_tested.add();
  if (sum != 0xffff) counters_.checksums_wrong.add();
}

bool FrameWalk::descend(TunnelKind kind, std::uint64_t id) {
  if (depth_ >= decoder_.options_.max_depth.value()) return false;
  ++depth_;
  return path_.push({kind, id});
}

Drop FrameWalk::link() {
  Reader r(frame_.bytes);
  switch (frame_.link) {
    case LinkType::ethernet: return ethernet(r);
    case LinkType::null:
    case LinkType::loop: return loopback(r);
    case LinkType::raw:
    case LinkType::raw_bsd:
    case LinkType::raw_openbsd:
    case LinkType::ipv4:
    case LinkType::ipv6: return ip(r);
    case LinkType::linux_sll: return linux_sll(r);
    case LinkType::linux_sll2: return linux_sll2(r);
    case LinkType::ppp:
    case LinkType::ppp_hdlc: return ppp(r);
    case LinkType::ieee802_11: return wireless(r);
    case LinkType::radiotap: return radiotap(r);
    default: return Drop::unknown_link;
  }
}

Drop FrameWalk::ethernet(Reader r) {
  r.skip(12);
  std::uint16_t type = r.u16();
  if (r.bad()) return Drop::header_cut;
  return payload_of(type, r);
}

Drop FrameWalk::payload_of(std::uint16_t type, Reader r) {
  if (!enter()) return Drop::too_deep;
  switch (type) {
    case ethertype::kIpv4: return ipv4(r);
    case ethertype::kIpv6: return ipv6(r);
    case ethertype::kVlan:
    case ethertype::kQinQ:
    case ethertype::kQinQOld: return vlan(r);
    case ethertype::kMpls:
    case ethertype::kMplsMulticast: return mpls(r);
    case ethertype::kPppoeSession: return pppoe(r);
    case ethertype::kTransparentEthernet: return ethernet(r);
    default: break;
  }
  // IEEE 802.3: values up to 1500 are a length, and an LLC header follows.
  if (type > 1500) return Drop::not_ip;
  r.limit(type);
  return llc(r);
}

Drop FrameWalk::vlan(Reader r) {
  std::uint16_t tag = r.u16(), type = r.u16();
  if (r.bad()) return Drop::header_cut;
  std::uint16_t id = tag & 0x0fffu;
  if (decoder_.tunnels_.vlan_matters(id) && !path_.push({TunnelKind::vlan, id})) return Drop::too_deep;
  return payload_of(type, r);
}

// RFC 3032. Nothing says what is inside: the first nibble is looked at, as routers do for load balancing; zero is the
// control word of an Ethernet pseudowire (RFC 4385).
Drop FrameWalk::mpls(Reader r) {
  for (bool bottom = false; !bottom;) {
    if (!enter()) return Drop::too_deep;
    bottom = (r.u32() & 0x100) != 0;
    if (r.bad()) return Drop::header_cut;
  }
  std::uint8_t nibble = r.rest().empty() ? 0xff : r.rest()[0] >> 4;
  if (nibble == 4 || nibble == 6) return ip(r);
  if (nibble == 0) r.skip(4);
  return ethernet(r);
}

Drop FrameWalk::llc(Reader r) {
  std::uint32_t sap_and_control = r.u24();
  r.skip(3);  // the organisation; for IP over SNAP it is zero (RFC 1042)
  std::uint16_t type = r.u16();
  if (r.bad() || sap_and_control != 0xaaaa03 || type <= 1500) return Drop::not_ip;
  return payload_of(type, r);
}

Drop FrameWalk::pppoe(Reader r) {
  r.skip(4);  // version, type, code, session (RFC 2516)
  std::uint16_t length = r.u16();
  if (r.bad()) return Drop::header_cut;
  r.limit(length);
  return ppp(r);
}

Drop FrameWalk::ppp(Reader r) {
  if (!enter()) return Drop::too_deep;
  // RFC 1662 framing may precede; RFC 1661 lets the protocol shrink to one odd byte.
  if (r.left() >= 2 && r.rest()[0] == 0xff && r.rest()[1] == 0x03) r.skip(2);
  std::uint16_t protocol = r.u8();
  if ((protocol & 1) == 0) protocol = static_cast<std::uint16_t>(protocol << 8 | r.u8());
  if (r.bad()) return Drop::header_cut;
  switch (protocol) {
    case 0x0021: return ipv4(r);
    case 0x0057: return ipv6(r);
    case 0x0281: return mpls(r);
    default: return Drop::not_ip;
  }
}

// IEEE 802.11 data frames; aggregates and what is encrypted are left.
Drop FrameWalk::wireless(Reader r) {
  std::uint8_t type = r.u8(), flags = r.u8();
  if (r.bad()) return Drop::header_cut;
  constexpr std::uint8_t kTypeMask = 0x0c, kData = 0x08, kNoData = 0x40, kQos = 0x80;
  if ((type & kTypeMask) != kData || (type & kNoData) != 0) return Drop::not_ip;
  if ((flags & 0x40) != 0) return Drop::protected_link;
  bool four_addresses = (flags & 0x03) == 0x03;
  r.skip(four_addresses ? 28 : 22);
  if ((type & kQos) != 0) {
    bool aggregate = (r.u8() & 0x80) != 0;
    r.skip(1);
    if (aggregate) return Drop::not_ip;
  }
  if ((flags & 0x80) != 0) r.skip(4);  // HT control
  return llc(r);
}

Drop FrameWalk::radiotap(Reader r) {
  r.skip(2);
  // Alone among these headers, radiotap is little-endian.
  std::uint16_t length = static_cast<std::uint16_t>(r.u8() | r.u8() << 8);
  if (r.bad()) return Drop::header_cut;
  if (length < 8) return Drop::bad_header;
  r.skip(length - 4u);
  return wireless(r);
}

// Where no Ethertype follows, the kernel has numbers of its own; 4 (ETH_P_802_2) is LLC, of the length of the frame.
Drop FrameWalk::cooked(std::uint16_t type, Reader r) {
  return type == 4 ? llc(r) : payload_of(type, r);
}

Drop FrameWalk::linux_sll(Reader r) {
  r.skip(14);
  std::uint16_t type = r.u16();
  if (r.bad()) return Drop::header_cut;
  return cooked(type, r);
}

Drop FrameWalk::linux_sll2(Reader r) {
  std::uint16_t type = r.u16();
  r.skip(18);
  if (r.bad()) return Drop::header_cut;
  return cooked(type, r);
}

// The address family, in the byte order of whoever captured; its number for IPv6 differs between systems. The IP
// version says the same, and more reliably.
Drop FrameWalk::loopback(Reader r) {
  r.skip(4);
  return ip(r);
}

Drop FrameWalk::ip(Reader r) {
  if (r.left() == 0) return Drop::header_cut;
  switch (r.rest()[0] >> 4) {
    case 4: return ipv4(r);
    case 6: return ipv6(r);
    default: return Drop::not_ip;
  }
}

Drop FrameWalk::ipv4(Reader r) {
  if (!enter()) return Drop::too_deep;
  std::size_t available = r.left();
  std::uint8_t version = r.u8();
  std::size_t header = (version & 0x0fu) * 4u;
  r.skip(1);
  std::size_t total = r.u16();
  std::uint16_t id = r.u16(), fragment_field = r.u16();
  r.skip(1);
  std::uint8_t protocol = r.u8();
  r.skip(2);
  Bytes source = r.take(4), destination = r.take(4);
  if (r.bad()) return Drop::header_cut;
  // Segmentation offload leaves the length zero: then the frame says it.
  if (total == 0) total = available + (frame_.wire_size - frame_.bytes.size());
  if (version >> 4 != 4 || header < 20 || total < header) return Drop::bad_header;
  source_ = IpAddress::v4(source);
  destination_ = IpAddress::v4(destination);
  r.skip(header - 20);
  if (r.bad()) return Drop::header_cut;
  missing_ = static_cast<std::uint32_t>(total - std::min(total, available));
  r.limit(total - header);
  std::uint32_t offset = (fragment_field & 0x1fffu) * 8u;
  bool more = (fragment_field & 0x2000) != 0;
  if (offset > 0 || more) return fragment(id, protocol, offset, more, r.rest());
  return transport(protocol, r);
}

Drop FrameWalk::ipv6(Reader r) {
  if (!enter()) return Drop::too_deep;
  std::uint8_t version = r.u8();
  r.skip(3);
  std::size_t length = r.u16();
  std::uint8_t next = r.u8();
  r.skip(1);
  Bytes source = r.take(16), destination = r.take(16);
  if (r.bad()) return Drop::header_cut;
  if (version >> 4 != 6) return Drop::bad_header;
  source_ = IpAddress::v6(source);
  destination_ = IpAddress::v6(destination);
  // Zero means a jumbogram (RFC 2675) or segmentation offload: then the frame says it.
  if (length == 0) length = r.left() + (frame_.wire_size - frame_.bytes.size());
  missing_ = static_cast<std::uint32_t>(length - std::min(length, r.left()));
  r.limit(length);
  return transport(next, r);
}

// RFC 8200 section 4.5. An atomic fragment (RFC 6946) is a whole datagram.
Drop FrameWalk::ipv6_fragment(Reader r) {
  std::uint8_t next = r.u8();
  r.skip(1);
  std::uint16_t field = r.u16();
  std::uint32_t id = r.u32();
  if (r.bad()) return Drop::header_cut;
  std::uint32_t offset = field & 0xfff8u;
  bool more = (field & 1) != 0;
  if (offset == 0 && !more) return transport(next, r);
  return fragment(id, next, offset, more, r.rest());
}

Drop FrameWalk::fragment(std::uint32_t id, std::uint8_t protocol, std::uint32_t offset, bool more, Bytes bytes) {
  if (missing_ > 0) return Drop::header_cut;
  std::uint8_t key_protocol = source_.is_v4() ? protocol : std::uint8_t{0};
  FragmentKey key{source_, destination_, hash_path(path_), id, key_protocol};
  auto added = decoder_.fragments_.add(key, frame_.time, offset, more, bytes, protocol);
  switch (added.outcome) {
    case FragmentTable::Outcome::held: return Drop::fragment_held;
    case FragmentTable::Outcome::refused: return Drop::fragment_refused;
    case FragmentTable::Outcome::whole: break;
  }
  reassembled_ = true;
  return transport(added.protocol, Reader(added.datagram));
}

Drop FrameWalk::transport(std::uint8_t protocol, Reader r) {
  while (is_extension(protocol)) {
    if (!enter()) return Drop::too_deep;
    protocol = r.u8();
    r.skip(r.u8() * 8u + 6u);
    if (r.bad()) return Drop::header_cut;
  }
  if (!enter()) return Drop::too_deep;
  switch (protocol) {
    case protocol::kTcp: return tcp(r);
    case protocol::kUdp: return udp(r);
    case protocol::kGre: return gre(r);
    case protocol::kIpv4:
    case protocol::kIpv6:
      if (!descend(TunnelKind::ipip, 0)) return Drop::too_deep;
      return protocol == protocol::kIpv4 ? ipv4(r) : ipv6(r);
    case protocol::kFragment: return ipv6_fragment(r);
    case protocol::kEsp: return Drop::protected_link;
    case protocol::kAuthentication: {
      std::uint8_t next = r.u8();
      r.skip(r.u8() * 4u + 6u);  // RFC 4302: in 32-bit words, minus two
      return r.bad() ? Drop::header_cut : transport(next, r);
    }
    default: return Drop::not_tcp;
  }
}

Drop FrameWalk::tcp(Reader r) {
  Bytes segment = r.rest();
  std::uint16_t source_port = r.u16(), destination_port = r.u16();
  packet_.seq = r.u32();
  packet_.ack = r.u32();
  std::size_t header = (r.u8() >> 4) * 4u;
  packet_.flags.bits = r.u8();
  r.skip(4);
  packet_.urgent = r.u16();
  if (r.bad()) return Drop::header_cut;
  if (header < 20) return Drop::bad_header;
  if (header > segment.size() + missing_) return Drop::bad_header;
  r.skip(header - 20);
  if (r.bad()) return Drop::header_cut;
  if (depth_ == 0 && decoder_.only_tunnelled_) return Drop::not_tunnelled;
  packet_.time = frame_.time;
  packet_.payload = r.rest();
  packet_.buffer = reassembled_ ? nullptr : frame_.buffer;
  packet_.payload_size = static_cast<std::uint32_t>(packet_.payload.size()) + missing_;
  set_flow(source_port, destination_port);
  decoder_.sample_checksum(packet_, segment);
  return Drop::none;
}

void FrameWalk::set_flow(std::uint16_t source_port, std::uint16_t destination_port) {
  SocketAddress source{source_, source_port}, destination{destination_, destination_port};
  bool forward = source <= destination;
  packet_.from = forward ? Side::low : Side::high;
  const SocketAddress& low = forward ? source : destination;
  const SocketAddress& high = forward ? destination : source;
  Tunnel tunnel = decoder_.find_tunnel(path_);
  packet_.tunnel = tunnel.id;
  packet_.flow = {low.address, high.address, low.port, high.port, tunnel.network};
}

}  // namespace specular
