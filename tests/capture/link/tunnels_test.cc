#include "capture/link/tunnels.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "tests/capture/link/frames.h"

namespace specular::test {
namespace {

TunnelPath path(std::initializer_list<TunnelHop> hops) {
  TunnelPath path;
  for (TunnelHop hop : hops) REQUIRE(path.push(hop));
  return path;
}

std::string network_of(TunnelTable& table, std::initializer_list<TunnelHop> hops) {
  return table.network_name(table.find(path(hops)).network);
}

Octets tagged(std::uint16_t tag, const Octets& ip) {
  return ether(0x8100, join({big16(tag), big16(0x0800), ip}));
}

}  // namespace

TEST_CASE("a path is written from the outside in, with identifiers where both directions share one") {
  CHECK(to_text(path({})).empty());
  CHECK(to_text(path({{TunnelKind::vxlan, 7}})) == "vxlan:7");
  CHECK(to_text(path({{TunnelKind::geneve, 0}, {TunnelKind::vxlan, 7}})) == "geneve:0/vxlan:7");
  CHECK(to_text(path({{TunnelKind::gre, 5}, {TunnelKind::erspan, 6}, {TunnelKind::vlan, 10}})) ==
        "gre:5/erspan:6/vlan:10");
  CHECK(to_text(path({{TunnelKind::ipip, 0}, {TunnelKind::gtp, 0}, {TunnelKind::teredo, 0}})) == "ipip/gtp/teredo");
}

TEST_CASE("a path takes as many hops as it has room for") {
  TunnelPath full;
  for (std::size_t i = 0; i < kMaxTunnelHops; ++i) CHECK(full.push({TunnelKind::vxlan, i}));
  CHECK(!full.push({TunnelKind::vxlan, 99}));
  CHECK(full.size == kMaxTunnelHops);
}

TEST_CASE("paths are equal if their hops are, whatever lies behind the last one") {
  TunnelPath a = path({{TunnelKind::vxlan, 7}}), b = path({{TunnelKind::vxlan, 7}});
  b.hops[1] = {TunnelKind::gre, 1};
  CHECK(a == b);
  CHECK(!(a == path({{TunnelKind::vxlan, 8}})));
  CHECK(!(a == path({{TunnelKind::geneve, 7}})));
  CHECK(!(a == path({{TunnelKind::vxlan, 7}, {TunnelKind::vxlan, 7}})));
}

TEST_CASE("every tunnel is a network of its own unless a group says otherwise") {
  TunnelOptions options;
  TunnelTable table(options);
  Tunnel seven = table.find(path({{TunnelKind::vxlan, 7}})), eight = table.find(path({{TunnelKind::vxlan, 8}}));
  CHECK(seven.id != eight.id);
  CHECK(seven.network != eight.network);
  CHECK(seven.network != NetworkId::none);
  CHECK(table.find(path({{TunnelKind::vxlan, 7}})).id == seven.id);
  CHECK(table.find(path({{TunnelKind::vxlan, 7}})).network == seven.network);
  CHECK(table.tunnel_name(seven.id) == "vxlan:7");
  CHECK(table.network_name(eight.network) == "vxlan:8");
  CHECK(table.tunnel_count() == 3);
}

TEST_CASE("what came through no tunnel has none, and no network") {
  TunnelOptions options;
  TunnelTable table(options);
  Tunnel none = table.find(path({}));
  CHECK(none.id == TunnelId::none);
  CHECK(none.network == NetworkId::none);
  CHECK(table.tunnel_name(TunnelId::none).empty());
  CHECK(table.network_name(NetworkId::none).empty());
}

TEST_CASE("a group puts several tunnels into one network and keeps them apart as tunnels") {
  TunnelOptions options;
  REQUIRE(options.groups.set_entry("prod", {"vxlan:7", "geneve:0/vxlan:9"}));
  REQUIRE(options.groups.set_entry("lab", {"gre:5", "gtp"}));
  TunnelTable table(options);
  CHECK(network_of(table, {{TunnelKind::vxlan, 7}}) == "prod");
  CHECK(network_of(table, {{TunnelKind::geneve, 0}, {TunnelKind::vxlan, 9}}) == "prod");
  CHECK(network_of(table, {{TunnelKind::gre, 5}}) == "lab");
  CHECK(network_of(table, {{TunnelKind::gtp, 0}}) == "lab");
  CHECK(network_of(table, {{TunnelKind::vxlan, 9}}) == "vxlan:9");
  Tunnel a = table.find(path({{TunnelKind::vxlan, 7}})),
         b = table.find(path({{TunnelKind::geneve, 0}, {TunnelKind::vxlan, 9}}));
  CHECK(a.network == b.network);
  CHECK(a.id != b.id);
}

TEST_CASE("a group is refused if it names what no tunnel is called") {
  TunnelOptions options;
  for (const char* name :
       {"", "vxlan", "vxlan:", "vxlan:x", "vxlan:-1", "vxlan:7 ", "VXLAN:7", "l2tp:1", "gtp:1", "ipip:0", "vxlan:7/",
        "/vxlan:7", "vxlan:7//vlan:1", "geneve:0/vxlan", "vxlan:18446744073709551616"}) {
    CAPTURE(std::string(name));
    CHECK(!options.groups.set_entry("prod", {name}));
  }
  CHECK(options.groups.value().empty());
}

TEST_CASE("a group that is taken names tunnels as they will be called") {
  TunnelOptions options;
  for (const char* name : {"vxlan:007", "vxlan:0x7", "vxlan:+7"}) {
    CAPTURE(std::string(name));
    if (!options.groups.set_entry("prod", {name})) continue;
    TunnelTable table(options);
    CHECK(network_of(table, {{TunnelKind::vxlan, 7}}) == "prod");
  }
}

TEST_CASE("tunnel ports are set by kind, and a bare list is of VXLAN") {
  TunnelOptions options;
  CHECK((options.ports.is_vxlan(4789) && options.ports.is_geneve(6081)));
  CHECK(!(options.ports.is_vxlan(6081) || options.ports.is_geneve(4789)));
  REQUIRE(options.ports.set("8472"));
  CHECK((options.ports.is_vxlan(8472) && !options.ports.is_vxlan(4789) && options.ports.is_geneve(6081)));
  REQUIRE(options.ports.set_entry("geneve", {}));
  CHECK(!options.ports.is_geneve(6081));
  CHECK(!options.ports.set_entry("gre", {"1"}));
  CHECK(!options.ports.set_entry("vxlan", {"1", "0"}));
  CHECK(!options.ports.set_list({"http"}));
  CHECK((options.ports.is_vxlan(8472) && !options.ports.is_vxlan(1)));
}

TEST_CASE("VLANs are no tunnels as long as no group names one") {
  Decoding decode;
  Octets ip = ip_packet(sample_v4());
  CHECK(!TunnelTable(decode.options).vlan_matters(10));
  CHECK(decode(tagged(10, ip)).packet.flow == decode(ethernet(ip)).packet.flow);
  CHECK(decode(tagged(10, ip)).packet.flow == decode(tagged(20, ip)).packet.flow);
}

TEST_CASE("VLANs are tunnels as soon as a group names one; those that none names say nothing") {
  Decoding decode;
  REQUIRE(decode.options.groups.set_entry("left", {"vlan:10", "vlan:11"}));
  REQUIRE(decode.options.groups.set_entry("right", {"vlan:20"}));
  CHECK(TunnelTable(decode.options).vlan_matters(10));
  Octets ip = ip_packet(sample_v4());
  CHECK(decode(tagged(10, ip)).network == "left");
  CHECK(decode(tagged(0xe00b, ip)).network == "left");  // priority bits are no part of the number
  CHECK(decode(tagged(20, ip)).network == "right");
  CHECK(decode(tagged(30, ip)).network.empty());
  CHECK(decode(tagged(30, ip)).packet.flow == decode(ethernet(ip)).packet.flow);
  CHECK(decode(tagged(10, ip)).packet.flow == decode(tagged(11, ip)).packet.flow);
  CHECK(!(decode(tagged(10, ip)).packet.flow == decode(tagged(20, ip)).packet.flow));
}

TEST_CASE("a VLAN that no group names splits no other tunnel") {
  Decoding decode;
  REQUIRE(decode.options.groups.set_entry("a", {"vlan:10"}));
  REQUIRE(decode.options.groups.set_entry("b", {"vxlan:7"}));
  Octets outer = in_vxlan(ethernet_frame(sample_v4()), 7);
  CHECK(decode(outer).network == "b");
  CHECK(decode(tagged(5, Octets(outer.begin() + 14, outer.end()))).network == "b");
}

TEST_CASE("a VLAN inside of a tunnel matters where a group names that") {
  Decoding decode;
  REQUIRE(decode.options.groups.set_entry("tenant", {"vxlan:7/vlan:10"}));
  CHECK(decode(in_vxlan(tagged(10, ip_packet(sample_v4())), 7)).network == "tenant");
  CHECK(decode(in_vxlan(tagged(10, ip_packet(sample_v4())), 8)).network != "tenant");
  CHECK(decode(in_vxlan(ethernet_frame(sample_v4()), 7)).network == "vxlan:7");
}

TEST_CASE("past the ceiling further tunnels are one, and those known before stay what they were") {
  TunnelOptions options;
  TunnelTable table(options);
  Tunnel first = table.find(path({{TunnelKind::vxlan, 0}}));
  for (std::uint32_t vni = 0; vni < 70'000; ++vni) (void)table.find(path({{TunnelKind::vxlan, vni}}));
  CHECK(table.tunnel_count() <= 65'537);
  Tunnel late = table.find(path({{TunnelKind::gre, 1}})), later = table.find(path({{TunnelKind::gre, 2}}));
  CHECK(late.id == later.id);
  CHECK(late.network == later.network);
  CHECK(late.network != first.network);
  CHECK(table.find(path({{TunnelKind::vxlan, 0}})).id == first.id);
  CHECK(table.tunnel_name(late.id) == "other");
  CHECK(table.network_name(late.network) == "other");
}

}  // namespace specular::test
