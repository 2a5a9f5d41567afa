#include "capture/base/decompress.h"

#include <algorithm>
#include <vector>

#include <doctest/doctest.h>

#include "tests/capture/base/compress.h"

namespace specular::test {
namespace {

using State = Decompressor::State;

constexpr Coding kCodings[] = {Coding::gzip, Coding::deflate, Coding::brotli, Coding::zstd};

struct Outcome {
  std::string text;
  State state = State::more;
  std::size_t consumed = 0;
};

// Feeds `input` in parts of `in_step`, taking output in parts of `out_step`, until it ends or nothing more comes.
Outcome decode(Decompressor& decompressor, std::string_view input, std::size_t in_step, std::size_t out_step) {
  Outcome outcome;
  std::vector<std::uint8_t> block(out_step);
  std::size_t fed = std::min(in_step, input.size());
  while (outcome.state == State::more) {
    Bytes in = as_bytes(input.substr(outcome.consumed, fed - outcome.consumed));
    auto step = decompressor.decode(in, block);
    REQUIRE(step.consumed <= in.size());
    REQUIRE(step.produced <= block.size());
    outcome.consumed += step.consumed;
    outcome.text.append(as_text(Bytes(block).first(step.produced)));
    outcome.state = step.state;
    if (step.consumed > 0 || step.produced > 0) continue;
    if (fed == input.size()) break;
    fed = std::min(fed + in_step, input.size());
  }
  return outcome;
}

Outcome decode(Coding coding, std::string_view input, std::size_t in_step = 1 << 20, std::size_t out_step = 4096) {
  auto decompressor = make_decompressor(coding);
  return decode(*decompressor, input, in_step, out_step);
}

}  // namespace

TEST_CASE("every coding gives back what was encoded, and says where it ends") {
  for (Coding coding : kCodings) {
    for (std::size_t size : {0, 1, 100, 100'000}) {
      CAPTURE(static_cast<int>(coding));
      CAPTURE(size);
      std::string text = sample_text(size), encoded = compress(coding, text);
      Outcome outcome = decode(coding, encoded);
      CHECK(outcome.text == text);
      CHECK(outcome.state == State::finished);
      CHECK(outcome.consumed == encoded.size());
    }
  }
}

TEST_CASE("every coding can be fed and drained a byte at a time") {
  std::string text = sample_text(3000);
  for (Coding coding : kCodings) {
    CAPTURE(static_cast<int>(coding));
    std::string encoded = compress(coding, text);
    for (auto [in_step, out_step] : {std::pair{1, 4096}, {1 << 20, 1}, {1, 1}, {3, 7}}) {
      Outcome outcome = decode(coding, encoded, static_cast<std::size_t>(in_step), static_cast<std::size_t>(out_step));
      CHECK(outcome.text == text);
      CHECK(outcome.state == State::finished);
    }
  }
}

TEST_CASE("what follows the end of an encoded text is not consumed") {
  for (Coding coding : kCodings) {
    CAPTURE(static_cast<int>(coding));
    std::string encoded = compress(coding, "some text");
    Outcome outcome = decode(coding, encoded + "trailing");
    CHECK(outcome.text == "some text");
    CHECK(outcome.state == State::finished);
    CHECK(outcome.consumed == encoded.size());
  }
}

TEST_CASE("an encoded text that stops before its end is not finished") {
  std::string text = sample_text(5000);
  for (Coding coding : kCodings) {
    CAPTURE(static_cast<int>(coding));
    std::string encoded = compress(coding, text);
    for (std::size_t cut : {std::size_t{1}, encoded.size() / 2, encoded.size() - 1}) {
      Outcome outcome = decode(coding, std::string_view(encoded).substr(0, cut));
      CHECK(outcome.state == State::more);
      CHECK(text.starts_with(outcome.text));
    }
  }
}

TEST_CASE("no room for output is no damage") {
  std::uint8_t block[16];
  for (Coding coding : kCodings) {
    CAPTURE(static_cast<int>(coding));
    std::string encoded = compress(coding, "some text");
    auto decompressor = make_decompressor(coding);
    CHECK(decompressor->decode(as_bytes(encoded), std::span(block).first(0)).state == State::more);
    CHECK(make_decompressor(coding)->decode({}, block).state == State::more);
  }
}

TEST_CASE("malformed input is told, and what precedes the damage is kept") {
  for (Coding coding : kCodings) {
    CAPTURE(static_cast<int>(coding));
    CHECK(decode(coding, std::string(64, '\xff')).state == State::malformed);
  }
  std::string text = sample_text(200'000), stored = compress(Coding::gzip, text, 0);
  std::string damaged = stored;
  damaged[150'000] = static_cast<char>(damaged[150'000] ^ 1);  // a stored byte: only the checksum tells
  Outcome outcome = decode(Coding::gzip, damaged);
  CHECK(outcome.state == State::malformed);
  CHECK(outcome.text.size() == text.size());
  damaged = stored;
  std::size_t second_block = 10 + 5 + 65535;  // header; length and its complement of the first stored block; its bytes
  damaged.replace(second_block, 5, 5, '\xff');
  outcome = decode(Coding::gzip, damaged);
  CHECK(outcome.state == State::malformed);
  CHECK(outcome.text.size() >= 32'768);
  CHECK(text.starts_with(outcome.text));
}

TEST_CASE("a wrong checksum or size makes a gzip member malformed") {
  std::string encoded = compress(Coding::gzip, "some text");
  for (std::size_t from_end : {1, 8}) {
    std::string damaged = encoded;
    damaged[encoded.size() - from_end] = static_cast<char>(damaged[encoded.size() - from_end] ^ 1);
    CHECK(decode(Coding::gzip, damaged).state == State::malformed);
  }
}

TEST_CASE("deflate is read with its wrapper and without") {
  for (std::size_t size : {0, 1, 50'000}) {
    std::string text = sample_text(size);
    for (int level : {0, 1, 6, 9}) {
      CAPTURE(size);
      CAPTURE(level);
      CHECK(decode(Coding::deflate, compress(Coding::deflate, text, level)).text == text);
      Outcome raw = decode(Coding::deflate, raw_deflate(text, level), 1, 100);
      CHECK(raw.text == text);
      CHECK(raw.state == State::finished);
    }
  }
}

TEST_CASE("a gzip text of several members is read to its end") {
  std::string text = compress(Coding::gzip, "one ") + compress(Coding::gzip, "") + compress(Coding::gzip, "two");
  Outcome outcome = decode(Coding::gzip, text);
  CHECK(outcome.text == "one two");
  CHECK(outcome.state == State::finished);
  CHECK(outcome.consumed == text.size());
}

TEST_CASE("a text of several members or frames is read alike wherever its input is cut") {
  for (Coding coding : {Coding::gzip, Coding::zstd}) {
    std::string first = compress(coding, "one "), all = first + compress(coding, "two");
    for (std::size_t cut = 0; cut <= all.size(); ++cut) {
      auto decompressor = make_decompressor(coding);
      std::string text;
      std::size_t consumed = 0;
      for (std::size_t end : {cut, all.size()}) {
        std::uint8_t block[64];
        for (bool progress = true; progress && consumed < end;) {
          auto step = decompressor->decode(as_bytes(std::string_view(all).substr(consumed, end - consumed)), block);
          consumed += step.consumed;
          text.append(as_text(Bytes(block).first(step.produced)));
          progress = step.consumed > 0 || step.produced > 0;
        }
      }
      if (text != "one two") FAIL_CHECK("cut at " << cut << " (first ends at " << first.size() << "): " << text);
    }
  }
}

TEST_CASE("a zstd text of several frames is read to its end") {
  std::string text = compress(Coding::zstd, "one ") + compress(Coding::zstd, "two");
  Outcome outcome = decode(Coding::zstd, text);
  CHECK(outcome.text == "one two");
  CHECK(outcome.state == State::finished);
  CHECK(outcome.consumed == text.size());
}

TEST_CASE("zstd frames that are to be skipped are, before others, between them and behind") {
  std::string skip = skippable_frame("index"), one = compress(Coding::zstd, "one "),
              two = compress(Coding::zstd, "two");
  CHECK(decode(Coding::zstd, skip + one + two).text == "one two");
  CHECK(decode(Coding::zstd, one + skip + two).text == "one two");
  CHECK(decode(Coding::zstd, one + two + skip).text == "one two");
}

TEST_CASE("a decompressor can be used for another text, whatever became of the first") {
  std::string text = sample_text(3000);
  for (Coding coding : kCodings) {
    CAPTURE(static_cast<int>(coding));
    std::string encoded = compress(coding, text);
    auto decompressor = make_decompressor(coding);
    for (std::string_view before :
         {std::string_view(encoded), std::string_view(encoded).substr(0, encoded.size() / 2),
          std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), std::string_view()}) {
      (void)decode(*decompressor, before, 1 << 20, 64);
      decompressor->reset();
      Outcome outcome = decode(*decompressor, encoded, 1 << 20, 4096);
      CHECK(outcome.text == text);
      CHECK(outcome.state == State::finished);
    }
  }
}

TEST_CASE("after bare deflate a wrapped one is recognised again") {
  auto decompressor = make_decompressor(Coding::deflate);
  CHECK(decode(*decompressor, raw_deflate("bare"), 100, 100).text == "bare");
  decompressor->reset();
  CHECK(decode(*decompressor, compress(Coding::deflate, "wrapped"), 100, 100).text == "wrapped");
  decompressor->reset();
  CHECK(decode(*decompressor, raw_deflate("bare"), 100, 100).text == "bare");
}

TEST_CASE("a window larger than a content coding needs is refused, unless a file has it") {
  std::string text = "window";
  for (auto [exponent, good] : {std::pair{'\x68', true}, {'\x70', false}}) {  // 8 MiB, 16 MiB
    // RFC 8878 section 3.1.1: a header that tells the window, and the last block, as it is.
    std::string frame =
        std::string("\x28\xb5\x2f\xfd", 4) + std::string(1, '\0') + exponent + std::string("\x31\x00\x00", 3) + text;
    CAPTURE(good);
    CHECK((decode(Coding::zstd, frame).text == text) == good);
    CHECK(decode(*make_decompressor(Coding::zstd, kFileWindowLog), frame, 100, 100).text == text);
  }
}

TEST_CASE("a decompressor tells what it takes") {
  for (Coding coding : kCodings) {
    auto decompressor = make_decompressor(coding);
    (void)decode(*decompressor, compress(coding, sample_text(100'000)), 1 << 20, 4096);
    CHECK(decompressor->memory() > 1000);
    CHECK(decompressor->memory() < 1 << 20);
  }
}

}  // namespace specular::test
