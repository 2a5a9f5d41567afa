#include "analyzers/openapi/verification.h"

#include <functional>
#include <random>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analyzers/openapi/exporter.h"
#include "tests/analyzers/schemas.h"
#include "tests/analyzers/site.h"

namespace specular::test {
namespace {

using Json = nlohmann::ordered_json;

// A host of which much is known with confidence.
std::vector<Endpoint> known_endpoints() {
  Site site;
  for (int i = 0; i < 200; ++i) {
    PlayedExchange exchange;
    exchange.method = "POST";
    exchange.target = fmt::format("/orders/{}?page={}", i * 7919 + 100000, i);
    exchange.status = 201;
    exchange.headers = {{"Content-Type", "application/json"}, {"X-Tenant", "t" + std::to_string(i)}};
    exchange.request_body = fmt::format(R"({{"item":"a b{0}","count":{0}}})", i);
    exchange.body =
        fmt::format(R"({{"id":{0},"state":"{1}","code":"ab{2:03}","rate":{3},"tags":["x y{0}"],"note":{4}}})", i,
                    i % 2 == 0 ? "open" : "done", i, i % 5, i % 3 == 0 ? "null" : "\"n m\"");
    site.play(exchange);
  }
  return site.all_endpoints();
}

struct Planted {
  const char* name;
  std::function<void(Json& operation, Json& answer)> plant;  // the latter: the schema of the answer
};

}  // namespace

TEST_CASE("a document of what was learned contradicts nothing") {
  auto endpoints = known_endpoints();
  Json document = to_openapi(endpoints);
  CHECK_FALSE(document.contains("x-specular-contradictions"));
  const Json& answer = document["paths"].begin().value()["post"]["responses"]["201"]["content"]["application/json"];
  // The claims are there that are planted wrongly below.
  CHECK(answer["schema"]["required"].size() == 6);
  CHECK(answer["schema"]["properties"]["state"]["enum"] == Json{"done", "open"});
  CHECK(answer["schema"]["properties"]["code"]["minLength"] == 5);
  CHECK(answer["schema"]["properties"]["rate"]["maximum"] == 4);
}

TEST_CASE("each kind of claim that the traffic contradicts is found, told, and taken out of the document") {
  const std::vector<Planted> planted{
      {"type", [](Json&, Json& s) { s["properties"]["id"]["type"] = "string"; }},
      {"type", [](Json&, Json& s) { s["properties"]["note"]["type"] = "string"; }},
      {"type",
       [](Json&, Json& s) {
         s["properties"]["tags"]["items"]["type"] = Json{"integer", "null"};
       }},
      {"enum", [](Json&, Json& s) { s["properties"]["state"]["enum"] = Json{"open"}; }},
      {"enum", [](Json&, Json& s) { s["properties"]["code"]["enum"] = Json{"ab001"}; }},
      {"format", [](Json&, Json& s) { s["properties"]["code"]["format"] = "uuid"; }},
      {"minLength", [](Json&, Json& s) { s["properties"]["code"]["minLength"] = 6; }},
      {"maxLength", [](Json&, Json& s) { s["properties"]["code"]["maxLength"] = 4; }},
      {"minimum", [](Json&, Json& s) { s["properties"]["rate"]["minimum"] = 1; }},
      {"maximum", [](Json&, Json& s) { s["properties"]["rate"]["maximum"] = 3.5; }},
      {"maxItems", [](Json&, Json& s) { s["properties"]["tags"]["maxItems"] = 0; }},
      {"minProperties", [](Json&, Json& s) { s["minProperties"] = 7; }},
      {"required missing", [](Json&, Json& s) { s["required"].push_back("missing"); }},
      {"additionalProperties",
       [](Json&, Json& s) {
         s["properties"].erase("id");
         s["additionalProperties"] = false;
       }},
      {"type", [](Json& o, Json&) { o["parameters"][0]["schema"]["type"] = "boolean"; }},
      {"format", [](Json& o, Json&) { o["parameters"][0]["schema"]["format"] = "uuid"; }},
      {"type", [](Json& o, Json&) { o["parameters"][1]["schema"]["type"] = "boolean"; }},
      {"responses/201", [](Json& o, Json&) { o["responses"].erase("201"); }},
      {"requestBody/application/json", [](Json& o, Json&) { o["requestBody"]["content"].erase("application/json"); }},
  };
  auto endpoints = known_endpoints();
  const Json right = to_openapi(endpoints);
  for (const Planted& plant : planted) {
    CAPTURE(plant.name);
    Json document = right;
    Json& operation = document["paths"].begin().value()["post"];
    plant.plant(operation, operation["responses"]["201"]["content"]["application/json"]["schema"]);
    Json wrong = document;
    auto found = take_out_contradictions(endpoints, document);
    REQUIRE(found.size() == 1);
    CHECK(found[0].starts_with("POST /orders/{orderId} "));
    CHECK(found[0].ends_with(plant.name));
    // What can be taken out is out: then nothing is left to find.
    bool can = document != wrong;
    CHECK(can == (found[0].find(": ") != std::string::npos));
    if (can) CHECK(take_out_contradictions(endpoints, document).empty());
  }
}

TEST_CASE("a claim of a shared schema is taken out for all that share it") {
  Site site;
  for (const char* target : {"/a", "/b"}) {
    PlayedExchange exchange;
    exchange.target = target;
    exchange.size += exchange.target[1];
    exchange.body = R"({"id":1,"name":"x y"})";
    site.play(exchange);
  }
  auto endpoints = site.all_endpoints();
  Json document = to_openapi(endpoints);
  Json& shared = document["components"]["schemas"].begin().value();
  shared["properties"]["id"]["type"] = "boolean";
  leave_out_contradictions(endpoints, document);
  CHECK(document["x-specular-contradictions"].size() == 1);
  CHECK_FALSE(shared["properties"]["id"].contains("type"));
}

TEST_CASE("documents of random traffic contradict nothing: JSON, forms, XML, refused requests") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    std::mt19937_64 random(seed);
    Site site;
    for (int i = 0; i < 150; ++i) {
      PlayedExchange exchange;
      exchange.method = "POST";
      exchange.target =
          fmt::format("/things?n={}&n={}&flag={}", random() % 3, random() % 2 == 0 ? "x" : "1", random() % 2);
      exchange.status = random() % 4 == 0 ? 422 : 200;
      exchange.body = random_document(random);
      static constexpr const char* kTypes[] = {"application/json", "application/x-www-form-urlencoded",
                                               "application/xml"};
      std::size_t type = random() % 3;
      exchange.headers = {{"Content-Type", kTypes[type]}, {"Cookie", fmt::format("theme={}", random() % 4)}};
      exchange.request_body = type == 0 ? random_document(random)
                              : type == 1
                                  ? fmt::format("a={}&b[]={}&c=true", random() % 9, random() % 2 == 0 ? "x" : "2")
                                  : fmt::format("<r id=\"{0}\"><id>{0}</id><v>{1}</v></r>", random() % 9, random() % 2);
      site.play(exchange);
    }
    Json document = to_openapi(site.all_endpoints());
    CHECK_MESSAGE(!document.contains("x-specular-contradictions"),
                  document.value("x-specular-contradictions", Json()).dump());
  }
}

}  // namespace specular::test
