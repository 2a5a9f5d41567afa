#include "analyzers/discovery/sketch.h"

#include <algorithm>
#include <bit>

#include "analyzers/discovery/hyper_log_log.h"

namespace specular {
namespace {

constexpr unsigned kSubBits = 5;
constexpr std::uint64_t kSubBuckets = 1u << kSubBits;

// The position of the leading bit, then the five bits behind it.
std::int16_t bucket_of(std::uint64_t value) {
  if (value < kSubBuckets) return static_cast<std::int16_t>(value);
  auto shift = static_cast<unsigned>(std::bit_width(value)) - kSubBits - 1;
  return static_cast<std::int16_t>((shift + 1) * kSubBuckets + (value >> shift) - kSubBuckets);
}

// The middle of a bucket.
std::uint64_t value_of(std::int16_t bucket) {
  auto index = static_cast<std::uint64_t>(bucket);
  if (index < kSubBuckets) return index;
  std::uint64_t shift = index / kSubBuckets - 1;
  std::uint64_t least = (index % kSubBuckets + kSubBuckets) << shift;
  return least + ((1ull << shift) - 1) / 2;
}

}  // namespace

void DistinctCounter::add(std::uint64_t hash) {
  if (!registers_.empty()) return add_register(hash);
  auto at = std::lower_bound(exact_.begin(), exact_.end(), hash);
  if (at != exact_.end() && *at == hash) return;
  exact_.insert(at, hash);
  if (exact_.size() > kExact) become_estimate();
}

void DistinctCounter::add_register(std::uint64_t hash) {
  std::size_t index = hash >> (64 - kBits);
  auto rank = static_cast<std::uint8_t>(std::countl_zero(hash << kBits | 1u << (kBits - 1)) + 1);
  registers_[index] = std::max(registers_[index], rank);
}

void DistinctCounter::become_estimate() {
  registers_.assign(kRegisters, 0);
  for (std::uint64_t hash : exact_) add_register(hash);
  exact_.clear();
  exact_.shrink_to_fit();
}

void DistinctCounter::merge(const DistinctCounter& other) {
  if (other.registers_.empty()) {
    for (std::uint64_t hash : other.exact_) add(hash);
    return;
  }
  if (registers_.empty()) become_estimate();
  for (std::size_t i = 0; i < kRegisters; ++i) registers_[i] = std::max(registers_[i], other.registers_[i]);
}

std::uint64_t DistinctCounter::estimate() const {
  if (registers_.empty()) return exact_.size();
  return estimate_of_registers(registers_);
}

void DistinctCounter::clear() {
  exact_.clear();
  registers_.clear();
}

DistinctCounter DistinctCounter::restore(std::vector<std::uint64_t> exact, std::vector<std::uint8_t> registers) {
  DistinctCounter counter;
  counter.exact_ = std::move(exact);
  counter.registers_ = std::move(registers);
  return counter;
}

void NameSketch::add(std::uint32_t hash) {
  if (!covers(hash)) return;
  auto at = std::lower_bound(hashes_.begin(), hashes_.end(), hash);
  if (at != hashes_.end() && *at == hash) return;
  hashes_.insert(at, hash);
  if (hashes_.size() > kLimit) hashes_.pop_back();
}

void NameSketch::merge(const NameSketch& other) {
  for (std::uint32_t hash : other.hashes_) add(hash);
}

bool NameSketch::contains(std::uint32_t hash) const {
  return std::binary_search(hashes_.begin(), hashes_.end(), hash);
}

void LogHistogram::add(std::uint64_t value, std::uint64_t count) {
  add_bucket({bucket_of(value), count});
}

void LogHistogram::add_bucket(Bucket bucket) {
  auto at = std::lower_bound(buckets_.begin(), buckets_.end(), bucket.index,
                             [](const Bucket& b, std::int16_t index) { return b.index < index; });
  if (at != buckets_.end() && at->index == bucket.index) {
    at->count += bucket.count;
  } else {
    buckets_.insert(at, bucket);
  }
}

void LogHistogram::merge(const LogHistogram& other) {
  for (const Bucket& bucket : other.buckets_) add_bucket(bucket);
}

std::uint64_t LogHistogram::count() const {
  std::uint64_t total = 0;
  for (const Bucket& bucket : buckets_) total += bucket.count;
  return total;
}

std::uint64_t LogHistogram::quantile(double q) const {
  auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count())));
  std::uint64_t passed = 0;
  for (const Bucket& bucket : buckets_) {
    passed += bucket.count;
    if (passed < std::max<std::uint64_t>(rank, 1)) continue;
    return value_of(bucket.index);
  }
  return 0;
}

}  // namespace specular
