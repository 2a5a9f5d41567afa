#include "analyzers/discovery/inventory.h"

#include "analyzers/names.h"

namespace specular {

Inventory::Inventory(const InventoryOptions& options, const HashKey& key) : options_(options), key_(key) {
  ceiling_.limit = options.max_endpoints.size();
}

Inventory::Host& Inventory::admit(const HostKey& key, const SocketAddress* server) {
  auto found = hosts_.find(key);
  if (found != hosts_.end()) return found->second;
  if (server != nullptr) {
    HostKey of_server{key.network, normalise_host("", *server)};
    std::size_t& beside = hosts_of_server_[{key.network, *server}];
    bool full = beside >= options_.max_hosts_per_server.size() || hosts_.size() >= options_.max_hosts.size();
    if (full && key != of_server) return admit(of_server, nullptr);
    ++beside;
  }
  Host& host = hosts_[key];
  host.tree = std::make_unique<PathTree>(ceiling_, options_.max_unconfirmed.size(), key_);
  return host;
}

const Inventory::Host* Inventory::find(const HostKey& key) const {
  auto found = hosts_.find(key);
  return found == hosts_.end() ? nullptr : &found->second;
}

}  // namespace specular
