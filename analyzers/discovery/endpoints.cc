#include "analyzers/discovery/endpoints.h"

#include <algorithm>
#include <map>
#include <set>

#include "analyzers/discovery/credential_view.h"
#include "analyzers/discovery/host_groups.h"
#include "analyzers/epoch.h"
#include "analyzers/names.h"

namespace specular {
namespace {

// How many paths, each rarely asked for, must be answered alike before a host is taken for one that answers everything:
// more where methods do something, since all commands may be answered by the same few bytes.
constexpr std::size_t kCatchAllReads = 8, kCatchAllWrites = 24;
constexpr std::size_t kCatchAllParents = 3;
// How many hosts of one server must be alike before it is taken for one that answers to any name: in what they were
// rarely asked and answered; more, if they were asked somewhat more often, or are alike in their answers alone.
constexpr std::size_t kAnyHost = 8, kAnyHostElse = 32;
constexpr std::uint64_t kRareRequests = 3, kFewRequests = 16;

bool is_static_type(std::string_view type) {
  return type == "text/css" || type.ends_with("javascript") || type.starts_with("image/") ||
         type.starts_with("font/") || type.starts_with("video/") || type.starts_with("audio/") ||
         type == "application/wasm" || type.starts_with("application/font") || type.starts_with("application/x-font");
}

bool is_page_type(std::string_view type) {
  return type == "text/html" || type == "application/xhtml+xml";
}

template <class Predicate>
bool all_types(const EndpointSummary& summary, Predicate predicate) {
  const auto& types = summary.response_types.entries();
  return !types.empty() && std::all_of(types.begin(), types.end(), [&](const auto& t) { return predicate(t.first); });
}

bool has_parameters(const Route& route) {
  return !route.summary.query.parameters().empty() ||
         std::any_of(route.segments.begin(), route.segments.end(), [](const auto& s) { return s.is_parameter; });
}

bool only_redirects(const EndpointSummary& summary) {
  const auto& statuses = summary.statuses.entries();
  return !statuses.empty() && std::all_of(statuses.begin(), statuses.end(),
                                          [](const auto& s) { return s.first / 100 == 3 && s.first != 304; });
}

EndpointKind kind_of(const Route& route) {
  const EndpointSummary& summary = route.summary;
  if (route.method == "OPTIONS") return EndpointKind::preflight;
  bool reads = route.method == "GET" || route.method == "HEAD";
  bool named_static = !route.segments.empty() && is_static_file(route.segments.back().text);
  bool api_types = !summary.response_types.empty() && !all_types(summary, [](std::string_view type) {
    return is_static_type(type) || is_page_type(type) || type == "application/octet-stream" || type == "text/plain";
  });
  if (reads && named_static && !api_types) return EndpointKind::static_file;
  if (reads && !has_parameters(route) && all_types(summary, is_static_type)) return EndpointKind::static_file;
  if (all_types(summary, [](std::string_view type) { return is_page_type(type) || is_static_type(type); }) &&
      !all_types(summary, is_static_type)) {
    return EndpointKind::web;
  }
  if (reads && summary.response_types.empty() && only_redirects(summary)) return EndpointKind::web;
  return EndpointKind::api;
}

bool denied_only(const EndpointSummary& summary) {
  const auto& statuses = summary.statuses.entries();
  return !statuses.empty() &&
         std::all_of(statuses.begin(), statuses.end(), [](const auto& s) { return says_denied(s.first); });
}

// Answers that many unlike paths of one host have in common, by method.
class CatchAll {
 public:
  CatchAll(const PathTree& tree, const std::vector<Route>& routes) {
    for (const Route& route : routes) gather(tree, route);
  }

  // Whether all that answers ever were is what anything is answered.
  bool covers(const std::string& method, const EndpointSummary& summary) const {
    // Who answers nothing, with success, to what is asked for often, need not answer that to anything.
    if (summary.requests > kFewRequests && summary.response_bytes.quantile(0.5) == 0) return false;
    return all_common(answers_, method, summary.answers, 1) ||
           (summary.echoes.total() == summary.answers.total() && all_common(echoes_, method, summary.echoes, 2));
  }

 private:
  // Identifiers below a name are one path: that these are answered alike says nothing.
  struct Siblings {
    std::size_t names = 0;
    bool identifiers = false;
    bool anywhere = false;  // no name stands before them
    std::size_t paths() const { return names + (identifiers ? 1 : 0); }
  };
  struct Paths {
    std::map<std::string, Siblings> by_parent;
    std::set<std::size_t> lengths;  // of paths; two say that there are several
    const Route* last = nullptr;    // that was counted
  };
  using Common = std::map<std::pair<std::string, std::uint64_t>, Paths>;

  void gather(const PathTree& tree, const Route& route) {
    if (route.segments.empty()) return;
    Route above = route;
    above.segments.pop_back();
    std::string parent = above.path();
    // Without a name before it, a parameter is whatever anybody asked for.
    bool anywhere =
        std::all_of(above.segments.begin(), above.segments.end(), [](const auto& s) { return s.is_parameter; });
    bool parameter = route.segments.back().is_parameter;
    for (PathTree::LeafIndex index : route.leaves) {
      const PathTree::Leaf& leaf = tree.leaf(index);
      const PathTree::Node& node = tree.node(leaf.node);
      std::size_t values = node.key.folded ? std::max<std::size_t>(1, node.values.estimate()) : 1;
      if (!leaf.summary.exists() || leaf.summary.requests > kRareRequests * values) continue;
      for (Paths* paths : {find_paths(answers_, leaf.method, leaf.summary.answers),
                           find_paths(echoes_, leaf.method, leaf.summary.echoes)}) {
        if (paths == nullptr) continue;
        Siblings& siblings = paths->by_parent[parent];
        siblings.anywhere = anywhere;
        // However many values stand before it, a name is one.
        if (parameter && anywhere) siblings.names += values;
        if (!parameter && std::exchange(paths->last, &route) != &route) ++siblings.names;
        siblings.identifiers = siblings.identifiers || (parameter && !anywhere);
        if (paths->lengths.size() < 2) paths->lengths.insert(to_text(tree.path_of(leaf.node)).size());
      }
    }
  }

  // Only paths with one answer count: an endpoint that lives answers differently now and then.
  template <class Answers>
  static Paths* find_paths(Common& common, const std::string& method, const Answers& answers) {
    if (answers.entries().size() != 1 || answers.others() > 0) return nullptr;
    return &common[{method, answers.entries().front().first}];
  }

  template <class Answers>
  static bool all_common(const Common& common, const std::string& method, const Answers& answers,
                         std::size_t least_lengths) {
    if (answers.empty() || answers.others() > 0) return false;
    std::size_t least = method == "GET" || method == "HEAD" ? kCatchAllReads : kCatchAllWrites;
    return std::all_of(answers.entries().begin(), answers.entries().end(), [&](const auto& answer) {
      auto found = common.find({method, answer.first});
      if (found == common.end() || found->second.lengths.size() < least_lengths) return false;
      return is_any_path(found->second, least);
    });
  }

  static bool is_any_path(const Paths& paths, std::size_t least) {
    std::size_t all = 0;
    for (const auto& [parent, siblings] : paths.by_parent) {
      if (siblings.anywhere && siblings.names >= least) return true;
      all += siblings.paths();
    }
    return all >= least && paths.by_parent.size() >= kCatchAllParents;
  }

  Common answers_, echoes_;
};

// Hosts that only a client made up: a server that answers to any name gives each of them the same few answers. What the
// user has grouped, or says something of, is not made up.
class MadeUpHosts {
 public:
  explicit MadeUpHosts(const Inventory& inventory) {
    for (const auto& [key, host] : inventory.hosts()) {
      if (inventory.corrections.speaks_of(key)) continue;
      Fingerprint fingerprint;
      add(*host.tree, PathTree::kRoot, fingerprint);
      if (fingerprint.paths.empty() || fingerprint.requests > kFewRequests) continue;
      note(key, "few requests\n" + fingerprint.paths, kAnyHostElse);
      if (fingerprint.requests > kRareRequests) continue;
      note(key, "rare requests\n" + fingerprint.paths, kAnyHost);
      note(key, "answers\n" + fingerprint.answers, kAnyHostElse);
    }
    for (const auto& [fingerprint, group] : groups_) {
      if (group.hosts.size() >= group.least) made_up_.insert(group.hosts.begin(), group.hosts.end());
    }
  }

  bool contains(const HostKey& key) const { return made_up_.contains(&key); }

 private:
  // What a host was asked and answered, by which server; and its answers alone.
  struct Fingerprint {
    std::string paths, answers;
    std::uint64_t requests = 0;
  };

  static void add(const PathTree& tree, PathTree::NodeIndex index, Fingerprint& out) {
    const PathTree::Node& node = tree.node(index);
    for (PathTree::LeafIndex leaf_index : node.leaves) {
      const PathTree::Leaf& leaf = tree.leaf(leaf_index);
      out.requests += leaf.summary.requests;
      if (!leaf.summary.exists() || out.requests > kRareRequests) continue;
      std::string answers = leaf.method;
      for (const auto& [server, count] : leaf.summary.servers.entries()) answers += " " + server.text();
      for (const auto& [answer, count] : leaf.summary.answers.entries()) answers += " " + std::to_string(answer);
      out.answers += answers + "\n";
      out.paths += to_text(tree.path_of(index)) + " " + answers + "\n";
    }
    for (PathTree::NodeIndex child : node.children) add(tree, child, out);
  }

  void note(const HostKey& key, const std::string& likeness, std::size_t least) {
    Group& group = groups_[key.network + "\n" + likeness];
    group.hosts.push_back(&key);
    group.least = least;
  }

  struct Group {
    std::vector<const HostKey*> hosts;
    std::size_t least = 0;
  };
  std::map<std::string, Group> groups_;
  std::set<const HostKey*> made_up_;
};

void add_endpoints(const HostKey& key, const PathTree& tree, const Corrections& corrections,
                   std::vector<Endpoint>& out) {
  std::vector<Route> routes = routes_of(tree, corrections.rules_of(key));
  CatchAll catch_all(tree, routes);
  std::set<std::string> read_by_get, one_time = one_time_values(routes);
  for (const Route& route : routes) {
    if (route.method == "GET" && route.summary.exists()) read_by_get.insert(route.path());
  }
  for (Route& route : routes) {
    if (!route.summary.exists() || route.method == PathTree::kOtherMethods) continue;
    if (!route.stated && catch_all.covers(route.method, route.summary)) continue;
    if (route.method == "HEAD" && read_by_get.contains(route.path())) continue;
    Endpoint endpoint;
    endpoint.host = key;
    endpoint.kind = kind_of(route);
    endpoint.denied_only = denied_only(route.summary);
    if (const Correction* ignoring = corrections.ignoring(key, route)) endpoint.ignored_by = ignoring->id();
    for (const auto& [way, count] : route.summary.auth.entries()) {
      if (one_time.contains(way)) endpoint.one_time.push_back(way);
    }
    endpoint.route = std::move(route);
    out.push_back(std::move(endpoint));
  }
}

}  // namespace

bool Endpoint::authenticates(std::string_view way) const {
  return !way.empty() && std::find(one_time.begin(), one_time.end(), way) == one_time.end();
}

const char* to_text(EndpointKind kind) {
  switch (kind) {
    case EndpointKind::api: return "api";
    case EndpointKind::static_file: return "static";
    case EndpointKind::web: return "web";
    case EndpointKind::preflight: return "preflight";
  }
  return "";
}

std::vector<Endpoint> known_endpoints_of(const Inventory& inventory) {
  std::vector<Endpoint> endpoints;
  MadeUpHosts made_up(inventory);
  for (const auto& [key, members] : shown_hosts(inventory)) {
    if (members.size() == 1 && made_up.contains(*members.front().key)) continue;
    std::size_t before = endpoints.size();
    if (members.size() == 1) {
      add_endpoints(key, *members.front().host->tree, inventory.corrections, endpoints);
    } else {
      add_endpoints(key, MergedTree(members, inventory.hash_key()).tree(), inventory.corrections, endpoints);
    }
    bool group = key != *members.front().key || members.size() > 1;
    for (std::size_t i = before; group && i < endpoints.size(); ++i) endpoints[i].member = members.front().key->host;
  }
  return endpoints;
}

std::vector<Endpoint> endpoints_of(const Inventory& inventory) {
  std::vector<Endpoint> endpoints = known_endpoints_of(inventory);
  std::erase_if(endpoints, [](const Endpoint& endpoint) { return !endpoint.ignored_by.empty(); });
  return endpoints;
}

}  // namespace specular
