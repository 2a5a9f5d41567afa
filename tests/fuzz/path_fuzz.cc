// Paths: one spelling is final, every segment has a class, and the path tree keeps its books: its leaves are those that
// a store would hold, its ceilings hold, and what it looks like depends neither on the order in which paths came, nor
// on how they were spread over shards.
//
// Input: as text, a request target; and as steps, a byte of options, then requests: how many segments, which method and
// status, and a byte for each segment.
#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "analyzers/epoch.h"
#include "tests/fuzz/fuzz.h"

namespace specular::fuzz {
namespace {

void check_spelling(std::string_view target) {
  std::string path, again;
  normalise_path(target, path);
  require(path.starts_with('/') && path.size() <= kMaxPath, "a path begins with a slash and has a limit");
  require(std::count(path.begin(), path.end(), '/') <= static_cast<std::ptrdiff_t>(kMaxSegments),
          "a path has no more segments than allowed");
  normalise_path(path, again);
  require(again == path, "a normalised path stays as it is");
  touch(query_of(target));
}

void check_class(std::string_view text) {
  // In memory of its own, so that the sanitisers see its end.
  std::vector<char> copy(text.begin(), text.end());
  std::string_view segment(copy.data(), copy.size());
  SegmentShape shape = classify_segment(segment);
  require(static_cast<std::size_t>(shape.kind) < kSegmentClasses, "a segment has a class");
  require(segment.ends_with(shape.suffix) && shape.suffix.size() < std::max<std::size_t>(segment.size(), 1),
          "a suffix is the end of a segment, not all of it");
  require(shape.suffix.empty() || shape.kind != SegmentClass::word, "a word has no suffix");
  require(static_cast<std::size_t>(classify_value(segment)) < kSegmentClasses, "a value has a class");
}

// Sixteen of each kind, so that every class can have more literals than are kept beside each other.
std::string segment_of(std::uint8_t code) {
  std::size_t n = code >> 4;
  std::string letter(1, static_cast<char>('a' + n)), two = std::to_string(10 + n);
  switch (code & 15) {
    case 0: return "word" + letter;
    case 1: return "page" + letter + ".html";
    case 2: return std::to_string(n);
    case 3: return std::to_string(n) + ".json";
    case 4: return "v" + std::to_string(n);
    case 5: return "v" + std::to_string(n) + ":cancel";
    case 6: return "sku" + two + letter;
    case 7: return "sku" + two + letter + ".xml";
    case 8: return "sku" + two + letter + ":copy";
    case 9: return std::to_string(n) + ".5";
    case 10: return n % 2 == 0 ? "true" : "false";
    case 11: return "12345" + two;
    case 12: return "6ba7b810-9dad-11d1-80b4-00c04fd430" + two;
    case 13: return "6ba7b810-9dad-11d1-80b4-00c04fd430" + two + ".json";
    case 14: return "2026-03-" + two;
    default: return "user" + letter + "@example.com";
  }
}

struct Request {
  std::string method, path;
  std::uint16_t status = 0;
  bool ends_epoch = false;
};

std::vector<Request> read_requests(Input input) {
  constexpr std::array<const char*, 4> kMethods = {"GET", "POST", "PUT", "DELETE"};
  constexpr std::array<std::uint16_t, 4> kStatuses = {200, 404, 201, 405};
  std::vector<Request> requests;
  while (!input.empty()) {
    std::uint8_t what = input.u8();
    Request request{kMethods[what >> 2 & 3], "", kStatuses[what >> 4 & 3], (what & 0xc0) == 0xc0};
    for (int segments = what & 3; segments >= 0; --segments) request.path += "/" + segment_of(input.u8());
    requests.push_back(std::move(request));
  }
  return requests;
}

using Rows = std::set<std::pair<std::string, std::string>>;  // path and method

void add_rows(const PathTree& tree, PathTree::NodeIndex index, Rows& rows) {
  const PathTree::Node& node = tree.node(index);
  SegmentPath path = tree.path_of(index);
  std::string text = to_text(path);
  auto read = parse_path(text);
  require(read && *read == path, "a path of the tree survives being written");
  require(index == PathTree::kRoot || !node.children.empty() || !node.leaves.empty(), "no node leads nowhere");
  if (node.key.folded) rows.insert({text, ""});
  std::string_view last;
  for (PathTree::LeafIndex leaf : node.leaves) {
    require(tree.leaf(leaf).node == index, "a leaf knows its node");
    require(last < tree.leaf(leaf).method, "the leaves of a node ascend by method");
    last = tree.leaf(leaf).method;
    require(rows.insert({text, tree.leaf(leaf).method}).second, "a method at a path is there once");
  }
  for (PathTree::NodeIndex child : node.children) {
    require(tree.node(child).parent == index, "a node knows its parent");
    add_rows(tree, child, rows);
  }
}

// All leaves, and the folded nodes under the empty method, as a store has them.
Rows rows_of(const PathTree& tree) {
  Rows rows;
  add_rows(tree, PathTree::kRoot, rows);
  auto leaves = std::count_if(rows.begin(), rows.end(), [](const auto& row) { return !row.second.empty(); });
  require(static_cast<std::size_t>(leaves) == tree.leaf_count(), "all leaves can be reached");
  return rows;
}

void request_once(PathTree& tree, const Request& request) {
  PathTree::LeafRef ref = tree.find_or_add(request.method, request.path);
  PathTree::Leaf* leaf = tree.resolve(ref);
  if (leaf == nullptr) return;
  leaf->summary.statuses.add(request.status);
  ++leaf->summary.requests;
  ++leaf->requests_ever;
  tree.touch(ref);
}

// One epoch as the judge commits it: removed rows first.
void commit(PathTree& tree, Rows& store) {
  for (const auto& removed : tree.take_removed()) store.erase({to_text(removed.path), removed.method});
  tree.visit_dirty(
      [&](PathTree::Leaf& leaf) {
        store.insert({to_text(tree.path_of(leaf.node)), leaf.method});
      },
      [&](PathTree::Node&, PathTree::NodeIndex node) {
        store.insert({to_text(tree.path_of(node)), ""});
      });
}

// A tree with low ceilings, and the store behind it.
void check_books(const std::vector<Request>& requests, std::uint8_t options) {
  LeafCeiling ceiling;
  ceiling.limit = 4u + (options & 63u);
  {
    PathTree tree(ceiling, 10 + (options >> 6), HashKey{});
    tree.remember_removed();
    Rows store;
    for (const Request& request : requests) {
      request_once(tree, request);
      require(tree.leaf_count() == ceiling.used && ceiling.used <= ceiling.limit, "the ceiling is kept, and counted");
      if (request.ends_epoch) commit(tree, store);
    }
    commit(tree, store);
    require(store == rows_of(tree), "the store has what the tree has");
  }
  require(ceiling.used == 0, "a tree that is gone gives all back");
}

struct Tree {
  LeafCeiling ceiling{1'000'000, 0};
  PathTree tree{ceiling, 1'000'000, HashKey{}};
};

// As the judge takes over what a shard has learned.
void merge_into(PathTree& into, const PathTree& from) {
  for (const auto& [text, method] : rows_of(from)) {
    auto path = parse_path(text);
    if (!method.empty()) into.touch(into.find_or_add(method, *path));
    if (method.empty()) into.merge_values(*path, DistinctCounter{});
  }
}

void check_order(std::vector<Request> requests) {
  Tree as_they_came, sorted, merged, shards[2], restored;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    request_once(as_they_came.tree, requests[i]);
    request_once(shards[i % 2].tree, requests[i]);
  }
  std::sort(requests.begin(), requests.end(), [](const Request& a, const Request& b) { return a.path < b.path; });
  for (const Request& request : requests) request_once(sorted.tree, request);
  Rows rows = rows_of(as_they_came.tree);
  require(rows_of(sorted.tree) == rows, "a tree does not depend on the order in which paths came");
  for (const Tree& shard : shards) merge_into(merged.tree, shard.tree);
  require(rows_of(merged.tree) == rows, "a tree does not depend on how paths were spread over shards");
  for (const auto& [text, method] : rows) {
    if (!method.empty()) restored.tree.restored(restored.tree.restore(method, *parse_path(text)));
    if (method.empty()) restored.tree.restore_values(*parse_path(text), DistinctCounter{});
  }
  require(rows_of(restored.tree) == rows, "a tree that is read back is the same");
  for (const Request& request : requests) request_once(restored.tree, request);
  require(rows_of(restored.tree) == rows, "a tree that is read back goes on as it was");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = specular::as_text({data, size});
  check_spelling(text);
  check_class(text);
  Input input(data, size);
  std::uint8_t options = input.u8();
  std::vector<Request> requests = read_requests(input);
  check_books(requests, options);
  check_order(requests);
  return 0;
}

}  // namespace specular::fuzz
