// Inventory: every host with what is known of its endpoints, and the coverage that this rests on.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "analyzers/coverage.h"
#include "analyzers/discovery/corrections.h"
#include "analyzers/discovery/hosts.h"
#include "analyzers/discovery/path_tree.h"
#include "capture/base/analysed_capture.h"

namespace specular {

class Inventory {
 public:
  struct Host {
    std::unique_ptr<PathTree> tree;
    CoverageCounts coverage;
    bool coverage_dirty = false;
    bool counted = false;        // among those of its server
    std::uint64_t given_up = 0;  // ghosts of its tree that are in the coverage
  };

  // `keeps_changes`: trees remember what they remove. Requires: options outlive it.
  Inventory(const InventoryOptions& options, const HashKey& key, bool keeps_changes);

  // The host, admitted if there is room for it: else that of its server.
  Host& admit(const ServedHost& served);
  // The host, as it was admitted once.
  Host& restore(const HostKey& key);
  // Notes that it takes a place among those of its server.
  void count_host(Host& host, const ServedHost& served);
  const std::map<HostKey, Host>& hosts() const { return hosts_; }
  std::map<HostKey, Host>& hosts() { return hosts_; }
  const Host* find(const HostKey& key) const;
  const HashKey& hash_key() const { return key_; }      // of all trees
  std::size_t leaves() const { return ceiling_.used; }  // methods at paths, over all hosts
  std::size_t schema_bytes() const { return ceiling_.shape_bytes; }
  // To be called when schemas grew. Past the limit, the largest are shrunk to one size, so that an eighth of it is free
  // again: who makes some grow without end takes no other's place.
  void keep_schemas_within_bounds();

  struct Coverage {
    CoverageCounts counts;
    bool dirty = false;
  };
  std::map<std::string, Coverage> tunnels;  // by name; "" for what came through none

  struct Total {
    std::uint64_t value = 0;
    bool dirty = false;
  };
  std::map<std::string, Total> totals;  // counters of capture, by name

  struct Capture {
    AnalysedCapture analysed;
    bool dirty = false;
  };
  std::map<std::string, Capture> captures;  // of the drop folder, by name

  Corrections corrections;

 private:
  const InventoryOptions& options_;
  HashKey key_;
  bool keeps_changes_;
  HostCeiling host_ceiling_;
  LeafCeiling ceiling_;
  std::map<HostKey, Host> hosts_;
};

}  // namespace specular
