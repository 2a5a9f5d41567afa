// The law of learning: in whatever order transactions come, however they are cut into epochs and captures and spread
// over shards, the endpoints, their counts and their evidence are the same.
#include <algorithm>
#include <memory>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/analyzers/random_summary.h"
#include "tests/analyzers/site.h"

namespace specular::test {
namespace {

using Exchanges = std::vector<PlayedExchange>;

std::string word(Random& random) {
  std::string text(4 + random() % 6, ' ');
  for (char& c : text) c = static_cast<char>('a' + random() % 26);
  return text;
}

std::string slug(Random& random) {
  return word(random) + "-" + word(random) + "-" + word(random);
}

void add(Exchanges& all, std::size_t times, const PlayedExchange& exchange) {
  all.insert(all.end(), times, exchange);
}

void add_identifiers(Random& random, Exchanges& all) {
  for (int i = 0; i < 40; ++i) {
    std::string id = std::to_string(random() % 4 == 0 ? 1 + random() % 12 : 1'000'000 + random() % 50);
    add(all, 1, {.target = "/users/" + id, .body = R"({"id":1,"name":"x"})"});
    add(all, random() % 2, {.method = "DELETE", .target = "/users/" + id, .status = 204, .type = ""});
    add(all, 1, {.target = "/users/" + id + "/orders/" + std::to_string(random() % 30) + ".json", .body = R"([1])"});
  }
  add(all, 5, {.target = "/users/me", .body = R"({"id":1,"scopes":[]})"});
}

void add_slugs(Random& random, Exchanges& all) {
  for (int i = 0; i < 30; ++i) {
    std::string owner = slug(random);
    add(all, 1 + random() % 3, {.target = "/repos/" + owner, .body = R"({"owner":1,"stars":2})"});
    add(all, 1, {.target = "/repos/" + owner + "/" + slug(random), .body = R"({"branch":1,"forks":2})"});
  }
  add(all, 12, {.target = "/repos/search", .body = R"({"total":1,"results":[]})"});
}

// More words at one place than are kept, and a name among them.
void add_many_words(Random& random, Exchanges& all) {
  std::size_t count = PathTree::kMaxWords + 200 + random() % 200;
  for (std::size_t i = 0; i < count; ++i) {
    add(all, 1 + (random() % 8 == 0 ? 1 : 0), {.target = "/tags/" + word(random), .body = R"({"tag":1,"uses":2})"});
  }
  add(all, 200, {.target = "/tags/popular", .body = R"([{"rank":1,"since":2}])"});
  add(all, 60, {.method = "POST", .target = "/tags/popular/refresh", .status = 202, .body = R"({"job":1})"});
}

void add_soft_404s(Random& random, Exchanges& all) {
  for (int i = 0; i < 40; ++i) {
    std::string path;
    for (std::size_t depth = 1 + random() % 4; depth > 0; --depth) path += "/" + word(random);
    add(all, 1, {.target = path, .size = 17, .body = R"({"status":"fine"})"});
    add(all, 1, {.target = "/x" + path, .status = 404, .body = R"({"no":1})"});
  }
}

Exchanges traffic(Random& random, bool many_words) {
  Exchanges all;
  add_identifiers(random, all);
  add_slugs(random, all);
  if (many_words) add_many_words(random, all);
  add_soft_404s(random, all);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].time = kStart + Duration(random() % 1'000'000'000'000);
    all[i].client = fmt::format("192.0.2.{}:1000", random() % 40);
    all[i].host = random() % 10 == 0 && all[i].target.starts_with("/users") ? "b.example" : "a.example";
  }
  return all;
}

// `weights`: what speaks for a parameter is told too. Past kMaxWords that is of those words that are not folded yet,
// which are the latest.
Lines endpoints_in(const Inventory& inventory, bool weights) {
  Lines lines;
  for (const Endpoint& endpoint : endpoints_of(inventory)) {
    const EndpointSummary& summary = endpoint.route.summary;
    std::string line =
        fmt::format("{} {} {}{} {} requests {} clients", to_text(endpoint.kind), endpoint.route.method,
                    endpoint.host.host, endpoint.route.path(), summary.requests, summary.clients.estimate());
    for (const auto& [status, count] : summary.statuses.entries()) line += fmt::format(" {}:{}", status, count);
    for (const RouteSegment& segment : endpoint.route.segments) {
      if (!segment.is_parameter) continue;
      std::string why = segment.evidence.why();
      line += fmt::format(" ({}: {})", segment.evidence.name, weights ? why : why.substr(0, why.find(';')));
    }
    lines.push_back(line);
  }
  return lines;
}

Lines learned_at_once(const Exchanges& all, bool weights) {
  Site site;
  for (const PlayedExchange& exchange : all) site.play(exchange);
  return endpoints_in(site.known(), weights);
}

// In another order, in several runs over one store, each over several shards that flush now and then.
Lines learned_in_pieces(Random& random, Exchanges all, bool weights) {
  std::shuffle(all.begin(), all.end(), random);
  InventoryOptions inventory;
  ClientOptions clients;
  TunnelOptions tunnel_options;
  Rows rows;
  Lines found;
  std::size_t runs = 1 + random() % 3, shards = 1 + random() % 4, begin = 0;
  for (std::size_t run = 0; run < runs; ++run) {
    std::size_t end = run + 1 == runs ? all.size() : begin + random() % (all.size() - begin);
    TunnelTable tunnels(tunnel_options);
    Judge judge(inventory, HashKey{}, true);
    REQUIRE(judge.restore(rows.all()));
    std::vector<std::unique_ptr<Observer>> observers;
    for (std::size_t i = 0; i < shards; ++i) {
      observers.push_back(
          std::make_unique<Observer>(Observer::Options{inventory, clients, true}, tunnels, HashKey{}, judge));
    }
    for (; begin < end; ++begin) {
      tell(*observers[random() % shards], 0, all[begin]);
      if (random() % 50 == 0) observers[random() % shards]->flush();
      if (random() % 300 == 0) rows.apply(judge.take_changes(begin));
    }
    for (auto& observer : observers) observer->flush();
    rows.apply(judge.take_changes(end));
    found = endpoints_in(judge.inventory(), weights);
  }
  return found;
}

void check_seeds(std::uint64_t first, std::uint64_t count, bool many_words) {
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Random random(seed);
    Exchanges all = traffic(random, many_words);
    Lines expected = learned_at_once(all, !many_words);
    REQUIRE(expected.size() > 5);
    for (int order = 0; order < 2; ++order) {
      std::string unlike = difference(learned_in_pieces(random, all, !many_words), expected);
      REQUIRE_MESSAGE(unlike.empty(), "seed ", seed, unlike);
    }
  }
}

}  // namespace

TEST_CASE("endpoints and their evidence are the same in any order, over any shards, epochs and runs") {
  check_seeds(1, 25, false);
}

TEST_CASE("endpoints, counts and types are, also where there are more words at one place than are kept") {
  check_seeds(1000, 10, true);
}

}  // namespace specular::test
