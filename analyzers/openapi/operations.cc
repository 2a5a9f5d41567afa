#include "analyzers/openapi/operations.h"

#include <algorithm>
#include <tuple>

#include <nlohmann/json.hpp>

#include "capture/base/escape.h"

namespace specular {
namespace {

using Json = nlohmann::ordered_json;

bool is_of_oauth(OperationKind kind) {
  return kind == OperationKind::oauth_grant || kind == OperationKind::oauth_scope;
}

Json time_or_null(Timestamp time) {
  return time == Timestamp::min() ? Json(nullptr) : Json(to_rfc3339(time));
}

}  // namespace

Json operations_json(const OperationTable& operations, bool calls_only) {
  std::vector<Operation> sorted = operations.operations();
  std::sort(sorted.begin(), sorted.end(),
            [](const Operation& a, const Operation& b) { return std::tie(a.kind, a.name) < std::tie(b.kind, b.name); });
  Json list = Json::array();
  for (const Operation& operation : sorted) {
    if (calls_only && is_of_oauth(operation.kind)) continue;
    Json json;
    json["protocol"] = protocol_of(operation.kind);
    json["type"] = type_of(operation.kind);
    json["name"] = make_utf8(operation.name);
    json["calls"] = operation.count;
    json["errors"] = operations.errors_of(operation);
    json["first_seen"] = to_rfc3339(operation.first_seen);
    json["last_seen"] = to_rfc3339(operation.last_seen);
    json["statuses"] = Json::object();
    for (const auto& [status, count] : operation.statuses) json["statuses"][std::to_string(status)] = count;
    if (operation.depth > 0) json["depth"] = operation.depth;
    list.push_back(json);
  }
  return list;
}

Json access_json(const Endpoint& endpoint) {
  Json list = Json::array();
  for (const auto& [set, count] : endpoint.route.summary.access.sets.entries()) {
    Json json;
    json["ways"] = Json::array();
    for (const std::string& way : ways_in(set)) json["ways"].push_back(make_utf8(way));
    json["requests"] = count.requests;
    json["granted"] = count.granted;
    list.push_back(json);
  }
  return list;
}

Json deprecation_json(const Deprecation& deprecation) {
  if (deprecation.answers == 0) return nullptr;
  Json json;
  json["answers"] = deprecation.answers;
  json["since"] = time_or_null(deprecation.last.since);
  json["sunset"] = time_or_null(deprecation.last.sunset);
  return json;
}

}  // namespace specular
