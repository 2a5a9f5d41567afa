// What the observer learns of calls, credentials and deprecation, in whatever order, number of parts, and budget.
#include <algorithm>
#include <random>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "analyzers/epoch.h"
#include "tests/analyzers/site.h"

namespace specular::test {
namespace {

PlayedExchange graphql(const std::string& query, const std::string& answer, int second = 0) {
  PlayedExchange exchange;
  exchange.method = "POST";
  exchange.target = "/graphql";
  exchange.headers = {{"Content-Type", "application/json"}};
  exchange.request_body = R"({"query":")" + query + "\"}";
  exchange.body = answer;
  exchange.time = kStart + kEpoch * second;
  return exchange;
}

Lines operations_of(Site& site) {
  EndpointSummary summary = site.endpoint().route.summary;
  Lines lines;
  for (const Operation& operation : summary.operations.operations()) {
    lines.push_back(fmt::format("{} {} {} calls {} errors {}", protocol_of(operation.kind), type_of(operation.kind),
                                operation.name, operation.count, summary.operations.errors_of(operation)));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

const std::string kData = R"({"data":{}})", kErrors = R"({"errors":[{"message":"no"}]})";

}  // namespace

TEST_CASE("what was answered by success is an operation, its errors are counted, other names are not kept") {
  Site site;
  site.play(graphql("{ me }", kErrors, 1)).play(graphql("{ me }", kData, 2)).play(graphql("{ me }", kData, 3));
  site.play(graphql("{ guessed }", kErrors)).play(graphql("mutation M { add }", kData)).play(graphql("{ me }", "", 9));
  CHECK(operations_of(site) == Lines{"graphql document M calls 1 errors 0", "graphql mutation add calls 1 errors 0",
                                     "graphql query me calls 2 errors 1"});
  OperationTable operations = site.endpoint().route.summary.operations;
  CHECK(operations.failed() == 2);
  CHECK(operations.unconfirmed() == 1);
  CHECK(operations.operations()[0].first_seen == kStart + kEpoch * 2);
  CHECK(operations.operations()[0].last_seen == kStart + kEpoch * 3);
  CHECK(encode(site.endpoint().route.summary).find("guessed") == std::string::npos);
}

TEST_CASE("answers are read for their calls, however often such were read before") {
  Site site;
  site.read_bodies = false;
  for (int i = 0; i < 2000; ++i) site.play(graphql("{ me }", i % 2 == 0 ? kData : kErrors));
  CHECK(operations_of(site) == Lines{"graphql query me calls 1000 errors 1000"});
}

TEST_CASE("refused calls are errors, also without a body; calls without an answer are neither") {
  Site site;
  PlayedExchange refused = graphql("{ me }", ""), lost = graphql("{ me }", "");
  refused.status = 403;
  refused.type = "";
  lost.status = 0;
  site.play(graphql("{ me }", kData)).play(refused).play(lost);
  CHECK(operations_of(site) == Lines{"graphql query me calls 1 errors 1"});
  CHECK(site.endpoint().route.summary.operations.unconfirmed() == 1);
}

TEST_CASE("calls, credentials and deprecation are the same in any order and any epochs") {
  Lines first;
  std::mt19937_64 random(3);
  std::vector<PlayedExchange> exchanges;
  for (int i = 0; i < 60; ++i) {
    PlayedExchange exchange = graphql(i % 3 == 0 ? "query A { a b }" : "{ c }", i % 4 == 0 ? kErrors : kData, i);
    if (i % 2 == 0) exchange.headers.emplace_back("Authorization", "Bearer t" + std::to_string(i));
    if (i % 5 == 0) exchange.headers.emplace_back("X-Api-Key", std::to_string(i % 7));
    if (i % 7 == 0) exchange.response_headers = {{"Deprecation", fmt::format("@{}", 1'688'169'599 + i)}};
    exchange.status = i % 6 == 0 ? 401 : 200;
    exchanges.push_back(exchange);
  }
  for (int round = 0; round < 5; ++round) {
    Site site;
    for (const PlayedExchange& exchange : exchanges) {
      site.play(exchange);
      if (random() % 4 == 0) site.observer().flush();
    }
    Lines facts = facts_of(site.known());
    if (round == 0) first = facts;
    CHECK_MESSAGE(facts == first, difference(facts, first));
    std::shuffle(exchanges.begin(), exchanges.end(), random);
  }
}

TEST_CASE("no credential and nothing that confirms one is in what is stored") {
  Site site;
  PlayedExchange exchange = graphql("{ me }", kData);
  exchange.headers.emplace_back("X-Api-Key", "super-secret-value-1");
  exchange.headers.emplace_back("Authorization", "Bearer super-secret-value-2");
  site.play(exchange);
  EndpointSummary summary = site.endpoint().route.summary;
  std::string stored = encode(summary);
  CHECK(stored.find("super-secret") == std::string::npos);
  // Of a value there is the number of a register and a rank.
  const auto& registers = summary.access.values.entries().at(0).second.different.registers();
  CHECK(std::count_if(registers.begin(), registers.end(), [](auto rank) { return rank > 0; }) == 1);
}

}  // namespace specular::test
