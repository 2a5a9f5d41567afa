#include "analyzers/discovery/inventory.h"

#include <algorithm>
#include <utility>
#include <vector>

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

void Inventory::keep_schemas_within_bounds() {
  std::size_t limit = options_.schemas_mb.size() << 20;
  if (ceiling_.shape_bytes <= limit) return;
  std::vector<std::size_t> sizes;
  for (const auto& [key, host] : hosts_) host.tree->list_shape_bytes(sizes);
  std::sort(sizes.begin(), sizes.end());
  // The size to which all larger ones must be shrunk: what smaller ones leave is shared by the rest.
  std::size_t left = limit / 8 * 7, most = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    most = left / (sizes.size() - i);
    if (sizes[i] > most) break;
    left -= sizes[i];
  }
  for (auto& [key, host] : hosts_) {
    std::size_t shrunk = host.tree->shrink_shapes(most);
    host.coverage[CoverageItem::shrunk_schemas] += shrunk;
    host.coverage_dirty = host.coverage_dirty || shrunk > 0;
  }
}

const Inventory::Host* Inventory::find(const HostKey& key) const {
  auto found = hosts_.find(key);
  return found == hosts_.end() ? nullptr : &found->second;
}

}  // namespace specular
