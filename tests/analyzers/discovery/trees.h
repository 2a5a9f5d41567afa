// Path trees for tests: filling them, telling what is in them, and traffic whose order must not matter.
#pragma once

#include <string>
#include <vector>

#include "analyzers/discovery/path_tree.h"
#include "analyzers/discovery/routes.h"
#include "tests/analyzers/random_summary.h"
#include "tests/analyzers/site.h"

namespace specular::test {

struct Request {
  std::string method, path;
  std::uint16_t status = 200;
  Lines names = {};  // of members of the answer
};
using Requests = std::vector<Request>;

// A tree with a ceiling of its own.
struct Tree {
  explicit Tree(std::size_t max_ghosts = 1'000'000, std::size_t limit = 1'000'000)
      : ceiling{limit, 0}, tree(ceiling, max_ghosts, HashKey{}) {}

  // As the observer does it. False if there was no room.
  bool add(const Request& request);
  void add(const Requests& requests) {
    for (const Request& request : requests) add(request);
  }
  // What a shard's tree tells the judge's; its summaries are emptied.
  void tell(Tree& judge);

  LeafCeiling ceiling;
  PathTree tree;
};

// "GET /users/{integer} 3 requests 200:2 404:1", sorted.
Lines leaves_of(const PathTree& tree);
// The same with the number of values behind every folded node.
Lines contents_of(const PathTree& tree);
// "GET /users/{userId} 3 requests 200:2 404:1 (userId: 3 distinct in 3 visits)", sorted.
Lines routes_text(const PathTree& tree);
// Only "GET /users/{userId}".
Lines route_paths(const PathTree& tree);

struct TrafficShape {
  std::size_t requests = 300;
  bool suffixes = false;  // .json, :cancel
  std::size_t slugs = 0;  // requests to slugs and names beside each other
  std::size_t words = 0;  // values under one parent that look like words
};
Requests random_traffic(Random& random, const TrafficShape& shape);

}  // namespace specular::test
