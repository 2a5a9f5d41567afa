#include "analyzers/discovery/routes.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "analyzers/discovery/parameter_name.h"
#include "analyzers/discovery/words.h"

namespace specular {
namespace {

using NodeIndex = PathTree::NodeIndex;
using Group = std::vector<NodeIndex>;  // nodes that the view takes for one

// What a first view found, for a second one that knows what is common on the host.
struct FirstView {
  Habits habits;
  std::vector<Route> routes;
  std::vector<std::uint32_t> route_of;                 // by leaf
  std::unordered_map<NodeIndex, std::uint32_t> place;  // where a node stood
};

bool is_version(SegmentClass kind) {
  return kind == SegmentClass::version;
}
// Of what a view weighs whether it is a name.
bool may_be_name(SegmentClass kind) {
  return kind == SegmentClass::word || kind == SegmentClass::boolean || kind == SegmentClass::code;
}

// A lone small number behind such a name, or at the root, is a version, not an identifier.
bool looks_like_version(const std::string& value, const std::vector<RouteSegment>& segments) {
  if (!segments.empty() && segments.back().is_parameter) return false;
  const std::string before = segments.empty() ? "api" : segments.back().text;
  int number = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  bool small = error == std::errc() && end == value.data() + value.size() && number >= 0 && number < 100;
  return small && (before == "api" || before == "rest" || before == "version" || before == "ver");
}

std::set<std::string> literals_of(const Route& route) {
  std::set<std::string> literals;
  for (const RouteSegment& segment : route.segments) {
    if (!segment.is_parameter) literals.insert(segment.text);
  }
  return literals;
}

class View {
 public:
  // `first`: null for a first view.
  View(const PathTree& tree, const RouteRules& rules, const FirstView* first)
      : tree_(tree), rules_(rules), first_(first) {}

  std::vector<Route> routes() {
    walk({PathTree::kRoot}, {}, true, rules_.empty() ? nullptr : &rules_.root());
    std::sort(routes_.begin(), routes_.end(), [](const Route& a, const Route& b) {
      return std::pair(a.path(), a.method) < std::pair(b.path(), b.method);
    });
    return std::move(routes_);
  }

  // What a second view wants to know of this one.
  FirstView findings() {
    own_.routes = routes();
    for (std::uint32_t i = 0; i < own_.routes.size(); ++i) {
      const Route& route = own_.routes[i];
      for (PathTree::LeafIndex leaf : route.leaves) {
        if (leaf >= own_.route_of.size()) own_.route_of.resize(leaf + 1, 0);
        own_.route_of[leaf] = i;
      }
      if (is_endpoint(route)) own_.habits.add(route.summary, literals_of(route));
    }
    return std::move(own_);
  }

 private:
  struct Children {
    std::map<std::string, Group> words;       // that may be names or values, by text
    std::map<std::string, Group> names;       // versions, and what the user says is one, by text
    std::map<std::string, Group> values;      // parameters, by the suffix behind them
    std::map<std::string, Group> candidates;  // literals that may be values, by suffix
    std::map<std::string, Group> stated;      // values since the user says so: no evidence for the others
  };

  static bool is_endpoint(const Route& route) {
    return route.method != "OPTIONS" && route.method != "HEAD" && route.summary.exists();
  }

  // `base`: all segments so far are those that every path begins with. `rules`: of the user for this place, or null.
  void walk(const Group& group, const std::vector<RouteSegment>& segments, bool base, const RouteRules::Place* rules) {
    add_routes(group, segments, rules != nullptr && rules->stated);
    Children children = sort_children(group, rules);
    std::map<std::string, Group> literals = children.names;
    for (auto& [suffix, candidates] : children.candidates) {
      Group& values = children.values[suffix];
      if (are_values(candidates, !values.empty(), segments)) {
        values.insert(values.end(), candidates.begin(), candidates.end());
      } else {
        for (NodeIndex node : candidates) literals[tree_.node(node).key.text].push_back(node);
      }
    }
    std::string likeness = tell_words(children, literals, segments, base);
    for (const auto& [suffix, nodes] : children.stated) {
      Group& values = children.values[suffix];
      values.insert(values.end(), nodes.begin(), nodes.end());
    }
    base = base && literals.size() == 1 && children.values.empty() && leaves_below(group) == 0;
    for (const auto& [text, nodes] : literals) {
      const RouteRules::Place* behind = rules == nullptr ? nullptr : rules_.behind_literal(*rules, text);
      descend(nodes, segments, {false, text, {}, {}}, base, behind);
    }
    for (const auto& [suffix, nodes] : children.values) {
      if (nodes.empty()) continue;
      const RouteRules::Place* behind = rules == nullptr ? nullptr : rules_.behind_parameter(*rules, suffix);
      RouteSegment segment{true, suffix, evidence_of(nodes, segments, behind), {}};
      if (suffix.empty()) segment.evidence.likeness = likeness;
      descend(nodes, segments, std::move(segment), false, behind);
    }
  }

  void descend(const Group& group, const std::vector<RouteSegment>& before, RouteSegment segment, bool base,
               const RouteRules::Place* rules) {
    std::vector<RouteSegment> segments = before;
    segments.push_back(std::move(segment));
    if (rules != nullptr) segments.back().correction = rules->id;
    walk(group, segments, base, rules);
  }

  std::size_t leaves_below(const Group& group) const {
    std::size_t count = 0;
    for (NodeIndex node : group) count += tree_.node(node).leaves.size();
    return count;
  }

  void add_routes(const Group& group, const std::vector<RouteSegment>& segments, bool stated) {
    std::map<std::string, Route> by_method;
    for (NodeIndex node : group) {
      for (PathTree::LeafIndex index : tree_.node(node).leaves) {
        const PathTree::Leaf& leaf = tree_.leaf(index);
        Route& route = by_method[leaf.method];
        route.summary.merge(leaf.summary);
        route.leaves.push_back(index);
      }
    }
    for (auto& [method, route] : by_method) {
      route.method = method;
      route.segments = segments;
      route.stated = stated;
      if (first_ != nullptr) narrow_evidence(route);
      routes_.push_back(std::move(route));
    }
  }

  // Of the values at one place, those that this method has seen.
  void narrow_evidence(Route& route) const {
    std::vector<std::set<NodeIndex>> passed(route.segments.size());
    for (PathTree::LeafIndex leaf : route.leaves) {
      NodeIndex node = tree_.leaf(leaf).node;
      for (std::size_t i = route.segments.size(); i-- > 0; node = tree_.node(node).parent) passed[i].insert(node);
    }
    for (std::size_t i = 0; i < passed.size(); ++i) {
      if (!route.segments[i].is_parameter) continue;
      ParameterEvidence& evidence = route.segments[i].evidence;
      ParameterEvidence narrow = count_values({passed[i].begin(), passed[i].end()});
      evidence.distinct = narrow.distinct;
      evidence.visits = narrow.visits;
      evidence.classes = narrow.classes;
    }
  }

  // What the user says of literals at a place: names, and values by suffix. Returns what that leaves.
  Group sort_by_rules(const Group& literals, const RouteRules::Place& rules, Children& children) const {
    std::map<std::string_view, Group> by_text;
    for (NodeIndex node : literals) by_text[tree_.node(node).key.text].push_back(node);
    Group rest;
    for (const auto& [text, nodes] : by_text) {
      bool name = rules_.behind_literal(rules, text) != nullptr;
      const std::string* suffix = name ? nullptr : rules_.suffix_of_value(rules, tree_, nodes);
      Group& into = name ? children.names[std::string(text)] : suffix != nullptr ? children.stated[*suffix] : rest;
      into.insert(into.end(), nodes.begin(), nodes.end());
    }
    return rest;
  }

  Children sort_children(const Group& group, const RouteRules::Place* rules) const {
    Children children;
    Group literals;
    for (NodeIndex parent : group) {
      for (NodeIndex child : tree_.node(parent).children) {
        const SegmentKey& key = tree_.node(child).key;
        (key.folded ? children.values[key.text] : literals).push_back(child);
      }
    }
    if (rules != nullptr) literals = sort_by_rules(literals, *rules, children);
    for (NodeIndex child : literals) {
      const SegmentKey& key = tree_.node(child).key;
      if (is_version(key.kind)) {
        children.names[key.text].push_back(child);
      } else if (may_be_name(key.kind) && classify_segment(key.text).suffix.empty()) {
        children.words[key.text].push_back(child);
      } else {
        children.candidates[std::string(classify_segment(key.text).suffix)].push_back(child);
      }
    }
    return children;
  }

  // Where most are static files, these are names: of as many files as there are.
  void set_files_apart(Children& children, std::map<std::string, Group>& literals) const {
    auto is_file = [](const auto& word) { return is_static_file(word.first); };
    auto files = static_cast<std::size_t>(std::count_if(children.words.begin(), children.words.end(), is_file));
    if (files * 2 < children.words.size()) return;
    for (auto at = children.words.begin(); at != children.words.end();) {
      if (!is_file(*at)) {
        ++at;
        continue;
      }
      literals[at->first] = std::move(at->second);
      at = children.words.erase(at);
    }
  }

  // Moves each word to the literals or to the values; says what these have in common.
  std::string tell_words(Children& children, std::map<std::string, Group>& literals,
                         const std::vector<RouteSegment>& segments, bool base) {
    set_files_apart(children, literals);
    if (children.words.empty()) return {};
    std::vector<SiblingNodes> siblings;
    for (const auto& [text, nodes] : children.words) siblings.push_back({nodes, false});
    std::size_t words = siblings.size();
    if (auto values = children.values.find(""); values != children.values.end()) {
      std::map<SegmentClass, Group> by_class;
      for (NodeIndex node : values->second) by_class[tree_.node(node).key.kind].push_back(node);
      for (auto& [kind, nodes] : by_class) siblings.push_back({std::move(nodes), true});
    }
    Verdict verdict{{false}, {}};
    if (siblings.size() > 1) {
      std::vector<SiblingUse> uses = uses_of(tree_, siblings);
      verdict = find_values(uses, place_of(siblings, segments, base));
    }
    for (std::size_t i = 0; i < words; ++i) {
      const Group& nodes = siblings[i].nodes;
      const std::string& text = tree_.node(nodes.front()).key.text;
      Group& into = verdict.is_value[i] ? children.values[""] : literals[text];
      into.insert(into.end(), nodes.begin(), nodes.end());
      note_place(nodes, text, verdict.is_value[i]);
    }
    ++places_;
    return to_text(verdict);
  }

  void note_place(const Group& nodes, const std::string& text, bool is_value) {
    if (first_ != nullptr) return;
    for (NodeIndex node : nodes) own_.place[node] = places_;
    (is_value ? own_.habits.values : own_.habits.literals)[text].insert(places_);
  }

  Place place_of(const std::vector<SiblingNodes>& siblings, const std::vector<RouteSegment>& segments,
                 bool base) const {
    Place place;
    place.habits = first_ == nullptr ? &own_.habits : &first_->habits;
    place.before = base ? Before::nothing : Before::name;
    if (!segments.empty() && segments.back().is_parameter) {
      bool several = segments.size() > 1 && segments[segments.size() - 2].is_parameter;
      place.before = several ? Before::parameters : Before::parameter;
    }
    if (!segments.empty() && !segments.back().is_parameter && is_plural(segments.back().text)) {
      place.before = base ? Before::name : Before::plural;
    }
    if (first_ == nullptr) {
      place.habits = &nothing_;
      return place;
    }
    std::set<std::uint32_t> routes;
    for (const SiblingNodes& sibling : siblings) {
      for (NodeIndex node : sibling.nodes) {
        gather_routes(node, routes);
        auto at = first_->place.find(node);
        if (at != first_->place.end()) place.seen.insert(at->second);
      }
    }
    for (std::uint32_t index : routes) {
      const Route& route = first_->routes[index];
      if (is_endpoint(route)) place.own.add(route.summary, literals_of(route));
    }
    return place;
  }

  void gather_routes(NodeIndex node, std::set<std::uint32_t>& routes) const {
    for (PathTree::LeafIndex leaf : tree_.node(node).leaves) routes.insert(first_->route_of[leaf]);
    for (NodeIndex child : tree_.node(node).children) gather_routes(child, routes);
  }

  // Whether literals that look like identifiers are values of a parameter.
  bool are_values(const Group& candidates, bool beside_values, const std::vector<RouteSegment>& before) const {
    if (beside_values) return true;
    std::set<std::string> texts;
    bool codes = true;
    for (NodeIndex node : candidates) {
      texts.insert(tree_.node(node).key.text);
      codes = codes && may_be_name(tree_.node(node).key.kind);
    }
    if (codes) return texts.size() >= 3;
    // Decimal numbers are values of few parameters; one alone is a version.
    if (texts.size() == 1 && tree_.node(candidates.front()).key.kind == SegmentClass::number) return false;
    return texts.size() > 1 || !(looks_like_version(*texts.begin(), before) || leads_on(candidates));
  }

  // A lone number that much was asked for below, and nothing directly, is part of a name: of many calls some would have
  // had another one.
  bool leads_on(const Group& candidates) const {
    constexpr std::uint64_t kMany = 30;
    std::uint64_t requests = 0;
    for (NodeIndex node : candidates) {
      if (!tree_.node(node).leaves.empty() || tree_.node(node).children.size() < 2) return false;
      requests += requests_below(node);
    }
    return requests >= kMany;
  }

  ParameterEvidence count_values(const Group& nodes) const {
    ParameterEvidence evidence;
    std::array<DistinctCounter, kSegmentClasses> values;
    for (NodeIndex index : nodes) {
      const PathTree::Node& node = tree_.node(index);
      evidence.visits += requests_below(index);
      DistinctCounter& of_class = values[static_cast<std::size_t>(node.key.kind)];
      if (node.key.folded) {
        of_class.merge(node.values);
      } else {
        of_class.add(tree_.value_hash(node.key.text));
      }
    }
    for (std::size_t i = 0; i < kSegmentClasses; ++i) evidence.classes[i] = values[i].estimate();
    for (std::uint64_t count : evidence.classes) evidence.distinct += count;
    return evidence;
  }

  // `rules`: of the user for the place behind the parameter, or null.
  ParameterEvidence evidence_of(const Group& nodes, const std::vector<RouteSegment>& segments,
                                const RouteRules::Place* rules) const {
    ParameterEvidence evidence = count_values(nodes);
    bool literal_before = !segments.empty() && !segments.back().is_parameter;
    std::string base = parameter_name(literal_before ? segments.back().text : "", evidence.main_class());
    bool named = rules != nullptr && !rules->name.empty();
    if (named) base = rules->name;
    if (rules != nullptr && !rules->id.empty()) {
      evidence.stated = rules->kind == RouteRules::Kind::merge ? "merged by the user" : "pinned by the user";
    }
    // Names in one template differ; those that the user gives go first.
    auto is_taken = [&](const std::string& name) {
      if (!named && rules != nullptr && rules->names_below.contains(name)) return true;
      return std::any_of(segments.begin(), segments.end(), [&](const RouteSegment& segment) {
        return segment.is_parameter && segment.evidence.name == name;
      });
    };
    evidence.name = base;
    for (int number = 2; is_taken(evidence.name); ++number) evidence.name = base + std::to_string(number);
    return evidence;
  }

  std::uint64_t requests_below(NodeIndex node) const {
    auto [at, added] = requests_.try_emplace(node, 0);
    if (added) at->second = tree_.requests_below(node);
    return at->second;
  }

  const PathTree& tree_;
  const RouteRules& rules_;
  const FirstView* first_;
  FirstView own_;
  Habits nothing_;
  std::vector<Route> routes_;
  std::uint32_t places_ = 0;
  mutable std::unordered_map<NodeIndex, std::uint64_t> requests_;
};

}  // namespace

SegmentClass ParameterEvidence::main_class() const {
  auto most = std::max_element(classes.begin(), classes.end());
  return static_cast<SegmentClass>(most - classes.begin());
}

std::string ParameterEvidence::why() const {
  SegmentClass main = main_class();
  double share = static_cast<double>(classes[static_cast<std::size_t>(main)]) /
                 static_cast<double>(std::max<std::uint64_t>(1, distinct));
  std::string text =
      fmt::format("{} distinct in {} visits, {:.1f} % {}", distinct, visits, 100 * share, specular::to_text(main));
  if (!stated.empty()) text = stated + "; " + text;
  return likeness.empty() ? text : text + "; " + likeness;
}

const char* ParameterEvidence::type() const {
  bool all_integers = true, all_numbers = true;
  for (std::size_t i = 0; i < kSegmentClasses; ++i) {
    if (classes[i] == 0) continue;
    std::string_view type = openapi_type(static_cast<SegmentClass>(i));
    all_integers = all_integers && type == "integer";
    all_numbers = all_numbers && (type == "integer" || type == "number");
  }
  return all_integers ? "integer" : all_numbers ? "number" : "string";
}

const char* ParameterEvidence::format() const {
  SegmentClass only = main_class();
  return classes[static_cast<std::size_t>(only)] == distinct ? openapi_format(only) : "";
}

std::string Route::path() const {
  std::string path;
  for (const RouteSegment& segment : segments) {
    path += '/';
    if (segment.is_parameter) path += "{" + segment.evidence.name + "}";
    path += segment.text;
  }
  return path.empty() ? "/" : path;
}

std::string Route::shape() const {
  std::string shape;
  for (const RouteSegment& segment : segments) shape += (segment.is_parameter ? "/{}" : "/") + segment.text;
  return shape.empty() ? "/" : shape;
}

std::vector<Route> routes_of(const PathTree& tree, const RouteRules& rules) {
  FirstView first = View(tree, rules, nullptr).findings();
  return View(tree, rules, &first).routes();
}

}  // namespace specular
