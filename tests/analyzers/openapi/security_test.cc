#include "analyzers/openapi/security.h"

#include <doctest/doctest.h>

#include "tests/analyzers/site.h"

namespace specular::test {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kJwt = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";

PlayedExchange asked(const Headers& headers, std::uint16_t status = 200, const std::string& target = "/orders") {
  PlayedExchange exchange;
  exchange.target = target;
  exchange.headers = headers;
  exchange.status = status;
  exchange.size = 100 + target.size() * 7;
  return exchange;
}

void play(Site& site, int times, const PlayedExchange& exchange) {
  for (int i = 0; i < times; ++i) site.play(exchange);
}

// {"security": of the first endpoint, "schemes": …}
Json written(Site& site) {
  std::vector<Endpoint> endpoints = site.all_endpoints();
  SecurityWriter writer(endpoints, "http://api.example");
  Json json;
  for (const Endpoint& endpoint : endpoints) json["security"][endpoint.route.path()] = writer.requirements_of(endpoint);
  json["schemes"] = writer.schemes();
  return json;
}

Json requirements(Site& site) {
  return written(site)["security"]["/orders"];
}

}  // namespace

TEST_CASE("what is sent together is demanded together, what is sent instead of each other is a choice") {
  Site site;
  play(site, 5, asked({{"X-Api-Key", "k"}, {"Authorization", "Bearer t"}}));
  CHECK(requirements(site) == Json::parse(R"([{"apiKey_header_x-api-key":[],"bearer":[]}])"));
  play(site, 2, asked({{"Authorization", "Basic dTpw"}}));
  CHECK(requirements(site) == Json::parse(R"([{"apiKey_header_x-api-key":[],"bearer":[]},{"basic":[]}])"));
}

TEST_CASE("only what was granted counts, unless nothing ever was") {
  Site site;
  play(site, 5, asked({{"Authorization", "Bearer t"}}));
  play(site, 5, asked({}, 401));
  play(site, 5, asked({{"Authorization", "Basic dTpw"}}, 403));
  play(site, 5, asked({}, 302));
  CHECK(requirements(site) == Json::parse(R"([{"bearer":[]}])"));
  Site denied;
  play(denied, 5, asked({{"Authorization", "Bearer t"}}, 403));
  play(denied, 5, asked({}, 401));
  CHECK(requirements(denied) == Json::parse(R"([{"bearer":[]}])"));
}

TEST_CASE("what had no success here counts if the host accepts it elsewhere and nothing was denied here") {
  const Headers basic{{"Authorization", "Basic dTpw"}}, bearer{{"Authorization", "Bearer t"}};
  Site site;
  play(site, 3, asked(bearer));
  play(site, 1, asked(basic, 422));
  CHECK(requirements(site) == Json::parse(R"([{"bearer":[]}])"));
  play(site, 3, asked(basic, 200, "/users"));
  CHECK(requirements(site) == Json::parse(R"([{"basic":[]},{"bearer":[]}])"));
  play(site, 1, asked({}, 401));
  CHECK(requirements(site) == Json::parse(R"([{"bearer":[]}])"));
}

TEST_CASE("what answers without credentials says so; who sends more than is asked for changes nothing") {
  Site site;
  play(site, 50, asked({}));
  play(site, 5, asked({{"Authorization", "Bearer t"}}));
  CHECK(requirements(site) == Json::parse(R"([{},{"bearer":[]}])"));
  Site stray;
  play(stray, 60, asked({{"Authorization", "Bearer t"}}));
  play(stray, 2, asked({{"Authorization", "Bearer t"}, {"Cookie", "session=x"}}));
  CHECK(requirements(stray) == Json::parse(R"([{"bearer":[]}])"));
  Site open;
  play(open, 400, asked({}));
  play(open, 1, asked({{"X-Made-Up-Token", "0123456789abcdef"}}));
  CHECK(requirements(open) == Json::array());
}

TEST_CASE("bearer tokens are called JWT only where they are") {
  Site jwt, opaque;
  play(jwt, 5, asked({{"Authorization", kJwt}}));
  play(jwt, 5, asked({{"Authorization", "Bearer guessed"}}, 401));
  CHECK(written(jwt)["schemes"] == Json::parse(R"({"bearer":{"type":"http","scheme":"bearer","bearerFormat":"JWT"}})"));
  play(opaque, 5, asked({{"Authorization", kJwt}}));
  play(opaque, 5, asked({{"Authorization", "Bearer opaque"}}));
  CHECK(written(opaque)["schemes"] == Json::parse(R"({"bearer":{"type":"http","scheme":"bearer"}})"));
}

TEST_CASE("a host that gives out tokens has the flows of OAuth 2.0 that were seen") {
  Site site;
  PlayedExchange token = asked({{"Content-Type", "application/x-www-form-urlencoded"}}, 200, "/oauth/token");
  token.method = "POST";
  token.request_body = "grant_type=client_credentials&scope=orders%3Aread";
  token.body = R"({"access_token":"a","token_type":"Bearer"})";
  site.play(token);
  token.request_body = "grant_type=refresh_token&refresh_token=r";
  site.play(token);
  token.request_body = "grant_type=authorization_code&code=c";
  site.play(token);
  play(site, 3, asked({{"Authorization", "Bearer t"}}));
  Json found = written(site);
  CHECK(found["security"]["/orders"] == Json::parse(R"([{"oauth2":[]}])"));
  // Nobody saw where users are sent to agree, without which OpenAPI has no such flow.
  CHECK(found["schemes"]["oauth2"]["flows"] ==
        Json::parse(R"({"clientCredentials":{"tokenUrl":"http://api.example/oauth/token",
            "refreshUrl":"http://api.example/oauth/token","scopes":{"orders:read":""}}})"));
  site.play(asked({}, 200, "/oauth/authorize?response_type=code&client_id=abc&state=x"));
  Json flows = written(site)["schemes"]["oauth2"]["flows"];
  CHECK(flows["authorizationCode"]["authorizationUrl"] == "http://api.example/oauth/authorize");
  CHECK(flows["authorizationCode"]["tokenUrl"] == "http://api.example/oauth/token");
}

TEST_CASE("credentials in headers of any name are known by name and value") {
  Site site;
  play(site, 5, asked({{"PRIVATE-TOKEN", "glpat-0a1b2c3d4e5f6a7b8c9d"}}));
  CHECK(requirements(site) == Json::parse(R"([{"apiKey_header_private-token":[]}])"));
  Site others;
  play(others, 5,
       asked({{"X-CSRF-Token", "0a1b2c3d4e5f6a7b8c9d"},
              {"X-Auth-Mode", "strict"},
              {"Idempotency-Key", "0a1b2c3d4e5f6a7b"}}));
  CHECK(requirements(others) == Json::array());
}

TEST_CASE("a token that is another in every request is a parameter") {
  Site site;
  for (int i = 0; i < 40; ++i) {
    PlayedExchange exchange = asked({{"X-Lock-Token", "0a1b2c3d4e5f6a7b8c9d" + std::to_string(i * 7919)}});
    site.play(exchange);
  }
  CHECK(requirements(site) == Json::array());
  CHECK(site.endpoint().one_time == Lines{"apiKey:header:x-lock-token"});
}

}  // namespace specular::test
