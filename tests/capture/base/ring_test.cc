#include "capture/base/ring.h"

#include <thread>

#include <doctest/doctest.h>

namespace specular::test {

TEST_CASE("a ring gives back what was published, in order, and no more than it holds") {
  Ring<int> ring(4);
  CHECK(ring.front() == nullptr);
  for (int i = 0; i < 4; ++i) {
    REQUIRE(ring.fill() != nullptr);
    *ring.fill() = i;
    ring.publish();
  }
  CHECK(ring.fill() == nullptr);
  CHECK(ring.used() == 4);
  REQUIRE(ring.front() != nullptr);
  CHECK(*ring.front() == 0);
  CHECK(*ring.front() == 0);
  ring.release();
  CHECK(ring.fill() != nullptr);
  CHECK(ring.used() == 3);
}

TEST_CASE("what is not published is not there yet") {
  Ring<int> ring(2);
  *ring.fill() = 7;
  CHECK(ring.front() == nullptr);
  ring.publish();
  CHECK(*ring.front() == 7);
}

TEST_CASE("the producer is told of each slot that was released, once, also when it goes round") {
  Ring<int> ring(4);
  CHECK(ring.released() == nullptr);
  for (int i = 0; i < 20; ++i) {
    *ring.fill() = i;
    ring.publish();
    CHECK(ring.released() == nullptr);
    ring.release();
    int* released = ring.released();
    REQUIRE(released != nullptr);
    CHECK(*released == i);
    CHECK(ring.released() == nullptr);
  }
}

TEST_CASE("two threads pass a million numbers, none lost, none twice") {
  constexpr std::uint64_t kCount = 1'000'000;
  Ring<std::uint64_t> ring(64);
  std::thread producer([&] {
    for (std::uint64_t i = 0; i < kCount; ++i) {
      std::uint64_t* slot = nullptr;
      while ((slot = ring.fill()) == nullptr) std::this_thread::yield();
      *slot = i;
      ring.publish();
    }
  });
  std::uint64_t expected = 0;
  bool in_order = true;
  while (expected < kCount) {
    std::uint64_t* slot = ring.front();
    if (slot == nullptr) {
      std::this_thread::yield();
      continue;
    }
    in_order = in_order && *slot == expected;
    ++expected;
    ring.release();
  }
  producer.join();
  CHECK(in_order);
  CHECK(ring.front() == nullptr);
}

}  // namespace specular::test
