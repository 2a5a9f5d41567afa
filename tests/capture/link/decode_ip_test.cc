// IP and TCP of decode.h.
#include <doctest/doctest.h>

#include "tests/capture/link/frames.h"

namespace specular::test {
namespace {

constexpr std::uint8_t kTcp = 6, kHopByHop = 0, kRouting = 43, kDestination = 60, kAuthentication = 51;

// An IPv6 extension header of 8 * (1 + `more`) bytes.
Octets extension(std::uint8_t next, std::uint8_t more, const Octets& rest) {
  return join({{next, more}, zeros(6 + 8u * more), rest});
}

Octets with_length(Octets ip, std::uint16_t length) {
  std::size_t at = ip[0] >> 4 == 4 ? 2 : 4;
  ip[at] = static_cast<std::uint8_t>(length >> 8);
  ip[at + 1] = static_cast<std::uint8_t>(length);
  return ip;
}

}  // namespace

TEST_CASE("a segment is told with all that its header says") {
  Decoding decode;
  TcpSegment segment = sample_v4("hello");
  segment.seq = 0xfffffffe;
  segment.ack = 0x80000001;
  segment.flags = kAck | kUrg | kFin;
  segment.urgent = 3;
  Decoded decoded = decode(ethernet_frame(segment));
  REQUIRE(decoded.text() == kSample);
  CHECK(decoded.packet.seq == 0xfffffffe);
  CHECK(decoded.packet.ack == 0x80000001);
  CHECK(decoded.packet.urgent == 3);
  CHECK((decoded.packet.flags.ack() && decoded.packet.flags.urg() && decoded.packet.flags.fin()));
  CHECK(!(decoded.packet.flags.syn() || decoded.packet.flags.rst()));
  CHECK(decoded.packet.time == Decoding::kStart);
  CHECK(decoded.packet.payload_size == 5);
  CHECK(decoded.packet.tunnel == TunnelId::none);
  CHECK(decoded.packet.flow.network == NetworkId::none);
}

TEST_CASE("both directions of a connection have one key and opposite sides") {
  Decoding decode;
  for (TcpSegment there : {sample_v4(), sample_v6()}) {
    TcpSegment back = there;
    std::swap(back.from, back.to);
    Decoded a = decode(ethernet_frame(there)), b = decode(ethernet_frame(back));
    CHECK(a.packet.flow == b.packet.flow);
    CHECK(a.packet.from == opposite(b.packet.from));
  }
  TcpSegment self = sample_v4();
  self.to.address = self.from.address;
  TcpSegment back = self;
  std::swap(back.from, back.to);
  CHECK(decode(ethernet_frame(self)).packet.from == opposite(decode(ethernet_frame(back)).packet.from));
}

TEST_CASE("IPv4 options are skipped") {
  Decoding decode;
  Octets tcp = tcp_of(sample_v4());
  CHECK(decode.text(ethernet(ipv4(kTcp, tcp, zeros(4)))) == kSample);
  CHECK(decode.text(ethernet(ipv4(kTcp, tcp, zeros(40)))) == kSample);
}

TEST_CASE("TCP options are skipped") {
  Decoding decode;
  Octets tcp = tcp_of(sample_v4());
  tcp[12] = 0xf0;
  tcp.insert(tcp.begin() + 20, 40, 1);
  CHECK(decode.text(ethernet(ipv4(kTcp, tcp))) == kSample);
}

TEST_CASE("padding behind the IP packet is no payload") {
  Decoding decode;
  CHECK(decode.text(join({ethernet_frame(sample_v4()), zeros(20)})) == kSample);
  CHECK(decode.text(join({ethernet_frame(sample_v6()), zeros(4)})) == kSample6);
  CHECK(decode(join({ethernet_frame(sample_v4("")), zeros(6)})).packet.payload_size == 0);
}

TEST_CASE("a length of zero, as segmentation offload leaves it, means the frame's") {
  Decoding decode;
  CHECK(decode.text(ethernet(with_length(ip_packet(sample_v4()), 0))) == kSample);
  CHECK(decode.text(ethernet(with_length(ip_packet(sample_v6()), 0))) == kSample6);
  Decoded cut = decode(LinkType::ethernet, ethernet(with_length(ip_packet(sample_v4()), 0)), 3);
  CHECK(cut.payload == "he");
  CHECK(cut.packet.payload_size == 5);
}

TEST_CASE("versions, header lengths and total lengths that contradict each other are bad headers") {
  Octets good = ip_packet(sample_v4());
  for (auto [at, value] : {std::pair{0, 0x44}, {0, 0x40}, {0, 0x65}, {3, 19}, {3, 10}}) {
    Decoding decode;
    Octets ip = good;
    ip[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(value);
    CAPTURE(at);
    CAPTURE(value);
    CHECK(decode.text(ether(0x0800, ip)) == "bad_header");
    CHECK(decode.decoder().counters().dropped_bad_header.value() == 1);
  }
  Decoding decode;
  CHECK(decode.text(ether(0x86dd, join({good, zeros(40)}))) == "bad_header");
}

TEST_CASE("a TCP header length below twenty or beyond the segment is a bad header") {
  Decoding decode;
  Octets tcp = tcp_of(sample_v4());
  tcp[12] = 0x40;
  CHECK(decode.text(ethernet(ipv4(kTcp, tcp))) == "bad_header");
  tcp[12] = 0xf0;
  CHECK(decode.text(ethernet(ipv4(kTcp, tcp))) == "bad_header");
}

TEST_CASE("a segment whose IP packet ends inside its header is told as cut") {
  Decoding decode;
  Octets tcp = tcp_of(sample_v4());
  tcp.resize(19);
  CHECK(decode.text(ethernet(ipv4(kTcp, tcp))) == "header_cut");
  CHECK(decode.text(ethernet(ipv4(kTcp, {}))) == "header_cut");
}

TEST_CASE("a clipped segment says what was captured and what was sent") {
  Decoding decode;
  for (const TcpSegment& segment : {sample_v4("hello world"), sample_v6("hello world")}) {
    Decoded decoded = decode(LinkType::ethernet, ethernet_frame(segment), 6);
    CHECK(decoded.payload == "hello");
    CHECK(decoded.packet.payload_size == 11);
    decoded = decode(LinkType::ethernet, ethernet_frame(segment), 11);
    CHECK(decoded.payload.empty());
    CHECK(decoded.packet.payload_size == 11);
  }
  CHECK(decode.decoder().counters().clipped.value() == 4);
  CHECK(decode.decoder().counters().segments.value() == 4);
}

TEST_CASE("a mirror that truncated before wrapping clips by the inner length") {
  Decoding decode;
  Octets inner = ethernet_frame(sample_v4("hello world"));
  inner.resize(inner.size() - 6);
  Decoded decoded = decode(in_vxlan(inner, 7));
  CHECK(decoded.payload == "hello");
  CHECK(decoded.packet.payload_size == 11);
}

TEST_CASE("IPv6 extension headers are skipped in any order") {
  Decoding decode;
  Octets tcp = tcp_of(sample_v6());
  CHECK(decode.text(ethernet(ipv6(kHopByHop, extension(kTcp, 0, tcp)))) == kSample6);
  CHECK(decode.text(ethernet(ipv6(kDestination, extension(kTcp, 5, tcp)))) == kSample6);
  Octets three = extension(kRouting, 0, extension(kDestination, 2, extension(kTcp, 0, tcp)));
  CHECK(decode.text(ethernet(ipv6(kHopByHop, three))) == kSample6);
  for (std::uint8_t rare : Octets{135, 139, 140}) {  // mobility, HIP, shim6
    CHECK(decode.text(ethernet(ipv6(rare, extension(kTcp, 0, tcp)))) == kSample6);
  }
  CHECK(decode.text(ethernet(ipv6(kHopByHop, extension(kTcp, 255, zeros(8))))) == "header_cut");
}

TEST_CASE("a chain of extension headers without end is too deep") {
  Decoding decode;
  Octets chain = tcp_of(sample_v6());
  chain = extension(kTcp, 0, chain);
  for (int i = 0; i < 100; ++i) chain = extension(kDestination, 0, chain);
  CHECK(decode.text(ethernet(ipv6(kDestination, chain))) == "too_deep");
}

TEST_CASE("authentication headers are looked through, in both versions") {
  Decoding decode;
  // RFC 4302: the length counts 32-bit words, minus two.
  auto header = [](const Octets& rest) { return join({{kTcp, 4}, zeros(22), rest}); };
  CHECK(decode.text(ethernet(ipv4(kAuthentication, header(tcp_of(sample_v4()))))) == kSample);
  CHECK(decode.text(ethernet(ipv6(kAuthentication, header(tcp_of(sample_v6()))))) == kSample6);
  Octets behind = extension(kAuthentication, 0, header(tcp_of(sample_v6())));
  CHECK(decode.text(ethernet(ipv6(kDestination, behind))) == kSample6);
}

TEST_CASE("what carries no TCP is told apart: other protocols, encryption, nothing") {
  Decoding decode;
  CHECK(decode.text(ethernet(ipv4(1, zeros(8)))) == "not_tcp");
  CHECK(decode.text(ethernet(ipv6(58, zeros(8)))) == "not_tcp");
  CHECK(decode.text(ethernet(ipv6(59, {}))) == "not_tcp");
  CHECK(decode.text(ethernet(udp_packet(socket_address("10.0.0.1:53"), socket_address("10.0.0.2:53"), zeros(20)))) ==
        "not_tcp");
  CHECK(decode.text(ethernet(ipv4(50, zeros(40)))) == "protected_link");
  CHECK(decode.text(ethernet(ipv6(50, zeros(40)))) == "protected_link");
}

TEST_CASE("every drop is counted under its own reason") {
  Decoding decode;
  decode.text(ether(0x0806, zeros(28)));
  decode.text(ethernet(ipv4(1, zeros(8))));
  decode.text(ethernet(ipv4(50, zeros(8))));
  decode.text(ethernet_frame(sample_v4()));
  const DecodeCounters& counters = decode.decoder().counters();
  CHECK(counters.frames.value() == 4);
  CHECK(counters.segments.value() == 1);
  CHECK(counters.dropped_not_ip.value() == 1);
  CHECK(counters.dropped_not_tcp.value() == 1);
  CHECK(counters.dropped_protected_link.value() == 1);
  CHECK(counters.dropped_bad_header.value() == 0);
  CHECK(counters.clipped.value() == 0);
  std::size_t wire = 14 + 28 + 2 * (14 + 28) + 14 + 45;
  CHECK(counters.bytes.value() == wire);
}

TEST_CASE("wrong checksums drop nothing and are counted on a sample of whole segments") {
  for (const TcpSegment& segment : {sample_v4("odd"), sample_v4("even"), sample_v6("odd"), sample_v6("even")}) {
    Octets good = ethernet_frame(segment), bad = good;
    bad[bad.size() - segment.payload.size() - 4] ^= 1;  // of the checksum itself
    Decoding rights, wrongs, cuts;
    for (int i = 0; i < 1000; ++i) {
      CHECK(rights(good).drop == Drop::none);
      CHECK(wrongs(bad).drop == Drop::none);
      CHECK(cuts(LinkType::ethernet, bad, 1).drop == Drop::none);
    }
    CHECK(rights.decoder().counters().checksums_tested.value() > 0);
    CHECK(rights.decoder().counters().checksums_tested.value() < 1000);
    CHECK(rights.decoder().counters().checksums_wrong.value() == 0);
    CHECK(wrongs.decoder().counters().checksums_wrong.value() == wrongs.decoder().counters().checksums_tested.value());
    CHECK(wrongs.decoder().counters().checksums_wrong.value() > 0);
    CHECK(cuts.decoder().counters().checksums_tested.value() == 0);
  }
}

TEST_CASE("any byte of a frame may be anything, and the decoder stays within its bounds") {
  Octets stack = in_gateway_load_balancer(ethernet_frame(sample_v4()), 7);
  for (const Octets& frame : {ethernet_frame(sample_v4()), ethernet_frame(sample_v6()),
                              in_geneve(ethernet_frame(sample_v6()), 1), in_gre(ethernet_frame(sample_v4())), stack}) {
    Decoding decode;
    for (std::size_t at = 0; at < frame.size(); ++at) {
      for (std::uint8_t value : Octets{0x00, 0x01, 0x7f, 0x80, 0xff}) {
        Octets changed = frame;
        changed[at] = value;
        Decoded decoded = decode(changed);
        if (decoded.drop == Drop::none) CHECK(decoded.packet.payload_size >= decoded.payload.size());
      }
    }
    const DecodeCounters& counters = decode.decoder().counters();
    CHECK(counters.frames.value() == frame.size() * 5);
    CHECK(counters.segments.value() > 0);
  }
}

}  // namespace specular::test
