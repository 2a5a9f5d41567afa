#include "analyzers/discovery/endpoints.h"

#include <algorithm>
#include <map>
#include <set>

#include "analyzers/names.h"

namespace specular {
namespace {

// How many paths must be answered alike before a host is taken for one that answers everything.
constexpr std::size_t kCatchAllPaths = 8;
constexpr std::size_t kCatchAllParents = 3;
// How many hosts of one server must be alike before it is taken for one that answers to any name.
constexpr std::size_t kAnyHost = 8;
constexpr std::uint64_t kRareRequests = 3;

constexpr std::string_view kStaticExtensions[] = {"js",  "mjs",  "css",  "map", "png",  "jpg",   "jpeg", "gif", "svg",
                                                  "ico", "webp", "avif", "bmp", "woff", "woff2", "ttf",  "otf", "eot",
                                                  "mp4", "webm", "mp3",  "ogg", "wav",  "wasm",  "swf"};

bool is_static_type(std::string_view type) {
  return type == "text/css" || type.ends_with("javascript") || type.starts_with("image/") ||
         type.starts_with("font/") || type.starts_with("video/") || type.starts_with("audio/") ||
         type == "application/wasm" || type.starts_with("application/font") || type.starts_with("application/x-font");
}

bool is_page_type(std::string_view type) {
  return type == "text/html" || type == "application/xhtml+xml";
}

std::string_view extension_of(const Route& route) {
  if (route.segments.empty()) return {};
  std::string_view last = route.segments.back().text;
  auto dot = last.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : last.substr(dot + 1);
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
  auto extension = extension_of(route);
  bool named_static =
      std::find(std::begin(kStaticExtensions), std::end(kStaticExtensions), extension) != std::end(kStaticExtensions);
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
  return !statuses.empty() && std::all_of(statuses.begin(), statuses.end(), [](const auto& s) {
    return s.first == 401 || s.first == 403 || s.first == 407;
  });
}

// Answers that many unlike paths of one host have in common, by method.
class CatchAll {
 public:
  explicit CatchAll(const PathTree& tree) { gather(tree, PathTree::kRoot, ""); }

  // Whether all that answers ever were is what anything is answered.
  bool covers(const std::string& method, const EndpointSummary& summary) const {
    return all_common(answers_, method, summary.answers) || all_common(echoes_, method, summary.echoes);
  }

 private:
  struct Paths {
    std::size_t count = 0, at_root = 0;
    std::set<std::string> parents;
  };
  using Common = std::map<std::pair<std::string, std::uint64_t>, Paths>;

  void gather(const PathTree& tree, PathTree::NodeIndex index, const std::string& parent) {
    const PathTree::Node& node = tree.node(index);
    for (PathTree::LeafIndex leaf_index : node.leaves) {
      const PathTree::Leaf& leaf = tree.leaf(leaf_index);
      if (!leaf.exists || index == PathTree::kRoot) continue;
      std::size_t paths = node.key.folded ? std::max<std::size_t>(1, node.values.estimate()) : 1;
      note(answers_, leaf.method, leaf.summary.answers, paths, parent);
      note(echoes_, leaf.method, leaf.summary.echoes, paths, parent);
    }
    std::string here = parent + "/" + node.key.text;
    for (PathTree::NodeIndex child : node.children) gather(tree, child, here);
  }

  // Only paths with one answer count: an endpoint that lives answers differently now and then.
  template <class Answers>
  void note(Common& common, const std::string& method, const Answers& answers, std::size_t paths,
            const std::string& parent) {
    if (answers.entries().size() != 1 || answers.others() > 0) return;
    Paths& seen = common[{method, answers.entries().front().first}];
    seen.count += paths;
    if (parent == "/") seen.at_root += paths;
    if (seen.parents.size() < kCatchAllParents) seen.parents.insert(parent);
  }

  template <class Answers>
  static bool all_common(const Common& common, const std::string& method, const Answers& answers) {
    if (answers.empty() || answers.others() > 0) return false;
    return std::all_of(answers.entries().begin(), answers.entries().end(), [&](const auto& answer) {
      auto found = common.find({method, answer.first});
      if (found == common.end() || found->second.count < kCatchAllPaths) return false;
      return found->second.at_root >= kCatchAllPaths || found->second.parents.size() >= kCatchAllParents;
    });
  }

  Common answers_, echoes_;
};

// Hosts that only a client made up: a server that answers to any name gives each of them the same few answers.
class MadeUpHosts {
 public:
  explicit MadeUpHosts(const Inventory& inventory) {
    std::map<std::string, std::vector<const HostKey*>> alike;
    for (const auto& [key, host] : inventory.hosts()) {
      std::string fingerprint = fingerprint_of(*host.tree);
      if (!fingerprint.empty()) alike[key.network + "\n" + fingerprint].push_back(&key);
    }
    for (const auto& [fingerprint, keys] : alike) {
      if (keys.size() >= kAnyHost) made_up_.insert(keys.begin(), keys.end());
    }
  }

  bool contains(const HostKey& key) const { return made_up_.contains(&key); }

 private:
  // Server, paths and answers of a host that was rarely asked; empty for others.
  static std::string fingerprint_of(const PathTree& tree) {
    std::string fingerprint;
    std::uint64_t requests = 0;
    append(tree, PathTree::kRoot, fingerprint, requests);
    return requests <= kRareRequests ? fingerprint : std::string();
  }

  static void append(const PathTree& tree, PathTree::NodeIndex index, std::string& out, std::uint64_t& requests) {
    const PathTree::Node& node = tree.node(index);
    for (PathTree::LeafIndex leaf_index : node.leaves) {
      const PathTree::Leaf& leaf = tree.leaf(leaf_index);
      requests += leaf.summary.requests;
      if (!leaf.exists || requests > kRareRequests) continue;
      out += leaf.method;
      for (const auto& [server, count] : leaf.summary.servers.entries()) out += " " + server.text();
      for (const auto& [answer, count] : leaf.summary.answers.entries()) out += " " + std::to_string(answer);
    }
    for (PathTree::NodeIndex child : node.children) append(tree, child, out, requests);
  }

  std::set<const HostKey*> made_up_;
};

void add_endpoints(const HostKey& key, const PathTree& tree, std::vector<Endpoint>& out) {
  CatchAll catch_all(tree);
  std::vector<Route> routes = routes_of(tree);
  std::set<std::string> read_by_get;
  for (const Route& route : routes) {
    if (route.method == "GET" && route.summary.exists()) read_by_get.insert(route.path());
  }
  for (Route& route : routes) {
    if (!route.summary.exists() || catch_all.covers(route.method, route.summary)) continue;
    if (route.method == "HEAD" && read_by_get.contains(route.path())) continue;
    Endpoint endpoint;
    endpoint.host = key;
    endpoint.kind = kind_of(route);
    endpoint.denied_only = denied_only(route.summary);
    endpoint.route = std::move(route);
    out.push_back(std::move(endpoint));
  }
}

}  // namespace

const char* to_text(EndpointKind kind) {
  switch (kind) {
    case EndpointKind::api: return "api";
    case EndpointKind::static_file: return "static";
    case EndpointKind::web: return "web";
    case EndpointKind::preflight: return "preflight";
  }
  return "";
}

std::vector<Endpoint> endpoints_of(const Inventory& inventory) {
  std::vector<Endpoint> endpoints;
  MadeUpHosts made_up(inventory);
  for (const auto& [key, host] : inventory.hosts()) {
    if (!made_up.contains(key)) add_endpoints(key, *host.tree, endpoints);
  }
  return endpoints;
}

}  // namespace specular
