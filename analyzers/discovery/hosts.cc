#include "analyzers/discovery/hosts.h"

#include "analyzers/names.h"

namespace specular {

HostKey HostCeiling::place_for(const ServedHost& served, std::size_t kept) const {
  if (kept >= options_.max_hosts.size() * 2) return kOtherHosts;
  auto found = of_server_.find({served.key.network, served.server});
  std::size_t beside = found == of_server_.end() ? 0 : found->second;
  bool full = beside >= options_.max_hosts_per_server.size() || kept >= options_.max_hosts.size();
  return full ? HostKey{served.key.network, normalise_host("", served.server)} : served.key;
}

}  // namespace specular
