#include "analyzers/openapi/document.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "analyzers/openapi/source.h"

namespace specular::test {
namespace {

ApiDocument read(const std::string& text) {
  auto document = read_document(text, "api");
  REQUIRE_MESSAGE(document.has_value(), (document ? "" : document.error().text));
  return std::move(*document);
}

std::string refusal(const std::string& text) {
  auto document = read_document(text, "api");
  return document ? "" : document.error().text;
}

// A document of 3.1 with what stands below "paths", indented by two.
std::string of_paths(const std::string& paths) {
  return "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n" + paths;
}

const ApiOperation& only(const ApiDocument& document) {
  REQUIRE(document.operations.size() == 1);
  return document.operations[0];
}

const ApiSchema& schema_of(const ApiDocument& document, const ApiContents& contents) {
  REQUIRE(contents.size() == 1);
  return document.schemas[contents.begin()->second];
}

}  // namespace

TEST_CASE("the three versions say the same in their own ways") {
  std::string v31 = R"(
openapi: 3.1.0
servers: [{url: 'https://API.test:443/v1/'}]
security: [{key: []}]
components: {securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}}
paths:
  /users/{id}:
    post:
      parameters:
      - {in: path, name: id, required: true, schema: {type: integer}}
      - {in: query, name: tags, explode: false, schema: {type: array, items: {type: string}}}
      requestBody:
        content:
          application/json:
            schema: {type: [object, 'null'], properties: {n: {type: number, exclusiveMinimum: 3}}}
      responses: {200: {description: '', content: {application/json: {schema: {type: string}}}}}
)";
  std::string v30 = R"(
openapi: 3.0.3
servers: [{url: 'https://api.test/v1'}]
security: [{key: []}]
components: {securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}}
paths:
  /users/{id}:
    parameters:
    - {in: path, name: id, required: true, schema: {type: integer}}
    post:
      parameters:
      - {in: query, name: tags, explode: false, schema: {type: array, items: {type: string}}}
      requestBody: {content: {application/json: {schema: {$ref: '#/components/x'}}}}
      responses: {'200': {description: '', content: {'application/json; charset=utf-8': {schema: {type: string}}}}}
)";
  v30.insert(
      v30.find("securitySchemes"),
      "x: {type: object, nullable: true, properties: {n: {type: number, minimum: 3, exclusiveMinimum: true}}}, ");
  std::string v20 = R"({"swagger": "2.0", "host": "api.test", "basePath": "/v1", "schemes": ["https"],
"security": [{"key": []}], "securityDefinitions": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
"paths": {"/users/{id}": {"post": {"parameters": [
  {"in": "path", "name": "id", "required": true, "type": "integer"},
  {"in": "query", "name": "tags", "type": "array", "items": {"type": "string"}},
  {"in": "body", "name": "b", "schema": {"type": "object", "x-nullable": true,
   "properties": {"n": {"type": "number", "minimum": 3, "exclusiveMinimum": true}}}}],
  "responses": {"200": {"description": "", "schema": {"type": "string"}}}}}}})";
  for (const std::string& text : {v31, v30, v20}) {
    CAPTURE(text.substr(0, 20));
    ApiDocument document = read(text);
    const ApiOperation& operation = only(document);
    CHECK(operation.method == "POST");
    CHECK(operation.servers[0].host() == "api.test");
    CHECK(operation.servers[0].base_path() == "/v1");
    CHECK(operation.security == std::vector<ApiSecurity>{{{"apiKey:header:x-key", {}}}});
    REQUIRE(operation.parameters.size() == 2);
    CHECK(operation.parameters[0].required);
    CHECK(document.schemas[operation.parameters[0].schema].types == kWhole);
    CHECK(operation.parameters[1].style == "form");
    REQUIRE(operation.body);
    const ApiSchema& body = schema_of(document, operation.body->contents);
    CHECK(body.types == (kObject | kNull));
    Edge least{3, true};
    CHECK(document.schemas[body.properties.at("n")].ranges[0].least == least);
    REQUIRE(operation.responses.contains("200"));
    CHECK(schema_of(document, operation.responses.at("200").contents).types == kString);
  }
}

TEST_CASE("form parameters of 2.0 are a request body") {
  ApiDocument document = read(R"({"swagger": "2.0", "paths": {"/a": {"post": {"parameters": [
    {"in": "formData", "name": "n", "type": "integer", "required": true},
    {"in": "formData", "name": "f", "type": "file"}], "responses": {}}}}})");
  const ApiOperation& operation = only(document);
  REQUIRE(operation.body);
  CHECK(operation.body->required);
  CHECK(operation.body->contents.begin()->first == "multipart/form-data");
  const ApiSchema& form = schema_of(document, operation.body->contents);
  CHECK(form.required == std::set<std::string>{"n"});
  CHECK(document.schemas[form.properties.at("n")].types == kWhole);
}

TEST_CASE("several types are a list, but in 3.0") {
  std::string schema =
      "{paths: {/a: {get: {parameters: [{in: query, name: q, type: [string, 'null'], "
      "schema: {type: [string, 'null']}}], responses: {}}}}}";
  auto types = [&](const char* version) {
    ApiDocument document = read(version + schema.substr(1, schema.size() - 2));
    return document.schemas[only(document).parameters[0].schema].types;
  };
  CHECK(types("swagger: '2.0'\n") == (kString | kNull));
  CHECK(types("openapi: 3.1.0\n") == (kString | kNull));
  CHECK(refusal("openapi: 3.0.0\n" + schema.substr(1, schema.size() - 2)) == "api:2: 'type' must be text, not a list");
}

TEST_CASE("a schema may contain itself, in whatever way") {
  ApiDocument document = read(of_paths(R"(
  /a: {get: {responses: {200: {content: {application/json: {schema: {$ref: '#/components/schemas/Node'}}}}}}}
components:
  schemas:
    Node:
      type: object
      properties: {next: {$ref: '#/components/schemas/Node'}}
      allOf: [{$ref: '#/components/schemas/Node'}]
)"));
  const ApiContents& contents = only(document).responses.at("200").contents;
  const ApiSchema& node = schema_of(document, contents);
  CHECK(node.name == "Node");
  CHECK(node.properties.at("next") == contents.begin()->second);
}

TEST_CASE("what stands beside a reference counts since 3.1") {
  std::string text = of_paths(R"(
  /a: {get: {responses: {200: {content: {a/b: {schema: {$ref: '#/components/schemas/S', maxLength: 3}}}}}}}
components: {schemas: {S: {type: string}}}
)");
  ApiDocument document = read(text);
  const ApiSchema& schema = schema_of(document, only(document).responses.at("200").contents);
  CHECK(schema.all_of.size() == 1);
  CHECK(schema.ranges[1].most.has_value());
  ApiDocument older = read(text.replace(text.find("3.1.0"), 5, "3.0.1"));
  CHECK(schema_of(older, only(older).responses.at("200").contents).name == "S");
}

TEST_CASE("aliases, merge keys, tags and comments of YAML") {
  ApiDocument document = read(of_paths(R"(
  /a: &item
    get: &get {tags: [x], responses: {}}   # one
  /b: *item
  /c: {put: {<<: *get, deprecated: true}}
  !!str /d: {get: {tags: [!!str 1], responses: {}}}
)"));
  REQUIRE(document.operations.size() == 4);
  CHECK(document.operations[1].tags == std::vector<std::string>{"x"});
  CHECK(document.operations[2].tags == std::vector<std::string>{"x"});
  CHECK(document.operations[2].deprecated);
  CHECK(document.operations[3].tags == std::vector<std::string>{"1"});
}

TEST_CASE("refusals name the line and the reason") {
  struct Case {
    std::string text, refusal;
  };
  std::string get = "  /a:\n    get:\n      ";
  for (const Case& c : std::vector<Case>{
           {"", "api:1: the document is empty"},
           {"just text", "api:1: a document must be an object, not text"},
           {"a: 1", "api:1: no OpenAPI document: it has neither 'openapi' nor 'swagger'"},
           {"info: {}\nopenapi: 3.2.0", "api:2: version '3.2.0' is not read; OpenAPI 3.1, 3.0 and Swagger 2.0 are"},
           {"openapi: 3.0.0", "api:1: there are no 'paths'"},
           {"openapi: 3.1.0\npaths:\n- /a", "api:3: 'paths' must be an object, not a list"},
           {"openapi: 3.1.0\npaths: {}\npaths: {}", "api:3: 'paths' comes twice"},
           {"{\"openapi\": \"3.1.0\",\n \"paths\": {},\n \"paths\": {}}", "api:3: 'paths' comes twice"},
           {of_paths("  users: {}"), "api:4: the path 'users' does not begin with /"},
           {of_paths("  /a/{x}: {get: {responses: {}}}\n  /a/{y}: {get: {responses: {}}}"),
            "api:5: GET /a/{y} is there already, in line 4"},
           {of_paths(get + "parameters: [{in: query}]"), "api:6: a parameter without a name"},
           {of_paths(get + "parameters: [{in: body, name: a}]"), "api:6: no place of parameters: 'body'"},
           {of_paths(get + "parameters:\n      - {in: query, name: a}\n      - {in: query, name: a}"),
            "api:8: the query parameter 'a' comes twice"},
           {of_paths(get + "security: [{key: []}]"), "api:6: there is no security scheme 'key'"},
           {of_paths(get + "responses: {600: {}}"), "api:6: no status of responses: '600'"},
           {of_paths(get + "deprecated: yes"), "api:6: 'deprecated' must be true or false, not text"},
           {of_paths(get + "parameters: [{$ref: '#/components/parameters/p'}]"),
            "api:6: '#/components/parameters/p' refers to nothing in the document"},
           {of_paths(get + "parameters: [{$ref: 'other.yaml#/p'}]"),
            "api:6: 'other.yaml#/p' refers outside of the document; bundle it into one file first"},
           {of_paths(get + "requestBody: {$ref: '#/paths/~1a/get/requestBody'}"),
            "api:6: a reference that leads to itself"},
           {of_paths(get + "requestBody: {content: {a/b: {schema: {type: text}}}}"),
            "api:6: no type of schemas: 'text'"},
           {of_paths(get + "requestBody: {content: {a/b: {schema: {maxLength: x}}}}"),
            "api:6: 'maxLength' must be a number, not text"},
           {of_paths(get + "requestBody: {content: {a/b: {schema: {allOf: []}}}}"), "api:6: 'allOf' lists no schema"},
           {"openapi: 3.1.0\n\tpaths: {}", ""}}) {
    CAPTURE(c.text);
    std::string found = refusal(c.text);
    if (c.refusal.empty()) {
      CHECK(found.starts_with("api:2: "));
    } else {
      CHECK(found == c.refusal);
    }
  }
}

TEST_CASE("broken JSON is refused where it breaks") {
  CHECK(refusal("{\n \"a\": 1,\n \"b\": }\n").starts_with("api:3: "));
  CHECK(refusal("{\"a\": \"\xff\"}").starts_with("api:1: "));
  CHECK(refusal("{\"a\": 1e999}").starts_with("api:1: "));
  CHECK(refusal("{\n\n").starts_with("api:2: "));
}

TEST_CASE("documents that multiply themselves stay small") {
  std::string bomb = "openapi: 3.1.0\nx0: &x0 [a, a, a, a, a, a, a, a, a, a]\n";
  for (int i = 1; i < 60; ++i) {
    bomb += fmt::format("x{0}: &x{0} [*x{1}, *x{1}, *x{1}, *x{1}, *x{1}, *x{1}, *x{1}, *x{1}, *x{1}]\n", i, i - 1);
  }
  CHECK(read(bomb + "paths: {}\n").operations.empty());
  std::string as_enum = bomb + "paths: {/a: {get: {parameters: [{in: query, name: q, schema: {enum: *x59}}]}}}\n";
  CHECK(refusal(as_enum).ends_with("too large: what is referred to again and again adds up"));
}

TEST_CASE("nesting has a limit") {
  std::string brackets(100'000, '[');
  CHECK(refusal("{\"a\": " + brackets).ends_with("nested more than 200 levels deep"));
  CHECK(refusal("a: " + brackets).find(":1: ") != std::string::npos);
  std::string chain = "openapi: 3.1.0\nx0: &x0 [a]\n";
  for (int i = 1; i < 300; ++i) chain += fmt::format("x{0}: &x{0} [*x{1}]\n", i, i - 1);
  CHECK(refusal(chain).ends_with("nested more than 200 levels deep"));
}

TEST_CASE("chains of references are as long as they like") {
  std::string text =
      "openapi: 3.1.0\npaths: {/a: {get: {responses: {200: {content: {a/b: {schema: {$ref: "
      "'#/components/schemas/s0'}}}}}}}}\ncomponents:\n  schemas:\n";
  for (int i = 0; i < 20'000; ++i) {
    text +=
        fmt::format("    s{}: {{type: object, properties: {{p: {{$ref: '#/components/schemas/s{}'}}}}}}\n", i, i + 1);
  }
  CHECK(read(text + "    s20000: {type: string}\n").schemas.size() >= 20'000);
}

TEST_CASE("servers as they are spelt") {
  auto server = [](const char* url) { return ApiServer{1, url}; };
  CHECK(server("http://a.test:80/v1/").host() == "a.test");
  CHECK(server("http://a.test:8080").host() == "a.test:8080");
  CHECK(server("//user@A.test/x").host() == "a.test");
  CHECK(server("/v2/").base_path() == "/v2");
  CHECK(server("v2").base_path() == "/v2");
  CHECK(server("/").base_path().empty());
  CHECK(server("https://a.test/v1?x=/y").base_path() == "/v1");
  CHECK(path_shape("/a/{b}/c{d}.e") == "/a/{}/c{}.e");
  CHECK(path_shape("/a/{b") == "/a/{");
}

}  // namespace specular::test
