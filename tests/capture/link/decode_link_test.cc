// The link layers of decode.h: everything in front of IP.
#include <doctest/doctest.h>

#include "tests/capture/link/frames.h"

namespace specular::test {
namespace {

Octets vlan(std::uint16_t tag, std::uint16_t type, const Octets& rest) {
  return join({big16(tag), big16(type), rest});
}

Octets mpls_label(std::uint32_t label, bool bottom) {
  return big32(label << 12 | (bottom ? 0x100u : 0u) | 64);
}

Octets pppoe(std::uint32_t protocol, const Octets& ip) {
  return join({{0x11, 0, 0, 7}, big16(static_cast<std::uint32_t>(ip.size() + 2)), big16(protocol), ip});
}

Octets llc_snap(std::uint16_t type, const Octets& rest) {
  return join({{0xaa, 0xaa, 0x03, 0, 0, 0}, big16(type), rest});
}

// A data frame of 802.11: `control` is its first two bytes.
Octets wireless(std::uint8_t type, std::uint8_t flags, std::size_t more_header, const Octets& rest) {
  return join({{type, flags}, zeros(22 + more_header), rest});
}

}  // namespace

TEST_CASE("Ethernet carries IPv4 and IPv6") {
  Decoding decode;
  CHECK(decode.text(ethernet_frame(sample_v4())) == kSample);
  CHECK(decode.text(ethernet_frame(sample_v6())) == kSample6);
}

TEST_CASE("802.1Q, QinQ and its older numbers are looked through") {
  Decoding decode;
  Octets ip = ip_packet(sample_v4());
  CHECK(decode.text(ether(0x8100, vlan(10, 0x0800, ip))) == kSample);
  CHECK(decode.text(ether(0x88a8, vlan(10, 0x8100, vlan(20, 0x0800, ip)))) == kSample);
  CHECK(decode.text(ether(0x9100, vlan(10, 0x8100, vlan(20, 0x86dd, ip_packet(sample_v6()))))) == kSample6);
  CHECK(decode.text(ether(0x8100, vlan(10, 0x8100, vlan(20, 0x8100, vlan(30, 0x0800, ip))))) == kSample);
}

TEST_CASE("more tags than any network has are too deep") {
  Decoding decode;
  Octets payload = vlan(1, 0x0800, ip_packet(sample_v4()));
  for (int i = 0; i < 100; ++i) payload = vlan(1, 0x8100, payload);
  CHECK(decode.text(ether(0x8100, payload)) == "too_deep");
  Octets labels = mpls_label(1, true);
  for (int i = 0; i < 100; ++i) labels = join({mpls_label(1, false), labels});
  CHECK(decode.text(ether(0x8847, join({labels, ip_packet(sample_v4())}))) == "too_deep");
}

TEST_CASE("MPLS labels are looked through to IP") {
  Decoding decode;
  Octets one = mpls_label(1000, true), two = join({mpls_label(16, false), mpls_label(1000, true)});
  CHECK(decode.text(ether(0x8847, join({one, ip_packet(sample_v4())}))) == kSample);
  CHECK(decode.text(ether(0x8847, join({two, ip_packet(sample_v6())}))) == kSample6);
  CHECK(decode.text(ether(0x8848, join({two, ip_packet(sample_v4())}))) == kSample);
}

TEST_CASE("MPLS carries Ethernet, with a control word and without") {
  Decoding decode;
  Octets label = mpls_label(1000, true), inner = ethernet_frame(sample_v4());
  CHECK(decode.text(ether(0x8847, join({label, zeros(4), inner}))) == kSample);
  CHECK(decode.text(ether(0x8847, join({label, {0x00, 0x00, 0x12, 0x34}, inner}))) == kSample);
  inner[0] = 0x82;  // an address that begins like no IP version and no control word
  CHECK(decode.text(ether(0x8847, join({label, inner}))) == kSample);
}

TEST_CASE("a label stack that never ends is cut") {
  Decoding decode;
  CHECK(decode.text(ether(0x8847, mpls_label(1, false))) == "header_cut");
  CHECK(decode.text(ether(0x8847, {0, 0, 1})) == "header_cut");
}

TEST_CASE("PPPoE sessions carry IPv4 and IPv6, and their padding is trimmed") {
  Decoding decode;
  CHECK(decode.text(ether(0x8864, pppoe(0x0021, ip_packet(sample_v4())))) == kSample);
  CHECK(decode.text(ether(0x8864, pppoe(0x0057, ip_packet(sample_v6())))) == kSample6);
  CHECK(decode.text(ether(0x8864, join({pppoe(0x0021, ip_packet(sample_v4())), zeros(9)}))) == kSample);
  CHECK(decode.text(ether(0x8864, pppoe(0xc021, zeros(20)))) == "not_ip");  // LCP
  CHECK(decode.text(ether(0x8863, zeros(40))) == "not_ip");                 // discovery
  CHECK(decode.text(ether(0x8864, {0x11, 0, 0})) == "header_cut");
}

TEST_CASE("802.3 frames carry IP behind LLC and SNAP") {
  Decoding decode;
  Octets payload = llc_snap(0x0800, ip_packet(sample_v4()));
  auto length = static_cast<std::uint16_t>(payload.size());
  CHECK(decode.text(ether(length, payload)) == kSample);
  CHECK(decode.text(ether(length, join({payload, zeros(12)}))) == kSample);
  CHECK(decode.text(ether(38, join({{0x42, 0x42, 0x03}, zeros(35)}))) == "not_ip");  // spanning tree
}

TEST_CASE("what is no IP is told so") {
  Decoding decode;
  CHECK(decode.text(ether(0x0806, zeros(28))) == "not_ip");  // ARP
  CHECK(decode.text(ether(0x88cc, zeros(28))) == "not_ip");  // LLDP
  CHECK(decode.text(ether(0x8864, pppoe(0x002b, zeros(20)))) == "not_ip");
}

TEST_CASE("Linux cooked captures of both versions carry IP and tags") {
  Decoding decode;
  Octets ip = ip_packet(sample_v4()), v1 = zeros(14), v2 = zeros(18);
  CHECK(decode.text(LinkType::linux_sll, join({v1, big16(0x0800), ip})) == kSample);
  CHECK(decode.text(LinkType::linux_sll, join({v1, big16(0x86dd), ip_packet(sample_v6())})) == kSample6);
  CHECK(decode.text(LinkType::linux_sll, join({v1, big16(0x8100), vlan(10, 0x0800, ip)})) == kSample);
  CHECK(decode.text(LinkType::linux_sll2, join({big16(0x0800), v2, ip})) == kSample);
  CHECK(decode.text(LinkType::linux_sll2, join({big16(0x86dd), v2, ip_packet(sample_v6())})) == kSample6);
  CHECK(decode.text(LinkType::linux_sll, join({v1, big16(0x0806), zeros(28)})) == "not_ip");
  CHECK(decode.text(LinkType::linux_sll, zeros(15)) == "header_cut");
  CHECK(decode.text(LinkType::linux_sll2, zeros(19)) == "header_cut");
}

TEST_CASE("a cooked capture says by a number of its own that LLC follows") {
  Decoding decode;
  Octets payload = llc_snap(0x0800, ip_packet(sample_v4()));
  CHECK(decode.text(LinkType::linux_sll, join({zeros(14), big16(0x0004), payload})) == kSample);
}

TEST_CASE("loopback captures carry IP, whatever number their system has for the family and in which order") {
  Decoding decode;
  Octets v4 = ip_packet(sample_v4()), v6 = ip_packet(sample_v6());
  CHECK(decode.text(LinkType::null, join({{2, 0, 0, 0}, v4})) == kSample);
  CHECK(decode.text(LinkType::null, join({{0, 0, 0, 2}, v4})) == kSample);
  for (std::uint8_t family : Octets{10, 24, 28, 30}) {
    CHECK(decode.text(LinkType::null, join({{family, 0, 0, 0}, v6})) == kSample6);
    CHECK(decode.text(LinkType::loop, join({{0, 0, 0, family}, v6})) == kSample6);
  }
  CHECK(decode.text(LinkType::null, {2, 0}) == "header_cut");
  CHECK(decode.text(LinkType::null, {2, 0, 0, 0}) == "header_cut");
}

TEST_CASE("raw captures begin with IP") {
  Decoding decode;
  for (LinkType link : {LinkType::raw, LinkType::raw_bsd, LinkType::raw_openbsd}) {
    CHECK(decode.text(link, ip_packet(sample_v4())) == kSample);
    CHECK(decode.text(link, ip_packet(sample_v6())) == kSample6);
  }
  CHECK(decode.text(LinkType::ipv4, ip_packet(sample_v4())) == kSample);
  CHECK(decode.text(LinkType::ipv6, ip_packet(sample_v6())) == kSample6);
  CHECK(decode.text(LinkType::raw, {}) == "header_cut");
  CHECK(decode.text(LinkType::raw, {0x10, 0, 0, 0}) == "not_ip");
}

TEST_CASE("PPP is read with and without its framing, its protocol in one byte or two") {
  Decoding decode;
  Octets v4 = ip_packet(sample_v4()), v6 = ip_packet(sample_v6());
  CHECK(decode.text(LinkType::ppp, join({{0x00, 0x21}, v4})) == kSample);
  CHECK(decode.text(LinkType::ppp, join({{0x21}, v4})) == kSample);
  CHECK(decode.text(LinkType::ppp_hdlc, join({{0xff, 0x03, 0x00, 0x21}, v4})) == kSample);
  CHECK(decode.text(LinkType::ppp_hdlc, join({{0xff, 0x03, 0x57}, v6})) == kSample6);
  CHECK(decode.text(LinkType::ppp, join({{0x02, 0x81}, mpls_label(9, true), v4})) == kSample);
  CHECK(decode.text(LinkType::ppp, {0xc0, 0x21, 1, 1}) == "not_ip");
  CHECK(decode.text(LinkType::ppp, {0x00}) == "header_cut");
}

TEST_CASE("802.11 data frames carry IP behind LLC, with all their headers") {
  Decoding decode;
  Octets payload = llc_snap(0x0800, ip_packet(sample_v4()));
  CHECK(decode.text(LinkType::ieee802_11, wireless(0x08, 0x01, 0, payload)) == kSample);
  CHECK(decode.text(LinkType::ieee802_11, wireless(0x08, 0x02, 0, join({payload, zeros(4)}))) == kSample);
  CHECK(decode.text(LinkType::ieee802_11, wireless(0x08, 0x03, 6, payload)) == kSample);  // four addresses
  CHECK(decode.text(LinkType::ieee802_11, wireless(0x88, 0x01, 2, payload)) == kSample);  // quality of service
  CHECK(decode.text(LinkType::ieee802_11, wireless(0x88, 0x81, 6, payload)) == kSample);  // and HT control
  CHECK(decode.text(LinkType::ieee802_11, wireless(0x88, 0x03, 8, payload)) == kSample);
}

TEST_CASE("802.11 frames that are encrypted or carry no data are told apart") {
  Decoding decode;
  Octets payload = llc_snap(0x0800, ip_packet(sample_v4()));
  CHECK(decode.text(LinkType::ieee802_11, wireless(0x08, 0x41, 0, payload)) == "protected_link");
  CHECK(decode.text(LinkType::ieee802_11, wireless(0x80, 0x00, 0, zeros(40))) == "not_ip");  // beacon
  CHECK(decode.text(LinkType::ieee802_11, wireless(0x48, 0x01, 0, {})) == "not_ip");         // no data
  CHECK(decode.text(LinkType::ieee802_11, {0x08}) == "header_cut");
}

TEST_CASE("radiotap headers are skipped by their little-endian length") {
  Decoding decode;
  Octets frame = wireless(0x08, 0x01, 0, llc_snap(0x86dd, ip_packet(sample_v6())));
  CHECK(decode.text(LinkType::radiotap, join({{0, 0, 8, 0}, zeros(4), frame})) == kSample6);
  CHECK(decode.text(LinkType::radiotap, join({{0, 0, 0, 1}, zeros(252), frame})) == kSample6);
  CHECK(decode.text(LinkType::radiotap, {0, 0, 36, 0, 0, 0, 0, 0}) == "header_cut");
}

TEST_CASE("a radiotap length that does not cover its own header contradicts itself") {
  Decoding decode;
  CHECK(decode.text(LinkType::radiotap, join({{0, 0, 2, 0}, zeros(60)})) == "bad_header");
}

TEST_CASE("link types that nobody decodes are counted as such") {
  Decoding decode;
  CHECK(decode.text(static_cast<LinkType>(195), ip_packet(sample_v4())) == "unknown_link");
  CHECK(decode.text(static_cast<LinkType>(65535), {}) == "unknown_link");
  CHECK(decode.decoder().counters().dropped_unknown_link.value() == 2);
  CHECK(decode.decoder().counters().frames.value() == 2);
  CHECK(decode.decoder().counters().segments.value() == 0);
}

TEST_CASE("a frame cut anywhere inside its headers is told as cut") {
  Octets label = mpls_label(9, true), ip = ip_packet(sample_v4());
  for (const Octets& frame :
       {ethernet_frame(sample_v4()), ethernet_frame(sample_v6()), ether(0x8100, vlan(1, 0x0800, ip)),
        ether(0x8847, join({label, ip})), ether(0x8864, pppoe(0x0021, ip))}) {
    std::size_t headers = frame.size() - 5;
    for (std::size_t size = 0; size < headers; ++size) {
      Decoding decode;
      CAPTURE(size);
      CHECK(decode(LinkType::ethernet, frame, frame.size() - size).text() == "header_cut");
    }
  }
}

}  // namespace specular::test
