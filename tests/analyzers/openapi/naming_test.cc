#include "analyzers/openapi/naming.h"

#include <doctest/doctest.h>

#include "tests/analyzers/site.h"

namespace specular::test {
namespace {

PlayedExchange get(const std::string& target, int second) {
  PlayedExchange exchange;
  exchange.target = target;
  exchange.size = 100 + target.size() * 7;
  exchange.time = kStart + kEpoch * second;
  return exchange;
}

std::map<std::string, std::string> ids_of(Site& site) {
  std::vector<Endpoint> endpoints = site.all_endpoints();
  OperationIds ids(endpoints);
  std::map<std::string, std::string> by_path;
  for (const Endpoint& endpoint : endpoints) by_path[endpoint.route.path()] = ids.of(endpoint);
  return by_path;
}

std::string tag(const Lines& segments) {
  Route route;
  for (const std::string& text : segments) {
    bool parameter = text.starts_with('{');
    route.segments.push_back({parameter, parameter ? "" : text, {}});
  }
  return tag_of(route);
}

}  // namespace

TEST_CASE("an endpoint that is new never takes an identifier from one that was there") {
  Site before;
  before.play(get("/a_b", 1)).play(get("/users", 1));
  auto old = ids_of(before);
  CHECK(old["/a_b"] == "get_a_b");
  CHECK(old["/users"] == "get_users");
  Site after;
  after.play(get("/a-b", 2)).play(get("/a/b", 3)).play(get("/a_b", 1)).play(get("/users", 1)).play(get("/a.b", 4));
  auto now = ids_of(after);
  for (const auto& [path, id] : old) CHECK(now[path] == id);
  CHECK(now["/a-b"].starts_with("get_a_b_"));
  CHECK(now["/a/b"] != now["/a-b"]);
  // Nor does it change those that had to give way.
  after.play(get("/a~b", 5));
  auto later = ids_of(after);
  for (const auto& [path, id] : now) CHECK(later[path] == id);
}

TEST_CASE("tags are the first segment that tells something") {
  CHECK(tag({"api", "v1", "users", "{id}"}) == "users");
  CHECK(tag({"v2.1", "rest", "orders"}) == "orders");
  CHECK(tag({"{tenant}", "2024-01-01", "Invoices"}) == "Invoices");
  CHECK(tag({"graphql"}) == "graphql");
  CHECK(tag({"shop.v1.Cart", "Add"}) == "shop.v1.Cart");
  CHECK(tag({"api", "v1"}).empty());
  CHECK(tag({"{id}"}).empty());
}

}  // namespace specular::test
