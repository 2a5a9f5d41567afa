// Hosts: what a host is known by, and how many are kept.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "capture/base/ip.h"
#include "capture/base/option.h"

namespace specular {

struct InventoryOptions : OptionGroup {
  IntOption max_endpoints{*this,       "max_endpoints",
                          100'000,     {100, 10'000'000},
                          "endpoints", "Methods at paths kept, over all hosts; past that nothing new is learned."};
  IntOption max_hosts{*this,   "max_hosts",
                      20'000,  {1, 1'000'000},
                      "hosts", "Hosts kept; requests to further ones are told under the server's address."};
  IntOption max_hosts_per_server{
      *this, "max_hosts_per_server", 1000, {1, 1'000'000}, "hosts", "The same for one server address and port."};
  IntOption max_unconfirmed{*this,       "max_unconfirmed",
                            500,         {10, 100'000},
                            "endpoints", "Paths of one host kept that no server has granted; the oldest go first."};
  IntOption schemas_mb{
      *this, "schemas_mb",
      512,   {1, 1'000'000},
      "MiB", "Memory for schemas; past that the largest give up levels. A shard takes an eighth more."};
};

struct HostKey {
  std::string network;  // name; empty for none
  std::string host;
  auto operator<=>(const HostKey&) const = default;
};

// All hosts for which there is no room, nor for their servers. No host can have that name.
inline const HostKey kOtherHosts{"", "other hosts"};

// A host, and the server that was first seen to answer under its name.
struct ServedHost {
  HostKey key;
  SocketAddress server;
};

// Whoever keeps hosts asks here under which name: a client can make up as many as it likes.
class HostCeiling {
 public:
  // Requires: options outlive it.
  explicit HostCeiling(const InventoryOptions& options) : options_(options) {}

  // The key for a host that is not among the `kept` ones: its own if there is room, else that of its server, and past
  // twice as many, since servers are many too, kOtherHosts. Never counts.
  HostKey place_for(const ServedHost& served, std::size_t kept) const;
  // Notes that a host took a place among those of its server.
  void count(const ServedHost& served) { ++of_server_[{served.key.network, served.server}]; }

 private:
  const InventoryOptions& options_;
  std::map<std::pair<std::string, SocketAddress>, std::size_t> of_server_;
};

}  // namespace specular
