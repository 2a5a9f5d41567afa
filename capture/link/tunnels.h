// Tunnels: which mirror session a packet came through, and which network that stands for.
//
// A tunnel is the way a packet was wrapped, from the outside in: vxlan:7, geneve:0/vxlan:7. A network is what the
// operator says about it: by default each tunnel is a network of its own, `tunnels.groups` puts several into one. The
// network is part of every flow's identity, so that two tenants with the same addresses stay apart.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "capture/base/option.h"

namespace specular {

// UDP destination ports by kind of tunnel: {vxlan: [4789], geneve: [6081]}. A bare list is of VXLAN ports.
class TunnelPortsOption final : public Option {
 public:
  TunnelPortsOption(OptionGroup& group, const char* name, const char* help) : Option(group, name, "", help) {}

  bool is_vxlan(std::uint16_t port) const { return contains(vxlan_, port); }
  bool is_geneve(std::uint16_t port) const { return contains(geneve_, port); }
  const std::vector<std::uint16_t>& vxlan() const { return vxlan_; }
  const std::vector<std::uint16_t>& geneve() const { return geneve_; }

  Shape shape() const override { return Shape::map; }
  std::string range_text() const override { return "vxlan and geneve, each with a list of ports"; }
  std::string default_text() const override { return "{vxlan: [4789], geneve: [6081]}"; }
  std::string value_text() const override;
  Result<void> set(std::string_view value) override { return set_list({std::string(value)}); }
  Result<void> set_list(const std::vector<std::string>& values) override { return set_entry("vxlan", values); }
  Result<void> set_entry(std::string_view key, const std::vector<std::string>& values) override;

 private:
  static bool contains(const std::vector<std::uint16_t>& ports, std::uint16_t port) {
    return std::find(ports.begin(), ports.end(), port) != ports.end();
  }

  std::vector<std::uint16_t> vxlan_{4789}, geneve_{6081};
};

struct TunnelOptions : OptionGroup {
  TunnelPortsOption ports{*this, "ports", "UDP destination ports taken for VXLAN (RFC 7348) and GENEVE (RFC 8926)."};
  IntOption max_depth{*this, "max_depth", 4, {0, 16}, "tunnels", "How many tunnels inside each other are looked into."};
  BoolOption only_tunnelled{*this, "only_tunnelled", false,
                            "Look at nothing but what arrives through a tunnel, as a mirror target should."};
  MapOption groups;

  TunnelOptions();
};

enum class TunnelKind : std::uint8_t { vlan, vxlan, geneve, gre, erspan, ipip, gtp, teredo };

struct TunnelHop {
  TunnelKind kind;
  std::uint64_t id;
  bool operator==(const TunnelHop&) const = default;
};

inline constexpr std::size_t kMaxTunnelHops = 16;

struct TunnelPath {
  std::array<TunnelHop, kMaxTunnelHops> hops;  // `size` of them; most packets have none
  std::uint8_t size = 0;

  bool push(TunnelHop hop);  // false if full
  bool operator==(const TunnelPath& other) const;
};

enum class TunnelId : std::uint32_t { none = 0 };
enum class NetworkId : std::uint16_t { none = 0 };

struct Tunnel {
  TunnelId id = TunnelId::none;
  NetworkId network = NetworkId::none;
};

// Gives every tunnel and network met a small number, alike for all shards. Thread-safe; decoders keep what they
// learned.
class TunnelTable {
 public:
  explicit TunnelTable(const TunnelOptions& options);

  Tunnel find(const TunnelPath& path);
  // Whether the VLAN tag is a tunnel: only where a group names it, since mirrors often tag the two directions
  // differently.
  bool vlan_matters(std::uint16_t id) const { return vlans_[id % vlans_.size()]; }

  std::string tunnel_name(TunnelId id) const;    // "vxlan:7"; empty for none
  std::string network_name(NetworkId id) const;  // of the group, or of the tunnel; empty for none
  std::size_t tunnel_count() const;              // ids are below it

 private:
  // Identifiers come from the wire: past this many, all further tunnels are one.
  static constexpr std::size_t kMaxTunnels = 65535;

  void note_vlans(std::string_view tunnel);
  NetworkId network_of(const std::string& tunnel_name);

  mutable std::mutex mutex_;
  std::map<std::string, std::string> group_of_;  // tunnel name -> group name; constant
  std::bitset<4096> vlans_;                      // that a group names; constant
  std::map<std::string, Tunnel> tunnels_;
  std::vector<std::string> tunnel_names_{""};
  std::map<std::string, NetworkId> networks_;
  std::vector<std::string> network_names_{""};
};

std::string to_text(const TunnelPath& path);

}  // namespace specular
