#include "analyzers/names.h"

#include <algorithm>
#include <random>

#include <doctest/doctest.h>

#include "tests/support/packet_builder.h"

namespace specular::test {
namespace {

std::string host(std::string_view authority, std::uint16_t default_port = 80) {
  return normalise_host(authority, socket_address("192.0.2.7:8080"), default_port);
}

}  // namespace

TEST_CASE("host names are in lower case, without white space around them") {
  CHECK(host("API.Example.COM") == "api.example.com");
  CHECK(host(" api.example.com\t") == "api.example.com");
  CHECK(host("xn--BCHER-kva.example") == "xn--bcher-kva.example");
  CHECK(host("under_score.example") == "under_score.example");
}

TEST_CASE("the default port of the scheme is left out, any other is kept") {
  CHECK(host("example.com:80") == "example.com");
  CHECK(host("example.com:8080") == "example.com:8080");
  CHECK(host("example.com:443") == "example.com:443");
  CHECK(host("example.com:443", 443) == "example.com");
  CHECK(host("example.com:80", 443) == "example.com:80");
  CHECK(host("192.0.2.1:80") == "192.0.2.1");
  CHECK(host("192.0.2.1:81") == "192.0.2.1:81");
}

TEST_CASE("an empty port is the default port (RFC 3986 section 6.2.3)") {
  CHECK(host("example.com:") == "example.com");
  CHECK(host("[2001:db8::1]:") == "[2001:db8::1]");
}

TEST_CASE("a port is a number: leading zeros make no other host") {
  CHECK(host("example.com:0080") == "example.com");
  CHECK(host("example.com:08080") == "example.com:8080");
}

TEST_CASE("a trailing dot names the same host") {
  CHECK(host("example.com.") == "example.com");
  CHECK(host("example.com.:80") == "example.com");
  CHECK(host("example.com.:8080") == "example.com:8080");
}

TEST_CASE("IPv6 addresses stand in brackets, with or without port") {
  CHECK(host("[2001:db8::1]") == "[2001:db8::1]");
  CHECK(host("[2001:db8::1]:80") == "[2001:db8::1]");
  CHECK(host("[2001:db8::1]:8443") == "[2001:db8::1]:8443");
  CHECK(host("2001:db8::1") == "[2001:db8::1]");
  CHECK(host("::1") == "[::1]");
  CHECK(host("[2001:DB8::A]") == "[2001:db8::a]");
}

TEST_CASE("one IPv6 address has one spelling (RFC 5952)") {
  CHECK(host("[2001:0db8:0:0:0:0:0:1]") == "[2001:db8::1]");
  CHECK(host("2001:db8:0:0::1") == "[2001:db8::1]");
  CHECK(host("[2001:0DB8::0001]:8443") == "[2001:db8::1]:8443");
}

TEST_CASE("without a host the server's address stands for it, written alike") {
  CHECK(host("") == "192.0.2.7:8080");
  CHECK(host(" \t ") == "192.0.2.7:8080");
  CHECK(host(".") == "192.0.2.7:8080");
  CHECK(normalise_host("", socket_address("192.0.2.7:80")) == "192.0.2.7");
  CHECK(normalise_host("", socket_address("[2001:db8::7]:80")) == "[2001:db8::7]");
  CHECK(normalise_host("", socket_address("[2001:db8::7]:81")) == "[2001:db8::7]:81");
  CHECK(normalise_host("", socket_address("192.0.2.7:443"), 443) == "192.0.2.7");
  CHECK(normalise_host("192.0.2.7:8080", {}) == normalise_host("", socket_address("192.0.2.7:8080")));
}

TEST_CASE("what no host name has is escaped, so that every name is printable and without separators") {
  CHECK(host("a b") == "a%20b");
  CHECK(host("user:secret@example.com:8080") == "example.com:8080");
  CHECK(host("<script>") == "%3Cscript%3E");
  CHECK(host("a/b?c#d") == "a%2Fb%3Fc%23d");
  CHECK(host("{id}") == "%7Bid%7D");
  CHECK(host("100%") == "100%25");
  CHECK(host("a\"b\\c") == "a%22b%5Cc");
  CHECK(host(std::string_view("a\0b", 3)) == "a%00b");
  CHECK(host("\x1b[31mred") == "%1B[31mred");
  CHECK(host("b\xc3\xbc"
             "cher.example") == "b%C3%BCcher.example");
}

TEST_CASE("any bytes at all make a bounded, printable host") {
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    std::string authority(random() % 400, '\0');
    // Mostly characters that mean something to the parser.
    for (char& c : authority) c = random() % 2 == 0 ? "[]:.%80a"[random() % 8] : static_cast<char>(random());
    std::string name = host(authority);
    REQUIRE(!name.empty());
    REQUIRE(name.size() <= 800);
    bool printable = std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    REQUIRE_MESSAGE(printable, name);
    REQUIRE(name.find_first_of("/?#@{}\"\\<>") == std::string::npos);
  }
}

TEST_CASE("content types are in lower case and without parameters") {
  CHECK(normalise_content_type("Application/JSON; charset=utf-8") == "application/json");
  CHECK(normalise_content_type("text/html;charset=\"UTF-8\"") == "text/html");
  CHECK(normalise_content_type("  text/plain  ") == "text/plain");
  CHECK(normalise_content_type("application/vnd.api+json") == "application/vnd.api+json");
  CHECK(normalise_content_type("text/html, text/html") == "text/html");
  CHECK(normalise_content_type("") == "");
  CHECK(normalise_content_type(" ; charset=utf-8") == "");
}

TEST_CASE("a content type replaces what the string held before") {
  std::string type = "something/longer-than-that";
  normalise_content_type("Text/XML", type);
  CHECK(type == "text/xml");
  normalise_content_type("", type);
  CHECK(type.empty());
}

}  // namespace specular::test
