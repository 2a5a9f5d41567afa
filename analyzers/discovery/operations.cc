#include "analyzers/discovery/operations.h"

#include <algorithm>
#include <tuple>

namespace specular {

const char* protocol_of(OperationKind kind) {
  static constexpr const char* kProtocols[] = {
#define OPERATION_KIND(name, protocol, type) protocol,
#include "analyzers/discovery/operations.def"
#undef OPERATION_KIND
  };
  return kProtocols[static_cast<std::size_t>(kind)];
}

const char* type_of(OperationKind kind) {
  static constexpr const char* kTypes[] = {
#define OPERATION_KIND(name, protocol, type) type,
#include "analyzers/discovery/operations.def"
#undef OPERATION_KIND
  };
  return kTypes[static_cast<std::size_t>(kind)];
}

void Operation::add(std::uint16_t status, std::uint64_t times) {
  auto at = std::lower_bound(statuses.begin(), statuses.end(), status,
                             [](const auto& entry, std::uint16_t s) { return entry.first < s; });
  if (at == statuses.end() || at->first != status) at = statuses.insert(at, {status, 0});
  at->second += times;
}

void Operation::merge(const Operation& other) {
  count += other.count;
  first_seen = std::min(first_seen, other.first_seen);
  last_seen = std::max(last_seen, other.last_seen);
  depth = std::max(depth, other.depth);
  for (const auto& [status, times] : other.statuses) add(status, times);
}

std::uint64_t OperationTable::hash_of(const HashKey& key, OperationKind kind, std::string_view name) {
  return fast_hash({key.k0 + static_cast<std::uint64_t>(kind), key.k1}, as_bytes(name));
}

void OperationTable::add(const Operation& added) {
  auto place = [](const Operation& o) { return std::tie(o.kind, o.hash, o.name); };
  auto at = std::lower_bound(operations_.begin(), operations_.end(), added,
                             [&](const Operation& a, const Operation& b) { return place(a) < place(b); });
  if (at != operations_.end() && place(*at) == place(added)) return at->merge(added);
  auto same_kind = [&](const Operation& o) { return o.kind == added.kind; };
  auto last = std::find_if_not(at, operations_.end(), same_kind);
  auto first = std::find_if(operations_.begin(), at, same_kind);
  if (static_cast<std::size_t>(last - first) < kLimit) {
    operations_.insert(at, added);
  } else if (at != last) {
    std::move_backward(at, last - 1, last);
    *at = added;
  }
}

void OperationTable::add_errors(std::uint64_t hash, std::uint64_t count) {
  failed_ += count;
  auto at = std::lower_bound(errors_.begin(), errors_.end(), hash,
                             [](const auto& entry, std::uint64_t h) { return entry.first < h; });
  if (at != errors_.end() && at->first == hash) {
    at->second += count;
    return;
  }
  if (at == errors_.end() && errors_.size() == kErrorLimit) return;
  auto index = at - errors_.begin();
  if (errors_.size() == kErrorLimit) errors_.pop_back();
  errors_.insert(errors_.begin() + index, {hash, count});
}

void OperationTable::merge(const OperationTable& other) {
  for (const Operation& operation : other.operations_) add(operation);
  std::uint64_t failed = failed_ + other.failed_;
  for (const auto& [hash, count] : other.errors_) add_errors(hash, count);
  failed_ = failed;
  unconfirmed_ += other.unconfirmed_;
}

void OperationTable::clear() {
  operations_.clear();
  errors_.clear();
  failed_ = unconfirmed_ = 0;
}

std::uint64_t OperationTable::errors_of(const Operation& operation) const {
  auto at = std::lower_bound(errors_.begin(), errors_.end(), operation.hash,
                             [](const auto& entry, std::uint64_t h) { return entry.first < h; });
  return at != errors_.end() && at->first == operation.hash ? at->second : 0;
}

}  // namespace specular
