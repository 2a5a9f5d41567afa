#include "analyzers/discovery/access.h"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "analyzers/discovery/credential_view.h"
#include "capture/base/hash.h"
#include "tests/analyzers/site.h"

namespace specular::test {
namespace {

using Table = ShortestTable<AccessCount, 3>;

Lines lines_of(const Table& table) {
  Lines lines;
  for (const auto& [key, count] : table.entries()) lines.push_back(key + ":" + std::to_string(count.requests));
  return lines;
}

// A route that was asked so often with a credential in that way, of so many values, by so many clients.
Route asked(const std::string& way, std::uint64_t requests, std::uint64_t values, std::uint64_t clients) {
  Route route;
  CredentialValues& seen = *route.summary.access.values.find(way);
  seen.requests = requests;
  for (std::uint64_t i = 0; i < values; ++i) seen.different.add(fast_hash(HashKey{}, i));
  for (std::uint64_t i = 0; i < clients; ++i) route.summary.clients.add(fast_hash(HashKey{}, i + 1'000'000));
  return route;
}

std::set<std::string> one_time(const std::vector<Route>& routes) {
  return one_time_values(routes);
}

}  // namespace

TEST_CASE("a rough count is within a third of the truth, merged or not") {
  for (std::uint64_t count : {0u, 1u, 10u, 100u, 1000u, 20000u}) {
    RoughCount whole, left, right;
    for (std::uint64_t i = 0; i < count; ++i) {
      std::uint64_t hash = fast_hash(HashKey{}, i);
      whole.add(hash);
      (i % 2 == 0 ? left : right).add(hash);
      left.add(hash);
    }
    left.merge(right);
    CHECK((left == whole));
    auto error = static_cast<double>(whole.estimate()) - static_cast<double>(count);
    CHECK(std::abs(error) <= 0.33 * static_cast<double>(count));
  }
}

TEST_CASE("of too many keys the shortest are kept, with exact counts, in whatever order and parts they come") {
  std::vector<std::string> keys{"dd", "a", "ccc", "b", "ee", "a", "ccc", "b", "b", "ffff"};
  std::sort(keys.begin(), keys.end());
  do {
    Table whole, left, right;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      for (Table* table : {&whole, i < 4 ? &left : &right}) {
        if (AccessCount* count = table->find(keys[i])) count->merge({1, 0});
      }
    }
    left.merge(right);
    REQUIRE(lines_of(whole) == Lines{"a:2", "b:3", "dd:1"});
    REQUIRE((left == whole));
    // Some of all the orders.
    std::next_permutation(keys.begin() + 4, keys.end());
  } while (std::next_permutation(keys.begin(), keys.end()) && keys[0] != "b");
}

TEST_CASE("a key that its clients use again authenticates, one that is new in each request does not") {
  CHECK(one_time({asked("apiKey:header:x-key", 200, 5, 5)}).empty());
  CHECK(one_time({asked("apiKey:query:token", 200, 200, 5)}) == std::set<std::string>{"apiKey:query:token"});
  // Everybody was seen once.
  CHECK(one_time({asked("apiKey:query:token", 200, 200, 190)}).empty());
  // Too little was seen.
  CHECK(one_time({asked("apiKey:query:token", 5, 5, 1)}).empty());
  // What signs a request is another with each.
  CHECK(one_time({asked("apiKey:query:signature", 200, 200, 5)}).empty());
}

TEST_CASE("whether a key is used again is told from all endpoints of a host") {
  std::vector<Route> routes;
  for (int i = 0; i < 50; ++i) routes.push_back(asked("apiKey:header:x-key", 1, 1, 1));
  CHECK(one_time(routes).empty());
}

}  // namespace specular::test
