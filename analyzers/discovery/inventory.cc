#include "analyzers/discovery/inventory.h"

#include <utility>

#include "analyzers/names.h"

namespace specular {

Inventory::Inventory(const InventoryOptions& options, const HashKey& key, bool keeps_changes)
    : options_(options), key_(key), keeps_changes_(keeps_changes) {
  ceiling_.limit = options.max_endpoints.size();
}

Inventory::Host& Inventory::admit(const ServedHost& served) {
  const auto& [key, server] = served;
  auto found = hosts_.find(key);
  if (found != hosts_.end()) return found->second;
  HostKey of_server{key.network, normalise_host("", server)};
  std::size_t beside = hosts_of_server_[{key.network, server}];
  if (hosts_.size() >= options_.max_hosts.size() * 2) return restore(kOtherHosts);
  bool full = beside >= options_.max_hosts_per_server.size() || hosts_.size() >= options_.max_hosts.size();
  if (full) return restore(of_server);
  Host& host = restore(key);
  count_host(host, served);
  return host;
}

Inventory::Host& Inventory::restore(const HostKey& key) {
  Host& host = hosts_[key];
  if (host.tree) return host;
  host.tree = std::make_unique<PathTree>(ceiling_, options_.max_unconfirmed.size(), key_);
  if (keeps_changes_) host.tree->remember_removed();
  return host;
}

void Inventory::count_host(Host& host, const ServedHost& served) {
  if (!std::exchange(host.counted, true)) ++hosts_of_server_[{served.key.network, served.server}];
}

const Inventory::Host* Inventory::find(const HostKey& key) const {
  auto found = hosts_.find(key);
  return found == hosts_.end() ? nullptr : &found->second;
}

}  // namespace specular
