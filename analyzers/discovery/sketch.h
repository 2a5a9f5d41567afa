// Mergeable summaries: the same whatever the order, the number of shards, or how a capture was cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace specular {

// How many distinct values were seen, by their keyed 64-bit hashes. Exact up to kExact, then HyperLogLog (Flajolet et
// al., 2007) with 4096 registers: 1.6 % standard error in 4 KiB.
class DistinctCounter {
 public:
  static constexpr std::size_t kExact = 512;
  static constexpr unsigned kBits = 12;
  static constexpr std::size_t kRegisters = std::size_t{1} << kBits;
  static constexpr std::uint8_t kMaxRank = 64 - kBits + 1;

  void add(std::uint64_t hash);
  void merge(const DistinctCounter& other);
  std::uint64_t estimate() const;
  bool empty() const { return exact_.empty() && registers_.empty(); }
  void clear();  // keeps memory

  // For storage: one of them is empty.
  const std::vector<std::uint64_t>& exact() const { return exact_; }
  const std::vector<std::uint8_t>& registers() const { return registers_; }
  static DistinctCounter restore(std::vector<std::uint64_t> exact, std::vector<std::uint8_t> registers);

 private:
  void add_register(std::uint64_t hash);
  void become_estimate();

  std::vector<std::uint64_t> exact_;  // ascending
  std::vector<std::uint8_t> registers_;
};

// A sample of a set of names, by 32-bit hashes: those with the lowest hashes (Bar-Yossef et al., 2002). A small set is
// there as a whole; of larger ones, all samples have the same part, so that any two can be compared.
class NameSketch {
 public:
  static constexpr std::size_t kLimit = 24;

  void add(std::uint32_t hash);
  void merge(const NameSketch& other);
  const std::vector<std::uint32_t>& hashes() const { return hashes_; }  // ascending
  bool empty() const { return hashes_.empty(); }
  // Whether it would have this name if the set has it.
  bool covers(std::uint32_t hash) const { return hashes_.size() < kLimit || hash <= hashes_.back(); }
  bool contains(std::uint32_t hash) const;
  void clear() { hashes_.clear(); }

  // Hashes of names are larger than these, which stand for what holds the names: so they are always in the sample.
  static constexpr std::uint32_t kObject = 0, kList = 1, kFirstName = 2;

 private:
  std::vector<std::uint32_t> hashes_;
};

// Quantiles of a quantity, within 1.6 % of their value: counts in 32 buckets to each doubling, so that no
// floating-point arithmetic decides where a value falls. Below 32 every value has a bucket of its own.
class LogHistogram {
 public:
  static constexpr std::int16_t kBuckets = 60 * 32;  // up to the largest value of 64 bits

  struct Bucket {
    std::int16_t index;
    std::uint64_t count;
  };

  void add(std::uint64_t value, std::uint64_t count = 1);
  void merge(const LogHistogram& other);
  std::uint64_t count() const;
  // The value below which the share `q` lies, from 0 to 1; 0 if empty.
  std::uint64_t quantile(double q) const;
  void clear() { buckets_.clear(); }

  const std::vector<Bucket>& buckets() const { return buckets_; }
  void restore(Bucket bucket) { add_bucket(bucket); }

 private:
  void add_bucket(Bucket bucket);

  std::vector<Bucket> buckets_;  // ascending, few
};

}  // namespace specular
