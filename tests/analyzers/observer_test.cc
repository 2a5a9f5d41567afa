#include "analyzers/observer.h"

#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/analyzers/random_summary.h"
#include "tests/analyzers/site.h"
#include "tests/analyzers/survives.h"

namespace specular::test {
namespace {

EndpointSummary summary_after(const std::vector<PlayedExchange>& exchanges) {
  Site site;
  for (const PlayedExchange& exchange : exchanges) site.play(exchange);
  return site.endpoint().route.summary;
}

const ParameterSummary* parameter(const ParameterTable& table, std::string_view name) {
  for (const ParameterSummary& entry : table.parameters()) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

template <class Table>
std::string text_of(const Table& table) {
  std::string text;
  for (const auto& [key, count] : table.entries()) text += fmt::format("{}:{} ", key, count);
  return text;
}

std::string ways_of(const PlayedExchange& exchange) {
  return text_of(summary_after({exchange}).auth);
}

// Traffic with folds, ghosts and several hosts; each exchange by its three events, in an order that overlaps.
struct Event {
  std::size_t exchange;
  int kind;  // 0 request, 1 response, 2 end
};

std::vector<PlayedExchange> random_exchanges(Random& random, std::size_t count) {
  std::vector<PlayedExchange> exchanges(count);
  // Few unlike answers: the tables of these are small, and only as long as they are not full the order does not matter.
  static constexpr std::uint16_t kStatuses[] = {200, 404, 401, 404, 0};
  for (std::size_t i = 0; i < count; ++i) {
    PlayedExchange& exchange = exchanges[i];
    exchange.method = random() % 3 == 0 ? "POST" : "GET";
    exchange.host = fmt::format("h{}.example", random() % 3);
    exchange.target =
        fmt::format("/{}/{}?page={}", random() % 2 == 0 ? "users" : "orders", random() % 14, random() % 3);
    if (random() % 4 == 0) exchange.target = fmt::format("/x/{}", 10'000'000 + random() % 50);
    exchange.status = kStatuses[random() % 5];
    if (exchange.status == 0) exchange.whole = Whole::request_only;
    exchange.client = fmt::format("192.0.2.{}:{}", random() % 20, 1000 + random() % 9);
    exchange.time = kStart + std::chrono::milliseconds(10 * i);
    exchange.latency = Duration(random() % 1'000'000'000);
  }
  return exchanges;
}

std::vector<Event> overlapped(Random& random, std::size_t exchanges) {
  std::vector<Event> events;
  std::vector<std::pair<std::size_t, int>> open;
  for (std::size_t next = 0; next < exchanges || !open.empty();) {
    bool begin = next < exchanges && (open.empty() || (open.size() < 12 && random() % 2 == 0));
    if (begin) {
      open.emplace_back(next, 0);
      events.push_back({next++, 0});
      continue;
    }
    std::size_t at = random() % open.size();
    auto& [exchange, done] = open[at];
    events.push_back({exchange, ++done});
    if (done == 2) open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return events;
}

void tell_event(ExchangeSink& sink, const Event& event, const PlayedExchange& exchange) {
  auto id = static_cast<std::uint32_t>(event.exchange);
  if (event.kind == 0) tell_request(sink, id, exchange);
  if (event.kind == 1 && exchange.status != 0) tell_response(sink, id, exchange);
  if (event.kind == 2) tell_end(sink, id, exchange);
}

}  // namespace

TEST_CASE("an exchange is counted with all that its heads say") {
  PlayedExchange exchange;
  exchange.method = "POST";
  exchange.target = "/orders?dry=true";
  exchange.headers = {{"Content-Type", "Application/JSON; charset=utf-8"}, {"X-Tenant", "42"}};
  exchange.status = 201;
  exchange.request_size = 20;
  exchange.size = 28;
  EndpointSummary summary = summary_after({exchange});
  CHECK(summary.requests == 1);
  CHECK(summary.first_seen == exchange.time);
  CHECK(summary.last_seen == exchange.time);
  CHECK(text_of(summary.statuses) == "201:1 ");
  CHECK(text_of(summary.request_types) == "application/json:1 ");
  CHECK(text_of(summary.response_types) == "application/json:1 ");
  CHECK(text_of(summary.auth) == ":1 ");
  CHECK(summary.clients.estimate() == 1);
  REQUIRE(summary.servers.entries().size() == 1);
  CHECK(summary.servers.entries()[0].first.text() == "10.0.0.2:80");
  CHECK(summary.request_bytes.quantile(0.5) == 20);
  CHECK(summary.response_bytes.quantile(0.5) == 28);
  CHECK(summary.latency_us.count() == 1);
  CHECK(std::abs(static_cast<double>(summary.latency_us.quantile(0.5)) - 5000) <= 80);
  CHECK(summary.wholes[static_cast<std::size_t>(Whole::complete)] == 1);
  REQUIRE(parameter(summary.query, "dry") != nullptr);
  CHECK(parameter(summary.query, "dry")->classes[static_cast<std::size_t>(SegmentClass::boolean)] == 1);
  REQUIRE(parameter(summary.headers, "x-tenant") != nullptr);
  CHECK(parameter(summary.headers, "x-tenant")->classes[static_cast<std::size_t>(SegmentClass::small_integer)] == 1);
}

TEST_CASE("exchanges of one endpoint add up; clients are told apart by address, not by port") {
  std::vector<PlayedExchange> exchanges(6);
  for (std::size_t i = 0; i < 6; ++i) {
    exchanges[i].client = fmt::format("192.0.2.{}:{}", i % 3, 1000 + i);
    exchanges[i].time = kStart + std::chrono::seconds(i);
    exchanges[i].status = i == 0 ? 404 : 200;
  }
  EndpointSummary summary = summary_after(exchanges);
  CHECK(summary.requests == 6);
  CHECK(summary.clients.estimate() == 3);
  CHECK(text_of(summary.statuses) == "200:5 404:1 ");
  CHECK(summary.first_seen == kStart);
  CHECK(summary.last_seen == kStart + std::chrono::seconds(5));
}

TEST_CASE("times are the earliest and latest, in whatever order requests come") {
  std::vector<PlayedExchange> exchanges(3);
  exchanges[0].time = kStart + std::chrono::seconds(2);
  exchanges[2].time = kStart + std::chrono::seconds(9);
  EndpointSummary summary = summary_after(exchanges);
  CHECK(summary.first_seen == kStart);
  CHECK(summary.last_seen == kStart + std::chrono::seconds(9));
}

TEST_CASE("clients are those of the trusted proxies' headers") {
  Site site;
  REQUIRE(site.clients.trusted_proxies.set_list({"192.0.2.0/24"}));
  for (int i = 0; i < 5; ++i) {
    PlayedExchange exchange;
    exchange.headers = {{"X-Forwarded-For", fmt::format("198.51.100.{}", i)}};
    site.play(exchange);
  }
  CHECK(site.endpoint().route.summary.clients.estimate() == 5);
}

TEST_CASE("requests without a response are unanswered; one-sided ones are counted among them") {
  PlayedExchange answered, lost, blind;
  lost.status = blind.status = 0;
  lost.whole = blind.whole = Whole::request_only;
  blind.one_sided = true;
  EndpointSummary summary = summary_after({answered, lost, lost, blind});
  CHECK(summary.requests == 4);
  CHECK(summary.unanswered == 3);
  CHECK(summary.one_sided == 1);
  CHECK(summary.statuses.total() == 1);
  CHECK(summary.latency_us.count() == 1);
  CHECK(summary.wholes[static_cast<std::size_t>(Whole::request_only)] == 3);
}

TEST_CASE("a parameter counts once a request; one that comes several times is a list") {
  PlayedExchange once, twice, often;
  once.target = "/s?a=1";
  twice.target = "/s?a=1&b=x&a=2";
  often.target = "/s?a=1&a=2&a=3&a=4";
  EndpointSummary summary = summary_after({once, twice, often});
  REQUIRE(parameter(summary.query, "a") != nullptr);
  CHECK(parameter(summary.query, "a")->count == 3);
  CHECK(parameter(summary.query, "a")->repeated == 2);
  REQUIRE(parameter(summary.query, "b") != nullptr);
  CHECK(parameter(summary.query, "b")->count == 1);
  CHECK(parameter(summary.query, "b")->repeated == 0);
}

TEST_CASE("odd queries make no odd parameters") {
  PlayedExchange exchange;
  exchange.target = "/s?&&=x&a&b=&c==1&#d=4";
  EndpointSummary summary = summary_after({exchange});
  Lines names;
  for (const ParameterSummary& entry : summary.query.parameters()) names.push_back(entry.name);
  CHECK(names == Lines{"a", "b", "c"});
  PlayedExchange endless;
  endless.target = "/s?" + std::string(5000, 'n') + "=1";
  CHECK(summary_after({endless}).query.parameters().at(0).name.size() <= 128);
}

TEST_CASE("more parameters than are kept are counted, each epoch once") {
  Site site;
  PlayedExchange exchange;
  exchange.target = "/s?";
  for (std::size_t i = 0; i < ParameterTable::kLimit + 6; ++i) exchange.target += fmt::format("p{}=1&", i);
  site.play(exchange);
  for (EpochNumber epoch = 1; epoch <= 3; ++epoch) {
    site.observer().on_epoch(epoch);
    PlayedExchange plain;
    plain.target = "/s";
    site.play(plain);
  }
  EndpointSummary summary = site.endpoint().route.summary;
  CHECK(summary.query.parameters().size() == ParameterTable::kLimit);
  CHECK(summary.query.overflow() == 6);
}

TEST_CASE("credentials are told by the way they are carried; their parameters are no parameters of the API") {
  PlayedExchange exchange;
  CHECK(ways_of(exchange) == ":1 ");
  exchange.headers = {{"Authorization", "Bearer abc"}};
  CHECK(ways_of(exchange) == "bearer:1 ");
  exchange.headers = {{"X-API-Key", "secret"}};
  CHECK(ways_of(exchange) == "apiKey:header:x-api-key:1 ");
  exchange.headers = {{"Cookie", "theme=dark; JSESSIONID=1"}};
  CHECK(ways_of(exchange) == "apiKey:cookie:JSESSIONID:1 ");
  exchange.headers = {{"Authorization", "Basic abc"}, {"X-Auth-Token", "x"}};
  CHECK(ways_of(exchange) == "apiKey:header:x-auth-token:1 basic:1 ");
  exchange.headers = {};
  exchange.target = "/s?api_key=secret&page=1";
  EndpointSummary summary = summary_after({exchange});
  CHECK(text_of(summary.auth) == "apiKey:query:api_key:1 ");
  CHECK(parameter(summary.query, "api_key") == nullptr);
  CHECK(parameter(summary.query, "page") != nullptr);
}

TEST_CASE("preflights are OPTIONS that ask for a method") {
  PlayedExchange exchange;
  exchange.method = "OPTIONS";
  exchange.headers = {{"Access-Control-Request-Method", "PUT"}};
  CHECK(summary_after({exchange}).preflights == 1);
  exchange.headers = {};
  CHECK(summary_after({exchange}).preflights == 0);
  exchange.method = "GET";
  exchange.headers = {{"Access-Control-Request-Method", "PUT"}};
  CHECK(summary_after({exchange}).preflights == 0);
}

TEST_CASE("hosts are told apart by name and port, and the same in any spelling") {
  Site site;
  for (const char* host : {"API.example", "api.example:80", "api.example.", "api.example:8080", ""}) {
    PlayedExchange exchange;
    exchange.host = host;
    site.play(exchange);
  }
  CHECK(site.endpoints() == Lines{"api GET 10.0.0.2 /", "api GET api.example /", "api GET api.example:8080 /"});
}

TEST_CASE("requests without a path are no endpoints, but are counted in the coverage") {
  Site site;
  PlayedExchange tunnel, options;
  tunnel.method = "CONNECT";
  tunnel.target = "other.example:443";
  options.method = "OPTIONS";
  options.target = "*";
  site.play(tunnel).play(options);
  CHECK(site.endpoints().empty());
  CHECK(site.host_coverage("api.example")[CoverageItem::transactions] == 2);
}

TEST_CASE("a response without its request makes no endpoint, and counts for the server") {
  Site site;
  PlayedExchange response;
  response.has_request = false;
  response.whole = Whole::response_only;
  site.play(response);
  CHECK(site.endpoints().empty());
  CHECK(site.host_coverage("10.0.0.2")[CoverageItem::response_only] == 1);
}

TEST_CASE("an exchange of which only the end is told does no harm") {
  // exchange.h: any event but the last may be missing.
  CHECK(survives([] {
    Site site;
    PlayedExchange nothing;
    nothing.has_request = false;
    nothing.status = 0;
    site.play(nothing);
    return site.endpoints().empty();
  }));
}

TEST_CASE("what was seen of each exchange is counted, by host and tunnel") {
  Site site;
  TunnelPath path;
  path.push({TunnelKind::vxlan, 7});
  Tunnel tunnel = site.tunnels().find(path);
  for (Whole whole : {Whole::complete, Whole::complete, Whole::clipped, Whole::gap, Whole::request_only}) {
    PlayedExchange exchange;
    exchange.whole = whole;
    exchange.tunnel = tunnel.id;
    exchange.network = tunnel.network;
    site.play(exchange);
  }
  const Inventory& inventory = site.known();
  REQUIRE(inventory.tunnels.contains("vxlan:7"));
  const Inventory::Host* host = inventory.find({"vxlan:7", "api.example"});
  REQUIRE(host != nullptr);
  for (const CoverageCounts& counts : {host->coverage, inventory.tunnels.at("vxlan:7").counts}) {
    CHECK(counts[CoverageItem::transactions] == 5);
    CHECK(counts[CoverageItem::complete] == 2);
    CHECK(counts[CoverageItem::clipped] == 1);
    CHECK(counts[CoverageItem::gap] == 1);
    CHECK(counts[CoverageItem::request_only] == 1);
    CHECK(counts[CoverageItem::response_only] == 0);
  }
}

TEST_CASE("anomalies are counted for the exchange that had them, and for no later one") {
  Site site;
  PlayedExchange odd, plain, response_only;
  odd.request_anomalies.add(static_cast<Anomaly>(0));
  odd.response_anomalies.add(static_cast<Anomaly>(1));
  odd.anomalies.add(static_cast<Anomaly>(2));
  response_only.has_request = false;
  response_only.whole = Whole::response_only;
  site.play(odd).play(response_only).play(odd).play(plain).play(response_only);
  std::array<std::uint64_t, kAnomalyCount> sum{};
  for (const auto& [key, host] : site.known().hosts()) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += host.coverage.anomalies[i];
  }
  CHECK(sum[0] == 2);
  CHECK(sum[1] == 2);
  CHECK(sum[2] == 2);
}

TEST_CASE("bodies are wished for only where reading them can tell something") {
  auto wish_for = [](bool read, const Headers& headers) {
    Site site;
    site.read_bodies = read;
    std::vector<HeaderField> fields;
    for (const auto& [name, value] : headers) fields.push_back({name, value});
    RequestHead head{};
    head.method = "GET";
    head.path = head.target = "/";
    head.headers = fields;
    BodyWish wish = site.observer().on_request(ExchangeId{0}, Connection{}, head);
    return wish.mode;
  };
  CHECK(wish_for(true, {{"Content-Encoding", "gzip"}}) != BodyWish::Mode::skip);
  CHECK(wish_for(true, {}) == BodyWish::Mode::skip);
  CHECK(wish_for(false, {{"Content-Encoding", "gzip"}}) == BodyWish::Mode::skip);
}

TEST_CASE("bodies that cannot be decoded, or decode to too much, are counted") {
  Site site;
  for (BodyState state : {BodyState::bomb, BodyState::undecodable, BodyState::undecodable, BodyState::whole}) {
    PlayedExchange exchange;
    tell_request(site.observer(), 0, exchange);
    tell_response(site.observer(), 0, exchange);
    BodyView view;
    view.state = state;
    site.observer().on_response_body(ExchangeId{0}, view);
    tell_end(site.observer(), 0, exchange);
  }
  CHECK(site.host_coverage("api.example")[CoverageItem::bombs] == 1);
  CHECK(site.host_coverage("api.example")[CoverageItem::undecodable_bodies] == 2);
}

TEST_CASE("requests under way while their paths fold are not lost") {
  for (bool epoch_between : {false, true}) {
    Site site;
    std::vector<PlayedExchange> exchanges(20);
    for (std::uint32_t i = 0; i < 20; ++i) {
      exchanges[i].target = fmt::format("/users/{}", i);
      tell_request(site.observer(), i, exchanges[i]);
      if (epoch_between && i % 3 == 0) site.observer().on_epoch(i);
    }
    for (std::uint32_t i = 0; i < 20; ++i) {
      tell_response(site.observer(), i, exchanges[i]);
      if (epoch_between && i % 4 == 0) site.observer().on_epoch(100 + i);
      tell_end(site.observer(), i, exchanges[i]);
    }
    Endpoint endpoint = site.endpoint();
    CHECK(endpoint.route.path() == "/users/{userId}");
    CHECK(endpoint.route.summary.requests == 20);
    CHECK(text_of(endpoint.route.summary.statuses) == "200:20 ");
    CHECK(endpoint.route.segments.back().evidence.distinct == 20);
  }
}

TEST_CASE("a request that waits long for its answer is not lost to a scan") {
  Site site;
  REQUIRE(site.inventory.max_unconfirmed.set("10"));
  PlayedExchange slow, probe;
  slow.target = "/reports";
  probe.status = 404;
  tell_request(site.observer(), 0, slow);
  for (int i = 0; i < 200; ++i) {
    probe.target = fmt::format("/{}{}.php", static_cast<char>('a' + i % 26), static_cast<char>('a' + i / 26));
    tell(site.observer(), 1, probe);
  }
  tell_response(site.observer(), 0, slow);
  tell_end(site.observer(), 0, slow);
  Endpoint endpoint = site.endpoint();
  CHECK(endpoint.route.path() == "/reports");
  CHECK(endpoint.route.summary.requests == 1);
  CHECK(text_of(endpoint.route.summary.statuses) == "200:1 ");
}

TEST_CASE("epochs may be cut anywhere") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    auto exchanges = random_exchanges(random, 200);
    auto events = overlapped(random, exchanges.size());
    Site whole, cut, cut_often;
    for (std::size_t i = 0; i < events.size(); ++i) {
      const PlayedExchange& exchange = exchanges[events[i].exchange];
      for (Site* site : {&whole, &cut, &cut_often}) tell_event(site->observer(), events[i], exchange);
      if (random() % 30 == 0) cut.observer().on_epoch(static_cast<EpochNumber>(i));
      cut_often.observer().on_epoch(static_cast<EpochNumber>(i));
    }
    REQUIRE(facts_of(whole.known()).size() > 20);
    REQUIRE(difference(facts_of(cut.known()), facts_of(whole.known())) == "");
    REQUIRE(difference(facts_of(cut_often.known()), facts_of(whole.known())) == "");
  }
}

TEST_CASE("a flush tells what was added since the last one, and only that") {
  Site site;
  site.play({});
  Lines once = facts_of(site.known());
  for (int i = 0; i < 5; ++i) site.observer().flush();
  CHECK(facts_of(site.known()) == once);
}

TEST_CASE("at the ceiling requests are refused, and counted once") {
  Site site;
  REQUIRE(site.inventory.max_endpoints.set("100"));
  for (int i = 0; i < 150; ++i) {
    PlayedExchange exchange;
    exchange.host = fmt::format("h{}.example", i % 3);
    exchange.target = fmt::format("/{}{}", static_cast<char>('a' + i % 26), static_cast<char>('a' + i / 26));
    exchange.size = static_cast<std::uint64_t>(i);  // not the same answer everywhere
    site.play(exchange);
  }
  std::uint64_t refused = 0, requests = 0;
  for (const auto& [key, host] : site.known().hosts()) {
    refused += host.coverage[CoverageItem::refused_requests];
    requests += host.tree->leaf_count();
  }
  CHECK(requests == 100);
  CHECK(refused == 50);
}

}  // namespace specular::test
