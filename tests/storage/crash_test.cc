// A store whose process is killed, or whose machine loses power, at every single operation on its disk.
//
// RocksDB has threads, which a forked process does not inherit: whoever opens a store here is a child of its own.
#include <csignal>
#include <functional>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/database.h"
#include "storage/store.h"
#include "tests/storage/faulty_files.h"
#include "tests/storage/helper.h"
#include "tests/storage/series.h"

namespace specular::test {
namespace {

constexpr int kEpochs = 16, kReopenedAfter[] = {6, 11};
constexpr std::size_t kSmallBuffer = 64u << 10;  // flushed every other epoch, compacted every eight

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "{}\n", why);
  _exit(1);
}

// What the child answers when it is killed.
constexpr int kKilled = -1;

int run_child(const std::function<void()>& what) {
  auto child = [&]() noexcept { what(); };
  std::fflush(nullptr);
  pid_t process = fork();
  if (process == 0) {
    child();
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(process, &status, 0) == process);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return kKilled;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

// Commits what is missing of the series, and tells of each commit through `acknowledged`.
void write_series(const std::string& path, const FaultPlan& plan, int acknowledged) {
  FaultyDisk disk;
  disk.files->plan(plan);
  Series series;
  auto open = [&] {
    auto store = Store::open(path, Store::Mode::write, {disk.env.get(), kSmallBuffer});
    if (!store) give_up("writing: " + store.error().text);
    if (!(*store)->warning().empty()) give_up("writing: " + (*store)->warning());
    return std::move(*store);
  };
  auto store = open();
  auto rows = store->read_all();
  if (!rows) give_up("writing: " + rows.error().text);
  int length = series.length_of(*rows);
  if (length < 0) give_up("writing: the rows are none of the series");
  for (int number = length + 1; number <= kEpochs; ++number) {
    if (auto done = store->commit(series.epoch(static_cast<std::size_t>(number))); !done) give_up(done.error().text);
    if (write(acknowledged, "!", 1) != 1) give_up("nobody listens");
    bool reopened = number == kReopenedAfter[0] || number == kReopenedAfter[1];
    if (reopened) store.reset();
    if (reopened) store = open();
  }
}

// The store holds as many epochs of the series as it may, no part of another, and can be used.
void check_store(const std::string& path, int least, int most) {
  for (Store::Mode mode : {Store::Mode::write, Store::Mode::read}) {
    auto store = Store::open(path, mode);
    if (!store) give_up(store.error().text);
    if (!(*store)->warning().empty()) give_up((*store)->warning());
    auto rows = (*store)->read_all();
    if (!rows) give_up(rows.error().text);
    int length = Series().length_of(*rows);
    if (length < least || length > most) give_up(fmt::format("{} epochs instead of {} to {}", length, least, most));
    if (mode == Store::Mode::read || length == kEpochs) continue;
    auto next = (*store)->commit(Series().epoch(static_cast<std::size_t>(length) + 1));
    if (!next) give_up(next.error().text);
    ++least, ++most;
  }
}

struct Outcome {
  bool killed = false;
  int acknowledged = 0;
};

Outcome write_until(const std::string& path, const FaultPlan& plan) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  int status = run_child([&] { write_series(path, plan, ends[1]); });
  close(ends[1]);
  Outcome outcome{status == kKilled};
  for (char byte = 0; read(ends[0], &byte, 1) == 1;) ++outcome.acknowledged;
  close(ends[0]);
  REQUIRE((status == kKilled || status == 0));
  return outcome;
}

// Memory instead of a disk: nothing is really synced.
struct Disk : Folder {
  Disk() : Folder("/dev/shm") {}
};

// Returns whether the fault happened.
bool survives(const FaultPlan& plan) {
  Disk disk;
  Outcome outcome = write_until(disk.path(), plan);
  int least = outcome.acknowledged, most = std::min(kEpochs, least + 1);
  INFO("fault ", static_cast<int>(plan.fault), " at operation ", plan.at);
  CHECK(run_child([&] { check_store(disk.path(), least, most); }) == 0);
  return outcome.killed;
}

// Dies at `first`, and dies again at the operation `second` of the next start. Returns whether that happened.
bool survives_twice(const FaultPlan& first, const FaultPlan& second) {
  Disk disk;
  int least = write_until(disk.path(), first).acknowledged;
  Outcome again = write_until(disk.path(), second);
  // What the first did without telling, the second found done.
  int most = std::min(kEpochs, least + again.acknowledged + 2);
  INFO("fault ", static_cast<int>(first.fault), " at operation ", first.at, ", then at ", second.at);
  CHECK(run_child([&] { check_store(disk.path(), least + again.acknowledged, most); }) == 0);
  return again.killed;
}

constexpr Fault kCrashes[] = {Fault::kill, Fault::lost_bytes, Fault::lost_names};

}  // namespace

TEST_CASE("a store holds whole epochs, and all that were acknowledged, wherever its process or machine died") {
  // All the way through the making of a store and its first commits, each in every manner; then one manner each.
  std::uint64_t at = 1;
  for (bool killed = true; killed; ++at) {
    killed = false;
    for (Fault fault : kCrashes) {
      bool turn = at <= 40 || at % std::size(kCrashes) == static_cast<std::size_t>(fault) % std::size(kCrashes);
      if (turn && survives({fault, at, 0})) killed = true;
    }
  }
  CHECK(at > 100);
  MESSAGE(at, " operations");
}

TEST_CASE("a store holds whole epochs where the process died again while it recovered") {
  for (std::uint64_t first : {9u, 23u, 24u, 41u, 77u, 78u, 105u, 131u}) {
    for (std::uint64_t second = 1 + first % 3; second < 40; second += 5) {
      Fault fault = kCrashes[(first + second) % std::size(kCrashes)];
      CHECK(survives_twice({fault, first, 0}, {fault, second, 0}));
    }
  }
}

}  // namespace specular::test
