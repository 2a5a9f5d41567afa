#include "analyzers/inspect/credentials.h"

#include <vector>

#include <doctest/doctest.h>

#include "capture/base/text.h"

namespace specular::test {
namespace {

std::string way_of(std::string_view value) {
  std::string buffer = "what was there before";
  return std::string(credentials::way_of_authorization(value, buffer));
}

std::vector<std::string> cookies_in(std::string_view value) {
  std::vector<std::string> ways;
  std::string buffer;
  credentials::find_in_cookies(value, buffer, [&](std::string_view way, std::string_view) { ways.emplace_back(way); });
  return ways;
}

using Ways = std::vector<std::string>;

}  // namespace

TEST_CASE("the way to authenticate is the scheme, in lower case") {
  CHECK(way_of("Bearer eyJhbGciOi.eyJzdWIi.c2ln") == "bearer");
  CHECK(way_of("BASIC dXNlcjpwYXNz") == "basic");
  CHECK(way_of("Digest username=\"x\", realm=\"y\"") == "digest");
  CHECK(way_of("AWS4-HMAC-SHA256 Credential=AKIA/20240101/eu/s3/aws4_request") == "aws4-hmac-sha256");
  CHECK(way_of("Negotiate\tabc") == "negotiate");
  CHECK(way_of("Token abc") == "token");
}

TEST_CASE("a bare value is a key of somebody's own") {
  CHECK(way_of("eyJhbGciOi.eyJzdWIi.c2ln") == "apiKey:header:authorization");
  CHECK(way_of("") == "apiKey:header:authorization");
  CHECK(way_of(" leading blank") == "apiKey:header:authorization");
  CHECK(way_of("key=value with blanks") == "apiKey:header:authorization");
  CHECK(way_of(std::string(40, 'a') + " x") == "apiKey:header:authorization");
}

TEST_CASE("a secret is not taken for the name of a scheme, and so kept") {
  CHECK(way_of("0f8fad5b-d9cb-469f-a165-70867728 x") == "apiKey:header:authorization");
  CHECK(way_of("3f9a8c77aabb11223344556677889900 x") == "apiKey:header:authorization");
}

TEST_CASE("headers that carry keys are known by their names, however they are written") {
  for (const std::string name :
       {"X-Api-Key", "x-api-key", "X_API_KEY", "ApiKey", "api-key", "X-Auth-Token", "X-Access-Token",
        "Ocp-Apim-Subscription-Key", "X-Goog-Api-Key", "X-Amz-Security-Token", "X-Session-Token", "X-Client-Secret",
        "X-Shopify-Access-Token"}) {
    CHECK_MESSAGE(credentials::is_key_header(name), name);
  }
  for (const std::string name : {"Idempotency-Key", "X-CSRF-Token", "X-Request-Id", "Host", "Accept", "X-Tenant", "",
                                 "k", "Content-Type", "X-Keyboard", "Surrogate-Key"}) {
    CHECK_MESSAGE(!credentials::is_key_header(name), name);
  }
  CHECK_FALSE(credentials::is_key_header(std::string(500, 'x') + "api-key"));
}

TEST_CASE("query parameters that carry keys are known by their names") {
  for (const std::string name :
       {"api_key", "apikey", "apiKey", "API-KEY", "access_token", "token", "key", "sig", "jwt"}) {
    CHECK_MESSAGE(credentials::is_key_parameter(name), name);
  }
  for (const std::string name : {"q", "page", "keyword", "sort_key", "id", "tokens", "", "author", "assignee"}) {
    CHECK_MESSAGE(!credentials::is_key_parameter(name), name);
  }
}

TEST_CASE("session cookies are known by their names, protection against forgery is none") {
  for (const std::string name : {"JSESSIONID", "PHPSESSID", "session", "connect.sid", "sid", "access_token",
                                 "laravel_session", "ASP.NET_SessionId", "__Host-session", "auth"}) {
    CHECK_MESSAGE(credentials::is_session_cookie(name), name);
  }
  for (const std::string name : {"csrf_token", "XSRF-TOKEN", "csrftoken", "_ga", "theme", "lang", "", "_gid"}) {
    CHECK_MESSAGE(!credentials::is_session_cookie(name), name);
  }
}

TEST_CASE("cookies are found among others, by name alone") {
  CHECK(cookies_in("theme=dark; sid=secret; _ga=1.2") == Ways{"apiKey:cookie:sid"});
  CHECK(cookies_in("sid=a;JSESSIONID=b") == Ways{"apiKey:cookie:sid", "apiKey:cookie:JSESSIONID"});
  CHECK(cookies_in("  sid=a") == Ways{"apiKey:cookie:sid"});
  CHECK(cookies_in("sid") == Ways{"apiKey:cookie:sid"});
  CHECK(cookies_in("theme=sid; x=session") == Ways{});
  CHECK(cookies_in("") == Ways{});
  CHECK(cookies_in(";;; ;") == Ways{});
}

TEST_CASE("letters become lower case, and nothing else changes") {
  std::string out = "X";
  append_lower("AbZ-_09\xc3\x84", out);
  CHECK(out == "Xabz-_09\xc3\x84");
}

}  // namespace specular::test
