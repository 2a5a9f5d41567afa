#include "analyzers/discovery/summary.h"

namespace specular {

void ParameterSummary::merge(const ParameterSummary& other) {
  count += other.count;
  repeated += other.repeated;
  for (std::size_t i = 0; i < classes.size(); ++i) classes[i] += other.classes[i];
}

ParameterSummary* ParameterTable::find(std::string_view name) {
  auto at = std::lower_bound(parameters_.begin(), parameters_.end(), name,
                             [](const ParameterSummary& p, std::string_view n) { return p.name < n; });
  if (at != parameters_.end() && at->name == name) return &*at;
  if (parameters_.size() >= kLimit) {
    ++overflow_;
    return nullptr;
  }
  at = parameters_.insert(at, ParameterSummary{});
  at->name = name;
  return &*at;
}

void ParameterTable::clear() {
  parameters_.clear();
  overflow_ = 0;
}

void ParameterTable::merge(const ParameterTable& other) {
  overflow_ += other.overflow_;
  for (const ParameterSummary& theirs : other.parameters_) {
    if (ParameterSummary* ours = find(theirs.name)) ours->merge(theirs);
  }
}

bool says_denied(std::uint16_t status) {
  return status == 401 || status == 403 || status == 407;
}

bool says_existing(std::uint16_t status) {
  switch (status) {
    case 404:
    case 405:
    case 410:
    case 501:
    case 502:
    case 503:
    case 504: return false;
    default: return true;
  }
}

bool EndpointSummary::exists() const {
  for (const auto& [status, count] : statuses.entries()) {
    if (says_existing(status)) return true;
  }
  // A mirror of requests alone never shows an answer.
  return statuses.empty() && one_sided > 0;
}

bool EndpointSummary::confirmed() const {
  bool granted = std::any_of(statuses.entries().begin(), statuses.entries().end(),
                             [](const auto& entry) { return says_existing(entry.first) && !says_denied(entry.first); });
  return granted || (statuses.empty() && exists());
}

void EndpointSummary::merge(const EndpointSummary& other) {
  requests += other.requests;
  first_seen = std::min(first_seen, other.first_seen);
  last_seen = std::max(last_seen, other.last_seen);
  statuses.merge(other.statuses);
  unanswered += other.unanswered;
  one_sided += other.one_sided;
  for (std::size_t i = 0; i < wholes.size(); ++i) wholes[i] += other.wholes[i];
  request_types.merge(other.request_types);
  response_types.merge(other.response_types);
  auth.merge(other.auth);
  access.merge(other.access);
  preflights += other.preflights;
  clients.merge(other.clients);
  servers.merge(other.servers);
  latency_us.merge(other.latency_us);
  request_bytes.merge(other.request_bytes);
  response_bytes.merge(other.response_bytes);
  query.merge(other.query);
  headers.merge(other.headers);
  answers.merge(other.answers);
  echoes.merge(other.echoes);
  names.merge(other.names);
  shapes.merge(other.shapes);
  operations.merge(other.operations);
  deprecation.merge(other.deprecation);
}

void EndpointSummary::clear() {
  requests = unanswered = one_sided = preflights = 0;
  first_seen = Timestamp::max();
  last_seen = Timestamp::min();
  statuses.clear();
  wholes = {};
  request_types.clear();
  response_types.clear();
  auth.clear();
  access.clear();
  clients.clear();
  servers.clear();
  latency_us.clear();
  request_bytes.clear();
  response_bytes.clear();
  query.clear();
  headers.clear();
  answers.clear();
  echoes.clear();
  names.clear();
  shapes.clear();
  operations.clear();
  deprecation = {};
}

}  // namespace specular
