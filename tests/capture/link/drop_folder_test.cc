#include "capture/link/drop_folder.h"

#include <algorithm>
#include <set>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/capture/base/compress.h"
#include "tests/capture/link/capture_writer.h"

namespace specular::test {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;
using std::chrono::seconds;

constexpr Duration kSettle = seconds(5);

// A pcap whose packets have these seconds as times and payloads.
std::string capture(const std::vector<std::uint32_t>& times) {
  Pcap pcap;
  std::string content = pcap.header();
  for (std::uint32_t time : times) content += pcap.record(time, 0, std::to_string(time));
  return content;
}

// A folder with the one thread that looks at it, and a store that remembers the rows. Time is what the test says.
class Watched {
 public:
  explicit Watched(const std::string& after = "keep", const std::string& path = "drop") : after_(after) {
    place_ = folder_.path(path);
    fs::create_directory(place_);
  }

  // The program starts again, with what was committed.
  Watched& restart() {
    options_ = std::make_unique<FolderOptions>();
    REQUIRE(options_->folder.set(place_));
    REQUIRE(options_->settle.set(std::to_string(kSettle / seconds(1))));
    REQUIRE(options_->after.set(after_));
    std::vector<AnalysedCapture> known;
    for (const auto& [name, row] : store_) known.push_back(row);
    drop_.reset();
    auto opened = DropFolder::open(*options_, known, [this](const std::string& text) { notices.push_back(text); });
    REQUIRE(opened);
    drop_ = std::move(*opened);
    return *this;
  }

  std::string path(const std::string& name) const { return place_ + "/" + name; }
  // In the folder itself, as a copying program does: open, write, close.
  void write(const std::string& name, const std::string& content) const { append(name, content, O_TRUNC); }
  void append(const std::string& name, const std::string& content, int flags = O_APPEND) const {
    int fd = start_writing(name, content, flags);
    close(fd);
  }
  int start_writing(const std::string& name, const std::string& content, int flags = O_TRUNC) const {
    int fd = ::open(path(name).c_str(), O_WRONLY | O_CREAT | flags, 0644);
    REQUIRE(fd >= 0);
    REQUIRE(::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    return fd;
  }
  // Complete at once.
  void move_in(const std::string& name, const std::string& content) const {
    fs::rename(folder_.write("elsewhere", content), path(name));
  }

  void pass(Duration time) { now_ += time; }
  // Analyses what there is: "name: payloads".
  Names analysed() {
    Names lines;
    while (auto capture = next()) {
      auto [line, row] = read(std::move(capture));
      lines.push_back(line);
      commit(row);
    }
    return lines;
  }
  std::unique_ptr<DroppedCapture> next() {
    if (!drop_) restart();
    return drop_->next(now_);
  }
  std::pair<std::string, AnalysedCapture> read(std::unique_ptr<DroppedCapture> capture) {
    std::string line = fs::path(capture->path()).filename().string() + ":";
    for (auto frames = capture->next(); !frames.empty(); frames = capture->next()) {
      for (const Frame& frame : frames) line.append(" ").append(as_text(frame.bytes));
    }
    return {line, drop_->finish(std::move(capture), now_)};
  }
  void commit(const AnalysedCapture& row) {
    store_[row.name] = row;
    drop_->committed(row);
    for (const auto& name : drop_->take_forgotten()) store_.erase(name);
  }

  DropFolder& drop() { return *drop_; }
  std::map<std::string, AnalysedCapture>& store() { return store_; }
  const std::string& place() const { return place_; }
  bool has(const std::string& name) const { return fs::exists(path(name)); }

  Names notices;

 private:
  Folder folder_;
  std::string place_, after_;
  std::unique_ptr<FolderOptions> options_;
  std::unique_ptr<DropFolder> drop_;
  std::map<std::string, AnalysedCapture> store_;
  WallTime now_ = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
};

// Root may read everything; meanwhile this thread is somebody else to the file system.
class Nobody {
 public:
  Nobody() : before_(setfsuid(65534)) {}
  ~Nobody() { setfsuid(static_cast<uid_t>(before_)); }
  Nobody(const Nobody&) = delete;
  Nobody& operator=(const Nobody&) = delete;

 private:
  int before_;
};

}  // namespace

TEST_CASE("a capture that its writer closed, or that was renamed into the folder, is analysed at once and once") {
  Watched folder;
  CHECK(folder.analysed().empty());
  folder.write("closed.pcap", capture({1, 2}));
  CHECK(folder.analysed() == Names{"closed.pcap: 1 2"});
  folder.move_in("moved.pcap", capture({3}));
  CHECK(folder.analysed() == Names{"moved.pcap: 3"});
  folder.pass(seconds(100));
  CHECK(folder.analysed().empty());
  CHECK(folder.restart().analysed().empty());
  CHECK(folder.notices.empty());
  CHECK(folder.store().at("closed.pcap").frames == 2);
}

TEST_CASE("a capture that is still open is complete once it has not changed for as long as the options say") {
  Watched folder;
  CHECK(folder.analysed().empty());
  int fd = folder.start_writing("open.pcap", capture({1}));
  CHECK(folder.analysed().empty());
  folder.pass(seconds(1));  // seen
  CHECK(folder.analysed().empty());
  folder.pass(kSettle - seconds(1));
  CHECK(folder.analysed().empty());
  std::string more = Pcap().record(2, 0, "2");
  REQUIRE(::write(fd, more.data(), more.size()) == static_cast<ssize_t>(more.size()));
  folder.pass(seconds(1));  // changed
  CHECK(folder.analysed().empty());
  folder.pass(kSettle - seconds(1));
  CHECK(folder.analysed().empty());
  folder.pass(seconds(1));
  CHECK(folder.analysed() == Names{"open.pcap: 1 2"});
  close(fd);
}

TEST_CASE("what was in the folder before need not wait if it has not changed for long, else it settles") {
  Watched folder;
  folder.write("new.pcap", capture({1}));
  CHECK(folder.analysed().empty());
  folder.pass(kSettle + seconds(1));
  CHECK(folder.restart().analysed() == Names{"new.pcap: 1"});
}

TEST_CASE("of several captures that wait, the one that begins first is first, then the name decides") {
  Watched folder;
  folder.write("a.pcap", capture({30}));
  folder.write("b.pcap", capture({10, 40}));
  folder.write("d.pcap.gz", compress(Coding::gzip, capture({20})));
  folder.write("c.pcap", capture({20}));
  folder.write("e.pcap", capture({}));
  folder.pass(kSettle + seconds(1));
  CHECK(folder.analysed() == Names{"e.pcap:", "b.pcap: 10 40", "c.pcap: 20", "d.pcap.gz: 20", "a.pcap: 30"});
}

TEST_CASE("very many captures come in the order of their packets too") {
  Watched folder;
  for (std::uint32_t i = 0; i < 300; ++i) folder.write(fmt::format("{:03}.pcap", i), capture({1000 - i}));
  folder.pass(kSettle + seconds(1));
  Names lines;
  for (int turn = 0; turn < 10; ++turn) {
    Names more = folder.analysed();
    lines.insert(lines.end(), more.begin(), more.end());
    if (lines.empty()) folder.drop().wait(seconds(100));  // does not wait: there is more to look into
  }
  REQUIRE(lines.size() == 300);
  CHECK(lines.front() == "299.pcap: 701");
  CHECK(std::is_sorted(lines.rbegin(), lines.rend()));
}

TEST_CASE("hidden and unfinished names, empty files, folders and special files are left alone") {
  Watched folder;
  for (const char* name : {".hidden.pcap", "x.pcap.part", "x.pcap.tmp"}) folder.write(name, capture({1}));
  folder.write("empty.pcap", "");
  fs::create_directory(folder.path("sub"));
  REQUIRE(mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  folder.pass(kSettle + seconds(1));
  CHECK(folder.analysed().empty());
  folder.pass(kSettle + seconds(1));
  CHECK(folder.analysed().empty());
  CHECK(folder.notices.empty());
  CHECK(folder.store().empty());
  fs::rename(folder.path("x.pcap.part"), folder.path("x.pcap"));
  CHECK(folder.analysed() == Names{"x.pcap: 1"});
}

TEST_CASE("a name that is used again is a new capture, be it written over, replaced or made anew") {
  Watched folder;
  CHECK(folder.analysed().empty());
  folder.write("a.pcap", capture({1}));
  CHECK(folder.analysed() == Names{"a.pcap: 1"});
  folder.write("a.pcap", capture({2}));
  CHECK(folder.analysed() == Names{"a.pcap: 2"});
  folder.move_in("a.pcap", capture({3, 4}));
  CHECK(folder.analysed() == Names{"a.pcap: 3 4"});
  fs::remove(folder.path("a.pcap"));
  folder.write("a.pcap", capture({5, 6}));
  CHECK(folder.restart().analysed().empty());
  folder.pass(kSettle + seconds(1));
  CHECK(folder.analysed() == Names{"a.pcap: 5 6"});
}

TEST_CASE("a capture that grew is read on, not again") {
  Watched folder;
  CHECK(folder.analysed().empty());
  std::string whole = capture({1, 2, 3});
  folder.write("a.pcap", whole.substr(0, whole.size() - 5));
  CHECK(folder.analysed() == Names{"a.pcap: 1 2"});
  CHECK_FALSE(folder.store().at("a.pcap").problem.empty());
  folder.append("a.pcap", whole.substr(whole.size() - 5));
  CHECK(folder.analysed() == Names{"a.pcap: 3"});
  CHECK(folder.store().at("a.pcap").frames == 3);
  CHECK(folder.store().at("a.pcap").problem.empty());
  folder.restart();
  folder.append("a.pcap", Pcap().record(4, 0, "4"));
  folder.pass(kSettle + seconds(1));
  CHECK(folder.analysed() == Names{"a.pcap: 4"});
}

TEST_CASE("a capture that grows while it is read is not read twice") {
  Watched folder;
  CHECK(folder.analysed().empty());
  folder.write("a.pcap", capture({1}));
  auto reading = folder.next();
  REQUIRE(reading);
  folder.append("a.pcap", Pcap().record(2, 0, "2"));
  auto [line, row] = folder.read(std::move(reading));
  folder.commit(row);
  Names lines = folder.analysed();
  CHECK(line == "a.pcap: 1 2");
  CHECK(lines == Names{"a.pcap:"});
  CHECK(folder.store().at("a.pcap").frames == 2);
}

TEST_CASE("a capture that was renamed, linked, touched or brought to another disk is no new one") {
  Watched folder;
  CHECK(folder.analysed().empty());
  folder.write("a.pcap", capture({1}));
  CHECK(folder.analysed() == Names{"a.pcap: 1"});
  fs::rename(folder.path("a.pcap"), folder.path("b.pcap"));
  CHECK(folder.analysed() == Names{"b.pcap:"});
  fs::create_hard_link(folder.path("b.pcap"), folder.path("c.pcap"));
  folder.pass(seconds(1));
  CHECK(folder.analysed().empty());
  folder.pass(kSettle);
  CHECK(folder.analysed() == Names{"c.pcap:"});
  fs::remove(folder.path("b.pcap"));
  fs::last_write_time(folder.path("c.pcap"), fs::file_time_type::clock::now() + std::chrono::hours(1));
  folder.pass(seconds(1));
  CHECK(folder.analysed().empty());
  folder.pass(kSettle);
  CHECK(folder.analysed() == Names{"c.pcap:"});

  fs::copy_file(folder.path("c.pcap"), folder.path("d.pcap"));
  fs::last_write_time(folder.path("d.pcap"), fs::last_write_time(folder.path("c.pcap")));
  fs::remove(folder.path("c.pcap"));
  folder.pass(seconds(1));
  CHECK(folder.analysed() == Names{"d.pcap:"});
}

TEST_CASE("a copy is a capture of its own, as it is where it is named twice") {
  Watched folder;
  CHECK(folder.analysed().empty());
  folder.write("a.pcap", capture({1}));
  CHECK(folder.analysed() == Names{"a.pcap: 1"});
  fs::copy_file(folder.path("a.pcap"), folder.path("b.pcap"));
  fs::last_write_time(folder.path("b.pcap"), fs::last_write_time(folder.path("a.pcap")));
  folder.pass(seconds(1));
  CHECK(folder.analysed() == Names{"b.pcap: 1"});
}

TEST_CASE("what is no capture is told once and remembered, and tried again if it changes") {
  Watched folder;
  CHECK(folder.analysed().empty());
  folder.write("letter.txt", "Dear friend, this is no capture at all.");
  CHECK(folder.analysed() == Names{"letter.txt:"});
  REQUIRE(folder.notices.size() == 1);
  CHECK(folder.notices[0].starts_with(folder.path("letter.txt") + ": "));
  const AnalysedCapture& row = folder.store().at("letter.txt");
  CHECK(row.failed);
  CHECK(folder.notices[0] == folder.path("letter.txt") + ": " + row.problem);
  folder.pass(seconds(100));
  CHECK(folder.analysed().empty());
  CHECK(folder.restart().analysed().empty());
  CHECK(folder.notices.size() == 1);
  folder.move_in("letter.txt", capture({1}));
  CHECK(folder.analysed() == Names{"letter.txt: 1"});
}

TEST_CASE("of a damaged capture, what precedes the damage is used") {
  Watched folder;
  CHECK(folder.analysed().empty());
  folder.write("a.pcap", capture({1, 2}) + std::string(64, '\xff'));
  CHECK(folder.analysed() == Names{"a.pcap: 1 2"});
  CHECK(folder.store().at("a.pcap").failed);
  CHECK(folder.notices.size() == 1);
  CHECK(folder.drop().progress().failed == 1);
}

TEST_CASE("what may not be read is told once, left, and analysed when it may") {
  Watched folder;
  CHECK(folder.analysed().empty());
  folder.write("a.pcap", capture({1}));
  REQUIRE(chmod(fs::path(folder.place()).parent_path().c_str(), 0755) == 0);
  REQUIRE(chmod(folder.path("a.pcap").c_str(), 0) == 0);
  {
    Nobody nobody;
    for (int i = 0; i < 3; ++i, folder.pass(seconds(100))) CHECK(folder.analysed().empty());
    CHECK(folder.notices.size() == 1);
    CHECK(folder.drop().progress().failed == 1);
    CHECK(folder.store().empty());
  }
  REQUIRE(chmod(folder.path("a.pcap").c_str(), 0644) == 0);
  folder.pass(seconds(1));
  Nobody nobody;
  CHECK(folder.analysed() == Names{"a.pcap: 1"});
}

TEST_CASE("a capture is deleted once its row is in the store, not before") {
  Watched folder("delete");
  CHECK(folder.analysed().empty());
  folder.write("a.pcap", capture({1}));
  auto [line, row] = folder.read(folder.next());
  CHECK(line == "a.pcap: 1");
  folder.pass(seconds(100));
  CHECK_FALSE(folder.next());
  CHECK(folder.has("a.pcap"));
  folder.commit(row);
  CHECK_FALSE(folder.has("a.pcap"));
  CHECK(folder.notices.empty());
}

TEST_CASE("a program that ended between the commit and the deletion deletes when it starts again") {
  Watched folder("delete");
  CHECK(folder.analysed().empty());
  folder.write("a.pcap", capture({1}));
  auto [line, row] = folder.read(folder.next());
  folder.store()[row.name] = row;
  CHECK(folder.restart().analysed().empty());
  CHECK_FALSE(folder.has("a.pcap"));
}

TEST_CASE("a program that ended before the commit analyses again") {
  Watched folder("delete");
  CHECK(folder.analysed().empty());
  folder.write("a.pcap", capture({1}));
  CHECK(folder.read(folder.next()).first == "a.pcap: 1");
  folder.restart().pass(kSettle + seconds(1));
  CHECK(folder.analysed() == Names{"a.pcap: 1"});
  CHECK_FALSE(folder.has("a.pcap"));
}

TEST_CASE("nothing is deleted that failed, that changed since, or that is still being written") {
  Watched folder("delete");
  CHECK(folder.analysed().empty());
  folder.write("a.pcap", capture({1}));
  auto [first, row] = folder.read(folder.next());
  CHECK(first == "a.pcap: 1");
  folder.append("a.pcap", Pcap().record(2, 0, "2"));
  folder.commit(row);
  CHECK(folder.has("a.pcap"));
  folder.write("letter.txt", "Dear friend, this is no capture at all.");
  CHECK(folder.analysed() == Names{"letter.txt:", "a.pcap: 2"});
  CHECK_FALSE(folder.has("a.pcap"));
  CHECK(folder.has("letter.txt"));

  int fd = folder.start_writing("open.pcap", capture({3}));
  folder.pass(seconds(1));
  CHECK(folder.analysed().empty());
  folder.pass(kSettle);
  CHECK(folder.analysed() == Names{"open.pcap: 3"});
  CHECK(folder.has("open.pcap"));
  close(fd);
  folder.pass(seconds(1));
  CHECK(folder.analysed().empty());
  CHECK_FALSE(folder.has("open.pcap"));
}

TEST_CASE("the folder may come later, vanish, and come back; nothing is analysed twice") {
  Watched folder;
  fs::remove(folder.place());
  CHECK(folder.analysed().empty());
  REQUIRE(folder.notices.size() == 1);
  CHECK(folder.notices[0].find("No such file") != std::string::npos);
  folder.pass(seconds(1));
  CHECK(folder.analysed().empty());
  fs::create_directory(folder.place());
  folder.pass(seconds(1));
  CHECK(folder.analysed().empty());
  CHECK(folder.notices.size() == 2);
  folder.write("a.pcap", capture({1}));
  CHECK(folder.analysed() == Names{"a.pcap: 1"});

  fs::rename(folder.place(), folder.place() + ".away");
  CHECK(folder.analysed().empty());
  CHECK(folder.notices.size() == 3);
  fs::rename(folder.place() + ".away", folder.place());
  folder.pass(seconds(1));
  CHECK(folder.analysed().empty());
  folder.write("b.pcap", capture({2}));
  CHECK(folder.analysed() == Names{"b.pcap: 2"});
  CHECK(folder.notices.size() == 4);
}

TEST_CASE("a folder that is another file is refused") {
  Folder other;
  FolderOptions options;
  REQUIRE(options.folder.set(other.write("file", "x")));
  auto opened = DropFolder::open(options, {}, [](const std::string&) {});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().kind == ErrorKind::invalid);
}

TEST_CASE("captures on a disk that is read-only are analysed, and stay though they should go") {
  Watched folder("delete");
  if (mount("none", folder.place().c_str(), "tmpfs", 0, "size=1m") != 0) {
    MESSAGE("skipped: mounting is not possible here");
    return;
  }
  folder.write("a.pcap", capture({1}));
  REQUIRE(mount("none", folder.place().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1m") == 0);
  folder.pass(kSettle + seconds(1));
  for (int i = 0; i < 3; ++i, folder.pass(seconds(1))) CHECK(folder.analysed().size() == (i == 0 ? 1 : 0));
  CHECK(folder.notices.size() == 1);
  REQUIRE(mount("none", folder.place().c_str(), "tmpfs", MS_REMOUNT, "size=1m") == 0);
  CHECK(folder.analysed().empty());
  CHECK_FALSE(folder.has("a.pcap"));
  REQUIRE(umount2(folder.place().c_str(), MNT_DETACH) == 0);
}

TEST_CASE("rows of files that vanished are kept, the latest of them, those of files that are there all") {
  Watched folder;
  constexpr std::size_t kMore = 10;
  folder.write("there.pcap", capture({1}));
  folder.pass(kSettle + seconds(1));
  CHECK(folder.analysed() == Names{"there.pcap: 1"});
  folder.store().at("there.pcap").analysed_ns = -1;
  for (std::size_t i = 0; i < DropFolder::kMaxVanished + kMore; ++i) {
    AnalysedCapture row;
    row.name = fmt::format("{:06}.pcap", i);
    row.analysed_ns = static_cast<std::int64_t>(i);
    folder.store()[row.name] = row;
  }
  CHECK(folder.restart().analysed().empty());
  std::set<std::string> expected;
  for (std::size_t i = 0; i < kMore; ++i) expected.insert(fmt::format("{:06}.pcap", i));
  Names forgotten = folder.drop().take_forgotten();
  CHECK(std::set<std::string>(forgotten.begin(), forgotten.end()) == expected);
  CHECK(folder.drop().take_forgotten().empty());
}

TEST_CASE("whoever waits is woken by a capture that is complete, and told what waits") {
  Watched folder;
  CHECK(folder.analysed().empty());
  folder.write("a.pcap", capture({1}));
  folder.write("b.pcap", capture({2}));
  auto began = std::chrono::steady_clock::now();
  folder.drop().wait(seconds(100));
  CHECK(std::chrono::steady_clock::now() - began < seconds(50));
  auto first = folder.next();
  CHECK(folder.drop().progress().waiting == 1);
  CHECK(folder.read(std::move(first)).first == "a.pcap: 1");
  CHECK(folder.analysed() == Names{"b.pcap: 2"});
  CHECK(folder.drop().progress().waiting == 0);
  CHECK(folder.drop().progress().done == 2);
}

}  // namespace specular::test
