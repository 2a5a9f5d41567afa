#include "analyzers/operation_rows.h"

namespace specular {
namespace {

std::int64_t to_ns(Timestamp time) {
  return time.time_since_epoch().count();
}

Timestamp from_ns(std::int64_t ns) {
  return Timestamp(Duration(ns));
}

void put(const Operation& from, stored::Operation& to) {
  to.set_kind(static_cast<std::uint32_t>(from.kind));
  to.set_hash(from.hash);
  to.set_name(from.name);
  to.set_count(from.count);
  to.set_first_seen_ns(to_ns(from.first_seen));
  to.set_last_seen_ns(to_ns(from.last_seen));
  to.set_depth(from.depth);
  for (const auto& [status, count] : from.statuses) {
    auto* entry = to.add_statuses();
    entry->set_key(status);
    entry->set_count(count);
  }
}

}  // namespace

void put_access(const EndpointSummary& from, stored::Endpoint& to) {
  for (const auto& [ways, count] : from.access.sets.entries()) {
    auto* entry = to.add_access_sets();
    entry->set_ways(ways);
    entry->set_requests(count.requests);
    entry->set_granted(count.granted);
  }
  for (const auto& [way, values] : from.access.values.entries()) {
    auto* entry = to.add_credential_values();
    entry->set_way(way);
    entry->set_requests(values.requests);
    const auto& registers = values.different.registers();
    entry->set_registers(std::string(registers.begin(), registers.end()));
  }
  to.set_bearers(from.access.bearers);
  to.set_jwts(from.access.jwts);
}

bool get_access(const stored::Endpoint& from, EndpointSummary& to) {
  for (const auto& entry : from.access_sets()) {
    if (AccessCount* count = to.access.sets.find(entry.ways())) count->merge({entry.requests(), entry.granted()});
  }
  for (const auto& entry : from.credential_values()) {
    CredentialValues values{entry.requests(), {}};
    if (!values.different.restore(entry.registers())) return false;
    if (CredentialValues* into = to.access.values.find(entry.way())) into->merge(values);
  }
  to.access.bearers = from.bearers();
  to.access.jwts = from.jwts();
  return true;
}

void put_operations(const EndpointSummary& from, stored::Endpoint& to) {
  for (const Operation& operation : from.operations.operations()) put(operation, *to.add_operations());
  for (const auto& [hash, count] : from.operations.errors()) {
    auto* entry = to.mutable_operation_errors()->add_entries();
    entry->set_key(hash);
    entry->set_count(count);
  }
  to.set_failed_calls(from.operations.failed());
  to.set_unconfirmed_calls(from.operations.unconfirmed());
  if (from.deprecation.answers == 0) return;
  auto* deprecation = to.mutable_deprecation();
  deprecation->set_answers(from.deprecation.answers);
  deprecation->set_told_ns(to_ns(from.deprecation.last.told));
  deprecation->set_since_ns(to_ns(from.deprecation.last.since));
  deprecation->set_sunset_ns(to_ns(from.deprecation.last.sunset));
}

bool get_operations(const stored::Endpoint& from, EndpointSummary& to) {
  for (const auto& entry : from.operations()) {
    if (entry.kind() >= kOperationKinds) return false;
    Operation operation{static_cast<OperationKind>(entry.kind()),
                        entry.hash(),
                        entry.name(),
                        entry.count(),
                        from_ns(entry.first_seen_ns()),
                        from_ns(entry.last_seen_ns()),
                        {},
                        entry.depth()};
    for (const auto& status : entry.statuses()) {
      if (status.key() / 100 != 2) return false;
      operation.add(static_cast<std::uint16_t>(status.key()), status.count());
    }
    to.operations.add(operation);
  }
  for (const auto& entry : from.operation_errors().entries()) to.operations.add_errors(entry.key(), entry.count());
  to.operations.restore_failed(from.failed_calls());
  to.operations.add_unconfirmed(from.unconfirmed_calls());
  if (!from.has_deprecation()) return true;
  const auto& deprecation = from.deprecation();
  to.deprecation = {
      deprecation.answers(),
      {from_ns(deprecation.told_ns()), from_ns(deprecation.since_ns()), from_ns(deprecation.sunset_ns())}};
  return true;
}

}  // namespace specular
