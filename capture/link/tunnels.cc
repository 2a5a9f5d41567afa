#include "capture/link/tunnels.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace specular {
namespace {

constexpr std::array<const char*, 8> kKindNames{"vlan", "vxlan", "geneve", "gre", "erspan", "ipip", "gtp", "teredo"};

// Kinds without an identifier that both directions share: GTP and PPTP number each direction for itself.
bool has_id(TunnelKind kind) {
  return kind == TunnelKind::vlan || kind == TunnelKind::vxlan || kind == TunnelKind::geneve ||
         kind == TunnelKind::gre || kind == TunnelKind::erspan;
}

Result<void> check_hop(std::string_view hop) {
  auto colon = hop.find(':');
  auto kind = std::find(kKindNames.begin(), kKindNames.end(), hop.substr(0, colon));
  bool known = kind != kKindNames.end();
  bool wants_id = known && has_id(static_cast<TunnelKind>(kind - kKindNames.begin()));
  std::string_view id = colon == std::string_view::npos ? "" : hop.substr(colon + 1);
  std::uint64_t number = 0;
  std::from_chars(id.data(), id.data() + id.size(), number);
  // As it will be written: no zero in front.
  bool id_ok = wants_id ? id == std::to_string(number) : colon == hop.npos;
  if (known && id_ok) return {};
  return fail(ErrorKind::invalid, fmt::format("'{}' is no tunnel such as vxlan:7, vlan:10 or geneve:0/vxlan:7", hop));
}

Result<void> check_tunnel(std::string_view name) {
  for (;;) {
    auto slash = name.find('/');
    if (auto checked = check_hop(name.substr(0, slash)); !checked || slash == std::string_view::npos) return checked;
    name.remove_prefix(slash + 1);
  }
}

}  // namespace

std::string TunnelPortsOption::value_text() const {
  return fmt::format("{{vxlan: [{}], geneve: [{}]}}", fmt::join(vxlan_, ", "), fmt::join(geneve_, ", "));
}

Result<void> TunnelPortsOption::set_entry(std::string_view key, const std::vector<std::string>& values) {
  if (key != "vxlan" && key != "geneve") {
    return fail(ErrorKind::invalid, fmt::format("{} has keys vxlan and geneve, not '{}'", name(), key));
  }
  std::vector<std::uint16_t> ports;
  for (const auto& text : values) {
    auto port = parse_port(text);
    if (!port) return forward(port.error());
    ports.push_back(*port);
  }
  (key == "vxlan" ? vxlan_ : geneve_) = std::move(ports);
  return {};
}

TunnelOptions::TunnelOptions()
    : groups(*this, "groups", check_tunnel, "tunnels such as vxlan:7",
             "Networks by name, each with the tunnels that lead to it; their traffic is told as one.") {}

bool TunnelPath::push(TunnelHop hop) {
  if (size == hops.size()) return false;
  hops[size++] = hop;
  return true;
}

bool TunnelPath::operator==(const TunnelPath& other) const {
  return size == other.size && std::equal(hops.begin(), hops.begin() + size, other.hops.begin());
}

std::string to_text(const TunnelPath& path) {
  std::string text;
  for (std::size_t i = 0; i < path.size; ++i) {
    const TunnelHop& hop = path.hops[i];
    if (i > 0) text += '/';
    text += kKindNames[static_cast<std::size_t>(hop.kind)];
    if (has_id(hop.kind)) text += fmt::format(":{}", hop.id);
  }
  return text;
}

TunnelTable::TunnelTable(const TunnelOptions& options) {
  for (const auto& [group, tunnels] : options.groups.value()) {
    for (const auto& tunnel : tunnels) {
      group_of_[tunnel] = group;
      note_vlans(tunnel);
    }
  }
}

void TunnelTable::note_vlans(std::string_view tunnel) {
  constexpr std::string_view kVlan = "vlan:";
  for (auto at = tunnel.find(kVlan); at != std::string_view::npos; at = tunnel.find(kVlan, at + 1)) {
    std::string_view id = tunnel.substr(at + kVlan.size());
    std::size_t number = vlans_.size();
    std::from_chars(id.data(), id.data() + id.size(), number);
    if (number < vlans_.size()) vlans_.set(number);
  }
}

NetworkId TunnelTable::network_of(const std::string& tunnel_name) {
  auto group = group_of_.find(tunnel_name);
  std::string name = group == group_of_.end() ? tunnel_name : group->second;
  // A VLAN that is only named as a part of others says nothing by itself.
  if (group == group_of_.end() && tunnel_name.starts_with("vlan:") && tunnel_name.find('/') == std::string::npos) {
    return NetworkId::none;
  }
  auto [entry, added] = networks_.try_emplace(name, static_cast<NetworkId>(network_names_.size()));
  if (added) network_names_.push_back(name);
  return entry->second;
}

Tunnel TunnelTable::find(const TunnelPath& path) {
  if (path.size == 0) return {};
  std::string name = to_text(path);
  std::lock_guard lock(mutex_);
  auto found = tunnels_.find(name);
  if (found != tunnels_.end()) return found->second;
  if (tunnel_names_.size() >= kMaxTunnels) {
    name = "other";
    if (auto other = tunnels_.find(name); other != tunnels_.end()) return other->second;
  }
  Tunnel tunnel{static_cast<TunnelId>(tunnel_names_.size()), network_of(name)};
  tunnel_names_.push_back(name);
  return tunnels_[name] = tunnel;
}

std::string TunnelTable::tunnel_name(TunnelId id) const {
  std::lock_guard lock(mutex_);
  return tunnel_names_[static_cast<std::size_t>(id)];
}

std::string TunnelTable::network_name(NetworkId id) const {
  std::lock_guard lock(mutex_);
  return network_names_[static_cast<std::size_t>(id)];
}

std::size_t TunnelTable::tunnel_count() const {
  std::lock_guard lock(mutex_);
  return tunnel_names_.size();
}

}  // namespace specular
