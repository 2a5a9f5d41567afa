#include "daemon/pipeline.h"

#include <filesystem>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/analyzers/random_summary.h"
#include "tests/analyzers/site.h"
#include "tests/storage/helper.h"
#include "tests/support/case_file.h"

namespace specular::test {
namespace {

namespace fs = std::filesystem;

// Connections whose packets interleave, each with a few requests and their responses.
class Traffic {
 public:
  explicit Traffic(std::uint64_t seed) : random_(seed) {}

  Traffic& connections(int count) {
    for (int i = 0; i < count; ++i) add_connection();
    std::stable_sort(packets_.begin(), packets_.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
    return *this;
  }
  // One connection with one request, as given.
  Traffic& request(const std::string& head, const std::string& answer) {
    converse({{head, answer}}, "192.0.2.1", "10.0.0.1:80");
    return *this;
  }
  Traffic& tunnels(std::initializer_list<int> vnis) {
    std::vector<CasePacket> all;
    for (const CasePacket& packet : packets_) {
      for (int vni : vnis) {
        all.push_back(packet);
        all.back().tunnel = vni;
      }
    }
    packets_ = std::move(all);
    return *this;
  }
  Traffic& later(Duration duration) {
    start_ += duration;
    return *this;
  }

  Capture capture() const {
    Capture capture;
    for (const CasePacket& packet : packets_) capture.add(packet);
    return capture;
  }

 private:
  using Messages = std::vector<std::pair<std::string, std::string>>;

  std::string random_request() {
    std::string path = fmt::format("/{}/{}", random_() % 2 == 0 ? "users" : "orders", random_() % 15);
    if (random_() % 3 == 0) path = fmt::format("/items/{}.json?page={}", 10'000'000 + random_() % 40, random_() % 4);
    std::string auth = random_() % 2 == 0 ? "Authorization: Bearer x\r\n" : "";
    return fmt::format("GET {} HTTP/1.1\r\nHost: h{}.example\r\n{}\r\n", path, random_() % 3, auth);
  }
  std::string random_answer() {
    if (random_() % 4 == 0) return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    std::string body(random_() % 3, 'x');
    return fmt::format("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", body.size(),
                       body);
  }
  void add_connection() {
    Messages messages;
    for (std::size_t i = 1 + random_() % 5; i > 0; --i) messages.emplace_back(random_request(), random_answer());
    converse(messages, fmt::format("192.0.2.{}", random_() % 50), fmt::format("10.0.0.{}:80", random_() % 3));
  }

  void converse(const Messages& messages, const std::string& client, const std::string& server) {
    SocketAddress ends[2] = {socket_address(client + ":" + std::to_string(next_port_++)), socket_address(server)};
    std::uint32_t numbers[2] = {1000, 5000};
    Timestamp time = start_ + Duration(random_() % 20'000'000'000);
    auto send = [&](std::size_t side, std::uint8_t flags, const std::string& payload) {
      CasePacket packet;
      packet.time = time += Duration(1'000'000 + random_() % 400'000'000);
      packet.segment = {ends[side], ends[1 - side], numbers[side], (flags & kAck) != 0 ? numbers[1 - side] : 0, flags,
                        0,          payload};
      numbers[side] += static_cast<std::uint32_t>(payload.size()) + ((flags & (kSyn | kFin)) != 0 ? 1 : 0);
      packets_.push_back(packet);
    };
    send(0, kSyn, "");
    send(1, kSyn | kAck, "");
    send(0, kAck, "");
    for (const auto& [request, answer] : messages) {
      send(0, kAck, request.substr(0, request.size() / 2));
      send(0, kAck, request.substr(request.size() / 2));
      send(1, kAck, answer);
    }
    send(0, kAck | kFin, "");
    send(1, kAck | kFin, "");
  }

  Random random_;
  std::vector<CasePacket> packets_;
  Timestamp start_ = kStart;
  int next_port_ = 1024;
};

Lines facts_after(const std::vector<Capture>& captures, std::size_t shards, Store* store = nullptr) {
  Config config;
  REQUIRE(config.general.shards.set(std::to_string(shards)));
  auto pipeline = Pipeline::create(config, store);
  REQUIRE_MESSAGE(pipeline.has_value(), (pipeline ? "" : pipeline.error().text));
  for (const Capture& capture : captures) capture.feed((*pipeline)->entry());
  auto finished = (*pipeline)->finish();
  REQUIRE_MESSAGE(finished.has_value(), (finished ? "" : finished.error().text));
  return facts_of((*pipeline)->inventory());
}

std::unique_ptr<Store> open(const std::string& path, Store::Mode mode = Store::Mode::write) {
  auto store = Store::open(path, mode);
  REQUIRE_MESSAGE(store.has_value(), (store ? "" : store.error().text));
  return std::move(*store);
}

Lines facts_in(const std::string& path) {
  auto store = open(path, Store::Mode::read);
  auto rows = store->read_all();
  REQUIRE(rows);
  InventoryOptions options;
  Judge judge(options, store->hash_key(), false);
  auto restored = judge.restore(*rows);
  REQUIRE_MESSAGE(restored.has_value(), (restored ? "" : restored.error().text));
  return facts_of(judge.inventory());
}

// Facts that add up over restarts; where a capture ends, its connections end too.
Lines about_hosts(const Lines& facts) {
  Lines lines;
  for (const std::string& fact : facts) {
    if (!fact.starts_with("total ") && !fact.starts_with("tunnel ")) lines.push_back(fact);
  }
  return lines;
}

}  // namespace

TEST_CASE("the inventory is the same with one shard and with many") {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    Capture capture = Traffic(seed).connections(120).capture();
    Lines one = facts_after({capture}, 1);
    REQUIRE(one.size() > 30);
    for (std::size_t shards : {2u, 4u, 7u, 16u}) {
      REQUIRE(difference(facts_after({capture}, shards), one) == "");
    }
  }
}

TEST_CASE("the inventory is the same with one shard and with four, through two mirrors of every connection") {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    Capture capture = Traffic(seed).connections(80).tunnels({7, 8}).capture();
    Lines one = facts_after({capture}, 1);
    REQUIRE(difference(facts_after({capture}, 4), one) == "");
  }
}

TEST_CASE("every request is in the inventory, once") {
  Traffic traffic(1);
  for (int i = 0; i < 30; ++i) {
    traffic.request(fmt::format("GET /users/{} HTTP/1.1\r\nHost: api.example\r\n\r\n", i),
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}");
  }
  Config config;
  auto pipeline = Pipeline::create(config, nullptr);
  REQUIRE(pipeline);
  traffic.capture().feed((*pipeline)->entry());
  REQUIRE((*pipeline)->finish());
  auto endpoints = endpoints_of((*pipeline)->inventory());
  REQUIRE(endpoints.size() == 1);
  CHECK(endpoints[0].route.path() == "/users/{userId}");
  CHECK(endpoints[0].route.summary.requests == 30);
  CHECK(endpoints[0].route.summary.clients.estimate() == 1);
}

TEST_CASE("nothing is stored before the end, all of it then") {
  Folder folder;
  Capture capture = Traffic(1).connections(40).capture();
  auto store = open(folder.path());
  {
    Config config;
    auto pipeline = Pipeline::create(config, store.get());
    REQUIRE(pipeline);
    capture.feed((*pipeline)->entry());
    CHECK(store->read_all()->put.empty());
  }
  CHECK(store->read_all()->put.empty());
  Lines learned = facts_after({capture}, 1, store.get());
  store.reset();
  CHECK(difference(facts_in(folder.path()), learned) == "");
}

TEST_CASE("what a store holds goes on where it was") {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    Folder folder;
    open(folder.path("split"));
    // The same hash key, so that values can be compared.
    fs::copy(folder.path("split"), folder.path("whole"), fs::copy_options::recursive);
    Capture first = Traffic(seed).connections(50).capture();
    Capture second = Traffic(seed + 100).later(std::chrono::seconds(600)).connections(50).capture();
    for (const Capture& capture : {first, second}) (void)facts_after({capture}, 1, open(folder.path("split")).get());
    (void)facts_after({first, second}, 1, open(folder.path("whole")).get());
    Lines split = about_hosts(facts_in(folder.path("split"))), whole = about_hosts(facts_in(folder.path("whole")));
    REQUIRE(whole.size() > 20);
    REQUIRE(difference(split, whole) == "");
  }
}

TEST_CASE("a store filled by one shard and by four is the same") {
  Folder folder;
  open(folder.path("one"));
  fs::copy(folder.path("one"), folder.path("four"), fs::copy_options::recursive);
  Capture capture = Traffic(3).connections(100).capture();
  (void)facts_after({capture}, 1, open(folder.path("one")).get());
  (void)facts_after({capture}, 4, open(folder.path("four")).get());
  CHECK(difference(facts_in(folder.path("four")), facts_in(folder.path("one"))) == "");
}

TEST_CASE("whatever a client sends, the store can be read again") {
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
  for (const std::string& head :
       {std::string("GET /search?caf\xe9=1 HTTP/1.1\r\nHost: api.example\r\n\r\n"),
        std::string("GET /a HTTP/1.1\r\nHost: api.example\r\nContent-Type: text/\xff\r\n\r\n"),
        std::string("GET /a HTTP/1.1\r\nHost: api.example\r\nCookie: \xff.sid=1\r\n\r\n"),
        std::string("GET /\xff\xfe HTTP/1.1\r\nHost: \xff\xfe.example\r\n\r\n"),
        std::string("GET /{uuid}/%7Bword%7D HTTP/1.1\r\nHost: {}\r\n\r\n"),
        std::string("GET /../../x;y=1//z?a&a&a=&=&%00 HTTP/1.1\r\nHost: a b\r\n\r\n")}) {
    Folder folder;
    Capture capture = Traffic(1).request(head, ok).capture();
    Lines learned = facts_after({capture}, 1, open(folder.path()).get());
    CHECK(learned.size() > 3);
    auto store = open(folder.path());
    auto again = Pipeline::create(Config{}, store.get());
    CHECK_MESSAGE(again.has_value(), head);
    if (again) CHECK(difference(facts_of((*again)->inventory()), learned) == "");
  }
}

TEST_CASE("whatever a server answers, the store can be read again") {
  const std::string get = "GET /a HTTP/1.1\r\nHost: api.example\r\n\r\n";
  for (const std::string& head : {std::string("HTTP/1.1 200 OK\r\nContent-Type: \xff/\x80\r\n"),
                                  std::string("HTTP/1.1 999 Odd\r\nContent-Type: \"\r\n"),
                                  std::string("HTTP/1.1 301 Moved\r\nLocation: \xff\r\n")}) {
    Folder folder;
    Capture capture = Traffic(1).request(get, head + "Content-Length: 0\r\n\r\n").capture();
    Lines learned = facts_after({capture}, 1, open(folder.path()).get());
    auto store = open(folder.path());
    auto again = Pipeline::create(Config{}, store.get());
    CHECK_MESSAGE(again.has_value(), head);
    if (again) CHECK(difference(facts_of((*again)->inventory()), learned) == "");
  }
}

TEST_CASE("a damaged row is reported, not passed over") {
  Folder folder;
  auto store = open(folder.path());
  REQUIRE(store->commit(epoch_of_rows({row(Table::endpoint, "api.example", "/users", "\xff\xff\xff")})));
  auto pipeline = Pipeline::create(Config{}, store.get());
  REQUIRE_FALSE(pipeline);
  CHECK(pipeline.error().kind == ErrorKind::corrupt);
  CHECK_FALSE(pipeline.error().text.empty());
}

TEST_CASE("no traffic, no inventory") {
  CHECK(facts_after({}, 1).empty());
  CHECK(facts_after({Capture{}}, 4).empty());
}

TEST_CASE("the same capture twice counts twice") {
  Capture capture = Traffic(5).connections(30).capture();
  Config config;
  auto requests_of = [](const Inventory& inventory) {
    std::uint64_t requests = 0;
    for (const Endpoint& endpoint : endpoints_of(inventory)) requests += endpoint.route.summary.requests;
    return requests;
  };
  Folder folder;
  std::uint64_t once = 0;
  for (int run = 1; run <= 2; ++run) {
    auto store = open(folder.path());
    auto pipeline = Pipeline::create(config, store.get());
    REQUIRE(pipeline);
    capture.feed((*pipeline)->entry());
    REQUIRE((*pipeline)->finish());
    if (run == 1) once = requests_of((*pipeline)->inventory());
    CHECK(once > 0);
    CHECK(requests_of((*pipeline)->inventory()) == once * static_cast<std::uint64_t>(run));
  }
}

}  // namespace specular::test
