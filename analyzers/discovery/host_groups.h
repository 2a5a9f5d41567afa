// Host groups: hosts that the user wants to see as one. A view: every host keeps what was learned of it.
#pragma once

#include <map>
#include <vector>

#include "analyzers/discovery/inventory.h"

namespace specular {

// A host of the inventory; it outlives this.
struct Member {
  const HostKey* key = nullptr;
  const Inventory::Host* host = nullptr;
};

// All hosts, by what they are shown as: themselves, or, of a group, its pattern.
std::map<HostKey, std::vector<Member>> shown_hosts(const Inventory& inventory);

// What was learned of several hosts, as one tree.
class MergedTree {
 public:
  // `key`: of the hashes in their trees.
  MergedTree(const std::vector<Member>& members, const HashKey& key);
  const PathTree& tree() const { return tree_; }

 private:
  void add(const PathTree& from, PathTree::NodeIndex index);

  LeafCeiling ceiling_;
  PathTree tree_;
};

}  // namespace specular
