#include "analyzers/discovery/siblings.h"

#include <algorithm>
#include <utility>

#include "analyzers/discovery/methods.h"

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
    for (const auto& [sibling, node] : members) add_leaves(uses_[sibling], node, below);
    if (depth == kDeepest) return;
    Members values, others;
    std::map<std::string_view, Members> words;
    for (const auto& [sibling, node] : members) {
      for (NodeIndex child : tree_.node(node).children) {
        const SegmentKey& key = tree_.node(child).key;
        (may_be_name(key) ? words[key.text] : values).emplace_back(sibling, child);
      }
    }
    std::size_t least = least_common(words);
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

  // Below how many siblings a text stands that is a name. Where there are very many texts, or many below one sibling
  // alone, most are values, and some of these may well stand below several.
  static std::size_t least_common(const std::map<std::string_view, Members>& words) {
    constexpr std::size_t kUsualNames = 24;
    std::size_t alone = 0;
    std::set<std::size_t> siblings;
    for (const auto& [text, nodes] : words) {
      alone += siblings_of(nodes) == 1 ? 1 : 0;
      for (const auto& [sibling, node] : nodes) siblings.insert(sibling);
    }
    bool values = alone * 3 > words.size() || words.size() > kUsualNames;
    return values ? std::max<std::size_t>(2, siblings.size() / 4) : 2;
  }

  void add_leaves(SiblingUse& use, NodeIndex node, const std::string& below) const {
    for (PathTree::LeafIndex index : tree_.node(node).leaves) {
      const PathTree::Leaf& leaf = tree_.leaf(index);
      use.requests += leaf.requests_ever;
      if (leaf.method == "OPTIONS" || !leaf.summary.exists()) continue;
      bool head = leaf.method == "HEAD";
      // Whoever makes up methods makes up ever new ones.
      std::string_view method = leaf.method;
      if (head) method = "GET";
      if (!is_standard_method(method)) method = PathTree::kOtherMethods;
      EventUse& event = use.events[std::string(method) + (below.empty() ? "" : " " + below)];
      event.visits += leaf.requests_ever;
      if (!head) add_traits(leaf.summary, event);
    }
  }

  static void add_traits(const EndpointSummary& summary, EventUse& event) {
    event.names.merge(summary.names);
    for (const ParameterSummary& parameter : summary.query.parameters()) event.queries.insert(parameter.name);
    event.kinds.merge(kinds_of(summary));
    if (summary.answers.others() > 0) return;
    for (const auto& [answer, count] : summary.answers.entries()) event.answers.insert(answer);
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

std::vector<SiblingUse> uses_of(const PathTree& tree, const std::vector<SiblingNodes>& siblings) {
  std::vector<SiblingUse> uses(siblings.size());
  Gatherer::Members members;
  for (std::size_t i = 0; i < siblings.size(); ++i) {
    SiblingUse& use = uses[i];
    use.is_value = siblings[i].is_value;
    DistinctCounter values;
    std::set<std::string_view> texts;
    for (NodeIndex index : siblings[i].nodes) {
      const PathTree::Node& node = tree.node(index);
      use.text = node.key.text;
      use.kind = node.key.kind;
      values.merge(node.values);
      if (!node.key.folded) texts.insert(node.key.text);
      members.emplace_back(i, index);
    }
    use.distinct = std::max<std::uint64_t>(1, values.estimate() + texts.size());
  }
  Gatherer(tree, uses).gather(members, "", 0);
  return uses;
}

}  // namespace specular
