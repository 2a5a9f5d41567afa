#include "analyzers/discovery/inventory.h"

#include <utility>

namespace specular {

Inventory::Inventory(const InventoryOptions& options, const HashKey& key, bool keeps_changes)
    : options_(options), key_(key), keeps_changes_(keeps_changes), host_ceiling_(options) {
  ceiling_.limit = options.max_endpoints.size();
}

Inventory::Host& Inventory::admit(const ServedHost& served) {
  auto found = hosts_.find(served.key);
  if (found != hosts_.end()) return found->second;
  HostKey place = host_ceiling_.place_for(served, hosts_.size());
  Host& host = restore(place);
  if (place == served.key) count_host(host, served);
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
  if (!std::exchange(host.counted, true)) host_ceiling_.count(served);
}

const Inventory::Host* Inventory::find(const HostKey& key) const {
  auto found = hosts_.find(key);
  return found == hosts_.end() ? nullptr : &found->second;
}

}  // namespace specular
