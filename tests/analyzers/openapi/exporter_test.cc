#include "analyzers/openapi/exporter.h"

#include <algorithm>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/analyzers/random_summary.h"
#include "tests/analyzers/site.h"

namespace specular::test {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kUuid = "123e4567-e89b-12d3-a456-426614174000";

// Everything about a document that the OpenAPI 3.1 specification asks for, and we can break.
class Checker {
 public:
  explicit Checker(const Json& document) : document_(document) { check_document(); }
  const Lines& problems() const { return problems_; }

 private:
  void complain(const std::string& text) { problems_.push_back(text); }
  void require(bool good, const std::string& text) {
    if (!good) complain(text);
  }

  void check_document() {
    require(document_.at("openapi") == "3.1.0", "version");
    require(!document_.at("info").at("title").get<std::string>().empty(), "no title");
    require(document_.at("info").at("version").is_string(), "version of the document is no string");
    for (const auto& server : document_.at("servers")) require(server.at("url").is_string(), "server without url");
    std::set<std::string> shapes;
    for (const auto& [path, item] : document_.at("paths").items()) {
      require(path.starts_with('/'), "path does not begin with a slash: " + path);
      require(shapes.insert(shape_of(path)).second, "templates that differ only in names: " + path);
      require(!item.empty(), "empty path item: " + path);
      check_item(path, item);
    }
  }

  static std::string shape_of(const std::string& path) {
    std::string shape;
    for (std::size_t i = 0; i < path.size(); ++i) {
      shape += path[i];
      if (path[i] == '{') i = path.find('}', i) - 1;
    }
    return shape;
  }

  void check_item(const std::string& path, const Json& item) {
    static const std::set<std::string> kMethods{"get", "put", "post", "delete", "options", "head", "patch", "trace"};
    for (const auto& [method, operation] : item.items()) {
      if (method.starts_with("x-")) {
        for (const auto& [name, other] : operation.items()) check_operation(path, name, other);
        continue;
      }
      require(kMethods.contains(method), path + " has a " + method);
      check_operation(path, method, operation);
    }
  }

  void check_operation(const std::string& path, const std::string& method, const Json& operation) {
    std::string where = method + " " + path;
    std::string id = operation.at("operationId");
    require(ids_.insert(id).second, "operationId twice: " + id);
    require(
        id.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos,
        "odd operationId: " + id);
    std::set<std::pair<std::string, std::string>> names;
    std::set<std::string> in_path;
    for (const auto& parameter : operation.value("parameters", Json::array())) {
      std::string name = parameter.at("name"), in = parameter.at("in");
      require(names.insert({in, name}).second, where + " has the parameter " + name + " twice");
      require(in == "path" || in == "query" || in == "header", where + ": parameter in " + in);
      require(parameter.at("schema").at("type").is_string(), where + ": parameter without type");
      if (in == "path") require(parameter.at("required") == true, where + ": path parameter not required");
      if (in == "path") in_path.insert(name);
      require(in != "header" || (name != "accept" && name != "content-type" && name != "authorization"),
              where + ": header parameter " + name);
    }
    require(in_path == placeholders_of(path), where + ": declared path parameters are not the placeholders");
    check_responses(where, operation.at("responses"));
    if (operation.contains("requestBody")) check_content(where, operation["requestBody"].at("content"));
    for (const auto& requirement : operation.value("security", Json::array())) {
      for (const auto& [scheme, scopes] : requirement.items()) check_scheme(where, scheme);
    }
  }

  static std::set<std::string> placeholders_of(const std::string& path) {
    std::set<std::string> names;
    for (auto at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1)) {
      names.insert(path.substr(at + 1, path.find('}', at) - at - 1));
    }
    return names;
  }

  void check_responses(const std::string& where, const Json& responses) {
    require(!responses.empty(), where + " has no response");
    for (const auto& [status, response] : responses.items()) {
      bool code = status.size() == 3 && status[0] >= '1' && status[0] <= '5' &&
                  std::all_of(status.begin(), status.end(), [](char c) { return c >= '0' && c <= '9'; });
      require(code || status == "default" || status.starts_with("x-"), where + ": status " + status);
      require(response.at("description").is_string(), where + ": response without description");
      if (response.contains("content")) check_content(where, response["content"]);
    }
  }

  void check_content(const std::string& where, const Json& content) {
    for (const auto& [type, media] : content.items()) require(!type.empty(), where + ": media type without name");
  }

  void check_scheme(const std::string& where, const std::string& name) {
    require(name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
                std::string::npos,
            "odd scheme name: " + name);
    const Json components = document_.value("components", Json::object());
    const Json schemes = components.value("securitySchemes", Json::object());
    if (!schemes.contains(name)) return complain(where + ": unknown scheme " + name);
    const Json& scheme = schemes.at(name);
    if (scheme.at("type") == "apiKey") {
      std::string in = scheme.at("in");
      require(in == "header" || in == "query" || in == "cookie", name + " is in " + in);
      require(!scheme.at("name").get<std::string>().empty(), name + " has no name");
    } else {
      require(scheme.at("type") == "http" && scheme.at("scheme").is_string(), name + " is no http scheme");
    }
  }

  const Json& document_;
  Lines problems_;
  std::set<std::string> ids_;
};

Json document_of(Site& site) {
  auto endpoints = site.all_endpoints();
  REQUIRE(!endpoints.empty());
  return to_openapi(endpoints);
}

Json checked(Site& site) {
  Json document = document_of(site);
  CHECK_MESSAGE(Checker(document).problems().empty(), difference(Checker(document).problems(), {}));
  return document;
}

PlayedExchange request(const std::string& method, const std::string& target) {
  PlayedExchange exchange;
  exchange.method = method;
  exchange.target = target;
  // Not the same answer everywhere.
  exchange.size = 100 + target.size() * 7 + method.size();
  return exchange;
}

}  // namespace

TEST_CASE("a document says what was seen: paths, parameters, bodies, answers") {
  Site site;
  PlayedExchange exchange = request("POST", std::string("/users/") + kUuid + "/orders?dry=true&tag=a&tag=b");
  exchange.headers = {{"Content-Type", "application/json"}, {"X-Tenant", "42"}, {"Authorization", "Bearer x"}};
  exchange.status = 201;
  exchange.request_size = 10;
  site.play(exchange);
  Json document = checked(site);
  const Json& operation = document.at("paths").at("/users/{userId}/orders").at("post");
  CHECK(operation.at("parameters").size() == 4);
  CHECK(operation["parameters"][0]["name"] == "userId");
  CHECK(operation["parameters"][0]["schema"] == Json{{"type", "string"}, {"format", "uuid"}});
  CHECK(operation["parameters"][1]["schema"] == Json{{"type", "boolean"}});
  CHECK(operation["parameters"][2]["schema"]["type"] == "array");
  CHECK(operation["parameters"][3]["name"] == "x-tenant");
  CHECK(operation["parameters"][3]["in"] == "header");
  CHECK(operation.at("requestBody").at("content").contains("application/json"));
  CHECK(operation.at("responses").at("201").at("description") == "Created");
  CHECK(operation.at("responses").at("201").at("content").contains("application/json"));
  CHECK(operation.at("security") == Json::parse(R"([{"bearer":[]}])"));
  CHECK(document.at("components").at("securitySchemes").at("bearer") ==
        Json::parse(R"({"type":"http","scheme":"bearer"})"));
}

TEST_CASE("what is no API is left out") {
  Site site;
  PlayedExchange page = request("GET", "/about");
  page.type = "text/html";
  site.play(page).play(request("GET", "/users"));
  Json document = checked(site);
  CHECK(document.at("paths").size() == 1);
  CHECK(document.at("paths").contains("/users"));
}

TEST_CASE("keys in headers, queries and cookies are security schemes of their own") {
  Site site;
  PlayedExchange header = request("GET", "/a"), query = request("GET", "/b?api_key=1"), cookie = request("GET", "/c");
  header.headers = {{"X-Api-Key", "1"}};
  cookie.headers = {{"Cookie", "JSESSIONID=1"}};
  site.play(header).play(query).play(cookie).play(request("GET", "/d"));
  Json document = checked(site);
  const Json& schemes = document.at("components").at("securitySchemes");
  CHECK(schemes.size() == 3);
  CHECK(document.at("paths").at("/a").at("get").at("security").size() == 1);
  CHECK_FALSE(document.at("paths").at("/d").at("get").contains("security"));
  std::set<std::string> places;
  for (const auto& [name, scheme] : schemes.items()) places.insert(scheme.at("in"));
  CHECK(places == std::set<std::string>{"header", "query", "cookie"});
}

TEST_CASE("an endpoint that is used with and without credentials says so") {
  Site site;
  PlayedExchange known = request("GET", "/a");
  known.headers = {{"Authorization", "Basic x"}};
  site.play(known).play(request("GET", "/a"));
  CHECK(checked(site).at("paths").at("/a").at("get").at("security") == Json::parse(R"([{},{"basic":[]}])"));
}

TEST_CASE("two ways to authenticate never share one scheme") {
  Site site;
  PlayedExchange one = request("GET", "/a"), other = request("GET", "/b");
  one.headers = {{"Cookie", "my:sid=1"}};
  other.headers = {{"Cookie", "my_sid=1"}};
  site.play(one).play(other);
  Json document = checked(site);
  CHECK(document.at("components").at("securitySchemes").size() == 2);
  CHECK(document.at("paths").at("/a").at("get").at("security") !=
        document.at("paths").at("/b").at("get").at("security"));
}

TEST_CASE("methods that OpenAPI does not have are kept beside the others") {
  Site site;
  site.play(request("PROPFIND", "/files")).play(request("GET", "/files"));
  Json document = checked(site);
  const Json& item = document.at("paths").at("/files");
  CHECK(item.contains("get"));
  CHECK(item.at("x-specular-operations").contains("PROPFIND"));
}

TEST_CASE("operations have different ids, whatever their paths are made of") {
  Site site;
  for (const char* path : {"/a-b", "/a_b", "/a.b", "/a/b", "/a%20b", "/a~b", "/A-b", "/a_b_2", "/a--b"}) {
    site.play(request("GET", path)).play(request("POST", path));
  }
  CHECK(checked(site).at("paths").size() == 9);
}

TEST_CASE("statuses that are none in HTTP make no invalid document") {
  Site site;
  PlayedExchange odd = request("GET", "/a");
  odd.status = 999;
  site.play(odd).play(request("GET", "/a"));
  (void)checked(site);
}

TEST_CASE("odd characters from the wire end up as text") {
  Site site;
  PlayedExchange exchange =
      request("GET", "/caf\xc3\xa9/\"quoted\"?na\"me=1&b\xff=2&\xfe=3&c%20d=4&\xf0\x9f\x98\x80=5");
  exchange.headers = {{"X-\x80", "1"}, {"Cookie", "\xffsid=1"}};
  exchange.host = "h\xc3\xb6st\x01.example";
  exchange.type = "text/\xff; charset=x";
  site.play(exchange);
  Json document = checked(site);
  // Throws on what is no UTF-8.
  std::string text = document.dump();
  CHECK(Json::parse(text) == document);
}

TEST_CASE("names that are the same as UTF-8 are told once") {
  Site site;
  site.play(request("GET", "/a?x\xff=1&x\xfe=2"));
  (void)checked(site);
}

TEST_CASE("an answer without a body has no content, an unanswered request a default") {
  Site site;
  PlayedExchange removed = request("DELETE", "/a"), blind = request("GET", "/b");
  removed.status = 204;
  removed.type = "";
  blind.status = 0;
  blind.one_sided = true;
  blind.whole = Whole::request_only;
  site.play(removed).play(blind);
  Json document = checked(site);
  CHECK_FALSE(document.at("paths").at("/a").at("delete").at("responses").at("204").contains("content"));
  CHECK(document.at("paths").at("/b").at("get").at("responses").contains("default"));
}

TEST_CASE("documents of random traffic are valid, and the same bytes whatever the order") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    std::vector<PlayedExchange> exchanges;
    for (int i = 0; i < 80; ++i) {
      static constexpr const char* kMethods[] = {"GET", "POST", "DELETE", "MKCOL"};
      std::string target = fmt::format("/{}/{}", random() % 2 == 0 ? "users" : "files", random() % 12);
      if (random() % 2 == 0) target += fmt::format("/{}.json", random() % 12);
      if (random() % 3 == 0) target += fmt::format("?p{}={}", random() % 3, random() % 5);
      exchanges.push_back(request(kMethods[random() % 4], target));
      exchanges.back().size = random() % 100000;
    }
    Site site, again;
    for (const PlayedExchange& exchange : exchanges) site.play(exchange);
    Json document = checked(site);
    std::shuffle(exchanges.begin(), exchanges.end(), random);
    for (const PlayedExchange& exchange : exchanges) again.play(exchange);
    REQUIRE(document_of(again).dump() == document.dump());
    REQUIRE(to_yaml(document_of(again)) == to_yaml(document));
  }
}

}  // namespace specular::test
