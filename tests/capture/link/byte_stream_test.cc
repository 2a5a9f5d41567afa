// Compressed captures, and the stream beneath all of them.
#include "capture/link/byte_stream.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "tests/capture/base/compress.h"
#include "tests/capture/link/capture_lines.h"

namespace specular::test {
namespace {

constexpr Coding kCodings[] = {Coding::gzip, Coding::zstd};

// A capture of `count` packets with a kilobyte each that hardly compresses, and what it reads as.
struct Sample {
  std::string content, lines;

  explicit Sample(std::uint32_t count) {
    Pcap pcap;
    content = pcap.header();
    std::uint32_t noise = 1;
    for (std::uint32_t i = 0; i < count; ++i) {
      std::string payload(1000, ' ');
      for (char& c : payload) c = static_cast<char>('!' + (noise = noise * 1664525 + 1013904223, noise >> 24) % 90);
      content += pcap.record(i, 0, payload);
      lines += fmt::format("{}.000000000 1 1000 {}\n", i, payload);
    }
  }
};

std::size_t line_count(const std::string& lines) {
  return static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
}

std::string last_line(const std::string& lines) {
  auto before = lines.rfind('\n', lines.size() - 2);
  return lines.substr(before == std::string::npos ? 0 : before + 1);
}

// A frame of about that size with the beginning of `text`, and how much of it that is.
std::pair<std::string, std::size_t> zstd_of_size(std::string_view text, std::size_t size) {
  std::size_t length = size;
  std::string frame = compress(Coding::zstd, text.substr(0, length));
  while (frame.size() + 100 < size) {
    length += size - 50 - frame.size();
    frame = compress(Coding::zstd, text.substr(0, length));
  }
  while (frame.size() != size && frame.size() < size + 100) frame = compress(Coding::zstd, text.substr(0, ++length));
  return {frame, length};
}

std::string whole(const std::string& path) {
  auto stream = ByteStream::open(path);
  REQUIRE(stream);
  std::string all;
  for (;;) {
    REQUIRE((*stream)->fill(1));
    Bytes some = (*stream)->buffered();
    if (some.empty()) break;
    all += as_text(some);
    (*stream)->consume(some.size());
  }
  CHECK((*stream)->ended());
  CHECK((*stream)->offset() == all.size());
  return all;
}

}  // namespace

TEST_CASE("a stream gives the bytes of its file, plain or decompressed") {
  Folder folder;
  for (std::size_t size : {0, 1, 3, 4, 5, 1000, 262'144, 1'000'000}) {
    CAPTURE(size);
    std::string text = sample_text(size);
    CHECK((whole(folder.write("plain", text)) == text));
    if (size < 4) continue;
    for (Coding coding : kCodings) CHECK((whole(folder.write("compressed", compress(coding, text))) == text));
  }
}

TEST_CASE("a stream buffers as much as is wanted, and keeps what was not consumed") {
  Folder folder;
  std::string text = sample_text(3'000'000);
  auto stream = ByteStream::open(folder.write("plain", text));
  REQUIRE(stream);
  REQUIRE((*stream)->fill(10));
  (*stream)->consume(7);
  REQUIRE((*stream)->fill(2'000'000));
  CHECK((*stream)->buffered().size() >= 2'000'000);
  CHECK((as_text((*stream)->buffered()).substr(0, 2'000'000) == text.substr(7, 2'000'000)));
  CHECK((*stream)->offset() == 7);
  REQUIRE((*stream)->fill(10'000'000));
  CHECK((*stream)->ended());
  CHECK((*stream)->buffered().size() == 3'000'000 - 7);
}

TEST_CASE("a stream tells how much of the file it has read, as stored") {
  Folder folder;
  std::string text = sample_text(500'000), stored = compress(Coding::gzip, text);
  auto stream = ByteStream::open(folder.write("compressed", stored));
  REQUIRE(stream);
  REQUIRE((*stream)->fill(text.size() + 1));
  CHECK((*stream)->file_bytes_read() == stored.size());
  CHECK(!(*stream)->cut());
}

TEST_CASE("a file that cannot be opened or read is an error of the system that names it") {
  Folder folder;
  auto missing = ByteStream::open(folder.path("missing"));
  REQUIRE(!missing);
  CHECK(missing.error().kind == ErrorKind::io);
  CHECK(missing.error().text.find(folder.path("missing")) != std::string::npos);
  CHECK(read_file(folder.string()) == "refused: Is a directory\n");
}

TEST_CASE("compressed captures read as plain ones do") {
  Sample sample(1000);
  for (Coding coding : kCodings) CHECK((read_capture(compress(coding, sample.content)) == sample.lines));
  Pcapng ng;
  std::string content = ng.section() + ng.interface() + ng.packet(0, 1, "one");
  for (Coding coding : kCodings) CHECK(read_capture(compress(coding, content)) == "0.000001000 1 3 one\n");
}

TEST_CASE("what compresses to no capture is refused") {
  for (Coding coding : kCodings) {
    CHECK(read_capture(compress(coding, "not a capture at all, just some text")).starts_with("refused: "));
    CHECK(read_capture(compress(coding, "")).starts_with("refused: "));
  }
}

TEST_CASE("a compressed capture that was cut keeps what came before, and warns") {
  Sample sample(1000);
  for (Coding coding : kCodings) {
    CAPTURE(static_cast<int>(coding));
    std::string stored = compress(coding, sample.content);
    for (std::size_t size : {stored.size() / 2, stored.size() - 5, stored.size() - 1}) {
      std::string lines = read_capture(stored.substr(0, size));
      CHECK(last_line(lines).starts_with("warning: "));
      CHECK(line_count(lines) > 1000 * size / stored.size() / 2);
      CHECK(sample.lines.starts_with(lines.substr(0, lines.size() - last_line(lines).size())));
    }
  }
}

TEST_CASE("damage in a compressed capture is an error after the frames that precede it") {
  Sample sample(1000);
  std::string stored = compress(Coding::gzip, sample.content);
  stored.replace(stored.size() * 3 / 4, 200, 200, '\xff');
  std::string lines = read_capture(stored);
  CHECK(last_line(lines).starts_with("error: "));
  CHECK(line_count(lines) > 100);
  CHECK(sample.lines.starts_with(lines.substr(0, lines.size() - last_line(lines).size())));
}

TEST_CASE("damage in the second part of a compressed capture does no harm to the first") {
  for (Coding coding : kCodings) {
    for (std::uint32_t count : {5u, 1000u}) {
      CAPTURE(static_cast<int>(coding));
      CAPTURE(count);
      Sample sample(count);
      std::string magic = compress(coding, "").substr(0, coding == Coding::gzip ? 2 : 4);
      std::string lines = read_capture(compress(coding, sample.content) + magic + std::string(100, '\xff'));
      CHECK(line_count(lines) == count + 1);
      CHECK(lines.starts_with(sample.lines));
      CHECK(last_line(lines).starts_with("error: "));
    }
  }
}

TEST_CASE("of a small compressed capture with a wrong checksum the frames are read, and then the error") {
  Sample sample(20);
  std::string stored = compress(Coding::gzip, sample.content);
  stored[stored.size() - 8] = static_cast<char>(stored[stored.size() - 8] ^ 1);
  std::string lines = read_capture(stored);
  CHECK(lines.starts_with(sample.lines));
  CHECK(last_line(lines).starts_with("error: "));
}

TEST_CASE("gzip captures that were appended to each other are read to the end") {
  Sample sample(300);
  std::string first = sample.content.substr(0, 100'000), second = sample.content.substr(100'000);
  CHECK((read_capture(compress(Coding::gzip, first) + compress(Coding::gzip, second)) == sample.lines));
  CHECK((read_capture(compress(Coding::zstd, first) + compress(Coding::zstd, second)) == sample.lines));
}

TEST_CASE("gzip members may end anywhere, also where the reader's block does") {
  Sample sample(600);
  std::string first = sample.content.substr(0, 200'000), second = sample.content.substr(200'000);
  for (std::size_t size : {262'142u, 262'143u, 262'144u, 262'145u}) {
    CAPTURE(size);
    CHECK((read_capture(gzip_of_size(first, size) + compress(Coding::gzip, second)) == sample.lines));
  }
}

TEST_CASE("zstd frames may end anywhere, also where the reader's block does") {
  Sample sample(600);
  for (std::size_t size : {262'141u, 262'142u, 262'144u, 262'145u}) {
    CAPTURE(size);
    auto [first, length] = zstd_of_size(sample.content, size);
    REQUIRE(first.size() == size);
    CHECK((read_capture(first + compress(Coding::zstd, std::string_view(sample.content).substr(length))) ==
           sample.lines));
  }
}

TEST_CASE("a zstd capture may begin with a frame that is to be skipped") {
  Sample sample(3);
  CHECK((read_capture(skippable_frame("made by a parallel compressor") + compress(Coding::zstd, sample.content)) ==
         sample.lines));
}

}  // namespace specular::test
