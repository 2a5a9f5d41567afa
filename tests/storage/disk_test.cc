// Disks that fail while a store is open: full, read-only, broken; and that are whole again.
#include <cerrno>
#include <cstring>
#include <fstream>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/mount.h>

#include "storage/database.h"
#include "storage/store.h"
#include "tests/storage/faulty_files.h"
#include "tests/storage/helper.h"
#include "tests/storage/series.h"

namespace specular::test {
namespace {

namespace fs = std::filesystem;
using Mode = Store::Mode;

constexpr std::size_t kSmallBuffer = 64u << 10;

std::unique_ptr<Store> opened(Result<std::unique_ptr<Store>> store) {
  REQUIRE_MESSAGE(store.has_value(), (store ? "" : store.error().text));
  return std::move(*store);
}

int length_in(const std::string& path, const Series& series) {
  auto store = opened(Store::open(path, Mode::read));
  CHECK(store->warning().empty());
  auto rows = store->read_all();
  REQUIRE(rows);
  return series.length_of(*rows);
}

void check_text(const Error& error, const std::string& path, int reason) {
  CHECK(error.kind == ErrorKind::io);
  CHECK_MESSAGE(error.text == fmt::format("store {}: {}", path, std::strerror(reason)), error.text);
}

// Commits the series through a disk on which everything fails from the operation `at` on, until that was noticed three
// times. Returns whether it was.
bool goes_on_after(int reason, std::uint64_t at) {
  Folder folder("/dev/shm");
  FaultyDisk disk;
  Series series;
  constexpr std::size_t kEpochs = 14;
  auto store = opened(Store::open(folder.path(), Mode::write, {disk.env.get(), kSmallBuffer}));
  disk.files->plan({Fault::error, at, reason});
  int failures = 0;
  for (std::size_t number = 1; number <= kEpochs; ++number) {
    for (auto done = store->commit(series.epoch(number)); !done; done = store->commit(series.epoch(number))) {
      INFO("operation ", at, " epoch ", number);
      check_text(done.error(), folder.path(), reason);
      CHECK(Store::open(folder.path(), Mode::write).error().kind == ErrorKind::unavailable);
      REQUIRE(++failures <= 3);
      if (failures == 3) disk.files->heal();
    }
  }
  auto rows = store->read_all();
  REQUIRE(rows);
  CHECK(series.length_of(*rows) == kEpochs);
  disk.files->heal();
  store.reset();
  CHECK(length_in(folder.path(), series) == kEpochs);
  return failures > 0;
}

// A disk of that size; null where mounting is not possible.
class Tmpfs {
 public:
  explicit Tmpfs(const std::string& size) : options_("size=" + size) {
    fs::create_directory(path());
    mounted_ = mount("none", path().c_str(), "tmpfs", 0, options_.c_str()) == 0;
    if (!mounted_) MESSAGE("skipped: mounting is not possible here");
  }
  ~Tmpfs() {
    if (mounted_) umount2(path().c_str(), MNT_DETACH);
  }
  Tmpfs(const Tmpfs&) = delete;
  Tmpfs& operator=(const Tmpfs&) = delete;

  explicit operator bool() const { return mounted_; }
  std::string path(const std::string& name = "") const {
    return folder_.path("disk") + (name.empty() ? "" : "/" + name);
  }
  bool remount(unsigned long flags) const {
    return mount("none", path().c_str(), "tmpfs", MS_REMOUNT | flags, options_.c_str()) == 0;
  }
  void fill() const {
    std::ofstream file(path("filler"), std::ios::binary);
    std::string block(4096, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }

 private:
  Folder folder_;
  std::string options_;
  bool mounted_ = false;
};

void flip_bit(const std::string& path, std::uint64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  auto byte = static_cast<char>(file.get() ^ 4);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
  REQUIRE(file.flush());
}

std::size_t files_in(const std::string& path) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), {}));
}

}  // namespace

TEST_CASE("commits go on once the disk is whole again, whichever operation it failed first") {
  for (int reason : {ENOSPC, EROFS, EIO}) {
    std::uint64_t at = 1;
    // The commit itself at every operation, then what flushes and compactions do, now and then.
    while (goes_on_after(reason, at)) at += at < 10 ? 1 : 9;
    CHECK(at > 30);
  }
}

TEST_CASE("a real disk that is full, and has room again") {
  Tmpfs disk("2m");
  if (!disk) return;
  Series series;
  auto store = opened(Store::open(disk.path("store"), Mode::write));
  std::size_t number = 1;
  for (; number <= 5; ++number) REQUIRE(store->commit(series.epoch(number)));
  for (int round = 0; round < 3; ++round) {
    disk.fill();
    auto done = store->commit(series.epoch(number));
    for (int failures = 0; failures < 20; done = store->commit(series.epoch(number))) {
      if (!done) check_text(done.error(), disk.path("store"), ENOSPC);
      if (!done) ++failures;
      if (done) ++number;  // what was obsolete went, and made room
      disk.fill();
    }
    if (done) ++number;
    fs::remove(disk.path("filler"));
    REQUIRE(store->commit(series.epoch(number++)));
  }
  store.reset();
  CHECK(length_in(disk.path("store"), series) == static_cast<int>(number) - 1);
}

TEST_CASE("a real disk that becomes read-only, and can be written again") {
  Tmpfs disk("64m");
  if (!disk) return;
  Series series;
  REQUIRE(disk.remount(0));
  // A file that is open for writing keeps a disk from becoming read-only; a store that failed before has none open.
  auto store = opened(Store::open(disk.path("store"), Mode::write));
  for (std::size_t number = 1; number <= 5; ++number) REQUIRE(store->commit(series.epoch(number)));
  CHECK_FALSE(disk.remount(MS_RDONLY));
  store.reset();
  REQUIRE(disk.remount(MS_RDONLY));
  CHECK(length_in(disk.path("store"), series) == 5);
  auto refused = Store::open(disk.path("store"), Mode::write);
  REQUIRE_FALSE(refused);
  check_text(refused.error(), disk.path("store"), EROFS);
  REQUIRE(disk.remount(0));
  store = opened(Store::open(disk.path("store"), Mode::write));
  REQUIRE(store->commit(series.epoch(6)));
}

TEST_CASE("files do not gather while the disk fails") {
  Folder folder("/dev/shm");
  FaultyDisk disk;
  Series series;
  auto store = opened(Store::open(folder.path(), Mode::write, {disk.env.get(), kSmallBuffer}));
  REQUIRE(store->commit(series.epoch(1)));
  std::size_t before = files_in(folder.path());
  disk.files->plan({Fault::error, 1, ENOSPC});
  for (int i = 0; i < 100; ++i) REQUIRE_FALSE(store->commit(series.epoch(2)));
  CHECK(files_in(folder.path()) <= before);
  // Where there is room enough to try, but not to succeed.
  for (std::uint64_t at = 2; at < 20; ++at) {
    disk.files->plan({Fault::error, at, ENOSPC});
    (void)store->commit(series.epoch(2));
  }
  disk.files->heal();
  REQUIRE(store->commit(series.epoch(2)));
  store.reset();
  CHECK(files_in(folder.path()) <= before + 2);
}

TEST_CASE("the size of a store is that of its files, and stays small however often a row is put") {
  Folder folder("/dev/shm");
  auto store = opened(Store::open(folder.path(), Mode::write, {rocksdb::Env::Default(), kSmallBuffer}));
  Series series;
  for (std::size_t number = 1; number <= 300; ++number) REQUIRE(store->commit(series.epoch(number)));
  std::uint64_t sum = 0;
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    std::error_code gone;  // the store may be deleting it just now
    std::uint64_t size = entry.file_size(gone);
    sum += gone ? 0 : size;
  }
  CHECK(store->bytes() >= sum / 2);
  // Of nine megabytes that were written, rows of some 150 KB are left, and what is not compacted yet.
  CHECK(store->bytes() < 4'000'000);
  CHECK(files_in(folder.path()) < 40);
}

TEST_CASE("no flipped bit in what was committed last goes unnoticed") {
  Folder folder;
  Series series(400);
  std::string log, path = folder.path("original"), damaged = folder.path("damaged");
  std::uint64_t record = 0;  // where the last one begins
  {
    auto store = opened(Store::open(path, Mode::write));
    for (const auto& entry : fs::directory_iterator(path)) {
      if (entry.path().extension() == ".log") log = entry.path().filename();
    }
    for (std::size_t number = 1; number <= 4; ++number) {
      record = fs::file_size(path + "/" + log);
      REQUIRE(store->commit(series.epoch(number)));
    }
  }
  std::size_t refused = 0, told = 0;
  for (std::uint64_t at = record; at < fs::file_size(path + "/" + log); at = at < record + 16 ? at + 1 : at + 97) {
    fs::remove_all(damaged);
    fs::copy(path, damaged);
    flip_bit(damaged + "/" + log, at);
    INFO("byte ", at - record);
    auto store = Store::open(damaged, Mode::read);
    CHECK((store || store.error().kind == ErrorKind::corrupt));
    ++(store ? told : refused);
    if (!store) continue;
    CHECK((*store)->warning().find(damaged) != std::string::npos);
    CHECK(series.length_of(*(*store)->read_all()) == 3);
    // Whoever writes is told too, and goes on from there.
    CHECK_FALSE(opened(Store::open(damaged, Mode::write))->warning().empty());
    store = opened(Store::open(damaged, Mode::write));
    CHECK((*store)->warning().empty());
    REQUIRE((*store)->commit(series.epoch(4)));
    CHECK(series.length_of(*(*store)->read_all()) == 4);
  }
  CHECK(refused > 0);
  CHECK(told > 0);
}

TEST_CASE("a mark that is missing or cannot be read says nothing") {
  for (const char* content : {"", "x", "99999999999999999999\n", "12345678901234567890", "00000000000000000001\n"}) {
    Folder folder;
    Series series(1000);
    REQUIRE(opened(Store::open(folder.path(), Mode::write))->commit(series.epoch(1)));
    std::ofstream(folder.path() + "/COMMITTED", std::ios::trunc) << content;
    CHECK(length_in(folder.path(), series) == 1);
  }
}

}  // namespace specular::test
