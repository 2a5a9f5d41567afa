#include "tests/analyzers/discovery/trees.h"

#include <algorithm>

#include <fmt/format.h>

#include "analyzers/epoch.h"

namespace specular::test {
namespace {

std::string counts_of(const EndpointSummary& summary) {
  std::string text = fmt::format(" {} requests", summary.requests);
  for (const auto& [status, count] : summary.statuses.entries()) text += fmt::format(" {}:{}", status, count);
  return text;
}

void gather(const PathTree& tree, PathTree::NodeIndex index, bool values, Lines& lines) {
  const PathTree::Node& node = tree.node(index);
  std::string path = to_text(tree.path_of(index));
  for (PathTree::LeafIndex number : node.leaves) {
    const PathTree::Leaf& leaf = tree.leaf(number);
    lines.push_back(leaf.method + " " + path + counts_of(leaf.summary));
  }
  if (values && node.key.folded) lines.push_back(fmt::format("{} stands for {} values", path, node.values.estimate()));
  for (PathTree::NodeIndex child : node.children) gather(tree, child, values, lines);
}

Lines sorted(Lines lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::string random_value(Random& random) {
  std::uint64_t number = random();
  switch (random() % 9) {
    case 0: return fmt::format("{}", 1 + number % 12);
    case 1: return fmt::format("{}", 10'000'000 + number % 30);
    case 2: return fmt::format("123e4567-e89b-12d3-a456-4266141740{:02x}", number % 40);
    case 3: return fmt::format("A{}{}", 100 + number % 12, "X");
    case 4: return fmt::format("{}.5", number % 6);
    case 5: return number % 2 == 0 ? "true" : "false";
    case 6: return fmt::format("2024-01-{:02}", 1 + number % 28);
    case 7: return fmt::format("v{}", 1 + number % 4);
    default: return fmt::format("user{}@example.com", number % 10);
  }
}

}  // namespace

bool Tree::add(const Request& request) {
  PathTree::LeafRef ref = tree.find_or_add(request.method, request.path);
  PathTree::Leaf* leaf = tree.resolve(ref);
  if (leaf == nullptr) return false;
  ++leaf->summary.requests;
  ++leaf->requests_ever;
  leaf->summary.statuses.add(request.status);
  for (const std::string& name : request.names) {
    leaf->summary.names.add(static_cast<std::uint32_t>(fast_hash(HashKey{}, as_bytes(name)) >> 32));
  }
  tree.touch(ref);
  return true;
}

void Tree::tell(Tree& judge) {
  tree.visit_dirty(
      [&](PathTree::Leaf& leaf) {
        PathTree::LeafRef ref = judge.tree.find_or_add(leaf.method, tree.path_of(leaf.node));
        if (PathTree::Leaf* into = judge.tree.resolve(ref)) {
          into->summary.merge(leaf.summary);
          into->requests_ever += leaf.summary.requests;
          judge.tree.touch(ref);
        }
        leaf.summary.clear();
      },
      [&](PathTree::Node& node, PathTree::NodeIndex index) {
        judge.tree.merge_values(tree.path_of(index), node.values);
        node.values.clear();
      });
}

Lines leaves_of(const PathTree& tree) {
  Lines lines;
  gather(tree, PathTree::kRoot, false, lines);
  return sorted(std::move(lines));
}

Lines contents_of(const PathTree& tree) {
  Lines lines;
  gather(tree, PathTree::kRoot, true, lines);
  return sorted(std::move(lines));
}

Lines routes_text(const PathTree& tree) {
  Lines lines;
  for (const Route& route : routes_of(tree)) {
    std::string line = route.method + " " + route.path() + counts_of(route.summary);
    for (const RouteSegment& segment : route.segments) {
      if (!segment.is_parameter) continue;
      line += fmt::format(" ({}: {} distinct in {} visits, {})", segment.evidence.name, segment.evidence.distinct,
                          segment.evidence.visits, segment.evidence.type());
    }
    lines.push_back(line);
  }
  return sorted(std::move(lines));
}

Lines route_paths(const PathTree& tree) {
  Lines lines;
  for (const Route& route : routes_of(tree)) lines.push_back(route.method + " " + route.path());
  return lines;
}

Requests random_traffic(Random& random, const TrafficShape& shape) {
  static constexpr const char* kNames[] = {"users", "orders", "items", "search", "api", "files"};
  static constexpr const char* kMethods[] = {"GET", "POST", "DELETE"};
  static constexpr const char* kSuffixes[] = {".json", ":cancel", ""};
  static constexpr std::uint16_t kStatuses[] = {200, 201, 401, 404, 500};
  Requests requests;
  for (std::size_t i = 0; i < shape.requests; ++i) {
    Request request{kMethods[random() % 3], "", kStatuses[random() % 5]};
    for (std::size_t depth = 1 + random() % 4; depth > 0; --depth) {
      bool value = random() % 2 == 0;
      request.path += "/" + (value ? random_value(random) : std::string(kNames[random() % 6]));
      if (value && shape.suffixes && random() % 2 == 0) request.path += kSuffixes[random() % 3];
    }
    if (request.status == 200) request.names = {"id", kNames[random() % 6], kNames[random() % 6]};
    requests.push_back(request);
  }
  for (std::size_t i = 0; i < shape.slugs; ++i) {
    // Names and values at one place, with names and values below them.
    std::string slug = fmt::format("{}-{}-{}", kNames[random() % 6], kNames[random() % 6], random() % 40);
    std::string path = "/shops/" + (random() % 5 == 0 ? std::string(kNames[random() % 6]) : slug);
    if (random() % 2 == 0) path += std::string("/") + kNames[random() % 3];
    if (random() % 3 == 0) path += "/" + slug;
    requests.push_back({kMethods[random() % 3], path, kStatuses[random() % 5], {"id", kNames[random() % 3]}});
  }
  for (std::size_t i = 0; i < shape.words; ++i) {
    std::string path = fmt::format("/tags/{}{}", static_cast<char>('a' + i % 26), std::string(1 + i / 26, 'q'));
    requests.push_back({"GET", path, 200});
    if (i % 50 == 0) requests.push_back({"GET", path + "/related", 200});
  }
  return requests;
}

}  // namespace specular::test
