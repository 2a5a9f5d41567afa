#include "analyzers/discovery/path_tree.h"

#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "analyzers/epoch.h"
#include "tests/analyzers/discovery/trees.h"

namespace specular::test {
namespace {

// GET requests to the path with each value in place of the asterisk.
Requests each(const std::string& path, const Lines& values) {
  Requests requests;
  for (const std::string& value : values) {
    std::string own = path;
    own.replace(own.find('*'), 1, value);
    requests.push_back({"GET", own, 200});
  }
  return requests;
}

// "a0", "a1" … as the format says.
Lines numbered(fmt::format_string<std::size_t&> format, std::size_t count) {
  Lines lines;
  for (std::size_t i = 0; i < count; ++i) lines.push_back(fmt::format(format, i));
  return lines;
}

// Names that no class but word fits.
Lines words(std::size_t count) {
  Lines lines;
  for (std::size_t i = 0; i < count; ++i) {
    lines.push_back(
        {static_cast<char>('a' + i % 26), static_cast<char>('a' + i / 26 % 26), static_cast<char>('a' + i / 676)});
  }
  return lines;
}

Lines leaves_after(const Requests& requests) {
  Tree tree;
  tree.add(requests);
  return leaves_of(tree.tree);
}

// Shuffles of the same requests, told one after the other to `check` as the tree they made.
template <class Check>
void in_many_orders(const TrafficShape& shape, std::uint64_t seeds, Check check) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Random random(seed);
    Requests requests = random_traffic(random, shape);
    Tree first;
    first.add(requests);
    for (int order = 0; order < 3; ++order) {
      std::shuffle(requests.begin(), requests.end(), random);
      Tree other;
      other.add(requests);
      check(seed, first, other);
    }
  }
}

// What differs between one tree of all requests, and one that was told them by three others, epoch by epoch.
std::string spread_over_three(std::uint64_t seed, const TrafficShape& shape) {
  Random random(seed);
  Tree whole, shards[3], judge;
  for (const Request& request : random_traffic(random, shape)) {
    whole.add(request);
    shards[random() % 3].add(request);
    if (random() % 20 == 0) shards[random() % 3].tell(judge);
  }
  for (Tree& shard : shards) shard.tell(judge);
  return difference(contents_of(judge.tree), contents_of(whole.tree));
}

std::size_t nodes_below(const PathTree& tree, PathTree::NodeIndex index) {
  std::size_t count = 0;
  for (PathTree::NodeIndex child : tree.node(index).children) count += 1 + nodes_below(tree, child);
  return count;
}

void copy_rows(const PathTree& from, PathTree::NodeIndex index, PathTree& into) {
  const PathTree::Node& node = from.node(index);
  SegmentPath path = from.path_of(index);
  for (PathTree::LeafIndex number : node.leaves) {
    const PathTree::Leaf& leaf = from.leaf(number);
    PathTree::LeafRef ref = into.restore(leaf.method, path);
    PathTree::Leaf* copy = into.resolve(ref);
    REQUIRE(copy != nullptr);
    copy->summary = leaf.summary;
    copy->requests_ever = leaf.summary.requests;
    into.restored(ref);
  }
  if (node.key.folded) into.restore_values(path, node.values);
  for (PathTree::NodeIndex child : node.children) copy_rows(from, child, into);
}

}  // namespace

TEST_CASE("a path is found again, by method") {
  Tree tree;
  auto get = tree.tree.find_or_add("GET", "/users/me");
  auto post = tree.tree.find_or_add("POST", "/users/me");
  CHECK(tree.tree.find_or_add("GET", "/users/me").index == get.index);
  CHECK(get.index != post.index);
  CHECK(tree.tree.leaf_count() == 2);
  CHECK(to_text(tree.tree.path_of(tree.tree.resolve(get)->node)) == "/users/me");
  auto root = tree.tree.find_or_add("GET", "/");
  CHECK(to_text(tree.tree.path_of(tree.tree.resolve(root)->node)) == "/");
  CHECK(tree.tree.resolve(PathTree::LeafRef{}) == nullptr);
}

TEST_CASE("of values that may be names so many are kept beside each other, one more folds them all") {
  struct Case {
    Lines values;
    std::size_t kept;
    const char* folded;
  };
  for (const Case& c : {Case{numbered("{}", 9), 8, "/x/{small_integer}"}, Case{numbered("{}.5", 5), 4, "/x/{number}"},
                        Case{numbered("A10{}B", 9), 8, "/x/{code}"}, Case{numbered("v{}", 65), 64, "/x/{version}"},
                        Case{words(PathTree::kMaxWords + 1), PathTree::kMaxWords, "/x/{word}"}}) {
    REQUIRE(c.values.size() == c.kept + 1);
    Requests requests = each("/x/*", c.values);
    Requests kept(requests.begin(), requests.end() - 1);
    CHECK_MESSAGE(leaves_after(kept).size() == c.kept, c.folded);
    CHECK(leaves_after(requests) == Lines{fmt::format("GET {} {} requests 200:{}", c.folded, c.kept + 1, c.kept + 1)});
  }
}

TEST_CASE("both booleans are kept as names") {
  CHECK(leaves_after(each("/x/*", {"true", "false", "true"})) ==
        Lines{"GET /x/false 1 requests 200:1", "GET /x/true 2 requests 200:2"});
}

TEST_CASE("values that no name looks like become their class at once") {
  for (auto [value, folded] : {std::pair("123e4567-e89b-12d3-a456-426614174000", "{uuid}"),
                               {"01ARZ3NDEKTSV4RRFFQ69G5FAV", "{ulid}"},
                               {"507f1f77bcf86cd799439011", "{hex}"},
                               {"2024-01-15", "{date}"},
                               {"bob@example.com", "{email}"},
                               {"192.168.1.10", "{address}"},
                               {"cus_NffrFeUfNV2Hib", "{prefixed_id}"},
                               {"1234567", "{integer}"}}) {
    CHECK(leaves_after(each("/x/*", {value})) == Lines{fmt::format("GET /x/{} 1 requests 200:1", folded)});
  }
}

TEST_CASE("different suffixes fold apart from each other") {
  Requests requests = each("/x/*", numbered("{}.json", 9));
  for (const Request& request : each("/x/*", numbered("{}:cancel", 9))) requests.push_back(request);
  for (const Request& request : each("/x/*", numbered("{}", 3))) requests.push_back(request);
  CHECK(leaves_after(requests) == Lines{"GET /x/0 1 requests 200:1", "GET /x/1 1 requests 200:1",
                                        "GET /x/2 1 requests 200:1", "GET /x/{small_integer}.json 9 requests 200:9",
                                        "GET /x/{small_integer}:cancel 9 requests 200:9"});
}

TEST_CASE("values with a suffix are not counted among those without") {
  Requests requests = each("/x/*", numbered("{}.json", 5));
  for (const Request& request : each("/x/*", numbered("{}", 5))) requests.push_back(request);
  Lines leaves = leaves_after(requests);
  CHECK(leaves.size() == 10);
  CHECK(std::count(leaves.begin(), leaves.end(), "GET /x/4 1 requests 200:1") == 1);
}

TEST_CASE("a fold merges what lies below, level by level") {
  Requests requests;
  for (int user = 1; user <= 9; ++user) {
    requests.push_back({"GET", fmt::format("/users/{}", user), 200});
    requests.push_back({"DELETE", fmt::format("/users/{}", user), 404});
    // One order each: only together they are more than are kept.
    requests.push_back({"GET", fmt::format("/users/{}/orders/{}", user, user), 200});
    requests.push_back({"GET", fmt::format("/users/{}/orders/{}/items", user, user), 200});
  }
  CHECK(leaves_after(requests) == Lines{"DELETE /users/{small_integer} 9 requests 404:9",
                                        "GET /users/{small_integer} 9 requests 200:9",
                                        "GET /users/{small_integer}/orders/{small_integer} 9 requests 200:9",
                                        "GET /users/{small_integer}/orders/{small_integer}/items 9 requests 200:9"});
}

TEST_CASE("a folded node counts the values that it stands for, each once") {
  Tree tree;
  for (int round = 0; round < 3; ++round) tree.add(each("/x/*", numbered("{}", 40)));
  CHECK(contents_of(tree.tree) ==
        Lines{"/x/{small_integer} stands for 40 values", "GET /x/{small_integer} 120 requests 200:120"});
}

TEST_CASE("a leaf that was folded is gone, or has become the folded one") {
  Tree tree;
  std::vector<PathTree::LeafRef> refs;
  for (int i = 0; i < 9; ++i) {
    refs.push_back(tree.tree.find_or_add("GET", fmt::format("/x/{}", i)));
    tree.add({"GET", fmt::format("/x/{}", i), 200});
  }
  std::size_t alive = 0;
  for (auto ref : refs) {
    PathTree::Leaf* leaf = tree.tree.resolve(ref);
    if (leaf == nullptr) continue;
    ++alive;
    CHECK(to_text(tree.tree.path_of(leaf->node)) == "/x/{small_integer}");
  }
  CHECK(alive >= 1);
  CHECK(tree.tree.resolve(refs.back()) != nullptr);
  CHECK(tree.tree.leaf_count() == 1);
  CHECK(tree.ceiling.used == 1);
}

TEST_CASE("the tree is the same in whatever order requests come") {
  in_many_orders({}, 150, [](std::uint64_t seed, const Tree& first, const Tree& other) {
    std::string unlike = difference(contents_of(other.tree), contents_of(first.tree));
    REQUIRE_MESSAGE(unlike.empty(), "seed ", seed, unlike);
  });
}

TEST_CASE("the routes are the same in whatever order requests come") {
  in_many_orders({.suffixes = true}, 100, [](std::uint64_t seed, const Tree& first, const Tree& other) {
    std::string unlike = difference(routes_text(other.tree), routes_text(first.tree));
    REQUIRE_MESSAGE(unlike.empty(), "seed ", seed, unlike);
  });
}

TEST_CASE("the routes are the same in whatever order slugs and names beside each other come") {
  in_many_orders({.requests = 40, .slugs = 300}, 40, [](std::uint64_t seed, const Tree& first, const Tree& other) {
    std::string unlike = difference(routes_text(other.tree), routes_text(first.tree));
    REQUIRE_MESSAGE(unlike.empty(), "seed ", seed, unlike);
  });
}

TEST_CASE("the routes are the same, however slugs and names are spread over three trees, and epochs are cut") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    Tree whole, shards[3], judge;
    for (const Request& request : random_traffic(random, {.requests = 40, .slugs = 300})) {
      whole.add(request);
      shards[random() % 3].add(request);
      if (random() % 20 == 0) shards[random() % 3].tell(judge);
    }
    for (Tree& shard : shards) shard.tell(judge);
    std::string unlike = difference(routes_text(judge.tree), routes_text(whole.tree));
    REQUIRE_MESSAGE(unlike.empty(), "seed ", seed, unlike);
  }
}

TEST_CASE("the tree is the same in whatever order values with and without suffix come") {
  in_many_orders({.suffixes = true}, 100, [](std::uint64_t seed, const Tree& first, const Tree& other) {
    std::string unlike = difference(contents_of(other.tree), contents_of(first.tree));
    REQUIRE_MESSAGE(unlike.empty(), "seed ", seed, unlike);
  });
}

TEST_CASE("the routes are the same in whatever order more words come than are kept") {
  in_many_orders({.requests = 20, .words = 400}, 20, [](std::uint64_t seed, const Tree& first, const Tree& other) {
    std::string unlike = difference(routes_text(other.tree), routes_text(first.tree));
    REQUIRE_MESSAGE(unlike.empty(), "seed ", seed, unlike);
  });
}

TEST_CASE("three trees told to a fourth are one tree, however requests are spread and epochs are cut") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    std::string unlike = spread_over_three(seed, {});
    REQUIRE_MESSAGE(unlike.empty(), "seed ", seed, unlike);
  }
}

TEST_CASE("three trees told to a fourth are one tree, also where values have suffixes") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    std::string unlike = spread_over_three(seed, {.suffixes = true});
    REQUIRE_MESSAGE(unlike.empty(), "seed ", seed, unlike);
  }
}

TEST_CASE("three trees told to a fourth are one tree, also with more words than are kept") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::string unlike = spread_over_three(seed, {.requests = 0, .words = 600});
    REQUIRE_MESSAGE(unlike.empty(), "seed ", seed, unlike);
  }
}

TEST_CASE("words that one shard folded are folded, whatever few of them another shard has seen") {
  Tree many, few, one_way, other_way;
  many.add(each("/x/*", words(300)));
  few.add(each("/x/*", words(3)));
  Tree many_again, few_again;
  many_again.add(each("/x/*", words(300)));
  few_again.add(each("/x/*", words(3)));
  many.tell(one_way);
  few.tell(one_way);
  few_again.tell(other_way);
  many_again.tell(other_way);
  CHECK(difference(route_paths(one_way.tree), route_paths(other_way.tree)) == "");
}

TEST_CASE("a restored tree is the one that was stored, and goes on alike") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    Tree tree, copy;
    tree.add(random_traffic(random, {.suffixes = true, .words = seed % 3 == 0 ? 400u : 0u}));
    copy_rows(tree.tree, PathTree::kRoot, copy.tree);
    REQUIRE(difference(contents_of(copy.tree), contents_of(tree.tree)) == "");
    Requests more = random_traffic(random, {.suffixes = true});
    tree.add(more);
    copy.add(more);
    REQUIRE(difference(contents_of(copy.tree), contents_of(tree.tree)) == "");
  }
}

TEST_CASE("restoring folds nothing, and marks nothing as changed") {
  Tree tree;
  for (int i = 0; i < 20; ++i) {
    SegmentPath path{{SegmentClass::word, false, "x"}, {SegmentClass::small_integer, false, std::to_string(i)}};
    auto ref = tree.tree.restore("GET", path);
    tree.tree.resolve(ref)->summary.statuses.add(200);
    tree.tree.restored(ref);
  }
  CHECK(tree.tree.leaf_count() == 20);
  std::size_t dirty = 0;
  tree.tree.visit_dirty([&](PathTree::Leaf&) { ++dirty; }, [&](PathTree::Node&, PathTree::NodeIndex) { ++dirty; });
  CHECK(dirty == 0);
}

TEST_CASE("what changed is visited once, what did not is not") {
  Tree tree;
  tree.add(each("/x/*", {"a", "b", "c"}));
  auto visited = [&] {
    Lines lines;
    tree.tree.visit_dirty(
        [&](PathTree::Leaf& leaf) { lines.push_back(to_text(tree.tree.path_of(leaf.node))); },
        [&](PathTree::Node&, PathTree::NodeIndex node) { lines.push_back(to_text(tree.tree.path_of(node))); });
    std::sort(lines.begin(), lines.end());
    return lines;
  };
  CHECK(visited() == Lines{"/x/a", "/x/b", "/x/c"});
  CHECK(visited().empty());
  tree.add({"GET", "/x/b", 200});
  tree.add({"GET", "/x/b", 200});
  CHECK(visited() == Lines{"/x/b"});
  tree.add(each("/y/*", {"2024-01-15"}));
  CHECK(visited() == Lines{"/y/{date}", "/y/{date}"});  // the leaf, and the values
}

TEST_CASE("ghosts are dropped oldest first, and counted") {
  constexpr std::size_t kMost = 20, kAdded = 100;
  Tree tree(kMost);
  for (const Request& request : each("/ghost/*", words(kAdded))) {
    tree.add({"GET", request.path, 404});
    REQUIRE(tree.tree.leaf_count() <= kMost + kMost / 4);
  }
  Lines left = leaves_of(tree.tree), newest;
  CHECK(left.size() >= kMost);
  CHECK(tree.tree.ghosts_dropped() == kAdded - left.size());
  for (const std::string& word : words(kAdded)) newest.push_back("GET /ghost/" + word + " 1 requests 404:1");
  newest.erase(newest.begin(), newest.end() - static_cast<std::ptrdiff_t>(left.size()));
  std::sort(newest.begin(), newest.end());
  CHECK(left == newest);
  CHECK(tree.ceiling.used == left.size());
}

TEST_CASE("a ghost that is asked for again is not the oldest any more") {
  constexpr std::size_t kMost = 20;
  Tree tree(kMost);
  for (const Request& request : each("/ghost/*", words(200))) {
    tree.add({"GET", request.path, 404});
    tree.add({"GET", "/ghost/favourite", 404});
  }
  Lines left = leaves_of(tree.tree);
  CHECK(std::count(left.begin(), left.end(), "GET /ghost/favourite 200 requests 404:200") == 1);
}

TEST_CASE("what a server has confirmed is never dropped for ghosts, and ghosts leave no nodes behind") {
  constexpr std::size_t kMost = 20;
  Tree tree(kMost);
  tree.add(each("/real/*", words(100)));
  for (const Request& request : each("/*/a/b/c", words(300))) tree.add({"GET", request.path, 404});
  Lines left = leaves_of(tree.tree);
  CHECK(std::count_if(left.begin(), left.end(), [](const auto& line) { return line.starts_with("GET /real/"); }) ==
        100);
  std::size_t ghosts = left.size() - 100;
  CHECK(ghosts <= kMost + kMost / 4);
  CHECK(nodes_below(tree.tree, PathTree::kRoot) == 1 + 100 + 4 * ghosts);
}

TEST_CASE("a ghost that turns out to exist is one no longer") {
  constexpr std::size_t kMost = 20;
  Tree tree(kMost);
  tree.add({"GET", "/late", 404});
  tree.add({"GET", "/late", 200});
  for (const Request& request : each("/ghost/*", words(100))) tree.add({"GET", request.path, 404});
  Lines left = leaves_of(tree.tree);
  CHECK(std::count(left.begin(), left.end(), "GET /late 2 requests 200:1 404:1") == 1);
}

TEST_CASE("at the ceiling nothing new is added, what is known goes on, and refusals are counted") {
  Tree tree(1'000'000, 10);
  Requests requests = each("/x/*", words(30));
  for (std::size_t i = 0; i < requests.size(); ++i) REQUIRE(tree.add(requests[i]) == (i < 10));
  CHECK(tree.ceiling.used == 10);
  CHECK(tree.tree.leaf_count() == 10);
  CHECK(tree.tree.refused() == 20);
  CHECK(tree.add(requests[3]));
  CHECK_FALSE(tree.add({"POST", requests[3].path, 200}));
  CHECK_FALSE(tree.add({"GET", "/2024-01-15/y", 200}));
  CHECK(nodes_below(tree.tree, PathTree::kRoot) == 1 + 10);
}

TEST_CASE("the ceiling is shared, and given back when a tree ends or folds") {
  LeafCeiling ceiling{10, 0};
  {
    PathTree one(ceiling, 100, HashKey{}), other(ceiling, 100, HashKey{});
    for (int i = 0; i < 6; ++i) (void)one.find_or_add("GET", fmt::format("/{}x", static_cast<char>('a' + i)));
    CHECK(ceiling.used == 6);
    for (int i = 0; i < 8; ++i) (void)other.find_or_add("GET", fmt::format("/x/{}", i));
    CHECK(ceiling.used == 10);
    CHECK(other.leaf_count() == 4);
  }
  CHECK(ceiling.used == 0);
  PathTree folding(ceiling, 100, HashKey{});
  for (int i = 0; i < 8; ++i) (void)folding.find_or_add("GET", fmt::format("/x/{}", i));
  CHECK(ceiling.used == 8);
  (void)folding.find_or_add("GET", "/x/8");
  CHECK(ceiling.used == 1);
}

TEST_CASE("values may come to a tree before their leaves, and again") {
  Tree shard, judge;
  shard.add(each("/x/*", numbered("{}", 30)));
  SegmentPath path{{SegmentClass::word, false, "x"}, {SegmentClass::small_integer, true, ""}};
  DistinctCounter values;
  for (std::uint64_t i = 0; i < 5; ++i) values.add(i);
  judge.tree.merge_values(path, values);
  judge.tree.merge_values(path, values);
  shard.tell(judge);
  CHECK(contents_of(judge.tree) ==
        Lines{"/x/{small_integer} stands for 35 values", "GET /x/{small_integer} 30 requests 200:30"});
}

TEST_CASE("folds, drops and refusals together keep every count and bound") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    Tree tree(10, 60);
    std::uint64_t added = 0, refused = 0;
    for (const Request& request : random_traffic(random, {.requests = 600, .suffixes = true, .words = 30})) {
      ++(tree.add(request) ? added : refused);
      REQUIRE(tree.ceiling.used <= 60);
      REQUIRE(tree.ceiling.used == tree.tree.leaf_count());
    }
    REQUIRE(tree.tree.refused() == refused);
    REQUIRE(leaves_of(tree.tree).size() == tree.tree.leaf_count());
    REQUIRE(added > 0);
  }
}

}  // namespace specular::test
