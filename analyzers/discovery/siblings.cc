#include "analyzers/discovery/siblings.h"

#include <algorithm>
#include <utility>

namespace specular {
namespace {

using NodeIndex = PathTree::NodeIndex;
constexpr std::size_t kDeepest = 8;  // levels below that are looked at

bool may_be_name(const SegmentKey& key) {
  return !key.folded && (key.kind == SegmentClass::word || key.kind == SegmentClass::version);
}

class Gatherer {
 public:
  Gatherer(const PathTree& tree, std::vector<SiblingUse>& uses) : tree_(tree), uses_(uses) {}

  // Nodes at one path below their siblings, each with the number of its sibling.
  using Members = std::vector<std::pair<std::size_t, NodeIndex>>;

  void gather(const Members& members, const std::string& below, std::size_t depth) {
    for (const auto& [sibling, node] : members) add_leaves(uses_[sibling], node, below, depth);
    if (depth == kDeepest) return;
    Members values, others;
    std::map<std::string_view, Members> words;
    for (const auto& [sibling, node] : members) {
      for (NodeIndex child : tree_.node(node).children) {
        const SegmentKey& key = tree_.node(child).key;
        (may_be_name(key) ? words[key.text] : values).emplace_back(sibling, child);
      }
    }
    std::size_t least = least_common(words, members.size());
    for (auto& [text, nodes] : words) {
      bool common = siblings_of(nodes) >= least;
      if (common) gather(nodes, below + "/" + std::string(text), depth + 1);
      if (!common) others.insert(others.end(), nodes.begin(), nodes.end());
    }
    if (!others.empty()) gather(others, below + "/*", depth + 1);
    if (!values.empty()) gather(values, below + "/{}", depth + 1);
  }

 private:
  static std::size_t siblings_of(const Members& nodes) {  // those of one sibling stand together
    std::size_t count = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) count += i == 0 || nodes[i].first != nodes[i - 1].first ? 1 : 0;
    return count;
  }

  // Below how many siblings a text stands that is a name. Where many texts stand below one alone they are values, of
  // which a few may well stand below two.
  static std::size_t least_common(const std::map<std::string_view, Members>& words, std::size_t members) {
    auto alone = static_cast<std::size_t>(
        std::count_if(words.begin(), words.end(), [](const auto& word) { return siblings_of(word.second) == 1; }));
    return alone * 3 > words.size() ? std::max<std::size_t>(2, members / 4) : 2;
  }

  void add_leaves(SiblingUse& use, NodeIndex node, const std::string& below, std::size_t depth) const {
    for (PathTree::LeafIndex index : tree_.node(node).leaves) {
      const PathTree::Leaf& leaf = tree_.leaf(index);
      use.requests += leaf.requests_ever;
      if (leaf.method == "OPTIONS" || !leaf.summary.exists()) continue;
      bool head = leaf.method == "HEAD";
      EventUse& event = use.events[(head ? "GET" : leaf.method) + (below.empty() ? "" : " " + below)];
      event.depth = depth;
      event.visits += leaf.requests_ever;
      if (!head) add_traits(leaf.summary, event);
    }
  }

  static void add_traits(const EndpointSummary& summary, EventUse& event) {
    event.names.merge(summary.names);
    for (const ParameterSummary& parameter : summary.query.parameters()) event.queries.insert(parameter.name);
    event.kinds.merge(kinds_of(summary));
  }

  const PathTree& tree_;
  std::vector<SiblingUse>& uses_;
};

}  // namespace

std::set<std::string> kinds_of(const EndpointSummary& summary) {
  std::set<std::string> kinds;
  for (const auto& [status, count] : summary.statuses.entries()) {
    if (status / 100 != 2) continue;
    std::string kind = std::to_string(status);
    if (summary.response_types.empty()) kinds.insert(kind);
    for (const auto& [type, times] : summary.response_types.entries()) kinds.insert(kind + " " + type);
  }
  return kinds;
}

std::vector<SiblingUse> uses_of(const PathTree& tree, const std::vector<std::vector<NodeIndex>>& groups) {
  std::vector<SiblingUse> uses(groups.size());
  Gatherer::Members members;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    DistinctCounter values;
    for (NodeIndex index : groups[i]) {
      const PathTree::Node& node = tree.node(index);
      uses[i].text = node.key.text;
      uses[i].kind = node.key.kind;
      uses[i].is_value = uses[i].is_value || node.key.folded;
      values.merge(node.values);
      members.emplace_back(i, index);
    }
    uses[i].distinct = std::max<std::uint64_t>(1, values.estimate());
  }
  Gatherer(tree, uses).gather(members, "", 0);
  return uses;
}

}  // namespace specular
