#include "capture/link/frame_walk.h"

namespace specular {
namespace {

constexpr std::uint16_t kGtpUserPort = 2152, kTeredoPort = 3544;

bool looks_like_ip(const Reader& r) {
  return !r.rest().empty() && (r.rest()[0] >> 4 == 4 || r.rest()[0] >> 4 == 6);
}

}  // namespace

// Only the destination port tells: senders spread flows over their source ports.
Drop FrameWalk::udp(Reader r) {
  std::uint16_t source_port = r.u16(), port = r.u16();
  r.skip(4);
  if (r.bad()) return Drop::header_cut;
  if (decoder_.options_.ports.is_vxlan(port)) return vxlan(r);
  if (decoder_.options_.ports.is_geneve(port)) return geneve(r);
  if (port == kGtpUserPort || source_port == kGtpUserPort) return gtp(r);
  if (port == kTeredoPort || source_port == kTeredoPort) return teredo(r);
  return Drop::not_tcp;
}

// RFC 7348. All bits but the one that says that there is a VNI are reserved, and ignored as it demands.
Drop FrameWalk::vxlan(Reader r) {
  std::uint8_t flags = r.u8();
  r.skip(3);
  std::uint32_t vni = r.u24();
  r.skip(1);
  if (r.bad()) return Drop::header_cut;
  if ((flags & 0x08) == 0) return Drop::not_tcp;
  if (!descend(TunnelKind::vxlan, vni)) return Drop::too_deep;
  return ethernet(r);
}

// RFC 8926. Options are skipped by length but for Google's network identifier (class 0x0132, type 1), which stands for
// the VNI that their mirrors leave zero.
Drop FrameWalk::geneve(Reader r) {
  std::uint8_t version_and_length = r.u8();
  r.skip(1);
  std::uint16_t protocol = r.u16();
  std::uint64_t network = r.u24();
  r.skip(1);
  Reader options(r.take((version_and_length & 0x3fu) * 4u));
  if (r.bad()) return Drop::header_cut;
  if (version_and_length >> 6 != 0) return Drop::bad_header;
  while (options.left() >= 4) {
    std::uint16_t option_class = options.u16();
    std::uint8_t type = options.u8() & 0x7f;
    Bytes data = options.take((options.u8() & 0x1fu) * 4u);
    if (options.bad()) return Drop::bad_header;
    if (option_class != 0x0132 || type != 1 || data.empty() || data.size() > 8) continue;
    network = 0;
    for (std::uint8_t byte : data) network = network << 8 | byte;
  }
  if (!descend(TunnelKind::geneve, network)) return Drop::too_deep;
  return payload_of(protocol, r);
}

// 3GPP TS 29.281 section 5. Each direction has an endpoint identifier of its own, so these name no network.
Drop FrameWalk::gtp(Reader r) {
  std::uint8_t flags = r.u8(), type = r.u8();
  r.skip(6);
  if (r.bad() || flags >> 5 != 1 || type != 255) return Drop::not_tcp;
  if ((flags & 0x07) != 0) {
    r.skip(3);
    std::uint8_t first = r.u8();
    bool extended = (flags & 0x04) != 0;
    for (std::uint8_t next = extended ? first : 0; next != 0 && !r.bad();) {
      std::size_t length = r.u8() * 4u;
      if (length == 0) return Drop::bad_header;
      r.skip(length - 2);
      next = r.u8();
    }
  }
  if (r.bad()) return Drop::header_cut;
  if (!looks_like_ip(r)) return Drop::not_tcp;
  if (!descend(TunnelKind::gtp, 0)) return Drop::too_deep;
  return ip(r);
}

// RFC 4380 section 5.1.1: IPv6 in UDP, behind optional authentication and origin indications.
Drop FrameWalk::teredo(Reader r) {
  if (r.left() >= 4 && r.rest()[0] == 0 && r.rest()[1] == 1) {
    r.skip(2);
    std::size_t identifier = r.u8(), value = r.u8();
    r.skip(identifier + value + 9);
  }
  if (!r.bad() && r.left() >= 2 && r.rest()[0] == 0 && r.rest()[1] == 0) r.skip(8);
  if (r.bad() || r.left() < 40 || r.rest()[0] >> 4 != 6) return Drop::not_tcp;
  if (!descend(TunnelKind::teredo, 0)) return Drop::too_deep;
  return ipv6(r);
}

// RFC 2784, RFC 2890; version 1 is RFC 2637.
Drop FrameWalk::gre(Reader r) {
  std::uint16_t flags = r.u16();
  if ((flags & 0x07) == 1) return pptp(r, flags);
  std::uint16_t protocol = r.u16();
  constexpr std::uint16_t kChecksum = 0x8000, kRouting = 0x4000, kKey = 0x2000, kSequence = 0x1000;
  if ((flags & (kChecksum | kRouting)) != 0) r.skip(4);
  std::uint32_t key = (flags & kKey) != 0 ? r.u32() : 0;
  bool sequence = (flags & kSequence) != 0;
  if (sequence) r.skip(4);
  if ((flags & kRouting) != 0) {
    for (std::size_t length = 1; length != 0 && !r.bad();) {
      r.skip(3);
      length = r.u8();
      r.skip(length);
    }
  }
  if (r.bad()) return Drop::header_cut;
  if ((flags & 0x07) != 0) return Drop::bad_header;
  constexpr std::uint16_t kErspan = 0x88be, kErspanIii = 0x22eb, kWireless = 0x8200, kWirelessLast = 0x82ff;
  if (protocol == kErspan && sequence) return erspan_type_ii(r);
  if (protocol == kErspanIii) return erspan_type_iii(r);
  bool erspan_type_i = protocol == kErspan;
  if (!descend(erspan_type_i ? TunnelKind::erspan : TunnelKind::gre, key)) return Drop::too_deep;
  if (erspan_type_i) return ethernet(r);
  if (protocol == 0x880b) return ppp(r);
  if ((protocol >= kWireless && protocol <= kWirelessLast) || protocol == 0x9000) return wireless(r);
  if (protocol == 0) return ip(r);  // as keep-alives and some taps leave it
  return payload_of(protocol, r);
}

// The length and the call stand where others have a key; the sequence and acknowledgement numbers are optional.
Drop FrameWalk::pptp(Reader r, std::uint16_t flags) {
  std::uint16_t protocol = r.u16(), length = r.u16();
  r.skip(2);
  if ((flags & 0x1000) != 0) r.skip(4);
  if ((flags & 0x0080) != 0) r.skip(4);
  if (r.bad()) return Drop::header_cut;
  if (protocol != 0x880b || length == 0) return Drop::not_tcp;
  r.limit(length);
  if (!descend(TunnelKind::gre, 0)) return Drop::too_deep;
  return ppp(r);
}

// draft-foschiano-erspan: 8 bytes with the session in ten bits.
Drop FrameWalk::erspan_type_ii(Reader r) {
  r.skip(2);
  std::uint16_t session = r.u16() & 0x03ff;
  r.skip(4);
  if (r.bad()) return Drop::header_cut;
  if (!descend(TunnelKind::erspan, session)) return Drop::too_deep;
  return ethernet(r);
}

// 12 bytes, and 8 more if the last bit says so. The frame type, in the five bits before the last ten, is 0 for
// Ethernet, 2 for IP.
Drop FrameWalk::erspan_type_iii(Reader r) {
  r.skip(2);
  std::uint16_t session = r.u16() & 0x03ff;
  r.skip(6);
  std::uint16_t last = r.u16();
  if ((last & 1) != 0) r.skip(8);
  if (r.bad()) return Drop::header_cut;
  if (!descend(TunnelKind::erspan, session)) return Drop::too_deep;
  return (last >> 10 & 0x1f) == 2 ? ip(r) : ethernet(r);
}

}  // namespace specular
