#include "storage/store.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <map>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <rocksdb/db.h>
#include <sys/resource.h>

#include "epoch.pb.h"
#include "tests/storage/helper.h"

namespace specular::test {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;
using Mode = Store::Mode;

std::unique_ptr<Store> open(const std::string& path, Mode mode = Mode::write) {
  auto store = Store::open(path, mode);
  REQUIRE_MESSAGE(store.has_value(), (store ? "" : store.error().text));
  return std::move(*store);
}

Error refused(const std::string& path, Mode mode) {
  auto store = Store::open(path, mode);
  REQUIRE_FALSE(store.has_value());
  const Error& error = store.error();
  CHECK_MESSAGE(error.text.find(path) != std::string::npos, error.text);
  CHECK_MESSAGE(error.text.find('\n') == std::string::npos, error.text);
  CHECK_MESSAGE(error.text.size() < 300, error.text);
  return error;
}

Lines rows_in(const std::string& path, Mode mode = Mode::read) {
  auto rows = open(path, mode)->read_all();
  REQUIRE(rows);
  return text_of(*rows);
}

void make_store(const std::string& path, const std::vector<Row>& rows) {
  REQUIRE(open(path)->commit(epoch_of_rows(rows)));
}

// The database as it is, beside all that Store checks.
std::unique_ptr<rocksdb::DB> raw(const std::string& path) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* database = nullptr;
  REQUIRE(rocksdb::DB::Open(options, path, &database).ok());
  return std::unique_ptr<rocksdb::DB>(database);
}

void put_raw(const std::string& path, const std::string& key, const std::string& value) {
  REQUIRE(raw(path)->Put({}, key, value).ok());
}

std::string get_raw(const std::string& path, const std::string& key) {
  std::string value;
  return raw(path)->Get({}, key, &value).ok() ? value : "";
}

// Every file with its size and the time of its last change.
Lines listing(const std::string& path) {
  Lines lines;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    auto changed = fs::last_write_time(entry).time_since_epoch().count();
    auto size = entry.is_regular_file() ? entry.file_size() : 0;
    lines.push_back(fmt::format("{} {} {}", entry.path().string(), size, changed));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

const std::vector<Row> kRows = {row(Table::endpoint, "api.example", "/users", "one"),
                                row(Table::endpoint, "api.example", "/users/{uuid}", "two"),
                                row(Table::values, "api.example", "/users/{uuid}", "three"),
                                row(Table::host, "api.example", "", "four"),
                                row(Table::tunnel, "vxlan:7", "", "five"),
                                row(Table::total, "gaps", "", "6")};

}  // namespace

TEST_CASE("what was committed is read again, by this process and the next") {
  Folder folder;
  {
    auto store = open(folder.path());
    REQUIRE(store->commit(epoch_of_rows(kRows)));
    auto rows = store->read_all();
    REQUIRE(rows);
    CHECK(text_of(*rows) == text_of(epoch_of_rows(kRows)));
  }
  CHECK(rows_in(folder.path()) == text_of(epoch_of_rows(kRows)));
  CHECK(rows_in(folder.path(), Mode::write) == text_of(epoch_of_rows(kRows)));
}

TEST_CASE("a new store has no rows, and an empty epoch adds none") {
  Folder folder;
  make_store(folder.path(), {});
  CHECK(rows_in(folder.path()).empty());
}

TEST_CASE("keys keep their parts apart, and values any bytes") {
  Folder folder;
  std::vector<Row> rows;
  for (const char* network : {"", "n", "vxlan:7"}) {
    for (const char* host : {"", "n", "h"}) {
      for (const char* path : {"", "/", "/a/{uuid}"}) {
        for (const char* method : {"", "GET"}) {
          rows.push_back({{Table::endpoint, network, host, path, method}, std::string("\0\n\xff", 3) + host + path});
        }
      }
    }
  }
  make_store(folder.path(), rows);
  CHECK(rows_in(folder.path()) == text_of(epoch_of_rows(rows)));
}

TEST_CASE("a row that is put again is replaced, one that is removed is gone") {
  Folder folder;
  auto store = open(folder.path());
  REQUIRE(store->commit(epoch_of_rows(kRows)));
  Epoch next;
  next.removed = {kRows[0].key, kRows[3].key};
  next.put = {row(Table::host, "api.example", "", "new"), row(Table::total, "gaps", "", "7")};
  REQUIRE(store->commit(next));
  REQUIRE(store->commit(next));
  store.reset();
  // Removals come before puts: the host is there again.
  CHECK(rows_in(folder.path()) == text_of(epoch_of_rows({kRows[1], kRows[2], kRows[4], next.put[0], next.put[1]})));
}

TEST_CASE("each store has a hash key of its own, for good") {
  Folder folder;
  HashKey first = open(folder.path("a"))->hash_key(), other = open(folder.path("b"))->hash_key();
  CHECK((first.k0 != other.k0 || first.k1 != other.k1));
  HashKey again = open(folder.path("a"), Mode::read)->hash_key();
  CHECK(again.k0 == first.k0);
  CHECK(again.k1 == first.k1);
}

TEST_CASE("a store opens in a folder that is empty, or not there yet") {
  Folder folder;
  fs::create_directory(folder.path("empty"));
  open(folder.path("empty"));
  open(folder.path("not/there/yet"));
}

TEST_CASE("reading needs a store to be there, and makes none") {
  Folder folder;
  CHECK(refused(folder.path(), Mode::read).kind == ErrorKind::invalid);
  CHECK_FALSE(fs::exists(folder.path()));
  fs::create_directory(folder.path());
  CHECK(refused(folder.path(), Mode::read).kind == ErrorKind::invalid);
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("reading writes nothing") {
  Folder folder;
  make_store(folder.path(), kRows);
  Lines before = listing(folder.path());
  CHECK(rows_in(folder.path()).size() == kRows.size());
  CHECK(listing(folder.path()) == before);
}

TEST_CASE("any number may read a store at rest") {
  Folder folder;
  make_store(folder.path(), kRows);
  auto one = open(folder.path(), Mode::read), other = open(folder.path(), Mode::read);
  CHECK(text_of(*one->read_all()) == text_of(*other->read_all()));
}

TEST_CASE("a store opened for reading takes no commits") {
  Folder folder;
  make_store(folder.path(), kRows);
  CHECK_FALSE(open(folder.path(), Mode::read)->commit(epoch_of_rows({row(Table::total, "gaps", "", "9")})));
  CHECK(rows_in(folder.path()) == text_of(epoch_of_rows(kRows)));
}

TEST_CASE("the same process cannot open a store for writing twice") {
  Folder folder;
  auto first = open(folder.path());
  CHECK(refused(folder.path(), Mode::write).kind == ErrorKind::unavailable);
  CHECK(first->commit(epoch_of_rows(kRows)));
}

TEST_CASE("helper: holds the store open" * doctest::skip()) {
  auto store = open(store_of_helper());
  say_ready();
  std::this_thread::sleep_for(std::chrono::minutes(1));
}

TEST_CASE("while another process writes, a store is refused for writing and for reading, with a clear text") {
  Folder folder;
  make_store(folder.path(), kRows);
  {
    Helper writer("helper: holds the store open", folder.path());
    REQUIRE(writer.wait_until_ready());
    for (Mode mode : {Mode::write, Mode::read}) {
      Error error = refused(folder.path(), mode);
      CHECK(error.kind == ErrorKind::unavailable);
      CHECK_MESSAGE(error.text.find("another process has it open") != std::string::npos, error.text);
    }
  }
  // It was killed; its lock went with it.
  CHECK(rows_in(folder.path()) == text_of(epoch_of_rows(kRows)));
  CHECK(rows_in(folder.path(), Mode::write) == text_of(epoch_of_rows(kRows)));
}

TEST_CASE("helper: commits until it is killed" * doctest::skip()) {
  auto store = open(store_of_helper());
  for (int round = 1;; ++round) {
    std::vector<Row> rows;
    for (int i = 0; i < 300; ++i) {
      rows.push_back(row(Table::endpoint, "api.example", fmt::format("/{}", i), std::to_string(round)));
    }
    REQUIRE(store->commit(epoch_of_rows(rows)));
    if (round == 1) say_ready();
  }
}

TEST_CASE("an epoch is there whole or not at all, whenever the process dies") {
  for (int milliseconds : {1, 7, 20, 45, 90}) {
    Folder folder;
    {
      Helper writer("helper: commits until it is killed", folder.path());
      REQUIRE(writer.wait_until_ready());
      std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    }
    auto rows = open(folder.path(), Mode::read)->read_all();
    REQUIRE(rows);
    REQUIRE(rows->put.size() == 300);
    for (const Row& one : rows->put) REQUIRE(one.value == rows->put.front().value);
  }
}

TEST_CASE("helper: commits to a full disk" * doctest::skip()) {
  auto store = open(store_of_helper());
  REQUIRE(store->commit(epoch_of_rows(kRows)));
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{200'000, 200'000};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  std::vector<Row> rows{row(Table::total, "gaps", "", "lost")};
  for (int i = 0; i < 200; ++i) {
    rows.push_back(row(Table::endpoint, "big.example", std::to_string(i), std::string(20'000, 'x')));
  }
  auto committed = store->commit(epoch_of_rows(rows));
  REQUIRE_FALSE(committed);
  CHECK(committed.error().kind == ErrorKind::io);
  CHECK(committed.error().text.find(store_of_helper()) != std::string::npos);
  CHECK(committed.error().text.find('\n') == std::string::npos);
}

TEST_CASE("a commit that the disk has no room for leaves what was there before") {
  Folder folder;
  Helper writer("helper: commits to a full disk", folder.path());
  CHECK(writer.succeeded());
  CHECK(rows_in(folder.path(), Mode::write) == text_of(epoch_of_rows(kRows)));
}

TEST_CASE("a store that a newer version wrote is refused, and says which") {
  Folder folder;
  make_store(folder.path(), kRows);
  stored::Meta meta;
  meta.set_format(Store::kFormat + 1);
  meta.set_written_by("specular 99.5");
  put_raw(folder.path(), "m", meta.SerializeAsString());
  for (Mode mode : {Mode::read, Mode::write}) {
    Error error = refused(folder.path(), mode);
    CHECK(error.kind == ErrorKind::invalid);
    CHECK_MESSAGE(error.text.find("newer") != std::string::npos, error.text);
    CHECK_MESSAGE(error.text.find("specular 99.5") != std::string::npos, error.text);
  }
  CHECK(get_raw(folder.path(), "m") == meta.SerializeAsString());
}

TEST_CASE("a store says who wrote to it last") {
  Folder folder;
  make_store(folder.path(), kRows);
  stored::Meta meta;
  REQUIRE(meta.ParseFromString(get_raw(folder.path(), "m")));
  std::string current = meta.written_by();
  CHECK_FALSE(current.empty());
  meta.set_written_by("specular 0.0.1");
  put_raw(folder.path(), "m", meta.SerializeAsString());
  make_store(folder.path(), kRows);
  REQUIRE(meta.ParseFromString(get_raw(folder.path(), "m")));
  CHECK(meta.written_by() == current);
}

TEST_CASE("a store without its description, or with one that cannot be read, is refused") {
  Folder folder;
  make_store(folder.path(), kRows);
  put_raw(folder.path(), "m", "\xff\xff\xff");
  CHECK(refused(folder.path(), Mode::read).kind == ErrorKind::corrupt);
  CHECK(refused(folder.path(), Mode::write).kind == ErrorKind::corrupt);
}

TEST_CASE("a folder with other things in it is refused, and left alone") {
  Folder folder;
  fs::create_directory(folder.path());
  std::ofstream(folder.path() + "/letter.txt") << "dear";
  Lines before = listing(folder.path());
  CHECK(refused(folder.path(), Mode::write).kind == ErrorKind::invalid);
  CHECK(refused(folder.path(), Mode::read).kind == ErrorKind::invalid);
  CHECK(listing(folder.path()) == before);
}

TEST_CASE("a file is no store") {
  Folder folder;
  for (const char* content : {"", "dear"}) {
    std::ofstream(folder.path()) << content;
    (void)refused(folder.path(), Mode::write);
    (void)refused(folder.path(), Mode::read);
    CHECK(fs::is_regular_file(folder.path()));
  }
}

TEST_CASE("somebody else's database is refused, and left alone") {
  Folder folder;
  put_raw(folder.path(), "customer:1", "Bob");
  CHECK(refused(folder.path(), Mode::read).kind == ErrorKind::invalid);
  CHECK(refused(folder.path(), Mode::write).kind == ErrorKind::invalid);
  CHECK(get_raw(folder.path(), "customer:1") == "Bob");
  CHECK(get_raw(folder.path(), "m").empty());
}

TEST_CASE("a row whose key cannot be read is reported") {
  for (const std::string& key : {std::string("e"), std::string("e\0a", 3), std::string("e\0a\0b\0c\0d\0", 10)}) {
    Folder folder;
    make_store(folder.path(), kRows);
    put_raw(folder.path(), key, "x");
    auto rows = open(folder.path(), Mode::read)->read_all();
    REQUIRE_FALSE(rows);
    CHECK(rows.error().kind == ErrorKind::corrupt);
    CHECK(rows.error().text.find(folder.path()) != std::string::npos);
  }
}

TEST_CASE("bytes that changed on the disk are reported, not read") {
  Folder folder;
  std::vector<Row> rows;
  for (int i = 0; i < 2000; ++i) rows.push_back(row(Table::endpoint, "api.example", fmt::format("/{:05}", i), "value"));
  make_store(folder.path(), rows);
  open(folder.path());  // the log becomes a table
  std::string table;
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    if (entry.path().extension() == ".sst") table = entry.path();
  }
  REQUIRE(!table.empty());
  auto size = static_cast<std::streamoff>(fs::file_size(table));
  std::fstream file(table, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(size / 2);
  file << "garbage garbage garbage";
  file.close();
  auto store = Store::open(folder.path(), Mode::read);
  auto read = store ? (*store)->read_all() : Result<Epoch>(forward(store.error()));
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == ErrorKind::corrupt);
  CHECK(read.error().text.find('\n') == std::string::npos);
}

}  // namespace specular::test
