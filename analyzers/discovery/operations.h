// Operations: what is called through one endpoint where method and path do not tell: GraphQL fields, methods of
// JSON-RPC, tools of MCP, SOAP messages, gRPC methods; and what a token endpoint of OAuth grants.
//
// Names come from clients. Only what a server answered by success becomes an operation; of the rest there are counts.
// Bounded in each kind to those with the least keyed hashes, which nobody can choose, and which are the same in
// whatever order calls came: what was left out once cannot come back. Errors are counted apart, in the same way, since
// what fails today may have succeeded before.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "capture/base/hash.h"
#include "capture/base/time.h"

namespace specular {

enum class OperationKind : std::uint8_t {
#define OPERATION_KIND(name, protocol, type) name,
#include "analyzers/discovery/operations.def"
#undef OPERATION_KIND
};

inline constexpr std::size_t kOperationKinds = 0
#define OPERATION_KIND(name, protocol, type) +1
#include "analyzers/discovery/operations.def"
#undef OPERATION_KIND
    ;

const char* protocol_of(OperationKind kind);
const char* type_of(OperationKind kind);

struct Operation {
  OperationKind kind{};
  std::uint64_t hash = 0;  // of the name
  std::string name;
  std::uint64_t count = 0;  // calls answered by success
  Timestamp first_seen = Timestamp::max(), last_seen = Timestamp::min();
  std::vector<std::pair<std::uint16_t, std::uint64_t>> statuses;  // of these calls, ascending: 2xx only, so few
  std::uint32_t depth = 0;                                        // the deepest selection of GraphQL

  void add(std::uint16_t status, std::uint64_t times);
  void merge(const Operation& other);
  bool operator==(const Operation&) const = default;
};

class OperationTable {
 public:
  static constexpr std::size_t kLimit = 128;        // of a kind
  static constexpr std::size_t kErrorLimit = 128;   // of names whose errors are counted
  static constexpr std::size_t kMaxNameSize = 128;  // of names in bytes

  static std::uint64_t hash_of(const HashKey& key, OperationKind kind, std::string_view name);

  // Calls that succeeded.
  void add(const Operation& operation);
  void add_errors(std::uint64_t hash, std::uint64_t count);
  // Calls that neither succeeded nor failed for sure: nobody saw an answer, or there is none.
  void add_unconfirmed(std::uint64_t count) { unconfirmed_ += count; }
  void merge(const OperationTable& other);
  void clear();

  bool empty() const { return operations_.empty() && errors_.empty() && unconfirmed_ == 0 && failed_ == 0; }
  const std::vector<Operation>& operations() const { return operations_; }  // ascending by kind and hash
  // Calls of that operation that were answered by an error; a lower bound if more names failed than are counted.
  std::uint64_t errors_of(const Operation& operation) const;
  const std::vector<std::pair<std::uint64_t, std::uint64_t>>& errors() const { return errors_; }  // by hash
  std::uint64_t failed() const { return failed_; }  // calls answered by an error, of whatever name
  std::uint64_t unconfirmed() const { return unconfirmed_; }
  // For storage: of those whose names are not counted.
  void restore_failed(std::uint64_t count) { failed_ = count; }
  bool operator==(const OperationTable&) const = default;

 private:
  std::vector<Operation> operations_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> errors_;
  std::uint64_t failed_ = 0, unconfirmed_ = 0;
};

}  // namespace specular
