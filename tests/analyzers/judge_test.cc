#include "analyzers/judge.h"

#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/analyzers/random_summary.h"
#include "tests/analyzers/site.h"

namespace specular::test {
namespace {

// Traffic with folds, several hosts and paths that do not exist.
std::vector<PlayedExchange> traffic(Random& random, std::size_t count) {
  std::vector<PlayedExchange> exchanges(count);
  for (PlayedExchange& exchange : exchanges) {
    exchange.host = fmt::format("h{}.example", random() % 3);
    exchange.method = random() % 4 == 0 ? "POST" : "GET";
    exchange.status = random() % 3 == 0 ? 404 : 200;
    exchange.client = fmt::format("192.0.2.{}:1000", random() % 40);
    exchange.time = kStart + Duration(random() % 1'000'000'000'000);
    switch (random() % 4) {
      case 0: exchange.target = fmt::format("/users/{}/orders/{}", random() % 12, random() % 12); break;
      case 1: exchange.target = fmt::format("/items/{}.json?page=1", 10'000'000 + random() % 30); break;
      case 2:
        exchange.target = fmt::format("/probe/{}{}.php", static_cast<char>('a' + random() % 26),
                                      static_cast<char>('a' + random() % 26));
        exchange.status = 404;
        break;
      default: exchange.target = fmt::format("/v{}/search", 1 + random() % 2);
    }
  }
  return exchanges;
}

// The key of every endpoint in the inventory, as a store has it.
Lines endpoint_keys(const Inventory& inventory) {
  Lines keys;
  for (const auto& [key, host] : inventory.hosts()) {
    auto walk = [&, &name = key, &tree = *host.tree](auto&& self, PathTree::NodeIndex index) -> void {
      for (PathTree::LeafIndex leaf : tree.node(index).leaves) {
        keys.push_back(name.network + "|" + name.host + "|" + to_text(tree.path_of(index)) + "|" +
                       tree.leaf(leaf).method);
      }
      for (PathTree::NodeIndex child : tree.node(index).children) self(self, child);
    };
    walk(walk, PathTree::kRoot);
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

Lines sorted(Lines lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::size_t nodes_below(const PathTree& tree, PathTree::NodeIndex index) {
  std::size_t count = 0;
  for (PathTree::NodeIndex child : tree.node(index).children) count += 1 + nodes_below(tree, child);
  return count;
}

std::unique_ptr<Judge> restored(const InventoryOptions& options, const Rows& rows) {
  auto judge = std::make_unique<Judge>(options, HashKey{}, true);
  REQUIRE(judge->restore(rows.all()));
  return judge;
}

EndpointSummary one_answer(std::uint16_t status) {
  EndpointSummary summary;
  summary.requests = 1;
  summary.statuses.add(status);
  return summary;
}

const AnalysedCapture kCapture{.name = "a.pcap",
                               .size = 1,
                               .modified_ns = -2,
                               .inode = 3,
                               .content = ~std::uint64_t{0},
                               .frames = 5,
                               .analysed_ns = 6,
                               .failed = true,
                               .problem = "cut off \xff"};

std::multiset<Table> tables_of(const Epoch& epoch) {
  std::multiset<Table> tables;
  for (const Row& row : epoch.put) tables.insert(row.key.table);
  return tables;
}

bool restores(Table table, const std::string& path, const std::string& value) {
  InventoryOptions options;
  Judge judge(options, HashKey{}, false);
  Epoch epoch;
  epoch.put.push_back({{table, "", "api.example", path, "GET"}, value});
  auto result = judge.restore(epoch);
  if (!result) CHECK(result.error().kind == ErrorKind::corrupt);
  return result.has_value();
}

}  // namespace

TEST_CASE("the rows of all epochs are the inventory: nothing is missing, nothing is left over") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    Site site(true);
    REQUIRE(site.inventory.max_unconfirmed.set("12"));
    Rows rows;
    for (EpochNumber epoch = 0; epoch < 20; ++epoch) {
      for (const PlayedExchange& exchange : traffic(random, 40)) site.play(exchange);
      site.observer().flush();
      rows.apply(site.judge().take_changes(epoch));
      REQUIRE(difference(sorted(rows.keys(Table::endpoint)), endpoint_keys(site.judge().inventory())) == "");
    }
    auto again = restored(site.inventory, rows);
    REQUIRE(difference(facts_of(again->inventory()), facts_of(site.judge().inventory())) == "");
  }
}

TEST_CASE("after a restart learning goes on as if there had been none") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    auto first = traffic(random, 150), second = traffic(random, 150);
    Site whole(true), before(true), after(true);
    for (const PlayedExchange& exchange : first) before.play(exchange), whole.play(exchange);
    before.observer().flush();
    Rows rows;
    rows.apply(before.judge().take_changes(1));
    REQUIRE(after.judge().restore(rows.all()));
    for (const PlayedExchange& exchange : second) after.play(exchange), whole.play(exchange);
    REQUIRE(difference(facts_of(after.known()), facts_of(whole.known())) == "");
    rows.apply(after.judge().take_changes(2));
    REQUIRE(difference(facts_of(restored(after.inventory, rows)->inventory()), facts_of(whole.known())) == "");
  }
}

TEST_CASE("changes are told once, with the number of their epoch") {
  Site site(true);
  site.play({});
  site.observer().flush();
  Epoch first = site.judge().take_changes(7);
  CHECK(first.number == 7);
  CHECK(first.put.size() == 3);  // the endpoint, its host, and what came through no tunnel
  Epoch second = site.judge().take_changes(8);
  CHECK(second.number == 8);
  CHECK(second.put.empty());
  CHECK(second.removed.empty());
}

TEST_CASE("rows are whole: putting an epoch twice is putting it once") {
  Random random(1);
  Site site(true);
  Rows once, twice;
  for (EpochNumber epoch = 0; epoch < 10; ++epoch) {
    for (const PlayedExchange& exchange : traffic(random, 40)) site.play(exchange);
    site.observer().flush();
    Epoch changes = site.judge().take_changes(epoch);
    once.apply(changes);
    twice.apply(changes);
    twice.apply(changes);
  }
  CHECK(facts_of(restored(site.inventory, twice)->inventory()) ==
        facts_of(restored(site.inventory, once)->inventory()));
}

TEST_CASE("a fold removes the rows of what it folded") {
  Site site(true);
  Rows rows;
  for (int i = 1; i <= 9; ++i) {
    PlayedExchange exchange;
    exchange.target = fmt::format("/users/{}/orders", i);
    site.play(exchange);
    site.observer().flush();
    rows.apply(site.judge().take_changes(i));
    CHECK(rows.keys(Table::endpoint).size() == (i < 9 ? static_cast<std::size_t>(i) : 1));
  }
  CHECK(rows.keys(Table::endpoint) == Lines{"|api.example|/users/{small_integer}/orders|GET"});
  CHECK(rows.keys(Table::values) == Lines{"|api.example|/users/{small_integer}|"});
}

TEST_CASE("counters of capture add up, across restarts too") {
  InventoryOptions options;
  Judge judge(options, HashKey{}, true);
  judge.on_counter("gaps", 3);
  judge.on_counter("gaps", 4);
  Rows rows;
  rows.apply(judge.take_changes(1));
  auto again = restored(options, rows);
  again->on_counter("gaps", 10);
  CHECK(again->inventory().totals.at("gaps").value == 17);
}

TEST_CASE("coverage adds up, by host and tunnel") {
  InventoryOptions options;
  Judge judge(options, HashKey{}, false);
  Random random(2);
  CoverageCounts sum;
  for (int i = 0; i < 5; ++i) {
    CoverageCounts counts = random_coverage(random);
    sum.merge(counts);
    judge.on_tunnel("vxlan:7", counts);
    judge.on_host({"", "api.example"}, counts);
  }
  CHECK((encode(judge.inventory().tunnels.at("vxlan:7").counts) == encode(sum)));
  CHECK((encode(judge.inventory().find({"", "api.example"})->coverage) == encode(sum)));
}

TEST_CASE("hosts of one server are kept up to the ceiling; further ones are told under the server's address") {
  Site site;
  REQUIRE(site.inventory.max_hosts_per_server.set("5"));
  for (int i = 0; i < 300; ++i) {
    PlayedExchange exchange;
    exchange.host = fmt::format("random{}.example", i);
    exchange.target = "/users/{id}";
    site.play(exchange);
  }
  const Inventory& inventory = site.known();
  CHECK(inventory.hosts().size() <= 6);
  const Inventory::Host* server = inventory.find({"", "10.0.0.2"});
  REQUIRE(server != nullptr);
  std::uint64_t requests = 0;
  for (const auto& [key, host] : inventory.hosts()) requests += host.coverage[CoverageItem::transactions];
  CHECK(requests == 300);
  CHECK(server->coverage[CoverageItem::transactions] == 295);
}

TEST_CASE("hosts are kept up to the ceiling, over all servers") {
  Site site;
  REQUIRE(site.inventory.max_hosts.set("10"));
  for (int i = 0; i < 300; ++i) {
    PlayedExchange exchange;
    exchange.host = fmt::format("random{}.example", i);
    exchange.server = fmt::format("10.0.0.{}:80", i % 3);
    site.play(exchange);
  }
  CHECK(site.known().hosts().size() <= 10 + 3);
}

TEST_CASE("a host that is known stays known at the ceiling") {
  Site site;
  REQUIRE(site.inventory.max_hosts_per_server.set("2"));
  for (int round = 0; round < 3; ++round) {
    for (const char* host : {"first.example", "second.example", "third.example"}) {
      PlayedExchange exchange;
      exchange.host = host;
      exchange.target = "/users";
      site.play(exchange);
    }
    (void)site.known();
  }
  for (const char* host : {"first.example", "second.example"}) {
    const Inventory::Host* found = site.judge().inventory().find({"", host});
    REQUIRE(found != nullptr);
    CHECK(found->tree->leaf_count() == 1);
    CHECK(found->coverage[CoverageItem::transactions] == 3);
  }
}

TEST_CASE("endpoints are kept up to the ceiling, and what was refused is counted by host") {
  InventoryOptions options;
  REQUIRE(options.max_endpoints.set("100"));
  Judge judge(options, HashKey{}, true);
  EndpointSummary added;
  added.requests = 2;
  added.statuses.add(200, 2);
  for (int i = 0; i < 130; ++i) {
    SegmentPath path{{SegmentClass::word, false, fmt::format("{}{}x", static_cast<char>('a' + i % 26), i / 26)}};
    judge.on_endpoint({"", "api.example"}, path, "GET", added);
  }
  const Inventory::Host* host = judge.inventory().find({"", "api.example"});
  REQUIRE(host != nullptr);
  CHECK(host->tree->leaf_count() == 100);
  CHECK(host->coverage[CoverageItem::refused_requests] == 60);
}

TEST_CASE("what was given up leaves neither nodes nor rows behind") {
  Site site(true);
  REQUIRE(site.inventory.max_unconfirmed.set("10"));
  Rows rows;
  for (int i = 0; i < 400; ++i) {
    PlayedExchange exchange;
    exchange.status = 404;
    exchange.target =
        fmt::format("/{}{}x/2024-01-15/y", static_cast<char>('a' + i % 26), static_cast<char>('a' + i / 26 % 26));
    site.play(exchange);
    if (i % 40 != 39) continue;
    site.observer().flush();
    rows.apply(site.judge().take_changes(i));
  }
  const PathTree& tree = *site.judge().inventory().find({"", "api.example"})->tree;
  CHECK(tree.leaf_count() <= 12);
  CHECK(nodes_below(tree, PathTree::kRoot) <= 3 * 12);
  CHECK(rows.keys(Table::endpoint).size() <= 12);
  CHECK(rows.keys(Table::values).size() <= 12);
}

TEST_CASE("paths that no server confirmed do not gather in the store from restart to restart") {
  InventoryOptions options;
  REQUIRE(options.max_unconfirmed.set("10"));
  Rows rows;
  for (int run = 0; run < 10; ++run) {
    auto judge = restored(options, rows);
    // The one that exists is the last to be read back.
    judge->on_endpoint({"", "api.example"}, {{SegmentClass::word, false, "zreal"}}, "GET", one_answer(200));
    for (int i = 0; i < 13; ++i) {
      SegmentPath path{{SegmentClass::word, false, fmt::format("{}{}x", static_cast<char>('a' + i), run)}};
      judge->on_endpoint({"", "api.example"}, path, "GET", one_answer(404));
    }
    rows.apply(judge->take_changes(run));
    REQUIRE(difference(sorted(rows.keys(Table::endpoint)), endpoint_keys(judge->inventory())) == "");
  }
  CHECK(rows.keys(Table::endpoint).size() <= 13);
}

TEST_CASE("a restart drops nothing that was kept, though it is at the limit") {
  InventoryOptions options;
  REQUIRE(options.max_unconfirmed.set("100"));
  Judge judge(options, HashKey{}, true);
  // The one that exists is the last to be read back.
  judge.on_endpoint({"", "api.example"}, {{SegmentClass::word, false, "zreal"}}, "GET", one_answer(200));
  for (int i = 0; i < 125; ++i) {
    SegmentPath path{{SegmentClass::word, false, fmt::format("{}{}x", static_cast<char>('a' + i % 26), i / 26)}};
    judge.on_endpoint({"", "api.example"}, path, "GET", one_answer(404));
  }
  Rows rows;
  rows.apply(judge.take_changes(1));
  CHECK(difference(facts_of(restored(options, rows)->inventory()), facts_of(judge.inventory())) == "");
}

TEST_CASE("a capture of the drop folder is a row in the epoch of what it taught, and is read back") {
  InventoryOptions options;
  Judge judge(options, HashKey{}, true);
  judge.on_endpoint({"", "api.example"}, {{SegmentClass::word, false, "users"}}, "GET", one_answer(200));
  judge.on_capture(kCapture);
  Epoch epoch = judge.take_changes(1);
  CHECK(tables_of(epoch) == std::multiset<Table>{Table::endpoint, Table::capture});
  CHECK(judge.take_changes(2).put.empty());

  Rows rows;
  rows.apply(epoch);
  auto again = restored(options, rows);
  REQUIRE(again->inventory().captures.size() == 1);
  CHECK((again->inventory().captures.at("a.pcap").analysed == kCapture));
  CHECK(again->take_changes(3).put.empty());
}

TEST_CASE("a capture that is analysed again replaces its row") {
  InventoryOptions options;
  Judge judge(options, HashKey{}, true);
  Rows rows;
  for (std::uint64_t frames : {5u, 9u}) {
    AnalysedCapture grown = kCapture;
    grown.frames = frames;
    judge.on_capture(grown);
    rows.apply(judge.take_changes(1));
  }
  CHECK(rows.size() == 1);
  CHECK(restored(options, rows)->inventory().captures.at("a.pcap").analysed.frames == 9);
}

TEST_CASE("a capture that is forgotten loses its row, also where that was never committed") {
  InventoryOptions options;
  Judge judge(options, HashKey{}, true);
  Rows rows;
  judge.on_capture(kCapture);
  rows.apply(judge.take_changes(1));
  judge.forget_capture("a.pcap");
  judge.forget_capture("unknown.pcap");
  Epoch epoch = judge.take_changes(2);
  CHECK(epoch.removed.size() == 1);
  rows.apply(epoch);
  CHECK(rows.size() == 0);

  judge.on_capture(kCapture);
  judge.forget_capture("a.pcap");
  judge.on_capture(kCapture);  // a new file under that name
  rows.apply(judge.take_changes(3));
  CHECK(rows.keys(Table::capture).size() == 1);
  judge.forget_capture("a.pcap");
  rows.apply(judge.take_changes(4));
  CHECK(rows.size() == 0);
  CHECK(judge.take_changes(5).removed.empty());
}

TEST_CASE("rows of tables that a later version added are passed over") {
  CHECK(restores(static_cast<Table>('z'), "whatever", "\xff\xff\xff"));
}

TEST_CASE("rows that cannot be read are refused") {
  std::string summary = encode(EndpointSummary{});
  CHECK(restores(Table::endpoint, "/users", summary));
  CHECK_FALSE(restores(Table::endpoint, "/users", "\xff\xff\xff"));
  CHECK_FALSE(restores(Table::endpoint, "users", summary));
  CHECK_FALSE(restores(Table::endpoint, "", summary));
  CHECK_FALSE(restores(Table::endpoint, "/{nonsense}", summary));
  CHECK_FALSE(restores(Table::endpoint, "/{uuid", summary));
  CHECK_FALSE(restores(Table::values, "/{uuid}", "\xff\xff\xff"));
  CHECK_FALSE(restores(Table::host, "", "\xff\xff\xff"));
  CHECK_FALSE(restores(Table::tunnel, "", "\xff\xff\xff"));
  CHECK_FALSE(restores(Table::capture, "", "\xff\xff\xff"));
  CHECK(restores(Table::total, "", "18446744073709551615"));
  CHECK_FALSE(restores(Table::total, "", "a number"));
  CHECK_FALSE(restores(Table::total, "", ""));
}

}  // namespace specular::test
