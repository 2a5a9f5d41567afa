#include "analyzers/discovery/segment.h"

#include <algorithm>
#include <random>
#include <vector>

#include <doctest/doctest.h>

namespace specular::test {
namespace {

std::string normal(std::string_view target) {
  std::string path = "what was there before";
  normalise_path(target, path);
  return path;
}

SegmentClass class_of(std::string_view segment) {
  return classify_segment(segment).kind;
}

std::string name_of(std::string_view segment) {
  return to_text(class_of(segment));
}

std::size_t segments_in(const std::string& path) {
  return path == "/" ? 0 : static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
}

bool looks_like_a_name(SegmentClass kind) {
  return kind == SegmentClass::word || kind == SegmentClass::version;
}

}  // namespace

TEST_CASE("dot segments are resolved (RFC 3986 section 5.2.4)") {
  // The section's own examples, then those of section 5.4 that are about paths.
  CHECK(normal("/a/b/c/./../../g") == "/a/g");
  CHECK(normal("mid/content=5/../6") == "/mid/6");
  CHECK(normal("/b/c/./g") == "/b/c/g");
  CHECK(normal("/b/c/g/") == "/b/c/g");
  CHECK(normal("/b/c/..") == "/b");
  CHECK(normal("/b/c/../") == "/b");
  CHECK(normal("/b/c/../g") == "/b/g");
  CHECK(normal("/b/c/../..") == "/");
  CHECK(normal("/b/c/../../g") == "/g");
  CHECK(normal("/b/c/../../../g") == "/g");
  CHECK(normal("/b/c/../../../../g") == "/g");
  CHECK(normal("/./g") == "/g");
  CHECK(normal("/../g") == "/g");
  CHECK(normal("/b/c/g.") == "/b/c/g.");
  CHECK(normal("/b/c/.g") == "/b/c/.g");
  CHECK(normal("/b/c/g..") == "/b/c/g..");
  CHECK(normal("/b/c/..g") == "/b/c/..g");
  CHECK(normal("/b/c/./../g") == "/b/g");
  CHECK(normal("/b/c/./g/.") == "/b/c/g");
  CHECK(normal("/b/c/g/./h") == "/b/c/g/h");
  CHECK(normal("/b/c/g/../h") == "/b/c/h");
  CHECK(normal("/...") == "/...");
}

TEST_CASE("escapes of unreserved characters are decoded, the others are in upper case (RFC 3986 section 6.2.2)") {
  CHECK(normal("/%7Esmith/home") == "/~smith/home");
  CHECK(normal("/%7esmith") == "/~smith");
  CHECK(normal("/%41%62%2D%2e%5F") == "/Ab-._");
  CHECK(normal("/a%2fb") == "/a%2Fb");
  CHECK(normal("/caf%c3%a9") == "/caf%C3%A9");
  CHECK(normal("/a%20b") == "/a%20b");
  CHECK(normal("/a%25b") == "/a%25b");
  CHECK(normal("/a%2525b") == "/a%2525b");
  CHECK(normal("/%3F%23") == "/%3F%23");
  CHECK(normal("/%21") == "/%21");
  CHECK(normal("/!$&'()*+,=:@") == "/!$&'()*+,=:@");
}

TEST_CASE("encoded dots are dot segments too") {
  CHECK(normal("/a/%2e%2e/b") == "/b");
  CHECK(normal("/a/.%2E/b") == "/b");
  CHECK(normal("/a/%2e/b") == "/a/b");
}

TEST_CASE("what may not stand in a path is escaped") {
  CHECK(normal("/a b") == "/a%20b");
  CHECK(normal("/{id}") == "/%7Bid%7D");
  CHECK(normal("/a\"<>\\^`|") == "/a%22%3C%3E%5C%5E%60%7C");
  CHECK(normal("/[x]") == "/%5Bx%5D");
  CHECK(normal("/caf\xc3\xa9") == "/caf%C3%A9");
  CHECK(normal(std::string_view("/a\0b\x7f\x1b", 6)) == "/a%00b%7F%1B");
  CHECK(normal("/100%") == "/100%25");
  CHECK(normal("/%zz") == "/%25zz");
  CHECK(normal("/%4") == "/%254");
  CHECK(normal("/%u0041") == "/%25u0041");
}

TEST_CASE("queries, fragments, empty segments, trailing slashes and matrix parameters are left out") {
  CHECK(normal("/a?b=c/d") == "/a");
  CHECK(normal("/a#b") == "/a");
  CHECK(normal("/a?b#c") == "/a");
  CHECK(normal("/a/") == "/a");
  CHECK(normal("//a///b//") == "/a/b");
  CHECK(normal("/a;v=1/b;x;y=2") == "/a/b");
  CHECK(normal("/a/;jsessionid=1") == "/a");
  CHECK(normal("/a%3Bb") == "/a%3Bb");
  CHECK(normal("/A/b") == "/A/b");
}

TEST_CASE("the root is a slash") {
  for (const std::string target : {"", "/", "//", "/.", "/..", "/../..", "/;a", "?x=1", "#", "/?x=/a/b", "/./../."}) {
    CHECK_MESSAGE(normal(target) == "/", target);
  }
}

TEST_CASE("a normal path is its own normal form, whatever it came from") {
  std::mt19937 random(1);
  constexpr std::string_view kInteresting = "////....%%%%;?#abc012AFef~ {}\x01\xc3";
  for (int round = 0; round < 20000; ++round) {
    std::string target(random() % 60, '\0');
    for (char& c : target) c = kInteresting[random() % kInteresting.size()];
    std::string once = normal(target), twice = normal(once);
    REQUIRE_MESSAGE(once == twice, target);
    REQUIRE(once.front() == '/');
    REQUIRE(once.find_first_of("{}?#; \x01\xc3") == std::string::npos);
    REQUIRE((once.size() == 1 || once.back() != '/'));
    REQUIRE(once.find("//") == std::string::npos);
  }
}

TEST_CASE("paths that are written normally already are not changed") {
  for (const char* path : {"/a", "/users/42/orders", "/v1.2/a-b_c~d", "/a/b.c/.d", "/a@b:c,d=e", "/%2F", "/a%20b"}) {
    CHECK(normal(path) == path);
  }
}

TEST_CASE("paths are cut at kMaxPath bytes, also where one segment is longer") {
  std::string many, one = "/" + std::string(3 * kMaxPath, 'a'), escaped = "/" + std::string(kMaxPath, ' ');
  for (int i = 0; i < 20; ++i) many += "/" + std::string(200, 'a');
  CHECK(normal(many).size() <= kMaxPath);
  CHECK(normal(one).size() <= kMaxPath);
  CHECK(normal(escaped).size() <= kMaxPath);
}

TEST_CASE("paths are cut at kMaxSegments segments") {
  std::string plain, odd;
  for (std::size_t i = 0; i < kMaxSegments + 5; ++i) plain += "/a", odd += "/b//";
  CHECK(segments_in(normal(plain)) == kMaxSegments);
  CHECK(segments_in(normal(odd)) == kMaxSegments);
  CHECK(segments_in(normal(plain.substr(0, 2 * kMaxSegments))) == kMaxSegments);
}

TEST_CASE("the query is what stands between the question mark and the fragment") {
  CHECK(query_of("/a?b=c&d") == "b=c&d");
  CHECK(query_of("/a?b?c") == "b?c");
  CHECK(query_of("/a?b#c?d") == "b");
  CHECK(query_of("/a") == "");
  CHECK(query_of("/a?") == "");
  CHECK(query_of("") == "");
}

TEST_CASE("names of resources are words") {
  for (const std::string word : {"users",
                                 "checkout",
                                 "forgot-password",
                                 "oauth2",
                                 "s3",
                                 "mp3",
                                 "utf8",
                                 "ipv4",
                                 "2fa",
                                 "en-US",
                                 "k8s",
                                 "orders",
                                 "me",
                                 "~bob",
                                 "wp-login.php",
                                 ".well-known",
                                 "robots.txt",
                                 "index.html",
                                 "graphql",
                                 "a",
                                 "user_profile",
                                 "getUserById",
                                 "line-items",
                                 "UPPER",
                                 "http2",
                                 "web3",
                                 "vip",
                                 "favicon.ico",
                                 "v",
                                 "p2p",
                                 "b2b",
                                 "sso",
                                 "$batch",
                                 "user:me",
                                 "openid-configuration",
                                 "reset_password",
                                 "x-forwarded-for",
                                 "openapi.json",
                                 "api-docs"}) {
    CHECK_MESSAGE(class_of(word) == SegmentClass::word, word, " is ", name_of(word));
  }
}

TEST_CASE("names of several digits are words too") {
  for (const std::string word :
       {"sha256", "base64", "x509", "sha512", "utf16", "iso8601", "win32", "h264", "i18n", "l10n"}) {
    CHECK_MESSAGE(class_of(word) == SegmentClass::word, word, " is ", name_of(word));
  }
}

TEST_CASE("long names in camel case are words") {
  for (const std::string word : {"getUserAccountTransactionHistory", "internationalizationSettings",
                                 "listAllOfMyOpenIssues", "isItTimeToPayForIt", "UserProfilePictureUploadService"}) {
    CHECK_MESSAGE(class_of(word) == SegmentClass::word, word, " is ", name_of(word));
  }
}

TEST_CASE("versions are names") {
  for (const std::string version : {"v1", "v2", "V3", "v1.1", "v2beta1", "v1beta1", "v1alpha", "v20240115", "v10"}) {
    CHECK_MESSAGE(looks_like_a_name(class_of(version)), version, " is ", name_of(version));
  }
  CHECK(class_of("v1") == SegmentClass::version);
  CHECK(class_of("v2.1") == SegmentClass::version);
  CHECK(class_of("vip1x") != SegmentClass::version);
}

TEST_CASE("identifiers are what they are") {
  struct Case {
    std::string text;
    SegmentClass kind;
  };
  for (const Case& c : {Case{"123e4567-e89b-12d3-a456-426614174000", SegmentClass::uuid},
                        {"123E4567-E89B-12D3-A456-426614174000", SegmentClass::uuid},
                        {"01ARZ3NDEKTSV4RRFFQ69G5FAV", SegmentClass::ulid},
                        {"507f1f77bcf86cd799439011", SegmentClass::hex},
                        {"d41d8cd98f00b204e9800998ecf8427e", SegmentClass::hex},
                        {"123e4567e89b12d3a456426614174000", SegmentClass::hex},
                        {"cus_NffrFeUfNV2Hib", SegmentClass::prefixed_id},
                        {"ord-00012345", SegmentClass::prefixed_id},
                        {"pi_3MtwBwLkdIwHu7ix28a3tqPa", SegmentClass::prefixed_id},
                        {"2024-01-15", SegmentClass::date},
                        {"2024-01-15T10:30:00Z", SegmentClass::date_time},
                        {"2024-01-15T10%3A30%3A00%2B02%3A00", SegmentClass::date_time},
                        {"bob@example.com", SegmentClass::email},
                        {"bob%40example.com", SegmentClass::email},
                        {"bob+tag@mail.example.co.uk", SegmentClass::email},
                        {"0ujtsYcgvSTl8PAuAdqWYSMnLOv", SegmentClass::token},
                        {"dGhpcyBpcyBhIHRlc3Q0NTY3", SegmentClass::token},
                        {"V1StGXR8_Z5jdHi6B-myT", SegmentClass::token},
                        {"123456789012", SegmentClass::integer},
                        {"1234567", SegmentClass::integer},
                        {"42", SegmentClass::small_integer},
                        {"-1", SegmentClass::small_integer},
                        {"0", SegmentClass::small_integer},
                        {"12.50", SegmentClass::number},
                        {"-0.5", SegmentClass::number},
                        {"true", SegmentClass::boolean},
                        {"false", SegmentClass::boolean},
                        {"192.168.1.10", SegmentClass::address},
                        {"2001:db8::1", SegmentClass::address},
                        {"SKU-1234", SegmentClass::code},
                        {"B00X4WHP5E", SegmentClass::code}}) {
    CHECK_MESSAGE(class_of(c.text) == c.kind, c.text, " is ", name_of(c.text));
  }
}

TEST_CASE("days that do not exist are no dates") {
  CHECK(class_of("2024-13-01") != SegmentClass::date);
  CHECK(class_of("2024-01-32") != SegmentClass::date);
  CHECK(class_of("0000-01-01") != SegmentClass::date);
  CHECK(class_of("2024-1-5") != SegmentClass::date);
}

TEST_CASE("a JSON web token is no name") {
  CHECK_FALSE(looks_like_a_name(class_of("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N")));
}

TEST_CASE("a telephone number is no name") {
  CHECK_FALSE(looks_like_a_name(class_of("+4915112345678")));
  CHECK_FALSE(looks_like_a_name(class_of("%2B4915112345678")));
}

TEST_CASE("base64 with padding is no name") {
  CHECK_FALSE(looks_like_a_name(class_of("dXNlcjoxMjM0NTY3ODkwMTI==")));
  CHECK_FALSE(looks_like_a_name(class_of("dXNlcjoxMjM0NTY3ODkwMTI%3D%3D")));
}

TEST_CASE("coordinates and lists of numbers are no names") {
  CHECK_FALSE(looks_like_a_name(class_of("52.5200,13.4050")));
  CHECK_FALSE(looks_like_a_name(class_of("1001,1002,1003")));
}

TEST_CASE("an extension or a verb behind a value is its suffix, not part of it") {
  SegmentShape shape = classify_segment("42.json");
  CHECK(shape.kind == SegmentClass::small_integer);
  CHECK(shape.suffix == ".json");
  shape = classify_segment("123e4567-e89b-12d3-a456-426614174000.pdf");
  CHECK(shape.kind == SegmentClass::uuid);
  CHECK(shape.suffix == ".pdf");
  shape = classify_segment("123456789012:cancel");
  CHECK(shape.kind == SegmentClass::integer);
  CHECK(shape.suffix == ":cancel");
  shape = classify_segment("SKU-1234.json");
  CHECK(shape.kind == SegmentClass::code);
  CHECK(shape.suffix == ".json");
}

TEST_CASE("words and whole values have no suffix") {
  for (const std::string text : {"users.json", "index.html", "items:batchGet", "12.5", "bob@example.com",
                                 "192.168.1.10", "42", "42.", "42:", ".json", ":cancel", "v1.json"}) {
    CHECK_MESSAGE(classify_segment(text).suffix.empty(), text);
  }
}

TEST_CASE("a suffix is the end of the segment that it was found in") {
  std::mt19937 random(2);
  constexpr std::string_view kInteresting = "0123abcXYZ.:-_@%4%2";
  for (int round = 0; round < 20000; ++round) {
    std::string segment(1 + random() % 40, '\0');
    for (char& c : segment) c = kInteresting[random() % kInteresting.size()];
    SegmentShape shape = classify_segment(segment);
    if (shape.suffix.empty()) continue;
    REQUIRE(segment.ends_with(shape.suffix));
    REQUIRE((shape.suffix.front() == '.' || shape.suffix.front() == ':'));
    REQUIRE(shape.suffix.size() < segment.size());
    REQUIRE(shape.kind != SegmentClass::word);
    // The value without it is of the same class.
    REQUIRE(class_of(segment.substr(0, segment.size() - shape.suffix.size())) == shape.kind);
  }
}

TEST_CASE("values with blanks are text, values without are classed as segments are") {
  CHECK(classify_value("hello world") == SegmentClass::text);
  CHECK(classify_value("hello+world") == SegmentClass::text);
  CHECK(classify_value("hello%20world") == SegmentClass::text);
  CHECK(classify_value("caf\xc3\xa9") == SegmentClass::text);
  CHECK(classify_value("42") == SegmentClass::small_integer);
  CHECK(classify_value("true") == SegmentClass::boolean);
  CHECK(classify_value("bob%40example.com") == SegmentClass::email);
  CHECK(classify_value("2024-01-15 10:30:00") == SegmentClass::date_time);
  CHECK(classify_value("red") == SegmentClass::word);
  CHECK(classify_value("") == SegmentClass::word);
}

TEST_CASE("any bytes are classified") {
  std::mt19937 random(3);
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 300, '\0');
    for (char& c : text) c = static_cast<char>(random());
    REQUIRE(static_cast<std::size_t>(classify_segment(text).kind) < kSegmentClasses);
    REQUIRE(static_cast<std::size_t>(classify_value(text)) < kSegmentClasses);
  }
}

TEST_CASE("every class has a name of its own and an OpenAPI type") {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kSegmentClasses; ++i) {
    auto kind = static_cast<SegmentClass>(i);
    names.emplace_back(to_text(kind));
    std::string type = openapi_type(kind);
    CHECK((type == "string" || type == "integer" || type == "number" || type == "boolean"));
    CHECK(names.back().find_first_of("{}/") == std::string::npos);
  }
  std::sort(names.begin(), names.end());
  CHECK(std::unique(names.begin(), names.end()) == names.end());
}

}  // namespace specular::test
