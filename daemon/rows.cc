#include "daemon/rows.h"

#include <algorithm>

#include <fmt/format.h>

#include "analyzers/openapi/operations.h"
#include "capture/base/time.h"
#include "daemon/schema_view.h"

namespace specular {
namespace {

Json counts_json(const auto& table) {
  Json json = Json::object();
  for (const auto& [key, count] : table.entries()) json[fmt::format("{}", key)] = count;
  if (table.others() > 0) json["other"] = table.others();
  return json;
}

Json quantiles_json(const LogHistogram& histogram, double unit) {
  if (histogram.count() == 0) return nullptr;
  Json json;
  for (auto [name, q] : {std::pair("p50", 0.5), {"p90", 0.9}, {"p99", 0.99}, {"max", 1.0}}) {
    double value = static_cast<double>(histogram.quantile(q)) / unit;
    json[name] = unit == 1 ? Json(static_cast<std::uint64_t>(value)) : Json(value);
  }
  return json;
}

Json classes_json(const auto& classes) {
  Json json = Json::object();
  for (std::size_t i = 0; i < kSegmentClasses; ++i) {
    if (classes[i] > 0) json[to_text(static_cast<SegmentClass>(i))] = classes[i];
  }
  return json;
}

Json parameters_json(const ParameterTable& table) {
  Json list = Json::array();
  for (const ParameterSummary& parameter : table.parameters()) {
    Json json;
    json["name"] = parameter.name;
    json["requests"] = parameter.count;
    json["repeated"] = parameter.repeated > 0;
    json["values"] = classes_json(parameter.classes);
    list.push_back(json);
  }
  return list;
}

Json coverage_json(const CoverageCounts& counts) {
  Json json;
  for (std::size_t i = 0; i < kCoverageItems; ++i) json[to_text(static_cast<CoverageItem>(i))] = counts.items[i];
  json["anomalies"] = Json::object();
  for (std::size_t i = 0; i < kAnomalyCount; ++i) {
    if (counts.anomalies[i] > 0) json["anomalies"][to_text(static_cast<Anomaly>(i))] = counts.anomalies[i];
  }
  return json;
}

// What belongs to connections is not counted by host.
void blank_what_hosts_lack(Json& row) {
  for (CoverageItem item :
       {CoverageItem::packets, CoverageItem::wire_bytes, CoverageItem::shed_packets, CoverageItem::shed_bytes,
        CoverageItem::connections, CoverageItem::http_connections, CoverageItem::http2_connections,
        CoverageItem::encrypted_connections, CoverageItem::switched_connections, CoverageItem::other_connections,
        CoverageItem::one_sided_connections, CoverageItem::mirrored_twice_connections, CoverageItem::payload_bytes,
        CoverageItem::lost_bytes, CoverageItem::clipped_bytes}) {
    row[to_text(item)] = nullptr;
  }
}

Json coverage_row(const char* scope, Json tunnel, Json network, Json host, const CoverageCounts& counts) {
  Json row;
  row["scope"] = scope;
  row["tunnel"] = std::move(tunnel);
  row["network"] = std::move(network);
  row["host"] = std::move(host);
  row.update(coverage_json(counts));
  return row;
}

}  // namespace

std::string to_text(const Json& value, int indent) {
  return value.dump(indent, ' ', true, Json::error_handler_t::replace);
}

Json text_or_null(std::string_view text) {
  return text.empty() ? Json(nullptr) : Json(std::string(text));
}

Json endpoint_row(const Endpoint& endpoint) {
  const EndpointSummary& summary = endpoint.route.summary;
  Json row;
  row["network"] = text_or_null(endpoint.host.network);
  row["host"] = endpoint.host.host;
  row["method"] = endpoint.route.method;
  row["path"] = endpoint.route.path();
  row["operation"] = nullptr;
  row["kind"] = to_text(endpoint.kind);
  row["requests"] = summary.requests;
  row["first_seen"] = to_rfc3339(summary.first_seen);
  row["last_seen"] = to_rfc3339(summary.last_seen);
  row["statuses"] = counts_json(summary.statuses);
  row["auth"] = Json::array();
  for (const auto& [way, count] : summary.auth.entries()) {
    if (endpoint.authenticates(way)) row["auth"].push_back(way);
  }
  row["denied_only"] = endpoint.denied_only;
  row["clients"] = summary.clients.estimate();
  row["standing"] = nullptr;
  row["risk"] = nullptr;
  return row;
}

Json endpoint_details(const Endpoint& endpoint, const CoverageCounts* coverage) {
  const EndpointSummary& summary = endpoint.route.summary;
  Json json = endpoint_row(endpoint);
  json["corrections"] = Json::array();
  for (const RouteSegment& segment : endpoint.route.segments) {
    Json& ids = json["corrections"];
    bool news = !segment.correction.empty() && std::find(ids.begin(), ids.end(), segment.correction) == ids.end();
    if (news) ids.push_back(segment.correction);
  }
  json["path_parameters"] = Json::array();
  for (const RouteSegment& segment : endpoint.route.segments) {
    if (!segment.is_parameter) continue;
    Json parameter;
    parameter["name"] = segment.evidence.name;
    parameter["type"] = segment.evidence.type();
    parameter["format"] = text_or_null(segment.evidence.format());
    parameter["distinct"] = segment.evidence.distinct;
    parameter["visits"] = segment.evidence.visits;
    parameter["values"] = classes_json(segment.evidence.classes);
    parameter["why"] = segment.evidence.why();
    json["path_parameters"].push_back(parameter);
  }
  json["query_parameters"] = parameters_json(summary.query);
  json["header_parameters"] = parameters_json(summary.headers);
  json["auth_requests"] = Json::object();
  for (const auto& [way, count] : summary.auth.entries()) json["auth_requests"][way.empty() ? "none" : way] = count;
  json["access"] = access_json(endpoint);
  json["operations"] = operations_json(summary.operations, false);
  json["failed_calls"] = summary.operations.failed();
  json["unconfirmed_calls"] = summary.operations.unconfirmed();
  json["deprecation"] = deprecation_json(summary.deprecation);
  json["request_types"] = counts_json(summary.request_types);
  json["response_types"] = counts_json(summary.response_types);
  json["schemas"] = schemas_json(summary.shapes);
  json["request_bytes"] = quantiles_json(summary.request_bytes, 1);
  json["response_bytes"] = quantiles_json(summary.response_bytes, 1);
  json["latency_ms"] = quantiles_json(summary.latency_us, 1000);
  json["servers"] = Json::object();
  for (const auto& [server, count] : summary.servers.entries()) json["servers"][server.text()] = count;
  json["seen"] = Json::object();
  for (std::size_t i = 0; i < summary.wholes.size(); ++i)
    json["seen"][to_text(static_cast<Whole>(i))] = summary.wholes[i];
  if (coverage != nullptr) {
    json["host_coverage"] = coverage_json(*coverage);
    blank_what_hosts_lack(json["host_coverage"]);
  }
  return json;
}

Json tunnel_row(const std::string& tunnel, const CoverageCounts& counts) {
  return coverage_row("tunnel", text_or_null(tunnel), nullptr, nullptr, counts);
}

Json host_row(const HostKey& host, const CoverageCounts& counts) {
  Json row = coverage_row("host", nullptr, text_or_null(host.network), host.host, counts);
  blank_what_hosts_lack(row);
  return row;
}

Json total_row(const CoverageCounts& counts, Json counters) {
  Json row = coverage_row("total", nullptr, nullptr, nullptr, counts);
  row["counters"] = std::move(counters);
  return row;
}

}  // namespace specular
