#include "analyzers/discovery/sketch.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "capture/base/hash.h"
#include "tests/analyzers/random_summary.h"

namespace specular::test {
namespace {

bool same(const DistinctCounter& a, const DistinctCounter& b) {
  return a.exact() == b.exact() && a.registers() == b.registers();
}

DistinctCounter merged(DistinctCounter a, const DistinctCounter& b) {
  a.merge(b);
  return a;
}

bool same(const LogHistogram& a, const LogHistogram& b) {
  return std::equal(a.buckets().begin(), a.buckets().end(), b.buckets().begin(), b.buckets().end(),
                    [](auto x, auto y) { return x.index == y.index && x.count == y.count; });
}

LogHistogram merged(LogHistogram a, const LogHistogram& b) {
  a.merge(b);
  return a;
}

// The value that `q` of the sorted values do not exceed.
std::uint64_t true_quantile(const std::vector<std::uint64_t>& sorted, double q) {
  auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

double error_of(std::uint64_t found, std::uint64_t truth) {
  if (truth == 0) return found == 0 ? 0 : 1;
  return std::abs(static_cast<double>(found) - static_cast<double>(truth)) / static_cast<double>(truth);
}

}  // namespace

TEST_CASE("distinct values are counted exactly up to kExact, repetitions or not") {
  Random random(1);
  std::set<std::uint64_t> values;
  DistinctCounter counter;
  CHECK(counter.empty());
  CHECK(counter.estimate() == 0);
  while (values.size() < DistinctCounter::kExact) {
    std::uint64_t value = random();
    values.insert(value);
    for (int times = 0; times < 3; ++times) counter.add(value);
    REQUIRE(counter.estimate() == values.size());
  }
  CHECK(std::equal(values.begin(), values.end(), counter.exact().begin(), counter.exact().end()));
  for (std::uint64_t value : values) counter.add(value);
  CHECK(counter.estimate() == DistinctCounter::kExact);
}

TEST_CASE("past kExact the estimate stays within 5 %") {
  for (std::uint64_t seed : {1, 2, 3}) {
    Random random(seed);
    DistinctCounter counter;
    std::size_t added = 0;
    for (std::size_t size : {513u, 700u, 1000u, 3000u, 8000u, 10000u, 12000u, 30000u, 100000u, 1000000u}) {
      for (; added < size; ++added) counter.add(random());
      double error = error_of(counter.estimate(), size);
      CHECK_MESSAGE(error < 0.05, size, " distinct values, ", counter.estimate(), " estimated");
    }
  }
}

TEST_CASE("the estimate is as good for the hashes that are really added") {
  HashKey key;
  DistinctCounter texts, numbers;
  constexpr std::size_t kCount = 50000;
  for (std::size_t i = 0; i < kCount; ++i) {
    std::string text = std::to_string(1000000 + i);
    texts.add(fast_hash(key, as_bytes(text)));
    numbers.add(fast_hash(key, IpAddress::v4(static_cast<std::uint32_t>(0x0a000000 + i))));
  }
  CHECK_MESSAGE(error_of(texts.estimate(), kCount) < 0.05, texts.estimate());
  CHECK_MESSAGE(error_of(numbers.estimate(), kCount) < 0.05, numbers.estimate());
}

TEST_CASE("hashes of all ones and of zero count like any other") {
  DistinctCounter counter;
  counter.add(0);
  counter.add(~0ULL);
  CHECK(counter.estimate() == 2);
  Random random(4);
  for (int i = 0; i < 2000; ++i) counter.add(random());
  counter.add(0);
  counter.add(~0ULL);
  CHECK(error_of(counter.estimate(), 2002) < 0.05);
}

TEST_CASE("distinct counters merge like sets: in any order, any grouping, any number of times") {
  Random random(5);
  for (std::size_t round = 0; round < 60; ++round) {
    auto size = [&] { return random() % 2 == 0 ? random() % 500 : random() % 3000; };
    DistinctCounter a = random_values(random, size()), b = random_values(random, size());
    DistinctCounter c = random_values(random, size());
    REQUIRE(same(merged(a, b), merged(b, a)));
    REQUIRE(same(merged(merged(a, b), c), merged(a, merged(b, c))));
    REQUIRE(same(merged(a, a), a));
    REQUIRE(same(merged(merged(a, b), b), merged(a, b)));
    REQUIRE(same(merged(a, DistinctCounter{}), a));
    REQUIRE(same(merged(DistinctCounter{}, a), a));
  }
}

TEST_CASE("a merged counter is the one that saw everything itself") {
  Random random(6);
  for (std::size_t size : {100u, 511u, 512u, 513u, 900u, 5000u}) {
    DistinctCounter all, parts[3];
    for (std::size_t i = 0; i < size; ++i) {
      std::uint64_t value = random();
      all.add(value);
      parts[i % 3].add(value);
      if (i % 7 == 0) parts[(i + 1) % 3].add(value);
    }
    CHECK(same(merged(merged(parts[0], parts[1]), parts[2]), all));
  }
}

TEST_CASE("a cleared counter is empty, and counts again") {
  Random random(7);
  for (std::size_t size : {10u, 5000u}) {
    DistinctCounter counter = random_values(random, size);
    counter.clear();
    CHECK(counter.empty());
    CHECK(counter.estimate() == 0);
    counter.add(1);
    CHECK(counter.estimate() == 1);
  }
}

TEST_CASE("a restored counter goes on as the stored one would have") {
  Random random(8);
  for (std::size_t size : {0u, 10u, 512u, 5000u}) {
    DistinctCounter counter = random_values(random, size);
    DistinctCounter again = DistinctCounter::restore(counter.exact(), counter.registers());
    CHECK(same(again, counter));
    for (int i = 0; i < 600; ++i) {
      std::uint64_t value = random();
      counter.add(value);
      again.add(value);
    }
    CHECK(same(again, counter));
  }
}

TEST_CASE("quantiles are within 1.6 % of the true ones, at every magnitude") {
  Random random(9);
  for (unsigned bits = 1; bits <= 63; ++bits) {
    LogHistogram histogram;
    std::vector<std::uint64_t> values;
    for (int i = 0; i < 500; ++i) {
      values.push_back(random() >> (64 - bits));
      histogram.add(values.back());
    }
    std::sort(values.begin(), values.end());
    for (double q : {0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 1.0}) {
      std::uint64_t truth = true_quantile(values, q), found = histogram.quantile(q);
      REQUIRE_MESSAGE(error_of(found, truth) <= 0.016, "quantile ", q, " is ", truth, ", not ", found);
    }
  }
}

TEST_CASE("every single value is given back within 1.6 %, small ones exactly") {
  auto given_back = [](std::uint64_t value) {
    LogHistogram histogram;
    histogram.add(value);
    return histogram.quantile(0.5);
  };
  for (std::uint64_t value = 0; value < 64; ++value) CHECK(given_back(value) == value);
  for (unsigned shift = 6; shift < 64; ++shift) {
    std::uint64_t power = 1ULL << shift;
    for (std::uint64_t value : {power - 1, power, power + 1, power + power / 2, power + (power - 1)}) {
      REQUIRE_MESSAGE(error_of(given_back(value), value) <= 0.016, value, " became ", given_back(value));
    }
  }
}

TEST_CASE("quantiles of an empty histogram are zero") {
  LogHistogram histogram;
  CHECK(histogram.count() == 0);
  CHECK(histogram.quantile(0) == 0);
  CHECK(histogram.quantile(1) == 0);
  histogram.add(1000, 3);
  CHECK(histogram.count() == 3);
  histogram.clear();
  CHECK(histogram.count() == 0);
}

TEST_CASE("counts weigh as much as so many single values") {
  LogHistogram weighed, single;
  weighed.add(10, 90);
  weighed.add(5000, 10);
  for (int i = 0; i < 90; ++i) single.add(10);
  for (int i = 0; i < 10; ++i) single.add(5000);
  CHECK(same(weighed, single));
  CHECK(weighed.quantile(0.9) == 10);
  CHECK(error_of(weighed.quantile(0.91), 5000) <= 0.016);
}

TEST_CASE("histograms merge in any order and grouping, into what one histogram would hold") {
  Random random(10);
  for (int round = 0; round < 100; ++round) {
    LogHistogram all, parts[3];
    for (int i = 0; i < 60; ++i) {
      std::uint64_t value = random() >> random() % 64;
      all.add(value);
      parts[random() % 3].add(value);
    }
    REQUIRE(same(merged(merged(parts[0], parts[1]), parts[2]), all));
    REQUIRE(same(merged(parts[2], merged(parts[1], parts[0])), all));
    REQUIRE(all.count() == 60);
  }
}

TEST_CASE("a sample of names is the same, whatever the order and however it was merged") {
  std::mt19937_64 random(1);
  for (std::size_t count : {0, 5, 24, 25, 200}) {
    std::vector<std::uint32_t> hashes(count);
    for (auto& hash : hashes) hash = static_cast<std::uint32_t>(random());
    NameSketch one, left, right;
    for (std::uint32_t hash : hashes) one.add(hash);
    std::shuffle(hashes.begin(), hashes.end(), random);
    for (std::uint32_t hash : hashes) (random() % 2 == 0 ? left : right).add(hash);
    left.merge(right);
    CHECK(left.hashes() == one.hashes());
    CHECK(one.hashes().size() == std::min(count, NameSketch::kLimit));
    std::sort(hashes.begin(), hashes.end());
    CHECK(std::equal(one.hashes().begin(), one.hashes().end(), hashes.begin()));
  }
}

}  // namespace specular::test
