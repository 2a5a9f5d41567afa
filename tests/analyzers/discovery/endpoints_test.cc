#include "analyzers/discovery/endpoints.h"

#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/analyzers/site.h"

namespace specular::test {
namespace {

PlayedExchange answered(const std::string& target, std::uint16_t status, const std::string& type,
                        std::uint64_t size = 100) {
  PlayedExchange exchange;
  exchange.target = target;
  exchange.status = status;
  exchange.type = type;
  exchange.size = size;
  return exchange;
}

std::string kind_of(const std::vector<PlayedExchange>& exchanges) {
  Site site;
  for (const PlayedExchange& exchange : exchanges) site.play(exchange);
  return to_text(site.endpoint().kind);
}

std::string word(std::size_t i) {
  return {static_cast<char>('a' + i % 26), static_cast<char>('a' + i / 26 % 26), 'w'};
}

// A small API whose every endpoint answers differently.
void play_api(Site& site) {
  std::uint64_t size = 200;
  for (const char* path : {"/users", "/orders", "/orders/1234567", "/search?q=x", "/users/1234567/orders"}) {
    site.play(answered(path, 200, "application/json", size += 17));
  }
}

const Lines kApi = {"api GET api.example /orders", "api GET api.example /orders/{orderId}",
                    "api GET api.example /search", "api GET api.example /users",
                    "api GET api.example /users/{userId}/orders"};

}  // namespace

TEST_CASE("what answers with data is an API") {
  CHECK(kind_of({answered("/users", 200, "application/json")}) == "api");
  CHECK(kind_of({answered("/users", 200, "application/xml")}) == "api");
  CHECK(kind_of({answered("/users", 204, "")}) == "api");
  CHECK(kind_of({answered("/export", 200, "text/csv")}) == "api");
  CHECK(kind_of({answered("/health", 200, "text/plain")}) == "api");
  CHECK(kind_of({answered("/users", 401, "")}) == "api");
}

TEST_CASE("pages are web, files of pages are static") {
  CHECK(kind_of({answered("/about", 200, "text/html")}) == "web");
  CHECK(kind_of({answered("/about", 200, "application/xhtml+xml")}) == "web");
  CHECK(kind_of({answered("/app.js", 200, "application/javascript")}) == "static");
  CHECK(kind_of({answered("/style.css", 200, "text/css")}) == "static");
  CHECK(kind_of({answered("/logo.png", 200, "image/png")}) == "static");
  CHECK(kind_of({answered("/font.woff2", 200, "application/octet-stream")}) == "static");
  CHECK(kind_of({answered("/favicon.ico", 200, "image/x-icon")}) == "static");
  CHECK(kind_of({answered("/logo", 200, "image/png")}) == "static");
}

TEST_CASE("an API may send images, and have names that look like files") {
  CHECK(kind_of({answered("/users/1234567/avatar", 200, "image/png")}) == "api");
  CHECK(kind_of({answered("/render?width=100", 200, "image/png")}) == "api");
  CHECK(kind_of({answered("/tiles/style.js", 200, "application/json")}) == "api");
  PlayedExchange upload = answered("/logo.png", 201, "application/json");
  upload.method = "PUT";
  CHECK(kind_of({upload}) == "api");
}

TEST_CASE("an endpoint that answers pages and data is an API") {
  CHECK(kind_of({answered("/users", 200, "application/json"), answered("/users", 500, "text/html")}) == "api");
  CHECK(kind_of({answered("/users", 200, "text/html"), answered("/users", 200, "application/json")}) == "api");
}

TEST_CASE("what only redirects is web") {
  PlayedExchange moved = answered("/old", 301, "");
  moved.response_headers = {{"Location", "/new"}};
  CHECK(kind_of({moved}) == "web");
  CHECK(kind_of({moved, answered("/old", 200, "application/json")}) == "api");
}

TEST_CASE("OPTIONS are preflights") {
  PlayedExchange preflight = answered("/users", 204, "");
  preflight.method = "OPTIONS";
  preflight.headers = {{"Access-Control-Request-Method", "POST"}};
  CHECK(kind_of({preflight}) == "preflight");
}

TEST_CASE("HEAD of a known GET is no endpoint, a HEAD alone is one") {
  Site both, alone;
  PlayedExchange head = answered("/users", 200, "application/json", 0);
  head.method = "HEAD";
  both.play(answered("/users", 200, "application/json")).play(head);
  CHECK(both.endpoints() == Lines{"api GET api.example /users"});
  alone.play(head);
  CHECK(alone.endpoints() == Lines{"api HEAD api.example /users"});
}

TEST_CASE("HEAD of a GET that does not exist is one, too") {
  Site site;
  PlayedExchange head = answered("/users", 200, "application/json", 0);
  head.method = "HEAD";
  site.play(answered("/users", 405, "")).play(head);
  CHECK(site.endpoints() == Lines{"api HEAD api.example /users"});
}

TEST_CASE("what no server answered as existing is no endpoint") {
  Site site;
  std::vector<std::uint16_t> statuses{404, 405, 410, 501, 502, 503, 504};
  for (std::size_t i = 0; i < statuses.size(); ++i) site.play(answered("/" + word(i), statuses[i], "text/html", i));
  CHECK(site.endpoints().empty());
  site.play(answered("/" + word(0), 200, "application/json"));
  CHECK(site.endpoints() == Lines{"api GET api.example /" + word(0)});
}

TEST_CASE("a request that nobody answered is no endpoint, unless only requests are mirrored") {
  PlayedExchange unanswered = answered("/users", 0, "");
  unanswered.whole = Whole::request_only;
  Site lost, blind;
  lost.play(unanswered);
  CHECK(lost.endpoints().empty());
  unanswered.one_sided = true;
  blind.play(unanswered);
  CHECK(blind.endpoints() == Lines{"api GET api.example /users"});
}

TEST_CASE("endpoints that only deny are told so") {
  for (auto [statuses, denied] : {std::pair(std::vector<std::uint16_t>{401}, true),
                                  {{403}, true},
                                  {{401, 403, 407}, true},
                                  {{401, 200}, false},
                                  {{200}, false},
                                  {{500}, false}}) {
    Site site;
    for (std::uint16_t status : statuses) site.play(answered("/users", status, "application/json", status));
    CHECK(site.endpoint().denied_only == denied);
  }
}

TEST_CASE("an API whose endpoints answer differently is told whole, in ascending order") {
  Site site;
  play_api(site);
  CHECK(site.endpoints() == kApi);
  auto endpoints = site.all_endpoints();
  for (std::size_t i = 1; i < endpoints.size(); ++i) {
    CHECK(endpoints[i - 1].route.path() < endpoints[i].route.path());
  }
}

TEST_CASE("a server that answers any path alike has no endpoints there") {
  Site site;
  play_api(site);
  for (std::size_t i = 0; i < 30; ++i) site.play(answered("/" + word(i), 200, "text/html", 1234));
  CHECK(site.endpoints() == kApi);
}

TEST_CASE("a server that answers any path alike, in folders too, has no endpoints there") {
  Site site;
  play_api(site);
  for (std::size_t i = 0; i < 30; ++i) {
    site.play(answered("/" + word(i) + "/" + word(i + 7) + "/x.php", 200, "text/html", 1234));
  }
  CHECK(site.endpoints() == kApi);
}

TEST_CASE("a page that repeats the path is still the same page") {
  Site site;
  play_api(site);
  for (std::size_t i = 0; i < 30; ++i) {
    std::string path = "/" + std::string(1 + i % 9, 'x') + word(i);
    PlayedExchange page = answered(path, 200, "text/html", 1234 + path.size());
    page.body = "<p>You asked for " + path + "</p>";
    site.play(page);
  }
  CHECK(site.endpoints() == kApi);
}

TEST_CASE("a redirection of everything to another name is no endpoint") {
  Site site;
  play_api(site);
  for (std::size_t i = 0; i < 30; ++i) {
    PlayedExchange moved = answered("/" + word(i) + "/" + word(i + 3), 301, "text/html", 162);
    moved.response_headers = {{"Location", "https://www.example" + moved.target}};
    site.play(moved);
  }
  CHECK(site.endpoints() == kApi);
}

TEST_CASE("a few endpoints that answer alike are endpoints") {
  Site site;
  Lines expected;
  for (const char* path : {"/a", "/b", "/c", "/d"}) {
    site.play(answered(path, 200, "application/json", 2));
    expected.push_back(std::string("api GET api.example ") + path);
  }
  CHECK(site.endpoints() == expected);
}

TEST_CASE("one endpoint with many values that answers alike is an endpoint") {
  Site site;
  for (std::size_t i = 0; i < 50; ++i) {
    site.play(answered(fmt::format("/items/{}", 10'000'000 + i), 200, "application/json", 2));
  }
  CHECK(site.endpoints() == Lines{"api GET api.example /items/{itemId}"});
}

TEST_CASE("deleting from several collections is an API, though every answer is an empty 204") {
  Site site;
  Lines expected;
  for (const char* collection : {"orders", "products", "users", "carts"}) {
    for (std::size_t i = 0; i < 10; ++i) {
      PlayedExchange removed = answered(fmt::format("/{}/{}", collection, 10'000'000 + i), 204, "", 0);
      removed.method = "DELETE";
      site.play(removed);
    }
  }
  for (const char* name : {"carts/{cartId}", "orders/{orderId}", "products/{productId}", "users/{userId}"}) {
    expected.push_back(std::string("api DELETE api.example /") + name);
  }
  CHECK(site.endpoints() == expected);
}

TEST_CASE("operations that all answer the same short JSON are endpoints") {
  // As RPC does: POST /createUser, POST /deleteUser …, each {"ok":true}.
  Site site;
  for (const char* name : {"createUser", "deleteUser", "updateUser", "createOrder", "deleteOrder", "updateOrder",
                           "createItem", "deleteItem", "updateItem", "sendMail"}) {
    PlayedExchange call = answered(std::string("/") + name, 200, "application/json", 11);
    call.method = "POST";
    call.request_size = 50;
    for (int i = 0; i < 20; ++i) site.play(call);
  }
  CHECK(site.endpoints().size() == 10);
}

TEST_CASE("hosts that only a client made up are told neither as hosts nor as endpoints") {
  Site site;
  play_api(site);
  for (std::size_t i = 0; i < 40; ++i) {
    PlayedExchange probe = answered("/", 200, "text/html", 612);
    probe.host = word(i) + ".evil.example";
    site.play(probe);
  }
  CHECK(site.endpoints() == kApi);
}

TEST_CASE("hosts of one server that are alike, but busy, are hosts") {
  Site site;
  for (std::size_t i = 0; i < 10; ++i) {
    for (int requests = 0; requests < 10; ++requests) {
      PlayedExchange request = answered("/users", 200, "application/json", 300);
      request.host = word(i) + ".tenants.example";
      site.play(request);
    }
  }
  CHECK(site.endpoints().size() == 10);
}

TEST_CASE("hosts that were rarely asked, but for different things, are hosts") {
  Site site;
  for (std::size_t i = 0; i < 10; ++i) {
    PlayedExchange request = answered("/" + word(i) + "/status", 200, "application/json", 15);
    request.host = word(i) + ".services.example";
    site.play(request);
  }
  CHECK(site.endpoints().size() == 10);
}

TEST_CASE("the same path on two hosts, and in two networks, is two endpoints") {
  Site site;
  TunnelPath seven, eight;
  seven.push({TunnelKind::vxlan, 7});
  eight.push({TunnelKind::vxlan, 8});
  for (const TunnelPath& path : {seven, eight}) {
    Tunnel tunnel = site.tunnels().find(path);
    for (const char* host : {"a.example", "b.example"}) {
      PlayedExchange exchange = answered("/users", 200, "application/json");
      exchange.host = host;
      exchange.tunnel = tunnel.id;
      exchange.network = tunnel.network;
      site.play(exchange);
    }
  }
  auto endpoints = site.all_endpoints();
  REQUIRE(endpoints.size() == 4);
  CHECK(endpoints[0].host == HostKey{"vxlan:7", "a.example"});
  CHECK(endpoints[3].host == HostKey{"vxlan:8", "b.example"});
}

}  // namespace specular::test
