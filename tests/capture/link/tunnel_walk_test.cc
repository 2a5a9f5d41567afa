// Tunnels as decode.h looks into them.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/capture/link/frames.h"

namespace specular::test {
namespace {

const SocketAddress kFrom = socket_address("192.0.2.1:50000");

Octets udp_to(std::uint16_t port, const Octets& payload) {
  return ethernet(udp_packet(kFrom, {socket_address("192.0.2.2:0").address, port}, payload));
}

Octets vxlan(std::uint8_t flags, std::uint32_t vni, const Octets& frame) {
  return join({{flags, 0, 0, 0}, big32(vni << 8), frame});
}

Octets geneve(std::uint16_t protocol, std::uint32_t vni, const Octets& options, const Octets& rest) {
  return join({{static_cast<std::uint8_t>(options.size() / 4), 0}, big16(protocol), big32(vni << 8), options, rest});
}

Octets geneve_option(std::uint16_t option_class, std::uint8_t type, const Octets& data) {
  return join({big16(option_class), {type, static_cast<std::uint8_t>(data.size() / 4)}, data});
}

Octets in_ip(std::uint8_t protocol, const Octets& payload) {
  return ethernet(
      join({ip_header(kFrom.address, socket_address("192.0.2.2:0").address, protocol, payload.size()), payload}));
}

Octets gre(std::uint16_t flags, std::uint16_t protocol, const Octets& rest) {
  return in_ip(47, join({big16(flags), big16(protocol), rest}));
}

const Octets kInner = ethernet_frame(sample_v4());
const Octets kInnerIp = ip_packet(sample_v4());
const Octets kInnerIp6 = ip_packet(sample_v6());

}  // namespace

TEST_CASE("VXLAN names its network, also the first and the last") {
  Decoding decode;
  CHECK(decode.text(udp_to(4789, vxlan(0x08, 7, kInner))) == kSample + " in vxlan:7");
  CHECK(decode.text(udp_to(4789, vxlan(0x08, 0, kInner))) == kSample + " in vxlan:0");
  CHECK(decode.text(udp_to(4789, vxlan(0x08, 0xffffff, ethernet_frame(sample_v6())))) ==
        kSample6 + " in vxlan:16777215");
}

TEST_CASE("reserved bits of a VXLAN header are ignored, and the one that says that there is a network is not") {
  Decoding decode;
  Octets all = join({{0xff, 0xff, 0xff, 0xff}, {0, 0, 7, 0xff}, kInner});
  CHECK(decode.text(udp_to(4789, all)) == kSample + " in vxlan:7");
  CHECK(decode.text(udp_to(4789, vxlan(0xf7, 7, kInner))) == "not_tcp");
}

TEST_CASE("tunnels are known by their destination port, which can be another") {
  Octets payload = vxlan(0x08, 7, kInner);
  Octets back = ethernet(udp_packet(socket_address("192.0.2.1:4789"), socket_address("192.0.2.2:50000"), payload));
  Decoding decode;
  CHECK(decode.text(back) == "not_tcp");
  CHECK(decode.text(udp_to(8472, payload)) == "not_tcp");
  Decoding other;
  REQUIRE(other.options.ports.set_list({"8472", "4790"}));
  REQUIRE(other.options.ports.set_entry("geneve", {"6082"}));
  CHECK(other.text(udp_to(8472, payload)) == kSample + " in vxlan:7");
  CHECK(other.text(udp_to(4790, payload)) == kSample + " in vxlan:7");
  CHECK(other.text(udp_to(4789, payload)) == "not_tcp");
  CHECK(other.text(udp_to(6082, geneve(0x6558, 5, {}, kInner))) == kSample + " in geneve:5");
  CHECK(other.text(udp_to(6081, geneve(0x6558, 5, {}, kInner))) == "not_tcp");
}

TEST_CASE("GENEVE carries Ethernet and IP") {
  Decoding decode;
  CHECK(decode.text(udp_to(6081, geneve(0x6558, 5, {}, kInner))) == kSample + " in geneve:5");
  CHECK(decode.text(udp_to(6081, geneve(0x0800, 5, {}, kInnerIp))) == kSample + " in geneve:5");
  CHECK(decode.text(udp_to(6081, geneve(0x86dd, 5, {}, kInnerIp6))) == kSample6 + " in geneve:5");
  CHECK(decode.text(udp_to(6081, geneve(0x0806, 5, {}, zeros(28)))) == "not_ip");
}

TEST_CASE("GENEVE options are skipped by their lengths, whatever they are") {
  Decoding decode;
  Octets options =
      join({geneve_option(0x0108, 1, zeros(8)), geneve_option(0xffff, 0xff, zeros(124)), geneve_option(0, 0, {})});
  CHECK(decode.text(udp_to(6081, geneve(0x6558, 5, options, kInner))) == kSample + " in geneve:5");
  Octets too_long = join({big16(0x0108), {1, 2}, zeros(4)});
  CHECK(decode.text(udp_to(6081, geneve(0x6558, 5, too_long, kInner))) == "bad_header");
  Octets another_version = geneve(0x6558, 5, {}, kInner);
  another_version[0] |= 0x40;
  CHECK(decode.text(udp_to(6081, another_version)) == "bad_header");
  CHECK(decode.text(udp_to(6081, {0x3f, 0, 0x65, 0x58, 0, 0, 0, 0, 1, 2, 3, 4})) == "header_cut");
}

TEST_CASE("Google's network identifier stands for the one that the GENEVE header leaves zero") {
  Decoding decode;
  Octets eight = geneve_option(0x0132, 1, {0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0});
  Octets four = geneve_option(0x0132, 0x81, {0, 0, 1, 0}), other_type = geneve_option(0x0132, 2, {0, 0, 0, 9});
  CHECK(decode.text(udp_to(6081, geneve(0x6558, 0, eight, kInner))) == kSample + " in geneve:1311768467463790320");
  CHECK(decode.text(udp_to(6081, geneve(0x0800, 0, join({other_type, four}), kInnerIp))) == kSample + " in geneve:256");
  CHECK(decode.text(udp_to(6081, geneve(0x0800, 3, other_type, kInnerIp))) == kSample + " in geneve:3");
}

TEST_CASE("the stack of the AWS Gateway Load Balancer is looked through") {
  Decoding decode;
  CHECK(decode.text(in_gateway_load_balancer(kInner, 7)) == kSample + " in geneve:0/vxlan:7");
}

TEST_CASE("GRE carries IP and Ethernet behind any of its optional fields") {
  Decoding decode;
  CHECK(decode.text(gre(0, 0x0800, kInnerIp)) == kSample + " in gre:0");
  CHECK(decode.text(gre(0, 0x86dd, kInnerIp6)) == kSample6 + " in gre:0");
  CHECK(decode.text(gre(0, 0x6558, kInner)) == kSample + " in gre:0");
  CHECK(decode.text(gre(0x8000, 0x0800, join({zeros(4), kInnerIp}))) == kSample + " in gre:0");
  CHECK(decode.text(gre(0x2000, 0x0800, join({big32(0xdeadbeef), kInnerIp}))) == kSample + " in gre:3735928559");
  CHECK(decode.text(gre(0x1000, 0x0800, join({big32(1), kInnerIp}))) == kSample + " in gre:0");
  Octets all = join({zeros(4), big32(9), big32(1), kInnerIp});
  CHECK(decode.text(gre(0xb000, 0x0800, all)) == kSample + " in gre:9");
  Octets routed = join({zeros(4), big32(9), {0, 0, 0, 4}, zeros(4), zeros(4), kInnerIp});
  CHECK(decode.text(gre(0x6000, 0x0800, routed)) == kSample + " in gre:9");
}

TEST_CASE("enhanced GRE carries PPP") {
  Decoding decode;
  Octets ppp = join({{0xff, 0x03, 0x00, 0x21}, kInnerIp});
  auto length = big16(static_cast<std::uint32_t>(ppp.size()));
  CHECK(decode.text(gre(0x3001, 0x880b, join({length, big16(5), zeros(4), ppp}))) == kSample + " in gre:0");
  CHECK(decode.text(gre(0x3081, 0x880b, join({length, big16(5), zeros(8), ppp}))) == kSample + " in gre:0");
  CHECK(decode.text(gre(0x2081, 0x880b, join({big16(0), big16(5), zeros(4)}))) == "not_tcp");
}

TEST_CASE("GRE of an unknown version, and GRE that ends too early, are told") {
  Decoding decode;
  CHECK(decode.text(gre(0x0002, 0x0800, kInnerIp)) == "bad_header");
  CHECK(decode.text(in_ip(47, {0, 0})) == "header_cut");
  CHECK(decode.text(gre(0x2000, 0x0800, {0, 0})) == "header_cut");
}

TEST_CASE("ERSPAN of types I, II and III carries Ethernet, and names its session") {
  Decoding decode;
  CHECK(decode.text(gre(0, 0x88be, kInner)) == kSample + " in erspan:0");
  Octets second = join({big32(0), {0x10, 0x01, 0xf8 & 0xfc, 0x64}, zeros(4), kInner});
  CHECK(decode.text(gre(0x1000, 0x88be, second)) == kSample + " in erspan:100");
  Octets third = join({big32(0), {0x20, 0x01, 0x03, 0xff}, zeros(8), kInner});
  CHECK(decode.text(gre(0x1000, 0x22eb, third)) == kSample + " in erspan:1023");
  Octets with_platform = join({big32(0), {0x20, 0x01, 0x00, 0x01}, zeros(7), {0x01}, zeros(8), kInner});
  CHECK(decode.text(gre(0x1000, 0x22eb, with_platform)) == kSample + " in erspan:1");
}

TEST_CASE("ERSPAN III says by its frame type whether it carries Ethernet or IP") {
  // SGT 16, P 1, frame type 5, hardware id 6, D 1, granularity 2, O 1: the last 32 bits of the header.
  auto header = [](std::uint32_t frame_type, std::uint32_t hardware) {
    return join({big32(0), {0x20, 0x01, 0x00, 0x05}, zeros(4), big32(frame_type << 10 | hardware << 4)});
  };
  Decoding decode;
  CHECK(decode.text(gre(0x1000, 0x22eb, join({header(0, 0), kInner}))) == kSample + " in erspan:5");
  CHECK(decode.text(gre(0x1000, 0x22eb, join({header(2, 0), kInnerIp}))) == kSample + " in erspan:5");
  for (std::uint32_t hardware : {1u, 8u, 16u, 23u, 63u}) {
    CAPTURE(hardware);
    CHECK(decode.text(gre(0x1000, 0x22eb, join({header(0, hardware), kInner}))) == kSample + " in erspan:5");
    CHECK(decode.text(gre(0x1000, 0x22eb, join({header(2, hardware), kInnerIp}))) == kSample + " in erspan:5");
  }
}

TEST_CASE("IP in IP is looked into in all four combinations") {
  Decoding decode;
  CHECK(decode.text(in_ip(4, kInnerIp)) == kSample + " in ipip");
  CHECK(decode.text(in_ip(41, kInnerIp6)) == kSample6 + " in ipip");
  CHECK(decode.text(ethernet(ipv6(4, kInnerIp))) == kSample + " in ipip");
  CHECK(decode.text(ethernet(ipv6(41, kInnerIp6))) == kSample6 + " in ipip");
  CHECK(decode.text(in_ip(4, kInnerIp6)) == "bad_header");
}

TEST_CASE("GTP-U carries IP behind its optional fields, and both directions are one network") {
  Decoding decode;
  auto gtp = [](std::uint8_t flags, std::uint8_t type, std::uint32_t endpoint, const Octets& rest) {
    return join({{flags, type}, big16(static_cast<std::uint32_t>(rest.size())), big32(endpoint), rest});
  };
  CHECK(decode.text(udp_to(2152, gtp(0x30, 255, 1, kInnerIp))) == kSample + " in gtp");
  CHECK(decode.text(udp_to(2152, gtp(0x30, 255, 2, kInnerIp6))) == kSample6 + " in gtp");
  CHECK(decode.text(udp_to(2152, gtp(0x32, 255, 1, join({{0, 1, 0, 0}, kInnerIp})))) == kSample + " in gtp");
  Octets extended = join({{0, 0, 0, 0x85}, {1, 0, 9, 0xc0}, {2, 0, 0, 0, 0, 0, 0, 0}, kInnerIp});
  CHECK(decode.text(udp_to(2152, gtp(0x34, 255, 1, extended))) == kSample + " in gtp");
  CHECK(decode.text(udp_to(2152, gtp(0x34, 255, 1, join({{0, 0, 0, 0x85}, {0, 0, 0, 0}})))) == "bad_header");
  CHECK(decode.text(udp_to(2152, gtp(0x30, 1, 0, {}))) == "not_tcp");  // an echo request
}

TEST_CASE("GTP-U says by a flag whether extension headers follow, not by the byte that would name them") {
  Decoding decode;
  Octets sequence_only = join({{0x32, 255, 0, 0, 0, 0, 0, 1}, {0x12, 0x34, 0x00, 0x85}, kInnerIp});
  CHECK(decode.text(udp_to(2152, sequence_only)) == kSample + " in gtp");
}

TEST_CASE("Teredo carries IPv6 behind its optional indications") {
  Decoding decode;
  CHECK(decode.text(udp_to(3544, kInnerIp6)) == kSample6 + " in teredo");
  Octets origin{0, 0, 0x12, 0x34, 1, 2, 3, 4},
      authentication{0, 1, 2, 3, 'i', 'd', 'a', 'b', 'c', 1, 2, 3, 4, 5, 6, 7, 8, 0};
  CHECK(decode.text(udp_to(3544, join({origin, kInnerIp6}))) == kSample6 + " in teredo");
  CHECK(decode.text(udp_to(3544, join({authentication, kInnerIp6}))) == kSample6 + " in teredo");
  CHECK(decode.text(udp_to(3544, join({authentication, origin, kInnerIp6}))) == kSample6 + " in teredo");
  CHECK(decode.text(udp_to(3544, text_octets("something else entirely, as any port may carry"))) == "not_tcp");
}

TEST_CASE("tunnels inside each other are looked into up to the limit and no further") {
  for (int limit : {0, 1, 2, 4}) {
    Decoding decode;
    REQUIRE(decode.options.max_depth.set(std::to_string(limit)));
    Octets frame = kInner;
    std::string path;
    for (int depth = 0; depth <= limit; ++depth) {
      CHECK(decode.text(frame) == kSample + path);
      path = depth == 0 ? " in vxlan:7" : path + "/vxlan:7";
      frame = in_vxlan(frame, 7);
    }
    CHECK(decode.text(frame) == "too_deep");
    CHECK(decode.decoder().counters().dropped_too_deep.value() == 1);
  }
}

TEST_CASE("every depth that can be asked for is looked into") {
  for (int limit : {10, 11, 16}) {
    CAPTURE(limit);
    Decoding decode;
    REQUIRE(decode.options.max_depth.set(std::to_string(limit)));
    Octets frame = kInner;
    for (int depth = 0; depth < limit; ++depth) frame = in_vxlan(frame, 7);
    CHECK(decode(frame).payload == "hello");
  }
}

TEST_CASE("only tunnelled packets are looked at if so wished, and tags are no tunnels") {
  Decoding decode;
  REQUIRE(decode.options.only_tunnelled.set("true"));
  CHECK(decode.text(kInner) == "not_tunnelled");
  CHECK(decode.text(ether(0x8100, join({big16(7), big16(0x0800), kInnerIp}))) == "not_tunnelled");
  CHECK(decode.text(in_vxlan(kInner, 7)) == kSample + " in vxlan:7");
  CHECK(decode.text(in_ip(4, kInnerIp)) == kSample + " in ipip");
  CHECK(decode.decoder().counters().dropped_not_tunnelled.value() == 2);
  CHECK(decode.decoder().counters().segments.value() == 2);
}

TEST_CASE("a tunnel is the same by whatever way its outer packet came") {
  Decoding decode;
  Octets frame = udp_to(4789, vxlan(0x08, 7, kInner));
  Octets outer(frame.begin() + 14, frame.end());
  CHECK(decode.text(ether(0x8100, join({big16(9), big16(0x0800), outer}))) == kSample + " in vxlan:7");
  CHECK(decode.text(LinkType::raw, outer) == kSample + " in vxlan:7");
  CHECK(decode.text(udp_to(4789, vxlan(0x08, 7, ether(0x8100, join({big16(9), big16(0x0800), kInnerIp}))))) ==
        kSample + " in vxlan:7");
}

TEST_CASE("thousands of tunnels are told apart, also when they are met again") {
  Decoding decode;
  for (int round = 0; round < 2; ++round) {
    for (std::uint32_t vni = 0; vni < 3000; ++vni) {
      Decoded decoded = decode(in_vxlan(kInner, vni));
      if (decoded.tunnel != fmt::format("vxlan:{}", vni)) FAIL_CHECK(vni << " is told as " << decoded.tunnel);
    }
  }
}

}  // namespace specular::test
