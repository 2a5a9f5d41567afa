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

}  // namespace specular::test
