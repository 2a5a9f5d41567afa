#include "analyzers/inspect/headers.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace specular::test {

TEST_CASE("headers are told apart by their names, in any case") {
  HeaderKinds kinds{HashKey{}};
  auto is = [&](HeaderKind kind, std::initializer_list<const char*> names) {
    for (const std::string name : names) CHECK_MESSAGE(kinds.of(name) == kind, name);
  };
  is(HeaderKind::authorization, {"Authorization", "authorization", "AUTHORIZATION"});
  is(HeaderKind::cookie, {"Cookie", "cookie"});
  is(HeaderKind::content_type, {"Content-Type", "content-type"});
  is(HeaderKind::content_encoding, {"Content-Encoding"});
  is(HeaderKind::preflight, {"Access-Control-Request-Method"});
  is(HeaderKind::api_key, {"X-Api-Key", "x-api-key", "X-Auth-Token"});
  is(HeaderKind::parameter, {"X-Tenant", "Idempotency-Key", "X-Api-Version", "Prefer", "X-CSRF-Token"});
}

TEST_CASE("headers of HTTP itself, of browsers, proxies and tracing are no parameters") {
  HeaderKinds kinds{HashKey{}};
  for (const std::string name : {"Host",
                                 "Accept",
                                 "Accept-Language",
                                 "User-Agent",
                                 "Content-Length",
                                 "Connection",
                                 "Origin",
                                 "Referer",
                                 "Range",
                                 "If-None-Match",
                                 "Sec-Fetch-Mode",
                                 "Sec-WebSocket-Key",
                                 "sec-ch-ua",
                                 "X-Forwarded-For",
                                 "X-Forwarded-Proto",
                                 "Forwarded",
                                 "Via",
                                 "traceparent",
                                 "X-Request-Id",
                                 "X-Amzn-Trace-Id",
                                 "X-B3-TraceId",
                                 "CF-Ray",
                                 "DNT",
                                 "Transfer-Encoding",
                                 "Upgrade",
                                 "Proxy-Authorization",
                                 "Access-Control-Request-Headers",
                                 "X-Real-IP"}) {
    CHECK_MESSAGE(kinds.of(name) == HeaderKind::common, name);
  }
}

TEST_CASE("what was learned of one name is never told of another, however many there are") {
  HeaderKinds kinds{HashKey{}};
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 5000; ++i) {
      REQUIRE(kinds.of(fmt::format("X-Param-{}", i)) == HeaderKind::parameter);
      REQUIRE(kinds.of(fmt::format("Sec-{}", i)) == HeaderKind::common);
      REQUIRE(kinds.of(fmt::format("X-{}-Api-Key", i)) == HeaderKind::api_key);
    }
    REQUIRE(kinds.of("Authorization") == HeaderKind::authorization);
    REQUIRE(kinds.of("") == kinds.of(""));
  }
}

}  // namespace specular::test
