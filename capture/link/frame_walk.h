// FrameWalk: the way through one frame's headers; internal to the decoder. decode.cc has links and IP, tunnel_walk.cc
// what wraps them again.
#pragma once

#include "capture/base/reader.h"
#include "capture/link/decode.h"

namespace specular {

// Each function reads one header and goes on with the next by calling its function: the call stack is the packet's
// layering. Every level passes through enter(), which bounds the depth.
class FrameWalk {
 public:
  FrameWalk(Decoder& decoder, const Frame& frame, Packet& packet) : decoder_(decoder), frame_(frame), packet_(packet) {}

  Drop link();

 private:
  static constexpr int kMaxHeaders = 64;  // for the most tunnels that can be asked for, three or four each

  bool enter() { return ++headers_ <= kMaxHeaders; }
  // Takes one more tunnel on the path; false if the limit is reached.
  bool descend(TunnelKind kind, std::uint64_t id);

  // decode.cc: links and tags
  Drop ethernet(Reader r);
  Drop payload_of(std::uint16_t ethertype, Reader r);
  Drop vlan(Reader r);
  Drop mpls(Reader r);
  Drop llc(Reader r);
  Drop pppoe(Reader r);
  Drop ppp(Reader r);
  Drop wireless(Reader r);
  Drop radiotap(Reader r);
  Drop cooked(std::uint16_t type, Reader r);
  Drop linux_sll(Reader r);
  Drop linux_sll2(Reader r);
  Drop loopback(Reader r);

  // decode.cc: IP and TCP
  Drop ip(Reader r);
  Drop ipv4(Reader r);
  Drop ipv6(Reader r);
  Drop ipv6_fragment(Reader r);
  Drop fragment(std::uint32_t id, std::uint8_t protocol, std::uint32_t offset, bool more, Bytes bytes);
  Drop transport(std::uint8_t protocol, Reader r);
  Drop tcp(Reader r);
  void set_flow(std::uint16_t source_port, std::uint16_t destination_port);

  // tunnel_walk.cc
  Drop udp(Reader r);
  Drop vxlan(Reader r);
  Drop geneve(Reader r);
  Drop gtp(Reader r);
  Drop teredo(Reader r);
  Drop gre(Reader r);
  Drop pptp(Reader r, std::uint16_t flags);
  Drop erspan_type_ii(Reader r);
  Drop erspan_type_iii(Reader r);

  Decoder& decoder_;
  const Frame& frame_;
  Packet& packet_;
  IpAddress source_, destination_;
  TunnelPath path_;
  std::uint8_t depth_ = 0;     // tunnels, without VLAN tags
  std::uint32_t missing_ = 0;  // bytes the innermost IP header promises and the frame does not have
  bool reassembled_ = false;   // what is read stands in the decoder's table of fragments, not in the frame
  int headers_ = 0;
};

}  // namespace specular
