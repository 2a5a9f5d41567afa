// Whoever asks for made-up paths, answered or not, neither fills the trees nor pushes out what is in use.
#include <algorithm>

#include <doctest/doctest.h>

#include "tests/analyzers/random_summary.h"
#include "tests/analyzers/site.h"

namespace specular::test {
namespace {

// More strangers than there may be, were they kept.
constexpr std::size_t kPaths = LeafCeiling::kMaxStrangers + 4000;

std::string word(Random& random) {
  std::string text(9, ' ');
  for (char& c : text) c = static_cast<char>('a' + random() % 26);
  return text;
}

std::string one_of(Random& random, std::size_t words) {
  Random own(random() % words);
  return word(own);
}

std::vector<PlayedExchange> in_use() {
  std::vector<PlayedExchange> all;
  for (const char* name : {"users", "orders", "carts"}) {
    std::string path = std::string("/v1/") + name, member = std::string(name) + "_state";
    all.push_back({.target = path, .body = R"([{"id":1,")" + member + R"(":2}])"});
    all.push_back({.method = "POST", .target = path, .status = 201, .body = R"({"id":1,")" + member + R"(":3})"});
  }
  return all;
}

const Lines kInUse = {"api GET api.example /v1/carts",   "api GET api.example /v1/orders",
                      "api GET api.example /v1/users",   "api POST api.example /v1/carts",
                      "api POST api.example /v1/orders", "api POST api.example /v1/users"};

// Plays a flood, with what is in use now and then, and checks what is left.
template <class Make>
void check_flood(Make make) {
  Random random(3);
  Site site(true);
  Rows rows;
  for (std::size_t i = 0; i < kPaths; ++i) {
    PlayedExchange made_up;
    make(random, made_up);
    site.play(made_up);
    if (i % 400 == 0) {
      for (const PlayedExchange& exchange : in_use()) site.play(exchange);
    }
    if (i % 2000 == 0) {
      (void)site.known();
      rows.apply(site.judge().take_changes(i));
    }
  }
  CHECK(site.known().leaves() < LeafCeiling::kMaxStrangers + 1000);
  rows.apply(site.judge().take_changes(kPaths));
  CHECK(rows.keys(Table::endpoint).size() == site.known().leaves());
  Lines found = site.endpoints();
  for (const std::string& name : kInUse) {
    CHECK_MESSAGE(std::count(found.begin(), found.end(), name) == 1, name);
  }
  CHECK(found.size() <= kInUse.size() + 1);
  std::uint64_t transactions = 0;
  for (const auto& [key, host] : site.known().hosts()) transactions += host.coverage[CoverageItem::transactions];
  CHECK(transactions == kPaths + (kPaths + 399) / 400 * kInUse.size());
}

}  // namespace

TEST_CASE("a flood of paths of two made-up words, few of them in each folder") {
  check_flood([](Random& random, PlayedExchange& e) {
    e.target = "/v1/" + one_of(random, 900) + "/" + word(random);
    e.body = R"({"status":"up"})";
  });
}

TEST_CASE("a flood of paths beside those in use, each answered with another content") {
  check_flood([](Random& random, PlayedExchange& e) {
    e.target = "/v1/" + word(random);
    e.body = R"({"token":")" + word(random) + R"("})";
    e.size = 20 + random() % 500;
  });
}

TEST_CASE("a flood of paths that are not there, on many hosts") {
  check_flood([](Random& random, PlayedExchange& e) {
    e.host = one_of(random, 900) + ".example";
    e.target = "/" + word(random);
    e.status = 404;
  });
}

TEST_CASE("a flood of made-up methods on a path in use") {
  Random random(4);
  Site site;
  for (int i = 0; i < 5; ++i) site.play({.method = "PURGE", .target = "/v1/users", .body = R"({"gone":1})"});
  for (int i = 0; i < 3000; ++i) {
    site.play({.method = word(random), .target = "/v1/users", .body = R"([{"id":1}])"});
    if (i % 10 == 0) site.play({.target = "/v1/users", .body = R"([{"id":1}])"});
    if (i % 10 == 1) site.play({.method = "PURGE", .target = "/v1/users", .body = R"({"gone":1})"});
  }
  Lines found = site.endpoints();
  CHECK(std::count(found.begin(), found.end(), "api GET api.example /v1/users") == 1);
  CHECK(std::count(found.begin(), found.end(), "api PURGE api.example /v1/users") == 1);
  CHECK(found.size() <= 2 + PathTree::kMaxForeignMethods);
  std::uint64_t requests = 0;
  const PathTree& tree = *site.known().find({"", "api.example"})->tree;
  CHECK(tree.leaf_count() <= 2 + PathTree::kMaxForeignMethods + 1);
  requests = tree.requests_below(PathTree::kRoot);
  CHECK(requests == 5 + 3000 + 300 + 300);
}

}  // namespace specular::test
