#include "analyzers/discovery/host_groups.h"

#include <limits>

namespace specular {
namespace {

// They were bounded when they were learned.
constexpr std::size_t kAll = std::numeric_limits<std::uint32_t>::max();

}  // namespace

std::map<HostKey, std::vector<Member>> shown_hosts(const Inventory& inventory) {
  std::map<HostKey, std::vector<Member>> shown;
  for (const auto& [key, host] : inventory.hosts()) {
    const Correction* group = inventory.corrections.group_of(key);
    shown[group == nullptr ? key : group->host].push_back({&key, &host});
  }
  return shown;
}

MergedTree::MergedTree(const std::vector<Member>& members, const HashKey& key)
    : ceiling_{kAll, 0}, tree_(ceiling_, kAll, key) {
  for (const Member& member : members) add(*member.host->tree, PathTree::kRoot);
}

void MergedTree::add(const PathTree& from, PathTree::NodeIndex index) {
  const PathTree::Node& node = from.node(index);
  SegmentPath path = from.path_of(index);
  for (PathTree::LeafIndex number : node.leaves) {
    const PathTree::Leaf& leaf = from.leaf(number);
    PathTree::LeafRef ref = tree_.find_or_add(leaf.method, path);
    PathTree::Leaf* into = tree_.resolve(ref);
    if (into == nullptr) continue;  // so many leaves fit into no memory
    into->summary.merge(leaf.summary);
    into->requests_ever += leaf.requests_ever;
    tree_.touch(ref);
  }
  if (node.key.folded) tree_.merge_values(path, node.values);
  for (PathTree::NodeIndex child : node.children) add(from, child);
}

}  // namespace specular
