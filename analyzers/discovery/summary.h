// EndpointSummary: what is known of one endpoint, or what one epoch added to it. Merging is commutative and
// associative, and idempotent where it is a union, as long as no table is full.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "analyzers/discovery/access.h"
#include "analyzers/discovery/deprecation.h"
#include "analyzers/discovery/operations.h"
#include "analyzers/discovery/schema.h"
#include "analyzers/discovery/segment.h"
#include "analyzers/discovery/sketch.h"
#include "capture/base/ip.h"
#include "capture/base/time.h"
#include "capture/exchange.h"

namespace specular {

// Counts by key, in ascending order; a few entries. Past `kLimit` keys, further ones are counted together.
template <class Key, std::size_t kLimit>
class CountTable {
 public:
  template <class Like>
  void add(const Like& key, std::uint64_t count = 1) {
    auto at = std::lower_bound(entries_.begin(), entries_.end(), key,
                               [](const auto& e, const auto& k) { return e.first < k; });
    if (at != entries_.end() && at->first == key) {
      at->second += count;
    } else if (entries_.size() < kLimit) {
      entries_.insert(at, {Key(key), count});
    } else {
      others_ += count;
    }
  }
  void merge(const CountTable& other) {
    for (const auto& [key, count] : other.entries_) add(key, count);
    others_ += other.others_;
  }
  void add_others(std::uint64_t count) { others_ += count; }
  void clear() {
    entries_.clear();
    others_ = 0;
  }

  const std::vector<std::pair<Key, std::uint64_t>>& entries() const { return entries_; }
  std::uint64_t others() const { return others_; }
  bool empty() const { return entries_.empty() && others_ == 0; }
  std::uint64_t total() const {
    std::uint64_t sum = others_;
    for (const auto& entry : entries_) sum += entry.second;
    return sum;
  }

 private:
  std::vector<std::pair<Key, std::uint64_t>> entries_;
  std::uint64_t others_ = 0;
};

// A query or header parameter: how often it was there, and what its values looked like. No value is kept.
struct ParameterSummary {
  std::string name;
  std::uint64_t count = 0;     // requests that had it
  std::uint64_t repeated = 0;  // of these, those that had it more than once: a list
  std::array<std::uint32_t, kSegmentClasses> classes{};

  void merge(const ParameterSummary& other);
};

class ParameterTable {
 public:
  static constexpr std::size_t kLimit = 64;

  // The parameter of that name, made if need be; null if the table is full.
  ParameterSummary* find(std::string_view name);
  void merge(const ParameterTable& other);
  void clear();

  const std::vector<ParameterSummary>& parameters() const { return parameters_; }  // by name
  std::uint64_t overflow() const { return overflow_; }                             // names there was no room for
  void add_overflow(std::uint64_t count) { overflow_ += count; }

 private:
  std::vector<ParameterSummary> parameters_;
  std::uint64_t overflow_ = 0;
};

struct EndpointSummary {
  std::uint64_t requests = 0;
  Timestamp first_seen = Timestamp::max(), last_seen = Timestamp::min();
  CountTable<std::uint16_t, 64> statuses;
  std::uint64_t unanswered = 0;           // without a response that was seen
  std::uint64_t one_sided = 0;            // of these, where only the client's side is mirrored
  std::array<std::uint64_t, 5> wholes{};  // by Whole
  CountTable<std::string, 16> request_types, response_types;
  CountTable<std::string, 16> auth;  // "bearer", "apiKey:header:x-api-key"; anonymous requests under ""
  AccessSummary access;
  std::uint64_t preflights = 0;  // of them, CORS preflight requests
  DistinctCounter clients;
  CountTable<SocketAddress, 32> servers;
  LogHistogram latency_us, request_bytes, response_bytes;  // of bodies; requests without one do not count
  ParameterTable query, headers;
  // What answers were like, as hashes of status, type, size and the beginning of the content; in `echoes`, of those
  // that repeat the path, the same without it. Where anything is answered alike, nobody is at home.
  CountTable<std::uint64_t, 4> answers, echoes;
  NameSketch names;   // that stand in the bodies of answers that grant what was asked for
  ShapeTable shapes;  // of bodies, queries, headers and cookies
  OperationTable operations;
  Deprecation deprecation;

  // Whether a server has ever answered as if this existed.
  bool exists() const;
  // Whether a server has ever done more than to deny it: whoever answers 401 may do so for any path.
  bool confirmed() const;
  // Whether it has requests whose answer, or its loss, is still to come.
  bool waits() const { return requests > statuses.total() + unanswered; }
  void merge(const EndpointSummary& other);
  void clear();  // keeps memory
};

// Whether a status says that method and path exist: not 404, 405, 410 or 501, nor that a gateway reached nobody.
bool says_existing(std::uint16_t status);
bool says_denied(std::uint16_t status);

}  // namespace specular
