#include "analyzers/discovery/routes.h"

#include <algorithm>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/analyzers/discovery/trees.h"

namespace specular::test {
namespace {

constexpr const char* kUuid = "123e4567-e89b-12d3-a456-426614174000";
constexpr const char* kOtherUuid = "00000000-e89b-12d3-a456-426614174fff";

Lines routes_after(const Lines& paths) {
  Tree tree;
  for (const std::string& path : paths) tree.add({"GET", path, 200});
  return route_paths(tree.tree);
}

Lines get(const Lines& paths) {
  Lines lines;
  for (const std::string& path : paths) lines.push_back("GET " + path);
  return lines;
}

// The evidence for the only parameter of the only route.
ParameterEvidence evidence_after(const Lines& paths) {
  Tree tree;
  for (const std::string& path : paths) tree.add({"GET", path, 200});
  auto routes = routes_of(tree.tree);
  REQUIRE(routes.size() == 1);
  for (const RouteSegment& segment : routes[0].segments) {
    if (segment.is_parameter) return segment.evidence;
  }
  FAIL("no parameter in ", routes[0].path());
  return {};
}

}  // namespace

TEST_CASE("a parameter is named after the segment before it") {
  std::string id = kUuid;
  CHECK(routes_after({"/users/" + id}) == get({"/users/{userId}"}));
  CHECK(routes_after({"/categories/" + id}) == get({"/categories/{categoryId}"}));
  CHECK(routes_after({"/addresses/" + id}) == get({"/addresses/{addressId}"}));
  CHECK(routes_after({"/boxes/" + id}) == get({"/boxes/{boxId}"}));
  CHECK(routes_after({"/branches/" + id}) == get({"/branches/{branchId}"}));
  CHECK(routes_after({"/line-items/" + id}) == get({"/line-items/{lineItemId}"}));
  CHECK(routes_after({"/line_items/" + id}) == get({"/line_items/{lineItemId}"}));
  CHECK(routes_after({"/status/" + id}) == get({"/status/{statusId}"}));
  CHECK(routes_after({"/campus/" + id}) == get({"/campus/{campusId}"}));
  CHECK(routes_after({"/user/" + id}) == get({"/user/{userId}"}));
  CHECK(routes_after({"/users/" + id + "/orders/1234567"}) == get({"/users/{userId}/orders/{orderId}"}));
}

TEST_CASE("a parameter at the root, or behind another one, is an id") {
  std::string id = kUuid;
  CHECK(routes_after({"/" + id}) == get({"/{id}"}));
  CHECK(routes_after({"/a/" + id + "/" + id}) == get({"/a/{aId}/{id}"}));
  CHECK(routes_after({"/~/" + id}) == get({"/~/{id}"}));
}

TEST_CASE("dates and addresses of people are called what they are") {
  CHECK(routes_after({"/days/2024-01-15"}) == get({"/days/{date}"}));
  CHECK(routes_after({"/users/bob@example.com"}) == get({"/users/{email}"}));
}

TEST_CASE("names in one template differ") {
  std::string id = kUuid;
  CHECK(routes_after({"/users/" + id + "/users/" + id + "/users/" + id}) ==
        get({"/users/{userId}/users/{userId2}/users/{userId3}"}));
  CHECK(routes_after({"/from/2024-01-15/to/2024-01-16"}) == get({"/from/{date}/to/{date2}"}));
  CHECK(routes_after({"/" + id + "/" + id + "/" + id}) == get({"/{id}/{id2}/{id3}"}));
}

TEST_CASE("names stand beside parameters") {
  std::string id = kUuid;
  CHECK(routes_after({"/users/me", "/users/" + id, "/users/search", "/users/me/orders", "/users/" + id + "/orders"}) ==
        get({"/users/me", "/users/me/orders", "/users/search", "/users/{userId}", "/users/{userId}/orders"}));
}

TEST_CASE("versions are names, alone or beside each other") {
  CHECK(routes_after({"/v1/users", "/v2/users"}) == get({"/v1/users", "/v2/users"}));
  CHECK(routes_after({"/api/v1.1/users"}) == get({"/api/v1.1/users"}));
  CHECK(routes_after({"/api/1/users"}) == get({"/api/1/users"}));
  CHECK(routes_after({"/rest/2/issue"}) == get({"/rest/2/issue"}));
  CHECK(routes_after({"/2/tweets"}) == get({"/2/tweets"}));
}

TEST_CASE("a lone small number behind a name or a parameter is an identifier") {
  CHECK(routes_after({"/users/7"}) == get({"/users/{userId}"}));
  CHECK(routes_after({"/users/7/orders"}) == get({"/users/{userId}/orders"}));
  CHECK(routes_after({std::string("/tenants/") + kUuid + "/7"}) == get({"/tenants/{tenantId}/{id}"}));
}

TEST_CASE("a large number is an identifier, wherever it stands") {
  CHECK(routes_after({"/api/1234567/users"}) == get({"/api/{apiId}/users"}));
  CHECK(routes_after({"/1234567"}) == get({"/{id}"}));
}

TEST_CASE("a few codes are names, more are values") {
  CHECK(routes_after({"/products/A10-X", "/products/B20-Y"}) == get({"/products/A10-X", "/products/B20-Y"}));
  CHECK(routes_after({"/products/A10-X", "/products/B20-Y", "/products/C30-Z"}) == get({"/products/{product}"}));
}

TEST_CASE("numbers and identifiers at one place are one parameter") {
  Tree tree;
  tree.add({"GET", "/users/7", 200});
  tree.add({"GET", std::string("/users/") + kUuid, 404});
  tree.add({"GET", "/users/1234567", 200});
  CHECK(routes_text(tree.tree) ==
        Lines{"GET /users/{userId} 3 requests 200:2 404:1 (userId: 3 distinct in 3 visits, string)"});
}

TEST_CASE("a suffix makes a route of its own, and is no part of the parameter") {
  std::string id = kUuid;
  CHECK(routes_after({"/files/" + id, "/files/" + id + ".json", "/files/" + id + ".pdf"}) ==
        get({"/files/{fileId}", "/files/{fileId}.json", "/files/{fileId}.pdf"}));
  CHECK(routes_after({"/jobs/" + id + ":cancel"}) == get({"/jobs/{jobId}:cancel"}));
}

TEST_CASE("more words than are kept are a parameter; those that differ in what lies below stay") {
  Tree tree;
  for (int i = 0; i < 300; ++i) {
    std::string word{static_cast<char>('a' + i % 26), static_cast<char>('a' + i / 26), 'x'};
    tree.add({"GET", "/tags/" + word, 200});
    if (i < 10) {
      tree.add({"GET", "/tags/popular", 200});
      tree.add({"POST", "/tags/popular/refresh", 200});
    }
  }
  CHECK(route_paths(tree.tree) == Lines{"GET /tags/popular", "POST /tags/popular/refresh", "GET /tags/{tag}"});
}

TEST_CASE("a word that a large part of the requests goes to stays a name") {
  Tree tree;
  for (int i = 0; i < 300; ++i) {
    std::string word{static_cast<char>('a' + i % 26), static_cast<char>('a' + i / 26), 'x'};
    tree.add({"GET", "/pages/" + word, 200});
    tree.add({"GET", "/pages/home", 200});
  }
  CHECK(route_paths(tree.tree) == get({"/pages/home", "/pages/{page}"}));
}

TEST_CASE("routes are in ascending order of path and method, and have their leaves") {
  Tree tree;
  for (const char* method : {"POST", "GET", "DELETE"}) {
    for (const char* path : {"/b", "/a", "/a/c"}) tree.add({method, path, 200});
  }
  auto routes = routes_of(tree.tree);
  REQUIRE(routes.size() == 9);
  for (std::size_t i = 0; i < routes.size(); ++i) {
    REQUIRE(routes[i].leaves.size() == 1);
    CHECK(tree.tree.leaf(routes[i].leaves[0]).method == routes[i].method);
    if (i > 0)
      CHECK(std::pair(routes[i - 1].path(), routes[i - 1].method) < std::pair(routes[i].path(), routes[i].method));
  }
}

TEST_CASE("what no server answered as existing is among the routes") {
  Tree tree;
  tree.add({"GET", "/wp-login.php", 404});
  CHECK(route_paths(tree.tree) == get({"/wp-login.php"}));
  CHECK_FALSE(routes_of(tree.tree)[0].summary.exists());
}

TEST_CASE("the root has a route") {
  CHECK(routes_after({"/"}) == get({"/"}));
  CHECK(routes_of(Tree().tree).empty());
}

TEST_CASE("evidence counts values and visits, by what the values look like") {
  ParameterEvidence evidence = evidence_after({std::string("/users/") + kUuid, std::string("/users/") + kUuid,
                                               std::string("/users/") + kOtherUuid, "/users/1234567"});
  CHECK(evidence.distinct == 3);
  CHECK(evidence.visits == 4);
  CHECK(evidence.classes[static_cast<std::size_t>(SegmentClass::uuid)] == 2);
  CHECK(evidence.classes[static_cast<std::size_t>(SegmentClass::integer)] == 1);
  CHECK(evidence.main_class() == SegmentClass::uuid);
}

TEST_CASE("the type and format of a parameter fit all its values") {
  std::string uuid = std::string("/x/") + kUuid;
  auto is = [](const Lines& paths, const std::string& type, const std::string& format) {
    ParameterEvidence evidence = evidence_after(paths);
    CHECK(evidence.type() == type);
    CHECK(evidence.format() == format);
  };
  is({"/x/1", "/x/2"}, "integer", "");
  is({"/x/1", "/x/1234567"}, "integer", "");
  is({"/x/1", "/x/1.5"}, "number", "");
  is({uuid}, "string", "uuid");
  is({uuid, "/x/1234567"}, "string", "");
  is({"/x/2024-01-15", "/x/2024-01-16"}, "string", "date");
  is({"/x/bob@example.com"}, "string", "email");
  is({"/x/192.168.1.10"}, "string", "");
}

TEST_CASE("no leaf is lost or told twice, and no two routes are called the same") {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    Random random(seed);
    Tree tree;
    tree.add(random_traffic(random, {.suffixes = true, .words = seed % 3 == 0 ? 300u : 0u}));
    std::set<std::pair<std::string, std::string>> names;
    std::set<PathTree::LeafIndex> leaves;
    for (const Route& route : routes_of(tree.tree)) {
      REQUIRE(names.insert({route.method, route.path()}).second);
      std::uint64_t requests = 0;
      for (PathTree::LeafIndex leaf : route.leaves) {
        REQUIRE(leaves.insert(leaf).second);
        requests += tree.tree.leaf(leaf).summary.requests;
      }
      REQUIRE(requests == route.summary.requests);
      std::set<std::string> parameters;
      for (const RouteSegment& segment : route.segments) {
        if (!segment.is_parameter) continue;
        REQUIRE(parameters.insert(segment.evidence.name).second);
        REQUIRE(segment.evidence.distinct > 0);
        REQUIRE(segment.evidence.visits >= segment.evidence.distinct);
      }
    }
    REQUIRE(leaves.size() == tree.tree.leaf_count());
    REQUIRE(routes_text(tree.tree) == routes_text(tree.tree));
  }
}

TEST_CASE("parameter names are made of letters and digits, whatever stands before them") {
  for (const std::string name : {"%7Bx%7D", "a.b", "$batch", "@me", "%C3%A9", "a'b", "(x)", "a%22b", "-", "..."}) {
    Tree tree;
    tree.add({"GET", "/" + name + "/" + kUuid, 200});
    auto routes = routes_of(tree.tree);
    REQUIRE(routes.size() == 1);
    std::string parameter = routes[0].segments.back().evidence.name;
    CHECK_MESSAGE(!parameter.empty(), name);
    bool plain = std::all_of(parameter.begin(), parameter.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
    CHECK_MESSAGE(plain, parameter);
  }
}

}  // namespace specular::test
