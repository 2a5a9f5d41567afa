#include "capture/flow/reassembler.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/capture/survives.h"

namespace specular::test {
namespace {

using Insert = HeldSegments::Insert;

constexpr std::size_t kPlenty = 1 << 20;

Segment segment(std::uint32_t seq, std::string_view text, std::size_t clipped = 0) {
  Segment segment;
  segment.seq = seq;
  segment.size = static_cast<std::uint32_t>(text.size());
  segment.bytes = as_bytes(text.substr(0, text.size() - clipped));
  return segment;
}

struct Held {
  Budget budget{kPlenty};
  HeldSegments held;

  Insert add(std::uint32_t seq, std::string_view text, std::size_t most = kPlenty) {
    std::string copy(text);  // gone afterwards
    return held.insert(budget, most, segment(seq, copy));
  }
  // "10 abc, 20 def": everything, in order, neighbours joined; empties it.
  std::string drain() {
    std::string text;
    std::uint32_t end = 0;
    while (!held.empty()) {
      Segment front = held.front();
      CHECK((text.empty() || ahead(front.seq, end) >= 0));
      if (text.empty() || front.seq != end) text += (text.empty() ? "" : ", ") + std::to_string(front.seq) + " ";
      text += as_text(front.bytes);
      end = front.end();
      held.pop_front();
    }
    CHECK(held.bytes() == 0);
    CHECK(budget.used() == 0);
    return text;
  }
};

}  // namespace

TEST_CASE("how far a number is ahead of another is counted around the end of the numbers") {
  CHECK(ahead(5, 3) == 2);
  CHECK(ahead(3, 5) == -2);
  CHECK(ahead(2, 0xfffffffe) == 4);
  CHECK(ahead(0xfffffffe, 2) == -4);
  CHECK(ahead(7, 7) == 0);
}

TEST_CASE("a segment loses bytes at either end, captured or not") {
  std::string text = "0123456789";
  Segment clipped = segment(100, text, 4);  // six of ten are there
  CHECK(clipped.end() == 110);
  Segment front = clipped.without_front(3);
  CHECK((front.seq == 103 && front.size == 7 && as_text(front.bytes) == "345"));
  front = clipped.without_front(8);
  CHECK((front.seq == 108 && front.size == 2 && front.bytes.empty()));
  Segment back = clipped.without_back(3);
  CHECK((back.seq == 100 && back.size == 7 && as_text(back.bytes) == "012345"));
  back = clipped.without_back(8);
  CHECK((back.size == 2 && as_text(back.bytes) == "01"));
  CHECK(clipped.without_front(10).size == 0);
  CHECK(clipped.without_back(10).bytes.empty());
}

TEST_CASE("held segments come out in the order of the stream") {
  Held held;
  CHECK(held.held.empty());
  for (auto [seq, text] : {std::pair{30u, "ghi"}, {10u, "abc"}, {40u, "jkl"}, {20u, "def"}}) {
    CHECK(held.add(seq, text) == Insert::held);
  }
  CHECK(held.held.bytes() == 12);
  CHECK(held.drain() == "10 abc, 20 def, 30 ghi, 40 jkl");
}

TEST_CASE("what is held already is not held twice") {
  Held held;
  CHECK(held.add(10, "abc") == Insert::held);
  std::size_t used = held.budget.used();
  CHECK(held.add(10, "abc") == Insert::held);
  CHECK(held.add(11, "b") == Insert::held);
  CHECK(held.held.bytes() == 3);
  CHECK(held.budget.used() == used);
  CHECK(held.drain() == "10 abc");
}

TEST_CASE("where segments overlap, the bytes that came first win, whatever their order in the stream") {
  for (auto [seq, text, expected] : {std::tuple{8u, "XXXX", "8 XXcdef"},
                                     {14u, "XXXX", "10 cdefXXXX"},
                                     {12u, "XXXX", "10 cdefXX"},
                                     {8u, "XXXXXXXX", "8 XXcdefXX"},
                                     {11u, "XX", "10 cdef"},
                                     {10u, "XXXX", "10 cdef"},
                                     {6u, "XXXX", "6 XXXXcdef"}}) {
    Held held;
    CHECK(held.add(10, "cdef") == Insert::held);
    (void)held.add(seq, text);
    CHECK(held.drain() == expected);
  }
}

TEST_CASE("a difference between two copies is told, a difference of what only one has is not") {
  Held held;
  CHECK(held.add(10, "abcd") == Insert::held);
  CHECK(held.add(8, "xyab") == Insert::held);
  CHECK(held.add(8, "xyaB") == Insert::conflict);
  CHECK(held.add(13, "d..") == Insert::held);
  CHECK(held.add(13, "D..") == Insert::conflict);
  CHECK(held.add(9, "yabcd.") == Insert::held);
  CHECK(held.add(9, "Yabcd.") == Insert::conflict);
  CHECK(held.add(6, "--xyabcd..--") == Insert::held);
  CHECK(held.add(6, "--xyabcd..-=") == Insert::conflict);
  CHECK(held.drain() == "6 --xyabcd..--");
}

TEST_CASE("one segment may fill several holes at once") {
  Held held;
  for (auto [seq, text] : {std::pair{10u, "BB"}, {14u, "DD"}, {18u, "FF"}}) CHECK(held.add(seq, text) == Insert::held);
  CHECK(held.add(8, "aaBBccDDeeFFgg") == Insert::held);
  CHECK(held.held.bytes() == 14);
  CHECK(held.drain() == "8 aaBBccDDeeFFgg");
}

TEST_CASE("segments are held around the end of the sequence numbers") {
  Held held;
  CHECK(held.add(2, "ef") == Insert::held);
  CHECK(held.add(0xfffffffc, "ab") == Insert::held);
  CHECK(held.add(0xfffffffe, "..cd") == Insert::held);
  CHECK(held.held.front().seq == 0xfffffffc);
  CHECK(held.drain() == "4294967292 ab..cdef");
}

TEST_CASE("a clipped segment keeps its size, and what was captured of it") {
  Held held;
  std::string text = "0123456789";
  CHECK(held.held.insert(held.budget, kPlenty, segment(10, text, 6)) == Insert::held);
  CHECK(held.held.bytes() == 4);
  Segment front = held.held.front();
  CHECK((front.seq == 10 && front.size == 10 && as_text(front.bytes) == "0123"));
  CHECK(held.add(20, "after") == Insert::held);
  held.held.pop_front();
  CHECK(held.held.front().seq == 20);
}

TEST_CASE("a segment of which nothing was captured can be held") {
  CHECK(survives([] {
    Held held;
    Segment empty;
    empty.seq = 10;
    empty.size = 1;
    return held.held.insert(held.budget, kPlenty, empty) == Insert::held && held.held.front().size == 1;
  }));
}

TEST_CASE("the copy lives until its segment is taken") {
  Held held;
  std::string text = "hello";
  CHECK(held.held.insert(held.budget, kPlenty, segment(10, text)) == Insert::held);
  text = "XXXXX";
  for (std::uint32_t i = 0; i < 100; ++i) CHECK(held.add(100 + i * 10, "more") == Insert::held);
  CHECK(as_text(held.held.front().bytes) == "hello");
}

TEST_CASE("every byte held is charged, and given back when it is taken or thrown away") {
  Budget budget(kPlenty);
  {
    HeldSegments held;
    CHECK(held.insert(budget, kPlenty, segment(10, "hello")) == Insert::held);
    CHECK(held.insert(budget, kPlenty, segment(20, "world")) == Insert::held);
    CHECK(budget.used() >= 10);
    std::size_t both = budget.used();
    held.pop_front();
    CHECK(budget.used() < both);
    CHECK(held.bytes() == 5);
  }
  CHECK(budget.used() == 0);
}

TEST_CASE("a segment beyond the limit of its direction is refused and leaves what was held") {
  Held held;
  CHECK(held.add(10, "0123456789", 15) == Insert::held);
  CHECK(held.add(30, "012345", 15) == Insert::refused);
  CHECK(held.held.bytes() == 10);
  CHECK(held.add(30, "01234", 15) == Insert::held);
  CHECK(held.drain() == "10 0123456789, 30 01234");
}

TEST_CASE("a segment beyond the budget is refused and leaves what was held") {
  Held held;
  Budget small(2000);
  std::string text(1500, 'x');
  CHECK(held.held.insert(small, kPlenty, segment(10, text)) == Insert::held);
  std::size_t used = small.used();
  CHECK(held.held.insert(small, kPlenty, segment(5000, text)) == Insert::refused);
  CHECK(small.used() == used);
  CHECK(held.held.bytes() == 1500);
  held.held.pop_front();
  CHECK(small.used() == 0);
}

TEST_CASE("of a segment that fills two holes and is refused, what was kept of it is in its place") {
  Held held;
  CHECK(held.add(20, "held", 12) == Insert::held);
  CHECK(held.add(14, "before....after!", 12) == Insert::refused);
  CHECK(held.held.bytes() <= 12);
  CHECK(held.drain() == "14 beforeheld");
  CHECK(held.budget.used() == 0);
}

TEST_CASE("an endless number of tiny segments is bounded") {
  Held held;
  std::uint32_t count = 0;
  while (count < 100'000 && held.add(count * 2, "x") == Insert::held) ++count;
  CHECK(count < 100'000);
  CHECK(held.budget.used() <= kPlenty);
}

TEST_CASE("where something is always held, what was taken out leaves nothing behind") {
  Held held;
  CHECK(held.add(0, "x") == Insert::held);
  for (std::uint32_t count = 1; count < 10'000; ++count) {
    CHECK(held.add(count * 2, "x") == Insert::held);
    held.held.pop_front();
  }
  CHECK(held.held.slots() <= 4);
  CHECK(held.held.front().seq == 9'999 * 2);
}

}  // namespace specular::test
