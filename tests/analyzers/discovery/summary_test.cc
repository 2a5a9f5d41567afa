#include "analyzers/discovery/summary.h"

#include <string>

#include <doctest/doctest.h>

#include "analyzers/epoch.h"
#include "tests/analyzers/random_summary.h"

namespace specular::test {
namespace {

EndpointSummary merged(EndpointSummary a, const EndpointSummary& b) {
  a.merge(b);
  return a;
}

using SmallTable = CountTable<std::string, 3>;

SmallTable table_of(std::initializer_list<std::pair<const char*, std::uint64_t>> entries) {
  SmallTable table;
  for (const auto& [key, count] : entries) table.add(std::string(key), count);
  return table;
}

EndpointSummary answered(std::initializer_list<std::uint16_t> statuses) {
  EndpointSummary summary;
  for (std::uint16_t status : statuses) summary.statuses.add(status);
  return summary;
}

}  // namespace

TEST_CASE("a count table counts by key, in ascending order") {
  SmallTable table = table_of({{"b", 2}, {"a", 1}, {"b", 3}});
  CHECK(table.entries() == std::vector<std::pair<std::string, std::uint64_t>>{{"a", 1}, {"b", 5}});
  CHECK(table.others() == 0);
  CHECK(table.total() == 6);
  CHECK_FALSE(table.empty());
  table.clear();
  CHECK(table.empty());
  CHECK(table.total() == 0);
}

TEST_CASE("past its limit a count table counts further keys together, and known ones by themselves") {
  SmallTable table = table_of({{"m", 1}, {"z", 1}, {"a", 1}});
  CHECK(table.others() == 0);
  table.add(std::string("b"), 10);
  table.add(std::string("c"), 20);
  table.add(std::string("m"), 5);
  CHECK(table.entries().size() == 3);
  CHECK(table.others() == 30);
  CHECK(table.total() == 38);
  CHECK(table.entries()[1] == std::pair<std::string, std::uint64_t>{"m", 6});
}

TEST_CASE("merging full count tables loses no count") {
  SmallTable a = table_of({{"a", 1}, {"b", 2}, {"c", 4}, {"d", 8}});
  SmallTable b = table_of({{"e", 16}, {"f", 32}, {"a", 64}, {"g", 128}});
  std::uint64_t total = a.total() + b.total();
  SmallTable ab = a, ba = b;
  ab.merge(b);
  ba.merge(a);
  CHECK(ab.total() == total);
  CHECK(ba.total() == total);
  CHECK(ab.entries().size() == 3);
  CHECK(ab.others() == total - 1 - 64 - 2 - 4);
}

TEST_CASE("a parameter table has one entry a name, in ascending order, up to its limit") {
  ParameterTable table;
  for (std::size_t i = 0; i < ParameterTable::kLimit; ++i) {
    ParameterSummary* parameter = table.find("p" + std::to_string(i));
    REQUIRE(parameter != nullptr);
    parameter->count = i;
  }
  CHECK(table.overflow() == 0);
  CHECK(table.find("one too many") == nullptr);
  CHECK(table.find("another") == nullptr);
  CHECK(table.overflow() == 2);
  ParameterSummary* known = table.find("p63");
  REQUIRE(known != nullptr);
  CHECK(known->count == 63);
  CHECK(table.parameters().size() == ParameterTable::kLimit);
  for (std::size_t i = 1; i < table.parameters().size(); ++i) {
    REQUIRE(table.parameters()[i - 1].name < table.parameters()[i].name);
  }
}

TEST_CASE("summaries merge in any order") {
  Random random(1);
  for (int round = 0; round < 300; ++round) {
    EndpointSummary a = random_summary(random), b = random_summary(random);
    REQUIRE((encode(merged(a, b)) == encode(merged(b, a))));
  }
}

TEST_CASE("summaries merge in any grouping") {
  Random random(2);
  for (int round = 0; round < 300; ++round) {
    EndpointSummary a = random_summary(random), b = random_summary(random), c = random_summary(random);
    REQUIRE((encode(merged(merged(a, b), c)) == encode(merged(a, merged(b, c)))));
  }
}

TEST_CASE("an empty summary changes nothing") {
  Random random(3);
  for (int round = 0; round < 50; ++round) {
    EndpointSummary a = random_summary(random);
    REQUIRE((encode(merged(a, {})) == encode(a)));
    REQUIRE((encode(merged({}, a)) == encode(a)));
  }
}

TEST_CASE("merging counts what was counted, and keeps the outermost times") {
  Random random(4);
  EndpointSummary a = random_summary(random), b = random_summary(random), sum = merged(a, b);
  CHECK(sum.requests == a.requests + b.requests);
  CHECK(sum.first_seen == std::min(a.first_seen, b.first_seen));
  CHECK(sum.last_seen == std::max(a.last_seen, b.last_seen));
  CHECK(sum.statuses.total() == a.statuses.total() + b.statuses.total());
  CHECK(sum.auth.total() == a.auth.total() + b.auth.total());
  CHECK(sum.latency_us.count() == a.latency_us.count() + b.latency_us.count());
  CHECK(sum.unanswered == a.unanswered + b.unanswered);
  CHECK(sum.query.overflow() == a.query.overflow() + b.query.overflow());
  CHECK(sum.answers.total() == a.answers.total() + b.answers.total());
}

TEST_CASE("a cleared summary is an empty one") {
  Random random(5);
  for (int round = 0; round < 100; ++round) {
    EndpointSummary summary = random_summary(random);
    summary.clear();
    REQUIRE((encode(summary) == encode(EndpointSummary{})));
    EndpointSummary more = random_summary(random);
    summary.merge(more);
    REQUIRE((encode(summary) == encode(more)));
  }
}

TEST_CASE("refused methods, missing paths and unreachable servers do not say that an endpoint exists") {
  static constexpr std::uint16_t kMissing[] = {404, 405, 410, 501, 502, 503, 504};
  static constexpr std::uint16_t kThere[] = {101, 200, 201, 204, 301, 304, 400, 401, 403, 406, 407, 409, 422, 429, 500};
  for (std::uint16_t status : kMissing) CHECK_FALSE(says_existing(status));
  for (std::uint16_t status : kThere) CHECK(says_existing(status));
}

TEST_CASE("an endpoint exists if any answer said so") {
  CHECK(answered({200}).exists());
  CHECK(answered({404, 200}).exists());
  CHECK(answered({500}).exists());
  CHECK(answered({401}).exists());
  CHECK_FALSE(answered({404}).exists());
  CHECK_FALSE(answered({404, 405, 503}).exists());
  CHECK_FALSE(EndpointSummary{}.exists());
}

TEST_CASE("without answers an endpoint exists only where the mirror shows requests alone") {
  EndpointSummary unanswered;
  unanswered.requests = unanswered.unanswered = 5;
  CHECK_FALSE(unanswered.exists());
  unanswered.one_sided = 5;
  CHECK(unanswered.exists());
  unanswered.statuses.add(404);
  CHECK_FALSE(unanswered.exists());
}

}  // namespace specular::test
