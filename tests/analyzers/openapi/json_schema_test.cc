#include "analyzers/openapi/json_schema.h"

#include <functional>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analyzers/openapi/components.h"
#include "analyzers/openapi/exporter.h"
#include "tests/analyzers/schemas.h"

namespace specular::test {
namespace {

using Json = nlohmann::ordered_json;

Json written(const std::string& type, const std::vector<std::string>& documents) {
  Schema schema = schema_of(type, documents);
  return to_json_schema(schema, writing_of(schema, type));
}

Json written(const std::vector<std::string>& documents) {
  return written("application/json", documents);
}

std::vector<std::string> numbered(int count, const std::function<std::string(int)>& rest) {
  std::vector<std::string> documents;
  for (int i = 0; i < count; ++i) documents.push_back(fmt::format("{{\"n\":{},{}}}", i, rest(i)));
  return documents;
}

}  // namespace

TEST_CASE("types, formats and nesting; of few documents nothing more is said") {
  CHECK(written({R"({"id":1,"at":"2026-03-01","tags":["a b"],"owner":{"mail":"a@b.example"},"none":[]})"}) ==
        Json::parse(R"({"type":"object","properties":{"at":{"type":"string","format":"date"},"id":{"type":"integer"},
          "none":{"type":"array"},"owner":{"type":"object","properties":{"mail":{"type":"string","format":"email"}}},
          "tags":{"type":"array","items":{"type":"string"}}}})"));
}

TEST_CASE("what was of several types is said to be") {
  Json schema = written({R"({"a":1,"b":1,"c":"x y"})", R"({"a":null,"b":1.5,"c":{"d":true}})"});
  CHECK(schema["properties"]["a"]["type"] == Json::parse(R"(["integer","null"])"));
  CHECK(schema["properties"]["b"]["type"] == "number");
  CHECK(schema["properties"]["c"]["type"] == Json::parse(R"(["object","string"])"));
  CHECK(schema["properties"]["c"]["properties"]["d"]["type"] == "boolean");
}

TEST_CASE("a format is named only if all values have it") {
  Json schema = written({R"({"a":"2026-03-01"})", R"({"a":"soon"})"});
  CHECK(!schema["properties"]["a"].contains("format"));
}

TEST_CASE("with enough documents: required, enumerations, bounds that are walls") {
  Json schema = written(numbered(90, [](int i) {
    return fmt::format(R"("stars":{},"state":"{}","iso":"x{}","late":{}{})", 1 + i % 5, i % 2 == 0 ? "open" : "shut",
                       10 + i, i % 2 == 0 ? "null" : "\"a b\"", i == 50 ? "" : ",\"most\":true");
  }));
  CHECK(schema["required"] == Json::parse(R"(["iso","late","n","stars","state"])"));
  const Json& properties = schema["properties"];
  CHECK(properties["stars"] == Json::parse(R"({"type":"integer","minimum":1,"maximum":5})"));
  CHECK(properties["n"] == Json::parse(R"({"type":"integer"})"));
  CHECK(properties["state"] == Json::parse(R"({"type":"string","enum":["open","shut"]})"));
  CHECK(properties["iso"] == Json::parse(R"({"type":"string","minLength":3,"maxLength":3})"));
  CHECK(properties["late"] == Json::parse(R"({"type":["string","null"]})"));
}

TEST_CASE("an enumeration that may be null has null as a member") {
  Json schema = written(numbered(120, [](int i) {
    return i % 3 == 0 ? "\"s\":null" : i % 3 == 1 ? "\"s\":\"on\"" : "\"s\":\"off\"";
  }));
  CHECK(schema["properties"]["s"] == Json::parse(R"({"type":["string","null"],"enum":["off","on",null]})"));
}

TEST_CASE("maps: keys that are data, and many names of which each is rare") {
  Json ids = written({R"({"123456":{"a":1},"123457":{"a":2}})"});
  CHECK(ids == Json::parse(R"({"type":"object","additionalProperties":{"type":"object",
                               "properties":{"a":{"type":"integer"}}}})"));
  std::vector<std::string> documents;
  for (int i = 0; i < 20; ++i)
    documents.push_back(fmt::format(R"({{"word_{0:x}{1}":true,"other_{1}a{0:x}":false}})", 10 + i % 5, i));
  CHECK(written(documents) == Json::parse(R"({"type":"object","additionalProperties":{"type":"boolean"}})"));
  CHECK(written({R"({"a1":1,"a2":1,"a3":1,"a4":1,"a5":1,"a6":1,"a7":1,"a8":1})"}).contains("properties"));
}

TEST_CASE("properties beside keys that are data") {
  Json schema = written({R"({"total":2,"123456":"x y"})"});
  CHECK(schema["properties"]["total"]["type"] == "integer");
  CHECK(schema["additionalProperties"]["type"] == "string");
}

TEST_CASE("text tells its type, and single values are lists where others are") {
  Json form = written("application/x-www-form-urlencoded",
                      {"n=1&f=1.5&b=true&e=&tag=a+b", "n=22&f=2&b=false&e=3&tag=c&tag=d+e"});
  const Json& properties = form["properties"];
  CHECK(properties["n"]["type"] == "integer");
  CHECK(properties["f"]["type"] == "number");
  CHECK(properties["b"]["type"] == "boolean");
  CHECK(properties["e"]["type"] == "string");
  CHECK(properties["tag"] == Json::parse(R"({"type":"array","items":{"type":"string"}})"));
}

TEST_CASE("XML attributes are marked, and an element goes before the attribute of its name") {
  Json schema = written("application/xml", {"<a id='7'><id>x y</id><b c='z z'/></a>"});
  CHECK(schema["properties"]["id"]["type"] == "string");
  CHECK(!schema["properties"]["id"].contains("xml"));
  CHECK(schema["properties"]["b"]["properties"]["c"]["xml"]["attribute"] == true);
}

TEST_CASE("JSON that its type calls XML keeps its types") {
  CHECK(written("application/xml", {R"({"a":"12"})"})["properties"]["a"]["type"] == "string");
}

TEST_CASE("shapes that occur again are shared, and named after what holds them") {
  Json user = Json::parse(R"({"type":"object","properties":{"id":{"type":"integer"},"mail":{"type":"string"}}})");
  Json error = Json::parse(R"({"type":"object","properties":{"code":{"type":"string"},"text":{"type":"string"}}})");
  Json document;
  auto put = [&](const char* path, const char* status, const Json& schema) {
    document["paths"][path]["get"]["responses"][status]["content"]["application/json"]["schema"] = schema;
  };
  put("/users/{id}", "200", user);
  put("/users/{id}", "404", error);
  Json orders = Json::parse(R"({"type":"object","properties":{"total":{"type":"integer"}}})");
  orders["properties"]["buyer"] = user;
  put("/orders", "200", orders);
  put("/orders", "500", error);
  share_schemas(document);
  CHECK(document["components"]["schemas"] == Json{{"User", user}, {"Error", error}});
  auto schema_at = [&](const char* path, const char* status) {
    return document["paths"][path]["get"]["responses"][status]["content"]["application/json"]["schema"];
  };
  CHECK(schema_at("/users/{id}", "200") == Json{{"$ref", "#/components/schemas/User"}});
  CHECK(schema_at("/orders", "500") == Json{{"$ref", "#/components/schemas/Error"}});
  CHECK(schema_at("/orders", "200")["properties"]["buyer"] == Json{{"$ref", "#/components/schemas/User"}});
}

TEST_CASE("without extensions nothing of ours is left, but properties of any name are") {
  Json document = Json::parse(R"({"x-specular-a":1,"b":[{"x-specular-c":2,"d":3}],
                                  "schema":{"properties":{"x-specular-e":{"x-specular-f":4,"type":"string"}}}})");
  leave_out_extensions(document);
  CHECK(document == Json::parse(R"({"b":[{"d":3}],"schema":{"properties":{"x-specular-e":{"type":"string"}}}})"));
}

TEST_CASE("kinds of objects are alternatives, and a discriminator leads to the component of each") {
  std::vector<std::string> documents = numbered(140, [](int i) {
    return i % 2 == 0 ? R"("type":"card_paid","number":"x y")" : R"("type":"bank","iban":"x y","bic":"x y")";
  });
  Json schema = written(documents);
  Json bank = Json::parse(R"({"type":"object","properties":{"bic":{"type":"string","minLength":3,"maxLength":3},
    "iban":{"type":"string","minLength":3,"maxLength":3},"n":{"type":"integer"},
    "type":{"type":"string","enum":["bank"]}},
    "required":["bic","iban","n","type"]})");
  Json card = Json::parse(R"({"type":"object","properties":{"n":{"type":"integer"},
    "number":{"type":"string","minLength":3,"maxLength":3},"type":{"type":"string","enum":["card_paid"]}},
    "required":["n","number","type"]})");
  CHECK(schema == Json{{"type", "object"}, {"oneOf", {bank, card}}, {"discriminator", {{"propertyName", "type"}}}});
  Json document;
  document["paths"]["/payments"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] = schema;
  share_schemas(document);
  CHECK(document["components"]["schemas"] == Json{{"PaymentBank", bank}, {"PaymentCardPaid", card}});
  CHECK(document["paths"]["/payments"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] ==
        Json::parse(R"({"type":"object","oneOf":[{"$ref":"#/components/schemas/PaymentBank"},
          {"$ref":"#/components/schemas/PaymentCardPaid"}],"discriminator":{"propertyName":"type",
          "mapping":{"bank":"#/components/schemas/PaymentBank",
                     "card_paid":"#/components/schemas/PaymentCardPaid"}}})"));
}

}  // namespace specular::test
