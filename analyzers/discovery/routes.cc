#include "analyzers/discovery/routes.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace specular {
namespace {

using NodeIndex = PathTree::NodeIndex;
using Group = std::vector<NodeIndex>;  // nodes that the view takes for one

bool is_word_like(SegmentClass kind) {
  return kind == SegmentClass::word || kind == SegmentClass::version || kind == SegmentClass::boolean;
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

std::string singular(const std::string& plural) {
  auto ends = [&](std::string_view ending) { return plural.size() > ending.size() + 1 && plural.ends_with(ending); };
  auto without = [&](std::size_t count) { return plural.substr(0, plural.size() - count); };
  if (ends("ies")) return without(3) + "y";
  if (ends("sses") || ends("xes") || ends("ches") || ends("shes")) return without(2);
  if (ends("ss") || ends("us") || ends("is")) return plural;
  return ends("s") ? without(1) : plural;
}

// "line-items" -> "lineItem"
std::string camel_case(const std::string& text) {
  std::string name;
  bool upper = false;
  for (char c : text) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9')) {
      upper = !name.empty();
      continue;
    }
    name += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
    upper = false;
  }
  return name;
}

class View {
 public:
  explicit View(const PathTree& tree) : tree_(tree) {}

  std::vector<Route> routes() {
    walk({PathTree::kRoot}, {});
    std::sort(routes_.begin(), routes_.end(), [](const Route& a, const Route& b) {
      return std::pair(a.path(), a.method) < std::pair(b.path(), b.method);
    });
    return std::move(routes_);
  }

 private:
  struct Children {
    std::map<std::string, Group> literals;    // by text
    std::map<std::string, Group> values;      // parameters, by the suffix behind them
    std::map<std::string, Group> candidates;  // literals that may be values, by suffix
  };

  void walk(const Group& group, const std::vector<RouteSegment>& segments) {
    add_routes(group, segments);
    Children children = sort_children(group);
    fold_words(children);
    for (auto& [suffix, candidates] : children.candidates) {
      Group& values = children.values[suffix];
      if (are_values(candidates, !values.empty(), segments)) {
        values.insert(values.end(), candidates.begin(), candidates.end());
      } else {
        for (NodeIndex node : candidates) children.literals[tree_.node(node).key.text].push_back(node);
      }
    }
    for (const auto& [text, nodes] : children.literals) descend(nodes, segments, {false, text, {}});
    for (const auto& [suffix, nodes] : children.values) {
      if (!nodes.empty()) descend(nodes, segments, {true, suffix, evidence_of(nodes, segments)});
    }
  }

  void descend(const Group& group, const std::vector<RouteSegment>& before, RouteSegment segment) {
    std::vector<RouteSegment> segments = before;
    segments.push_back(std::move(segment));
    walk(group, segments);
  }

  void add_routes(const Group& group, const std::vector<RouteSegment>& segments) {
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
      routes_.push_back(std::move(route));
    }
  }

  Children sort_children(const Group& group) const {
    Children children;
    for (NodeIndex parent : group) {
      for (NodeIndex child : tree_.node(parent).children) {
        const SegmentKey& key = tree_.node(child).key;
        if (key.folded) {
          children.values[key.text].push_back(child);
        } else if (is_word_like(key.kind)) {
          children.literals[key.text].push_back(child);
        } else {
          children.candidates[std::string(classify_segment(key.text).suffix)].push_back(child);
        }
      }
    }
    return children;
  }

  // Very many words beside each other are values, but for those that are unlike the many.
  void fold_words(Children& children) const {
    std::vector<const Group*> words;
    std::vector<WordUse> uses;
    for (const auto& [text, nodes] : children.literals) {
      if (tree_.node(nodes.front()).key.kind != SegmentClass::word) continue;
      words.push_back(&nodes);
      WordUse& use = uses.emplace_back();
      for (NodeIndex node : nodes) tree_.add_use(node, use);
    }
    std::vector<bool> is_value = find_values(uses);
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (!is_value[i]) continue;
      const Group nodes = *words[i];
      children.values[""].insert(children.values[""].end(), nodes.begin(), nodes.end());
      children.literals.erase(tree_.node(nodes.front()).key.text);
    }
  }

  // Whether literals that look like identifiers are values of a parameter.
  bool are_values(const Group& candidates, bool beside_values, const std::vector<RouteSegment>& before) const {
    if (beside_values) return true;
    std::map<std::string, SegmentClass> texts;
    for (NodeIndex node : candidates) texts[tree_.node(node).key.text] = tree_.node(node).key.kind;
    bool codes = std::all_of(texts.begin(), texts.end(), [](const auto& t) { return t.second == SegmentClass::code; });
    if (codes) return texts.size() >= 3;
    return texts.size() > 1 || !looks_like_version(texts.begin()->first, before);
  }

  ParameterEvidence evidence_of(const Group& nodes, const std::vector<RouteSegment>& segments) const {
    ParameterEvidence evidence;
    std::array<DistinctCounter, kSegmentClasses> values;
    std::map<std::string, SegmentClass> literals;
    for (NodeIndex index : nodes) {
      const PathTree::Node& node = tree_.node(index);
      evidence.visits += tree_.requests_below(index);
      if (node.key.folded) {
        values[static_cast<std::size_t>(node.key.kind)].merge(node.values);
      } else {
        literals[node.key.text] = node.key.kind;
      }
    }
    for (std::size_t i = 0; i < kSegmentClasses; ++i) evidence.classes[i] = values[i].estimate();
    for (const auto& [text, kind] : literals) ++evidence.classes[static_cast<std::size_t>(kind)];
    for (std::uint64_t count : evidence.classes) evidence.distinct += count;
    evidence.name = name_for(evidence, segments);
    return evidence;
  }

  static std::string name_for(const ParameterEvidence& evidence, const std::vector<RouteSegment>& segments) {
    std::string base;
    if (!segments.empty() && !segments.back().is_parameter) base = camel_case(singular(segments.back().text));
    SegmentClass kind = evidence.main_class();
    bool speaks = kind == SegmentClass::date || kind == SegmentClass::date_time || kind == SegmentClass::email;
    bool name = kind == SegmentClass::word || kind == SegmentClass::code;
    if (speaks) base = kind == SegmentClass::email ? "email" : "date";
    if (base.empty())
      base = name ? "name" : "id";
    else if (!speaks && !name)
      base += "Id";
    // Names in one template differ.
    std::string unique = base;
    for (int number = 2;; ++number) {
      bool taken = std::any_of(segments.begin(), segments.end(), [&](const RouteSegment& segment) {
        return segment.is_parameter && segment.evidence.name == unique;
      });
      if (!taken) return unique;
      unique = base + std::to_string(number);
    }
  }

  const PathTree& tree_;
  std::vector<Route> routes_;
};

}  // namespace

SegmentClass ParameterEvidence::main_class() const {
  auto most = std::max_element(classes.begin(), classes.end());
  return static_cast<SegmentClass>(most - classes.begin());
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

std::vector<Route> routes_of(const PathTree& tree) {
  return View(tree).routes();
}

}  // namespace specular
