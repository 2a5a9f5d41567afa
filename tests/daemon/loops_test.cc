#include "daemon/loops.h"

#include <thread>

#include <doctest/doctest.h>

#include "tests/analyzers/site.h"
#include "tests/storage/helper.h"
#include "tests/support/packet_builder.h"

namespace specular::test {
namespace {

using namespace std::chrono_literals;

// The judge's and the keeper's threads over a store, and what a lane would tell them.
class Threads {
 public:
  explicit Threads(const std::string& path, Duration commit_interval = 1h)
      : store_(*Store::open(path, Store::Mode::write)),
        judge_(options_, store_->hash_key(), true),
        keeper(*store_),
        judge_loop(judge_, mutex_, mailbox, keeper, commit_interval) {
    REQUIRE(judge_.restore(*store_->read_all()));
    keeper_thread_ = std::thread([this] { keeper.run(); });
    judge_thread_ = std::thread([this] { judge_loop.run(ended_); });
  }
  ~Threads() { stop(); }

  void stop() {
    ended_ = true;
    if (judge_thread_.joinable()) judge_thread_.join();
    if (keeper_thread_.joinable()) keeper_thread_.join();
  }

  // That many requests of an endpoint, in a report.
  void tell(ReportWriter& writer, std::uint64_t requests) {
    EndpointSummary summary;
    summary.requests = requests;
    summary.statuses.add(200, requests);
    writer.on_endpoint({{"", "api.example"}, socket_address("10.0.0.2:80")}, {{SegmentClass::word, false, "users"}},
                       "GET", summary);
  }

  std::uint64_t requests() {
    std::lock_guard lock(mutex_);
    std::uint64_t sum = 0;
    for (const Endpoint& endpoint : endpoints_of(judge_.inventory())) sum += endpoint.route.summary.requests;
    return sum;
  }

  bool eventually(const std::function<bool()>& condition) {
    for (auto end = SteadyClock::now() + 20s; SteadyClock::now() < end; std::this_thread::sleep_for(1ms)) {
      if (condition()) return true;
    }
    return false;
  }

 private:
  InventoryOptions options_;
  TunnelOptions tunnel_options_;
  std::unique_ptr<Store> store_;
  Judge judge_;
  std::mutex mutex_;
  std::atomic<bool> ended_ = false;
  std::thread judge_thread_, keeper_thread_;

 public:
  TunnelTable tunnels{tunnel_options_};
  Mailbox mailbox{4};
  Keeper keeper;
  JudgeLoop judge_loop;
};

std::uint64_t stored_requests(const std::string& path) {
  auto store = Store::open(path, Store::Mode::read);
  REQUIRE(store);
  auto stored = (*store)->read_all();
  REQUIRE(stored);
  std::uint64_t sum = 0;
  for (const Row& row : stored->put) {
    if (row.key.table == Table::endpoint) sum += decode_summary(row.value)->requests;
  }
  return sum;
}

}  // namespace

TEST_CASE("what lanes report is merged, and durable when all have ended") {
  Folder folder;
  {
    Threads running(folder.path());
    ReportWriter one(running.mailbox, running.tunnels), other(running.mailbox, running.tunnels);
    running.tell(one, 3);
    one.send(kStart);
    running.tell(other, 4);
    other.send(kStart + 1s);
    CHECK(running.eventually([&] { return running.requests() == 7; }));
    running.tell(one, 5);
    one.send(std::nullopt);
    running.stop();
    CHECK(running.requests() == 12);
    CHECK(running.judge_loop.packet_time() == kStart + 1s);
    CHECK_FALSE(running.keeper.state().lost);
  }
  CHECK(stored_requests(folder.path()) == 12);
  Threads again(folder.path());
  CHECK(again.requests() == 12);
}

TEST_CASE("what is learned is committed at the interval, without an end") {
  Folder folder;
  Threads running(folder.path(), 10ms);
  ReportWriter writer(running.mailbox, running.tunnels);
  for (std::uint64_t round = 1; round <= 3; ++round) {
    running.tell(writer, 1);
    writer.send(kStart);
    CHECK(running.eventually([&] { return running.keeper.state().commits >= round; }));
  }
  CHECK(running.keeper.state().last.has_value());
  CHECK(running.keeper.state().failing.empty());
}

TEST_CASE("a capture of the drop folder hurries, and tells when it is durable") {
  Folder folder;
  {
    Threads running(folder.path());
    ReportWriter writer(running.mailbox, running.tunnels);
    writer.hold_back();
    CHECK_FALSE(writer.is_ready());
    running.tell(writer, 2);
    CHECK(running.keeper.wait_for_captures(1, 0ms) == 0);
    writer.send_capture({.name = "a.pcap", .size = 10}, {}, kStart);
    CHECK(running.keeper.wait_for_captures(1, 20s) == 1);
  }
  auto store = Store::open(folder.path(), Store::Mode::read);
  auto stored = (*store)->read_all();
  REQUIRE(stored);
  std::vector<std::string> captures;
  for (const Row& row : stored->put) {
    if (row.key.table == Table::capture) captures.push_back(row.key.host);
  }
  CHECK(captures == std::vector<std::string>{"a.pcap"});
}

TEST_CASE("a change by the user hurries, and tells when it is durable") {
  Folder folder;
  auto pin = make_correction(CorrectionKind::pin, {"", "a.example"}, "/users/{login}", "", kStart);
  REQUIRE(pin);
  {
    Threads running(folder.path());
    auto nothing = [](Judge&) { return false; };
    CHECK(running.judge_loop.change(nothing) == 0);
    CHECK(running.keeper.wait_for_changes(0, 0ms));
    std::uint64_t number = running.judge_loop.change([&](Judge& judge) { return judge.correct(*pin).has_value(); });
    CHECK(number == 1);
    CHECK(running.keeper.wait_for_changes(number, 20s));
    CHECK(running.keeper.state().commits == 1);
    running.stop();
    // What comes after the end is not waited for in vain.
    number = running.judge_loop.change([&](Judge& judge) { return judge.take_back(pin->id()); });
    CHECK_FALSE(running.keeper.wait_for_changes(number, 20s));
  }
  auto store = Store::open(folder.path(), Store::Mode::read);
  auto stored = (*store)->read_all();
  REQUIRE(stored);
  REQUIRE(stored->put.size() == 1);
  CHECK(stored->put[0].key.table == Table::correction);
  CHECK(stored->put[0].key.host == pin->id());
}

TEST_CASE("counters are told by how much they have grown, and a full mailbox makes its senders wait to be ready") {
  struct Group : CounterGroup {
    Counter apples{*this, "apples", ""}, pears{*this, "pears", ""};
  } group;
  Mailbox mailbox(1);
  TunnelOptions options;
  TunnelTable tunnels(options);
  ReportWriter writer(mailbox, tunnels);
  writer.counters().add(group);
  group.apples.add(3);
  CHECK(writer.is_ready());
  writer.send(std::nullopt);
  CHECK_FALSE(writer.is_ready());
  using Growth = std::vector<std::pair<std::string, std::uint64_t>>;
  CHECK(mailbox.take(0ms)->counters == Growth{{"apples", 3}});
  CHECK(writer.is_ready());
  group.apples.add(2);
  group.pears.add(1);
  writer.send(std::nullopt);
  CHECK(mailbox.take(0ms)->counters == Growth{{"apples", 2}, {"pears", 1}});
  CHECK(mailbox.take(0ms) == nullptr);
}

}  // namespace specular::test
