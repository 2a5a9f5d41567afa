#include "analyzers/openapi/diff.h"

#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace specular::test {
namespace {

ApiDocument read(const std::string& text) {
  auto document = read_document(text, "api");
  REQUIRE_MESSAGE(document.has_value(), (document ? "" : document.error().text), text);
  return std::move(*document);
}

const char* const kKinds[] = {"added", "removed", "changed"};

// "BREAKING removed request property a.b", one a change.
std::vector<std::string> lines_of(const std::string& before, const std::string& after, DiffOptions options = {}) {
  auto changes = compare_documents(read(before), read(after), options);
  REQUIRE(changes.has_value());
  std::vector<std::string> lines;
  for (const Change& change : *changes) {
    std::string line = change.breaking ? "BREAKING " : "";
    line += fmt::format("{} {}", kKinds[static_cast<std::size_t>(change.kind)], change.subject);
    for (const std::string* part : {&change.place, &change.aspect}) line += part->empty() ? "" : " " + *part;
    CHECK(!change.reason.empty());
    lines.push_back(line);
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "; ") + line;
  return text;
}

constexpr const char* kComponents = R"(
components:
  schemas:
    Cat: {type: object, properties: {meow: {type: string}}}
    Dog: {type: object, properties: {bark: {type: string}}}
    Node: {type: object, properties: {next: {$ref: '#/components/schemas/Node'}, v: {type: integer}}}
    Wide: {type: object, properties: {next: {$ref: '#/components/schemas/Wide'}, v: {type: number}}}
)";

std::string in_request(const std::string& schema) {
  return "openapi: 3.1.0\npaths: {/a: {post: {requestBody: {content: {j: {schema: " + schema + "}}}}}}" + kComponents;
}

std::string in_response(const std::string& schema) {
  return "openapi: 3.1.0\npaths: {/a: {post: {responses: {200: {content: {j: {schema: " + schema + "}}}}}}}" +
         kComponents;
}

std::string of_operation(const std::string& operation) {
  return "openapi: 3.1.0\npaths:\n  /a/{id}:\n    get: " + operation + R"(
components:
  securitySchemes:
    token: {type: http, scheme: bearer}
    basic: {type: http, scheme: basic}
    key: {type: apiKey, in: header, name: X-Key}
    auth: {type: oauth2}
)";
}

// Whether it is breaking in requests and in answers.
struct SchemaCase {
  const char *before, *after;
  const char *request, *response;  // "=" no change, "ok", "breaking"
};

std::string verdict(const std::vector<std::string>& lines) {
  if (lines.empty()) return "=";
  bool breaking = std::any_of(lines.begin(), lines.end(), [](const auto& l) { return l.starts_with("BREAKING"); });
  return breaking ? "breaking" : "ok";
}

const SchemaCase kSchemaCases[] = {
    // types
    {"{type: string}", "{type: integer}", "breaking", "breaking"},
    {"{type: integer}", "{type: number}", "ok", "breaking"},
    {"{type: number}", "{type: integer}", "breaking", "ok"},
    {"{type: string}", "{type: [string, 'null']}", "ok", "breaking"},
    {"{type: [string, 'null']}", "{type: string}", "breaking", "ok"},
    {"{type: [string, 'null']}", "{anyOf: [{type: string}, {type: 'null'}]}", "=", "="},
    {"{type: [string, integer]}", "{oneOf: [{type: integer}, {type: string}]}", "=", "="},
    {"{type: string}", "{}", "ok", "breaking"},
    {"{}", "{type: string}", "breaking", "ok"},
    {"{}", "true", "=", "="},
    {"{type: string}", "{type: string, description: x, example: y}", "=", "="},
    // enumerations
    {"{enum: [a, b]}", "{enum: [b, a]}", "=", "="},
    {"{type: string, enum: [a, b]}", "{enum: [a, b]}", "=", "="},
    {"{enum: [a, b]}", "{enum: [a]}", "breaking", "ok"},
    {"{enum: [a]}", "{enum: [a, b]}", "ok", "breaking"},
    {"{enum: [a]}", "{const: a}", "=", "="},
    {"{const: 1}", "{const: 1.0}", "=", "="},
    {"{const: a}", "{const: b}", "breaking", "breaking"},
    {"{type: string}", "{type: string, enum: [a]}", "breaking", "ok"},
    {"{type: string, enum: [a]}", "{type: string}", "ok", "breaking"},
    // bounds
    {"{type: string}", "{type: string, maxLength: 5}", "breaking", "ok"},
    {"{type: string, maxLength: 5}", "{type: string, maxLength: 9}", "ok", "breaking"},
    {"{type: string, minLength: 5}", "{type: string, minLength: 9}", "breaking", "ok"},
    {"{type: string}", "{type: string, minLength: 0}", "=", "="},
    {"{type: integer, minimum: 1}", "{type: integer, exclusiveMinimum: 0}", "=", "="},
    {"{type: number, minimum: 1}", "{type: number, exclusiveMinimum: 1}", "breaking", "ok"},
    {"{type: number, maximum: 1}", "{type: number}", "ok", "breaking"},
    {"{type: integer, multipleOf: 2}", "{type: integer}", "ok", "breaking"},
    {"{type: array, maxItems: 5}", "{type: array, maxItems: 4}", "breaking", "ok"},
    {"{type: array, uniqueItems: true}", "{type: array}", "ok", "breaking"},
    {"{type: object}", "{type: object, minProperties: 1}", "breaking", "ok"},
    {"{type: integer, maxLength: 5}", "{type: integer}", "=", "="},
    // formats and patterns
    {"{type: string}", "{type: string, format: date}", "breaking", "ok"},
    {"{type: string, format: date}", "{type: string, format: date-time}", "breaking", "breaking"},
    {"{type: integer, format: int32}", "{type: integer, format: int64}", "ok", "breaking"},
    {"{type: string, pattern: '^a'}", "{type: string}", "ok", "breaking"},
    {"{type: string, pattern: '^a'}", "{type: string, pattern: '^b'}", "breaking", "breaking"},
    // properties
    {"{type: object}", "{type: object, properties: {a: {}}}", "ok", "ok"},
    {"{type: object}", "{type: object, properties: {a: {}}, required: [a]}", "breaking", "ok"},
    {"{type: object, properties: {a: {}}}", "{type: object}", "breaking", "breaking"},
    {"{properties: {a: {}}}", "{properties: {a: {}}, required: [a]}", "breaking", "ok"},
    {"{properties: {a: {}}, required: [a]}", "{properties: {a: {}}}", "ok", "breaking"},
    {"{properties: {a: {type: integer}}}", "{properties: {a: {type: string}}}", "breaking", "breaking"},
    {"{properties: {a: {readOnly: true}}}", "{}", "=", "breaking"},
    {"{properties: {a: {writeOnly: true}}}", "{}", "breaking", "="},
    {"{type: object}", "{type: object, properties: {a: {readOnly: true}}, required: [a]}", "=", "ok"},
    {"{properties: {a: {}}}", "{properties: {a: {deprecated: true}}}", "ok", "ok"},
    {"{properties: {a: {}}}", "{properties: {a: {default: 1}}}", "ok", "ok"},
    {"{type: object}", "{type: object, additionalProperties: false}", "breaking", "ok"},
    {"{type: object, additionalProperties: false}", "{type: object}", "ok", "ok"},
    {"{additionalProperties: {type: integer}}", "{additionalProperties: {type: number}}", "ok", "breaking"},
    {"{type: object, patternProperties: {a: {type: string}}}", "{type: object}", "breaking", "breaking"},
    {"{type: object, patternProperties: {a: {type: string}}}", "{type: object, patternProperties: {a: {type: string}}}",
     "=", "="},
    {"{type: object, dependentRequired: {a: [b]}}", "{type: object}", "breaking", "breaking"},
    // arrays
    {"{type: array, items: {type: string}}", "{type: array, items: {type: integer}}", "breaking", "breaking"},
    {"{type: array, items: {type: integer}}", "{type: array, items: {type: number}}", "ok", "breaking"},
    {"{type: array}", "{type: array, items: {type: string}}", "breaking", "ok"},
    {"{prefixItems: [{type: string}]}", "{prefixItems: [{type: integer}]}", "breaking", "breaking"},
    // put together
    {"{allOf: [{properties: {a: {}}}, {required: [a]}]}", "{properties: {a: {}}, required: [a]}", "=", "="},
    {"{allOf: [{type: string}, {maxLength: 5}]}", "{type: string, maxLength: 5}", "=", "="},
    {"{allOf: [{$ref: '#/components/schemas/Cat'}]}", "{$ref: '#/components/schemas/Cat'}", "=", "="},
    {"{allOf: [{properties: {a: {}}}]}", "{allOf: [{properties: {a: {}}}, {required: [a]}]}", "breaking", "ok"},
    {"{oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}]}",
     "{anyOf: [{$ref: '#/components/schemas/Dog'}, {$ref: '#/components/schemas/Cat'}]}", "=", "="},
    {"{oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}]}",
     "{$ref: '#/components/schemas/Cat'}", "breaking", "ok"},
    {"{$ref: '#/components/schemas/Cat'}",
     "{oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}]}", "ok", "breaking"},
    {"{oneOf: [{properties: {a: {}}}, {maxLength: 3}]}", "{oneOf: [{maxLength: 3}, {properties: {a: {}}}]}", "=", "="},
    {"{oneOf: [{properties: {a: {}}}, {maxLength: 3}]}", "{oneOf: [{maxLength: 4}, {properties: {a: {}}}]}", "ok",
     "breaking"},
    {"{$ref: '#/components/schemas/Cat'}", "{anyOf: [{$ref: '#/components/schemas/Cat'}, {type: 'null'}]}", "ok",
     "breaking"},
    {"{type: string, not: {const: a}}", "{type: string, not: {const: b}}", "breaking", "breaking"},
    {"{type: string, not: {const: a}}", "{type: string, not: {enum: [a]}}", "=", "="},
    // recursion
    {"{$ref: '#/components/schemas/Node'}", "{$ref: '#/components/schemas/Node'}", "=", "="},
    {"{$ref: '#/components/schemas/Node'}", "{$ref: '#/components/schemas/Wide'}", "ok", "breaking"},
};

}  // namespace

TEST_CASE("schemas: what a change breaks, by direction") {
  for (const SchemaCase& c : kSchemaCases) {
    auto request = lines_of(in_request(c.before), in_request(c.after));
    auto response = lines_of(in_response(c.before), in_response(c.after));
    CAPTURE(c.before);
    CAPTURE(c.after);
    CHECK_MESSAGE(verdict(request) == c.request, joined(request));
    CHECK_MESSAGE(verdict(response) == c.response, joined(response));
  }
}

TEST_CASE("a change of a schema is told where it is, once") {
  CHECK(joined(lines_of(in_response("{$ref: '#/components/schemas/Node'}"),
                        in_response("{$ref: '#/components/schemas/Wide'}"))) ==
        "BREAKING changed response property 200 j v type");
  CHECK(
      joined(lines_of(in_request("{properties: {'a b': {items: {properties: {c: {type: string}}}}}}"),
                      in_request("{properties: {'a b': {items: {properties: {c: {type: string, minLength: 1}}}}}}"))) ==
      "BREAKING added request property body j [\"a b\"][].c minLength");
}

TEST_CASE("operations: what a change breaks") {
  struct Case {
    const char *before, *after, *lines;
  };
  for (const Case& c : std::vector<Case>{
           {"{}", "{deprecated: true}", "changed operation deprecated"},
           {"{}", "{parameters: [{in: query, name: q}]}", "added parameter query q"},
           {"{}", "{parameters: [{in: query, name: q, required: true}]}", "BREAKING added parameter query q"},
           {"{parameters: [{in: query, name: q}]}", "{}", "BREAKING removed parameter query q"},
           {"{parameters: [{in: header, name: X-A}]}", "{parameters: [{in: header, name: x-a}]}", ""},
           {"{parameters: [{in: query, name: q}]}", "{parameters: [{in: query, name: q, required: true}]}",
            "BREAKING changed parameter query q required"},
           {"{parameters: [{in: query, name: q, required: true}]}", "{parameters: [{in: query, name: q}]}",
            "changed parameter query q required"},
           {"{parameters: [{in: query, name: q, schema: {type: integer}}]}",
            "{parameters: [{in: query, name: q, schema: {type: string}}]}", "BREAKING changed parameter query q type"},
           {"{parameters: [{in: path, name: id, schema: {type: integer}}]}",
            "{parameters: [{in: path, name: id, schema: {type: number}}]}", "changed parameter path id type"},
           {"{parameters: [{in: query, name: q, schema: {type: array}}]}",
            "{parameters: [{in: query, name: q, explode: false, schema: {type: array}}]}",
            "BREAKING changed parameter query q style"},
           {"{parameters: [{in: query, name: q, schema: {type: string}}]}",
            "{parameters: [{in: query, name: q, explode: false, schema: {type: string}}]}", ""},
           {"{}", "{requestBody: {content: {a/b: {}}}}", "added request body body"},
           {"{}", "{requestBody: {required: true, content: {a/b: {}}}}", "BREAKING added request body body"},
           {"{requestBody: {content: {a/b: {}}}}", "{}", "BREAKING removed request body body"},
           {"{requestBody: {content: {a/b: {}}}}", "{requestBody: {required: true, content: {a/b: {}}}}",
            "BREAKING changed request body body required"},
           {"{requestBody: {content: {a/b: {}}}}", "{requestBody: {content: {a/b: {}, a/c: {}}}}",
            "added media type body a/c"},
           {"{requestBody: {content: {a/b: {}, a/c: {}}}}", "{requestBody: {content: {a/b: {}}}}",
            "BREAKING removed media type body a/c"},
           {"{responses: {200: {content: {a/b: {}}}}}", "{responses: {200: {content: {A/B;charset=utf-8: {}}}}}", ""},
           {"{responses: {200: {content: {a/b: {}}}}}", "{responses: {200: {}}}",
            "BREAKING removed media type 200 a/b"},
           {"{responses: {200: {}}}", "{responses: {200: {}, 404: {}}}", "added status 404"},
           {"{responses: {200: {}, 404: {}}}", "{responses: {200: {}}}", "removed status 404"},
           {"{responses: {200: {}}}", "{responses: {201: {}}}", "BREAKING removed status 200; added status 201"},
           {"{responses: {200: {}}}", "{responses: {2XX: {}}}", ""},
           {"{responses: {2XX: {}}}", "{responses: {200: {}, 2XX: {}}}", ""},
           {"{responses: {200: {headers: {X-A: {}}}}}", "{responses: {200: {}}}",
            "BREAKING removed response header 200 header x-a"},
           {"{responses: {200: {}}}", "{responses: {200: {headers: {X-A: {}}}}}",
            "added response header 200 header x-a"},
           {"{}", "{security: [{token: []}]}", "BREAKING changed security"},
           {"{security: [{token: []}]}", "{}", "changed security"},
           {"{security: [{token: []}]}", "{security: [{token: []}, {key: []}]}", "changed security"},
           {"{security: [{token: []}, {key: []}]}", "{security: [{key: []}]}", "BREAKING changed security"},
           {"{security: [{token: []}]}", "{security: [{token: [], key: []}]}", "BREAKING changed security"},
           {"{security: [{token: []}]}", "{security: [{}, {token: []}]}", "changed security"},
           {"{security: [{auth: [a]}]}", "{security: [{auth: [a, b]}]}", "BREAKING changed security"},
           {"{security: [{auth: [a, b]}]}", "{security: [{auth: [a]}]}", "changed security"}}) {
    CAPTURE(c.before);
    CAPTURE(c.after);
    CHECK(joined(lines_of(of_operation(c.before), of_operation(c.after))) == c.lines);
  }
}

TEST_CASE("operations are matched by the shape of their whole path") {
  auto get = [](const char* servers, const char* path) {
    return fmt::format("openapi: 3.0.0\nservers: {}\npaths: {{'{}': {{get: {{}}}}}}", servers, path);
  };
  std::string users = get("[]", "/v1/users/{id}"), based = get("[{url: /v1}]", "/users/{userId}");
  CHECK(lines_of(users, get("[]", "/v1/users/{userId}")).empty());
  CHECK(joined(lines_of(users, based)) == "added server /v1");
  CHECK(joined(lines_of(users, get("[]", "/v1/users/me"))) == "BREAKING removed operation; added operation");
  CHECK(joined(lines_of(based, get("[{url: /v2}, {url: /v1}]", "/users/{u}"))) == "added server /v2");
  CHECK(joined(lines_of(based, get("[{url: /v2}]", "/users/{u}"))) ==
        "BREAKING removed server /v1; BREAKING removed operation; added server /v2; added operation");
}

TEST_CASE("what traffic does not show is no difference to what was learned from it") {
  std::string document = of_operation("{security: [{auth: [a]}]}") + "servers: [{url: 'https://a.test'}]\n";
  std::string learned = of_operation("{security: [{token: []}]}") + "servers: [{url: 'http://a.test'}]\n";
  CHECK(lines_of(document, learned, {true}).empty());
  CHECK(lines_of(document, learned).size() == 3);
}

TEST_CASE("schemas that refer to each other as much as they can are compared in bounded time") {
  auto tangle = [](const char* leaf) {
    std::string text =
        "openapi: 3.1.0\npaths: {/a: {get: {responses: {200: {content: {j: {schema: {$ref: "
        "'#/components/schemas/s0'}}}}}}}}\ncomponents: {schemas: {";
    for (int i = 0; i < 40; ++i) {
      text += fmt::format("s{}: {{oneOf: [", i);
      for (int j = 0; j < 40; ++j)
        text += fmt::format("{{properties: {{p{0}: {{$ref: '#/components/schemas/s{0}'}}}}}}, ", j);
      text += fmt::format("{{properties: {{leaf: {{type: {}}}}}}}]}},\n", leaf);
    }
    return text + "}}";
  };
  CHECK(!lines_of(tangle("string"), tangle("integer")).empty());
  CHECK(lines_of(tangle("string"), tangle("string")).empty());
}

TEST_CASE("properties in properties are compared as deep as is stated") {
  auto nested = [](int levels, const char* leaf) {
    std::string text = fmt::format("{{type: {}}}", leaf);
    for (int i = 0; i < levels; ++i) text = "{properties: {p: " + text + "}}";
    return in_response(text);
  };
  CHECK(verdict(lines_of(nested(60, "string"), nested(60, "integer"))) == "breaking");
  CHECK(lines_of(nested(90, "string"), nested(90, "integer")).back().ends_with("depth"));
}

}  // namespace specular::test
