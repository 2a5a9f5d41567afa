#include "analyzers/discovery/route_rules.h"

#include <algorithm>

namespace specular {
namespace {

bool ends_in(std::string_view text, std::string_view suffix) {
  return text.size() > suffix.size() && text.ends_with(suffix);
}

// Something was asked for at the node, other than in vain beside what stands below it.
bool has_endpoint(const PathTree& tree, PathTree::NodeIndex index) {
  const PathTree::Node& node = tree.node(index);
  if (node.children.empty()) return !node.leaves.empty();
  return std::any_of(node.leaves.begin(), node.leaves.end(),
                     [&](PathTree::LeafIndex leaf) { return tree.leaf(leaf).summary.exists(); });
}

}  // namespace

RouteRules::Place& RouteRules::step(std::uint32_t& at, const TemplateSegment& segment) {
  auto& ways = segment.is_parameter ? places_[at].parameters : places_[at].literals;
  auto [found, added] = ways.try_emplace(segment.text, static_cast<std::uint32_t>(places_.size()));
  at = found->second;
  if (added) places_.emplace_back();
  return places_[at];
}

void RouteRules::add(Kind kind, const PathTemplate& path, const std::string& id) {
  std::uint32_t at = 0;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const TemplateSegment& segment = path[i];
    for (std::size_t later = i; later < path.size(); ++later) {
      if (!path[later].name.empty() && kind != Kind::split) places_[at].names_below.insert(path[later].name);
    }
    Place& place = step(at, segment);
    // What a split has in braces says where it applies, and nothing of that.
    if (segment.is_parameter && kind == Kind::split) continue;
    if (place.id.empty() || id < place.id) {
      place.id = id;
      place.kind = kind;
    }
    if (!segment.name.empty()) place.name = segment.name;
  }
  Place& end = places_[at];
  end.takes_all = end.takes_all || kind == Kind::merge;
  end.pinned = end.pinned || kind == Kind::pin;
  end.stated = end.stated || kind != Kind::merge;
}

const RouteRules::Place* RouteRules::behind_literal(const Place& place, std::string_view text) const {
  auto found = place.literals.find(text);
  return found == place.literals.end() ? nullptr : &places_[found->second];
}

const RouteRules::Place* RouteRules::behind_parameter(const Place& place, std::string_view suffix) const {
  auto found = place.parameters.find(suffix);
  return found == place.parameters.end() ? nullptr : &places_[found->second];
}

const std::string* RouteRules::suffix_of_value(const Place& place, const PathTree& tree,
                                               const std::vector<PathTree::NodeIndex>& nodes) const {
  const std::string& text = tree.node(nodes.front()).key.text;
  const std::string* longest = nullptr;
  for (const auto& [suffix, way] : place.parameters) {
    if (!ends_in(text, suffix) || (longest != nullptr && longest->size() > suffix.size())) continue;
    const Place& behind = places_[way];
    bool fits = behind.takes_all || std::any_of(nodes.begin(), nodes.end(),
                                                [&](PathTree::NodeIndex node) { return fits_pin(behind, tree, node); });
    if (fits) longest = &suffix;
  }
  return longest;
}

// Whether a pin's template ends at the node, or below it.
bool RouteRules::fits_pin(const Place& place, const PathTree& tree, PathTree::NodeIndex node) const {
  if (place.pinned && has_endpoint(tree, node)) return true;
  const auto& children = tree.node(node).children;
  return std::any_of(children.begin(), children.end(), [&](PathTree::NodeIndex child) {
    const SegmentKey& key = tree.node(child).key;
    if (!key.folded) {
      if (const Place* named = behind_literal(place, key.text)) return fits_pin(*named, tree, child);
    }
    return std::any_of(place.parameters.begin(), place.parameters.end(), [&](const auto& way) {
      bool value = key.folded ? key.text == way.first : ends_in(key.text, way.first);
      return value && fits_pin(places_[way.second], tree, child);
    });
  });
}

}  // namespace specular
