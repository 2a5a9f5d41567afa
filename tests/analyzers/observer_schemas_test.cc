// What the observer learns from bodies and parameters.
#include <utility>

#include <doctest/doctest.h>

#include "analyzers/observer.h"
#include "tests/analyzers/schemas.h"
#include "tests/analyzers/site.h"

namespace specular::test {
namespace {

PlayedExchange call(const std::string& method, std::uint16_t status, const std::string& body) {
  PlayedExchange exchange;
  exchange.method = method;
  exchange.target = "/v1/orders";
  exchange.status = status;
  exchange.body = body;
  return exchange;
}

const Schema* schema_at(Site& site, const ShapePlace& place) {
  static Endpoint endpoint;
  endpoint = site.endpoint();
  return std::as_const(endpoint.route.summary.shapes).find(place);
}

}  // namespace

TEST_CASE("answers teach the schema of their status and type") {
  Site site;
  site.play(call("GET", 200, R"({"id":1})"));
  site.play(call("GET", 200, R"({"id":2,"note":"x y"})"));
  site.play(call("GET", 422, R"({"error":"bad"})"));
  const Schema* good = schema_at(site, {ShapePlace::Part::response, 200, "application/json"});
  REQUIRE(good != nullptr);
  CHECK(lines_of(*good) == Lines{"$ object:2", "id integer:2 1..2", "note string:1"});
  const Schema* bad = schema_at(site, {ShapePlace::Part::response, 422, "application/json"});
  REQUIRE(bad != nullptr);
  CHECK(lines_of(*bad) == Lines{"$ object:1", "error string:1 bad"});
}

TEST_CASE("requests teach by whether they were taken") {
  Site site;
  for (int status : {201, 422, 0}) {
    PlayedExchange exchange = call("POST", static_cast<std::uint16_t>(status), "");
    exchange.request_body = status == 201 ? R"({"good":1})" : R"({"bad":1})";
    exchange.headers = {{"Content-Type", "application/json; charset=utf-8"}};
    site.play(exchange);
  }
  const Schema* taken = schema_at(site, {ShapePlace::Part::request, 0, "application/json"});
  REQUIRE(taken != nullptr);
  CHECK(lines_of(*taken) == Lines{"$ object:1", "good integer:1 1..1"});
  const Schema* refused = schema_at(site, {ShapePlace::Part::refused, 0, "application/json"});
  REQUIRE(refused != nullptr);
  CHECK(lines_of(*refused) == Lines{"$ object:2", "bad integer:2 1..1"});
}

TEST_CASE("queries, headers and cookies teach too; credentials among them do not") {
  Site site;
  PlayedExchange exchange = call("GET", 200, "{}");
  exchange.target = "/v1/orders?sort=newest&size=10&tag=a&tag=b&api_key=s3cret";
  exchange.headers = {{"X-Mode", "fast"}, {"Cookie", "theme=dark; session=s3cret; _ga=1.2"}, {"X-Api-Key", "s3cret"}};
  site.play(exchange);
  const Schema* query = schema_at(site, {ShapePlace::Part::query, 0, ""});
  REQUIRE(query != nullptr);
  CHECK(lines_of(*query) ==
        Lines{"$ object:1", "size string:1 integer:1", "sort string:1 newest", "tag array:1", "tag[] string:2 a b"});
  CHECK(lines_of(*schema_at(site, {ShapePlace::Part::header, 0, ""})) == Lines{"$ object:1", "x-mode string:1 fast"});
  CHECK(lines_of(*schema_at(site, {ShapePlace::Part::cookie, 0, ""})) == Lines{"$ object:1", "theme string:1 dark"});
}

TEST_CASE("within a budget a place is read in full until it is known, then ever more rarely, and again at drift") {
  Site site;
  site.read_bodies = false;
  const ShapePlace place{ShapePlace::Part::response, 200, "application/json"};
  auto play = [&](int count, const std::string& body) {
    for (int i = 0; i < count; ++i) {
      PlayedExchange exchange = call("GET", 200, body);
      exchange.time = kStart + std::chrono::milliseconds(37 * i);
      site.play(exchange);
    }
    return *schema_at(site, place);
  };
  Schema first = play(100, R"({"id":1})");
  CHECK(first.documents == 100);
  Schema later = play(4000, R"({"id":2})");
  CHECK(later.documents + later.passed_over == 4100);
  CHECK(later.documents < 1500);
  CHECK(later.documents > 500);
  Schema drifted = play(1000, R"({"id":3,"new":true})");
  CHECK(drifted.root.object->find("new") != nullptr);
  CHECK(drifted.documents > later.documents + 100);
  Schema errors = play(0, "");
  for (int i = 0; i < 1000; ++i) site.play(call("GET", 500, R"({"error":"x y"})"));
  CHECK(schema_at(site, {ShapePlace::Part::response, 500, "application/json"})->documents == 1000);
}

TEST_CASE("what is read within a budget is decided by the exchange, not by what else there was") {
  auto documents_of = [](bool others) {
    Site site;
    site.read_bodies = false;
    for (int i = 0; i < 3000; ++i) {
      PlayedExchange exchange = call("GET", 200, R"({"id":1})");
      exchange.time = kStart + std::chrono::milliseconds(10 * i);
      site.play(exchange);
      exchange.method = "PUT";
      if (others) site.play(exchange);
    }
    for (const Endpoint& endpoint : site.all_endpoints()) {
      if (endpoint.route.method == "GET") return endpoint.route.summary.shapes.list().front().second.documents;
    }
    return std::uint64_t{0};
  };
  CHECK(documents_of(true) == documents_of(false));
}

TEST_CASE("schemas of hostile answers keep to their memory, those of others stay, and it is told") {
  Site site;
  REQUIRE(site.inventory.schemas_mb.set("1"));
  site.play(call("GET", 200, R"({"id":1,"owner":{"id":2}})"));
  for (int i = 0; i < 60; ++i) {
    std::string body = "{";
    for (int name = 0; name < 150; ++name)
      body += (name > 0 ? "," : "") + std::string("\"") + static_cast<char>('a' + name % 26) +
              std::string(static_cast<std::size_t>(1 + name / 26), 'q') + "\":{\"a\":\"open\",\"b\":\"x y\"}";
    PlayedExchange exchange = call("GET", 200, body + "}");
    exchange.target = "/v1/" + std::string(1, static_cast<char>('a' + i % 26)) +
                      (i < 26   ? "lpha"
                       : i < 52 ? "ono"
                                : "ist");
    exchange.time = kStart + std::chrono::seconds(i);
    site.play(exchange).known();
  }
  const Inventory& known = site.known();
  CHECK(known.schema_bytes() <= 1u << 20);
  CHECK(site.host_coverage("api.example")[CoverageItem::shrunk_schemas] > 0);
  for (const Endpoint& endpoint : site.all_endpoints()) {
    if (endpoint.route.path() != "/v1/orders") continue;
    CHECK(lines_of(endpoint.route.summary.shapes.list().front().second) ==
          Lines{"$ object:1", "id integer:1 1..1", "owner object:1", "owner.id integer:1 2..2"});
  }
}

TEST_CASE("a shard that learns too much at once stops until that is told, and counts it") {
  Site site;
  REQUIRE(site.inventory.schemas_mb.set("1"));
  for (int i = 0; i < 400; ++i) {
    std::string body = "{";
    for (int name = 0; name < 100; ++name)
      body += (name > 0 ? "," : "") + std::string("\"k") + static_cast<char>('a' + name % 26) +
              static_cast<char>('a' + name / 26) + static_cast<char>('a' + i % 26) + "\":1";
    PlayedExchange exchange = call("GET", static_cast<std::uint16_t>(200 + i % 20), body + "}");
    site.play(exchange);
  }
  std::uint64_t unread = site.host_coverage("api.example")[CoverageItem::unread_shapes];
  CHECK(unread > 0);
  CHECK(unread < 400);
}

}  // namespace specular::test
