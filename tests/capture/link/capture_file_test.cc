// Several captures as one source.
#include "capture/link/capture_file.h"

#include <algorithm>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/capture/base/compress.h"
#include "tests/capture/link/capture_lines.h"

namespace specular::test {
namespace {

// A pcap whose packets have these seconds as times, and the file's letter with the second as payload.
std::string capture(char letter, const std::vector<std::uint32_t>& seconds) {
  Pcap pcap;
  std::string content = pcap.header();
  for (std::uint32_t second : seconds) content += pcap.record(second, 0, fmt::format("{}{}", letter, second));
  return content;
}

struct Payloads final : FrameSink {
  std::string text;
  std::size_t largest = 0;

  void on_frames(std::span<const Frame> frames) override {
    largest = std::max(largest, frames.size());
    for (const Frame& frame : frames) text += fmt::format("{} ", as_text(frame.bytes));
  }
};

struct Outcome {
  std::string payloads;
  std::vector<CaptureFiles::Problem> problems;
  std::uint64_t total_bytes = 0, bytes_read = 0;
};

Outcome merge(const std::vector<std::string>& paths) {
  CaptureFiles files(paths);
  Payloads payloads;
  for (;;) {
    auto poll = files.poll(payloads, Duration(0));
    REQUIRE(poll);
    if (*poll == Poll::finished) break;
  }
  CHECK(payloads.largest <= kBatch);
  CHECK(*files.poll(payloads, Duration(0)) == Poll::finished);
  if (!payloads.text.empty()) payloads.text.pop_back();
  return {payloads.text, files.problems(), files.total_bytes(), files.bytes_read()};
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

}  // namespace

TEST_CASE("several files are merged by packet time") {
  Folder folder;
  auto a = folder.write("a", capture('a', {1, 4, 7})), b = folder.write("b", capture('b', {2, 3, 8}));
  auto c = folder.write("c", capture('c', {0, 5, 6, 9}));
  std::string merged = "c0 a1 b2 b3 a4 c5 c6 a7 b8 c9";
  CHECK(merge({a, b, c}).payloads == merged);
  CHECK(merge({c, b, a}).payloads == merged);
  CHECK(merge({a, b, c}).problems.empty());
}

TEST_CASE("packets of one time come in the order of the files, each file's own together") {
  Folder folder;
  auto a = folder.write("a", capture('a', {1, 2, 2, 3})), b = folder.write("b", capture('b', {1, 2, 2, 3}));
  CHECK(merge({a, b}).payloads == "a1 b1 a2 a2 b2 b2 a3 b3");
  CHECK(merge({b, a}).payloads == "b1 a1 b2 b2 a2 a2 b3 a3");
}

TEST_CASE("a merge of many files is the stable sort of their packets") {
  Folder folder;
  std::uint32_t noise = 7;
  std::vector<std::string> paths;
  std::vector<std::tuple<std::uint32_t, std::size_t, std::string>> all;
  for (std::size_t file = 0; file < 12; ++file) {
    std::vector<std::uint32_t> seconds;
    for (int i = 0; i < 150; ++i) seconds.push_back((noise = noise * 1664525 + 1013904223) >> 24);
    std::sort(seconds.begin(), seconds.end());
    auto letter = static_cast<char>('a' + file);
    for (std::uint32_t second : seconds) all.emplace_back(second, file, fmt::format("{}{}", letter, second));
    paths.push_back(folder.write(std::string(1, letter), capture(letter, seconds)));
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& x, const auto& y) {
    return std::tie(std::get<0>(x), std::get<1>(x)) < std::tie(std::get<0>(y), std::get<1>(y));
  });
  std::string expected;
  for (const auto& [second, file, payload] : all) expected += (expected.empty() ? "" : " ") + payload;
  CHECK((merge(paths).payloads == expected));
}

TEST_CASE("a file whose times run backwards keeps its order") {
  Folder folder;
  auto a = folder.write("a", capture('a', {5, 3, 4, 9})), b = folder.write("b", capture('b', {4, 6}));
  CHECK(merge({a}).payloads == "a5 a3 a4 a9");
  std::string merged = merge({a, b}).payloads;
  CHECK(merged.find("a5") < merged.find("a3"));
  CHECK(merged.find("a3") < merged.find("a4"));
  CHECK(merged.find("b4") < merged.find("b6"));
  CHECK(merged.size() == 6 * 3 - 1);
  CHECK(merged == "b4 a5 a3 a4 b6 a9");
}

TEST_CASE("files that follow each other are not all held open") {
  Folder folder;
  std::vector<std::string> paths;
  std::string expected;
  for (std::uint32_t i = 0; i < 100; ++i) {
    paths.push_back(folder.write(fmt::format("rotated{}", i), capture('r', {1000 - i * 10, 1005 - i * 10})));
    expected = fmt::format("r{} r{} ", 1000 - i * 10, 1005 - i * 10) + expected;
  }
  CaptureFiles files(paths);
  Payloads payloads;
  std::size_t before = open_descriptors(), most = 0;
  while (*files.poll(payloads, Duration(0)) == Poll::frames) most = std::max(most, open_descriptors());
  CHECK(payloads.text == expected);
  CHECK(most <= before + 3);
}

TEST_CASE("a directory stands for the captures in it, by name; what is none is left out with a warning") {
  Folder folder;
  std::filesystem::create_directory(folder.path("sub"));
  folder.write("sub/2.pcap", capture('b', {1}));
  folder.write("sub/1.pcap", capture('a', {1}));
  folder.write("sub/readme.txt", "not a capture");
  folder.write("sub/3.pcap.gz", compress(Coding::gzip, capture('c', {1})));
  std::filesystem::create_directory(folder.path("sub/deeper"));
  Outcome outcome = merge({folder.path("sub")});
  CHECK(outcome.payloads == "a1 b1 c1");
  REQUIRE(outcome.problems.size() == 1);
  CHECK(!outcome.problems[0].fatal);
  CHECK(outcome.problems[0].text.starts_with(folder.path("sub/readme.txt")));
}

TEST_CASE("a file that cannot be read is told, and the others are read all the same") {
  Folder folder;
  auto good = folder.write("good", capture('g', {1, 2})), text = folder.write("text", "not a capture");
  Outcome outcome = merge({folder.path("missing"), good, text});
  CHECK(outcome.payloads == "g1 g2");
  REQUIRE(outcome.problems.size() == 2);
  CHECK(outcome.problems[0].fatal);
  CHECK(outcome.problems[0].text == folder.path("missing") + ": No such file or directory");
  CHECK(outcome.problems[1].fatal);
  CHECK(outcome.problems[1].text.starts_with(text + ": "));
}

TEST_CASE("nothing to read is no error of its own") {
  Folder folder;
  CHECK(merge({}).payloads.empty());
  CHECK(merge({folder.string()}).problems.empty());
  auto empty = folder.write("empty", capture('e', {}));
  Outcome outcome = merge({empty, folder.write("a", capture('a', {1}))});
  CHECK(outcome.payloads == "a1");
  CHECK(outcome.problems.empty());
}

TEST_CASE("a truncated file is a warning and a damaged one a failure, each told once") {
  Folder folder;
  std::string two = capture('t', {1, 5});
  auto cut = folder.write("cut", std::string_view(two).substr(0, two.size() - 1));
  auto damaged = folder.write("damaged", capture('d', {2}) + std::string(16, '\x7f'));
  Outcome outcome = merge({cut, damaged, folder.write("good", capture('g', {3}))});
  CHECK(outcome.payloads == "t1 d2 g3");
  REQUIRE(outcome.problems.size() == 2);
  for (const auto& problem : outcome.problems) CHECK(problem.fatal == problem.text.starts_with(damaged));
}

TEST_CASE("a file given twice counts twice, with a warning") {
  Folder folder;
  auto file = folder.write("a", capture('a', {1, 2}));
  std::filesystem::create_symlink(file, folder.path("link"));
  for (const auto& again : {file, folder.path("link")}) {
    Outcome outcome = merge({file, again});
    CHECK(outcome.payloads == "a1 a2 a1 a2");
    REQUIRE(outcome.problems.size() == 1);
    CHECK(!outcome.problems[0].fatal);
    CHECK(outcome.problems[0].text.starts_with(again));
  }
}

TEST_CASE("the bytes read reach the bytes there are") {
  Folder folder;
  auto a = folder.write("a", capture('a', {1, 2, 3})), b = folder.write("b", compress(Coding::gzip, capture('b', {2})));
  Outcome outcome = merge({a, b});
  CHECK(outcome.total_bytes == std::filesystem::file_size(a) + std::filesystem::file_size(b));
  CHECK(outcome.bytes_read == outcome.total_bytes);
}

TEST_CASE("pipes are merged though they cannot be opened twice") {
  Folder folder;
  auto file = folder.write("file", capture('f', {2, 4, 6}));
  std::vector<std::thread> writers;
  std::vector<std::string> paths{file};
  for (auto [letter, seconds] : {std::pair{'p', std::vector<std::uint32_t>{1, 5}}, {'q', {3, 7}}}) {
    paths.push_back(folder.path(std::string(1, letter)));
    REQUIRE(mkfifo(paths.back().c_str(), 0600) == 0);
    writers.emplace_back([path = paths.back(), content = capture(letter, seconds)] {
      int fd = open(path.c_str(), O_WRONLY);
      for (char byte : content) {
        if (write(fd, &byte, 1) != 1) break;
      }
      close(fd);
    });
  }
  Outcome outcome = merge(paths);
  for (auto& writer : writers) writer.join();
  CHECK(outcome.payloads == "p1 f2 q3 f4 p5 f6 q7");
  CHECK(outcome.problems.empty());
}

TEST_CASE("standard input is a file like others") {
  Folder folder;
  auto piped = folder.write("piped", compress(Coding::zstd, capture('i', {1, 3}))),
       file = folder.write("f", capture('f', {2}));
  int kept = dup(STDIN_FILENO), replacement = open(piped.c_str(), O_RDONLY);
  REQUIRE(dup2(replacement, STDIN_FILENO) == STDIN_FILENO);
  Outcome outcome = merge({"-", file});
  if (kept >= 0) {
    dup2(kept, STDIN_FILENO);
    close(kept);
  } else {
    close(STDIN_FILENO);
  }
  close(replacement);
  CHECK(outcome.payloads == "i1 f2 i3");
  CHECK(outcome.problems.empty());
}

TEST_CASE("packets of interfaces with different link types and secrets stay what they are when merged") {
  Folder folder;
  Pcapng ng{true};
  auto mixed = folder.write("mixed", ng.section() + ng.interface(1) + ng.interface(113) +
                                         ng.packet(1, 2'000'000, "m2") + ng.packet(0, 4'000'000, "m4"));
  struct Links final : FrameSink {
    std::string text;
    void on_frames(std::span<const Frame> frames) override {
      for (const Frame& frame : frames)
        text += fmt::format("{}:{} ", as_text(frame.bytes), static_cast<int>(frame.link));
    }
  } links;
  CaptureFiles files({mixed, folder.write("a", capture('a', {1, 3, 5}))});
  while (*files.poll(links, Duration(0)) != Poll::finished) {
  }
  CHECK(links.text == "a1:1 m2:113 a3:1 m4:1 a5:1 ");
}

}  // namespace specular::test
