// What a flood of made-up paths leaves behind: memory of the shard's and of the judge's path trees together, endpoints,
// real ones among them, and what was counted instead.
//
//   flood [PATHS [WORD…]]     1,000,000 paths; only floods whose name has one of the words
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <malloc.h>

#include "tests/analyzers/site.h"

namespace specular::bench {
namespace {

using test::PlayedExchange;
using test::Site;
using Random = std::mt19937_64;

constexpr std::size_t kRealEvery = 500;  // so many made-up paths between two requests to real endpoints
constexpr std::size_t kEpochEvery = 2000;

std::string word(Random& random) {
  std::string text(6 + random() % 5, ' ');
  for (char& c : text) c = static_cast<char>('a' + random() % 26);
  return text;
}

std::string hex(Random& random) {
  std::string text(24, ' ');
  for (char& c : text) c = "0123456789abcdef"[random() % 16];
  return text;
}

std::string deep(Random& random) {
  std::string path;
  for (std::size_t depth = 5 + random() % 20; depth > 0; --depth) path += "/" + word(random);
  return path;
}

// Words that come again: some thousand of them at each level.
std::string dictionary(Random& random, std::size_t words) {
  Random own(random() % words);
  return word(own);
}

struct Flood {
  const char* name;
  std::function<void(Random&, PlayedExchange&)> make;
};

const Flood kPaths[] = {
    {"words", [](Random& random, PlayedExchange& e) { e.target = "/v1/" + word(random); }},
    {"hex", [](Random& random, PlayedExchange& e) { e.target = "/v1/" + hex(random); }},
    {"deep", [](Random& random, PlayedExchange& e) { e.target = deep(random); }},
    {"two", [](Random& random, PlayedExchange& e) { e.target = "/v1/" + word(random) + "/" + word(random); }},
    {"owners",
     [](Random& random, PlayedExchange& e) { e.target = "/r/" + dictionary(random, 900) + "/" + word(random); }},
    {"folders",
     [](Random& random, PlayedExchange& e) {
       e.target = "/" + dictionary(random, 900) + "/" + dictionary(random, 900) + "/" + dictionary(random, 900);
     }},
    {"hosts",
     [](Random& random, PlayedExchange& e) {
       e.host = dictionary(random, 5000) + ".example";
       e.target = "/" + word(random);
     }},
    {"methods",
     [](Random& random, PlayedExchange& e) {
       e.method = word(random);
       e.target = "/v1/" + word(random);
     }},
};

const Flood kAnswers[] = {
    {"404", [](Random&, PlayedExchange& e) { e.status = 404; }},
    {"401", [](Random&, PlayedExchange& e) { e.status = 401; }},
    {"200", [](Random&, PlayedExchange& e) { e.body = R"({"status":"up","version":"1.4.2"})"; }},
    {"echo", [](Random&, PlayedExchange& e) { e.body = R"({"path":")" + e.target + R"("})"; }},
    {"sizes",
     [](Random& random, PlayedExchange& e) {
       e.body = R"({"token":")" + hex(random) + std::string(random() % 900, 'x') + R"("})";
     }},
};

// Endpoints that are in use.
std::vector<PlayedExchange> real_ones() {
  std::vector<PlayedExchange> all;
  for (const char* name : {"users", "orders", "carts", "invoices", "health", "search"}) {
    std::string path = std::string("/v1/") + name;
    std::string member = std::string(name) + "_state";
    all.push_back({.target = path, .body = R"([{"id":1,")" + member + R"(":2}])"});
    all.push_back({.method = "POST", .target = path, .status = 201, .body = R"({"id":1,")" + member + R"(":3})"});
    all.push_back({.target = path + "/status/all", .body = R"({"all_)" + member + R"(":1})"});
  }
  return all;
}

std::string name_of(const PlayedExchange& exchange) {
  return exchange.method + " " + exchange.target;
}

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

void run(const Flood& paths, const Flood& answers, std::size_t count) {
  Random random(1);
  double begin = cpu_seconds();
  std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  Site site;
  std::vector<PlayedExchange> real = real_ones();
  (void)site.known();
  std::size_t most = 0;
  for (std::size_t i = 0; i < count; ++i) {
    PlayedExchange made_up;
    made_up.time = test::kStart + Duration(std::chrono::milliseconds(i));
    paths.make(random, made_up);
    answers.make(random, made_up);
    made_up.size = std::max<std::size_t>(2, made_up.body.size());
    site.play(made_up);
    if (i % kRealEvery == 0) {
      for (PlayedExchange exchange : real) {
        exchange.size = exchange.body.size() + i / kRealEvery % 7;
        exchange.time = made_up.time;
        site.play(exchange);
      }
    }
    if (i % kEpochEvery == 0) {
      (void)site.known();
      most = std::max(most, mallinfo2().uordblks + mallinfo2().hblkhd - before);
    }
  }
  std::uint64_t refused = 0, given_up = 0, transactions = 0;
  for (const auto& [key, host] : site.known().hosts()) {
    transactions += host.coverage[CoverageItem::transactions];
    refused += host.coverage[CoverageItem::refused_requests];
    given_up += host.coverage[CoverageItem::given_up_paths];
  }
  std::size_t leaves = site.known().leaves();
  double seconds = cpu_seconds() - begin;
  std::set<std::string> found;
  std::size_t endpoints = 0;
  for (const Endpoint& endpoint : endpoints_of(site.known())) {
    ++endpoints;
    found.insert(endpoint.route.method + " " + endpoint.route.path());
  }
  double view = cpu_seconds() - begin - seconds;
  auto kept = std::count_if(real.begin(), real.end(), [&](const auto& r) { return found.contains(name_of(r)); });
  std::printf("%-8s %-6s %9.1f %8zu %10zu %6td/%zu %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %7.2f %7.2f\n", paths.name,
              answers.name, static_cast<double>(most) / 1048576, leaves, endpoints, kept, real.size(), transactions,
              given_up, refused, seconds * 1e6 / static_cast<double>(count), view);
  std::fflush(stdout);
}

bool is_wanted(const std::string& name, int argc, char** argv) {
  if (argc <= 2) return true;
  return std::any_of(argv + 2, argv + argc, [&](const char* text) { return name.find(text) != std::string::npos; });
}

}  // namespace
}  // namespace specular::bench

int main(int argc, char** argv) {
  namespace bench = specular::bench;
  std::size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  std::printf("%zu paths each\n%-8s %-6s %9s %8s %10s %9s %9s %9s %9s %7s %7s\n", count, "paths", "answer", "MiB, most",
              "kept", "endpoints", "real", "counted", "given up", "refused", "us each", "view, s");
  for (const bench::Flood& paths : bench::kPaths) {
    for (const bench::Flood& answers : bench::kAnswers) {
      if (bench::is_wanted(std::string(paths.name) + "-" + answers.name, argc, argv)) bench::run(paths, answers, count);
    }
  }
  return 0;
}
