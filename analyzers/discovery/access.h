// Access: with which credentials an endpoint was asked, and with which of them it answered; by the names that
// inspect/credentials.h gives to them. No credential is kept, nor a hash that could confirm one.
//
// Merging is commutative, associative and, past the bounds, still the same in any order: what is kept are the first
// keys in an order that is given (short ones first: a scheme of HTTP is never pushed out by made-up names), and such a
// set only ever loses what cannot come back.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace specular {

// How many different values there were, as a HyperLogLog of 128 registers (9 % standard error). Nothing of a value can
// be told from it. Requires: hashes are keyed.
class RoughCount {
 public:
  static constexpr unsigned kBits = 7;
  static constexpr std::size_t kRegisters = std::size_t{1} << kBits;
  static constexpr std::uint8_t kMaxRank = 64 - kBits + 1;

  void add(std::uint64_t hash);
  void merge(const RoughCount& other);
  std::uint64_t estimate() const;
  // For storage.
  const std::array<std::uint8_t, kRegisters>& registers() const { return registers_; }
  // False if no count has such registers.
  bool restore(std::string_view registers);
  bool operator==(const RoughCount&) const = default;

 private:
  std::array<std::uint8_t, kRegisters> registers_{};
};

// Texts with something mergeable each; of more than kLimit, the first in the order of (length, text).
template <class Value, std::size_t kLimit>
class ShortestTable {
 public:
  // The value of a key, made if need be; null if there is no room for it.
  Value* find(std::string_view key) {
    auto at = std::lower_bound(entries_.begin(), entries_.end(), key, [](const auto& entry, std::string_view k) {
      return entry.first.size() != k.size() ? entry.first.size() < k.size() : entry.first < k;
    });
    if (at != entries_.end() && at->first == key) return &at->second;
    if (at == entries_.end() && entries_.size() == kLimit) return nullptr;
    auto index = at - entries_.begin();
    if (entries_.size() == kLimit) entries_.pop_back();
    return &entries_.insert(entries_.begin() + index, {std::string(key), Value{}})->second;
  }
  void merge(const ShortestTable& other) {
    for (const auto& [key, theirs] : other.entries_) {
      if (Value* ours = find(key)) ours->merge(theirs);
    }
  }
  void clear() { entries_.clear(); }
  const std::vector<std::pair<std::string, Value>>& entries() const { return entries_; }
  bool operator==(const ShortestTable&) const = default;

 private:
  std::vector<std::pair<std::string, Value>> entries_;
};

// Requests with the same credentials.
struct AccessCount {
  std::uint64_t requests = 0;
  std::uint64_t granted = 0;  // of them, those answered by 2xx or 304

  void merge(const AccessCount& other) {
    requests += other.requests;
    granted += other.granted;
  }
  bool operator==(const AccessCount&) const = default;
};

// The values that one way to authenticate had.
struct CredentialValues {
  std::uint64_t requests = 0;
  RoughCount different;

  void merge(const CredentialValues& other) {
    requests += other.requests;
    different.merge(other.different);
  }
  bool operator==(const CredentialValues&) const = default;
};

struct AccessSummary {
  static constexpr std::size_t kSets = 32, kWays = 16;
  static constexpr char kSeparator = '\n';  // between the ways of a set, which are ascending; no name has it

  ShortestTable<AccessCount, kSets> sets;         // what was sent together; "" for nothing
  ShortestTable<CredentialValues, kWays> values;  // of keys in headers, queries and cookies
  std::uint64_t bearers = 0, jwts = 0;            // bearer tokens that were granted; of them, JSON Web Tokens

  void merge(const AccessSummary& other);
  void clear();
  bool operator==(const AccessSummary&) const = default;
};

// The ways of a set.
std::vector<std::string> ways_in(std::string_view set);

}  // namespace specular
