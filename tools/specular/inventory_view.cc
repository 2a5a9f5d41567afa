#include "tools/specular/inventory_view.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "analyzers/names.h"
#include "capture/base/escape.h"

namespace specular {
namespace {

Json counts_json(const auto& table) {
  Json json = Json::object();
  for (const auto& [key, count] : table.entries()) json[fmt::format("{}", key)] = count;
  if (table.others() > 0) json["other"] = table.others();
  return json;
}

Json row_of(const Endpoint& endpoint) {
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
    if (!way.empty()) row["auth"].push_back(way);
  }
  row["denied_only"] = endpoint.denied_only;
  row["clients"] = summary.clients.estimate();
  row["standing"] = nullptr;
  row["risk"] = nullptr;
  return row;
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

// "4,812 distinct in 5,020 visits, 99.9 % uuid"
std::string evidence_text(const ParameterEvidence& evidence) {
  SegmentClass main = evidence.main_class();
  double share = evidence.distinct == 0
                     ? 0
                     : 100.0 * static_cast<double>(evidence.classes[static_cast<std::size_t>(main)]) /
                           static_cast<double>(evidence.distinct);
  return fmt::format("{} distinct in {} visits, {:.1f} % {}", evidence.distinct, evidence.visits, share, to_text(main));
}

Json details_of(const Endpoint& endpoint) {
  const EndpointSummary& summary = endpoint.route.summary;
  Json json = row_of(endpoint);
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
    parameter["why"] = evidence_text(segment.evidence);
    json["path_parameters"].push_back(parameter);
  }
  json["query_parameters"] = parameters_json(summary.query);
  json["header_parameters"] = parameters_json(summary.headers);
  json["auth_requests"] = Json::object();
  for (const auto& [way, count] : summary.auth.entries()) json["auth_requests"][way.empty() ? "none" : way] = count;
  json["request_types"] = counts_json(summary.request_types);
  json["response_types"] = counts_json(summary.response_types);
  json["request_bytes"] = quantiles_json(summary.request_bytes, 1);
  json["response_bytes"] = quantiles_json(summary.response_bytes, 1);
  json["latency_ms"] = quantiles_json(summary.latency_us, 1000);
  json["servers"] = Json::object();
  for (const auto& [server, count] : summary.servers.entries()) json["servers"][server.text()] = count;
  json["seen"] = Json::object();
  for (std::size_t i = 0; i < summary.wholes.size(); ++i)
    json["seen"][to_text(static_cast<Whole>(i))] = summary.wholes[i];
  return json;
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
       {CoverageItem::packets, CoverageItem::wire_bytes, CoverageItem::connections, CoverageItem::http_connections,
        CoverageItem::http2_connections, CoverageItem::encrypted_connections, CoverageItem::switched_connections,
        CoverageItem::other_connections, CoverageItem::one_sided_connections, CoverageItem::mirrored_twice_connections,
        CoverageItem::payload_bytes, CoverageItem::lost_bytes, CoverageItem::clipped_bytes}) {
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

std::string percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "0 %";
  double share = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  return part > 0 && share < 0.1 ? "under 0.1 %" : fmt::format("{:.1f} %", share);
}

CoverageCounts sum_of_tunnels(const Inventory& inventory) {
  CoverageCounts all;
  for (const auto& [name, tunnel] : inventory.tunnels) all.merge(tunnel.counts);
  return all;
}

void print_details(const Json& details, const std::string& indent) {
  for (const auto& [key, value] : details.items()) {
    bool nested = value.is_object() || (value.is_array() && !value.empty() && value[0].is_object());
    if (!nested) {
      std::string text = value.is_string() ? value.get<std::string>() : to_text(value);
      bool none = value.is_null() || text == "[]";
      print(fmt::format("{}{}: {}\n", indent, escape_terminal(key), none ? "-" : escape_terminal(text)));
      continue;
    }
    print(fmt::format("{}{}:{}\n", indent, escape_terminal(key), value.empty() ? " -" : ""));
    if (value.is_object()) print_details(value, indent + "  ");
    if (value.is_array()) {
      for (const auto& item : value) {
        print_details(item, indent + "  ");
        print("\n");
      }
    }
  }
}

}  // namespace

void EndpointFilter::add_to(CLI::App& command) {
  command.add_flag("--all", all, "Also static files, web pages and preflights");
  command.add_option("--host", host, "Only this host");
}

bool means_host(const std::string& name, const HostKey& host) {
  return host.host == name || host.host == normalise_host(name, {});
}

void list_endpoints(const std::vector<Endpoint>& endpoints, const EndpointFilter& filter, Format format) {
  std::vector<Column> columns{{"METHOD", "method"},
                              {"HOST", "host"},
                              {"PATH", "path"},
                              {"KIND", "kind"},
                              {"REQUESTS", "requests", true},
                              {"CLIENTS", "clients", true},
                              {"STATUSES", "statuses"},
                              {"AUTH", "auth"}};
  bool networks =
      std::any_of(endpoints.begin(), endpoints.end(), [](const Endpoint& e) { return !e.host.network.empty(); });
  if (networks) columns.insert(columns.begin(), {"NETWORK", "network"});
  Listing listing(format, columns);
  for (const Endpoint& endpoint : endpoints) {
    bool wanted = filter.all || endpoint.kind == EndpointKind::api;
    if (wanted && (filter.host.empty() || means_host(filter.host, endpoint.host))) listing.add(row_of(endpoint));
  }
  listing.finish();
}

void show_endpoints(const std::vector<Endpoint>& endpoints, const Inventory& inventory, Format format) {
  Json all = Json::array();
  for (const Endpoint& endpoint : endpoints) {
    Json details = details_of(endpoint);
    if (const auto* host = inventory.find(endpoint.host)) {
      details["host_coverage"] = coverage_json(host->coverage);
      blank_what_hosts_lack(details["host_coverage"]);
    }
    if (format == Format::table) print_details(details, "");
    if (format == Format::jsonl) print(to_text(details) + "\n");
    all.push_back(std::move(details));
  }
  if (format == Format::json) print(to_text(all.size() == 1 ? all[0] : all, 2) + "\n");
}

void list_coverage(const Inventory& inventory, Format format) {
  std::vector<Column> columns{{"SCOPE", "scope"},
                              {"TUNNEL", "tunnel"},
                              {"HOST", "host"},
                              {"PACKETS", "packets", true},
                              {"CONNECTIONS", "connections", true},
                              {"ENCRYPTED", "encrypted_connections", true},
                              {"ONE-SIDED", "one_sided_connections", true},
                              {"TRANSACTIONS", "transactions", true},
                              {"COMPLETE", "complete", true},
                              {"LOST BYTES", "lost_bytes", true},
                              {"CLIPPED BYTES", "clipped_bytes", true}};
  Listing listing(format, columns);
  Json total = coverage_row("total", nullptr, nullptr, nullptr, sum_of_tunnels(inventory));
  total["counters"] = Json::object();
  for (const auto& [name, counter] : inventory.totals) total["counters"][name] = counter.value;
  listing.add(std::move(total));
  for (const auto& [name, tunnel] : inventory.tunnels) {
    listing.add(coverage_row("tunnel", text_or_null(name), nullptr, nullptr, tunnel.counts));
  }
  for (const auto& [key, host] : inventory.hosts()) {
    Json row = coverage_row("host", nullptr, text_or_null(key.network), key.host, host.coverage);
    blank_what_hosts_lack(row);
    listing.add(std::move(row));
  }
  listing.finish();
}

std::string summary_text(const Inventory& inventory, const std::vector<Endpoint>& endpoints, bool all) {
  std::size_t apis = 0;
  std::set<HostKey> hosts;
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.kind != EndpointKind::api) continue;
    ++apis;
    hosts.insert(endpoint.host);
  }
  CoverageCounts seen = sum_of_tunnels(inventory);
  std::string text = fmt::format("{} API endpoint{} on {} host{}, from {} transactions in {} connections\n", apis,
                                 apis == 1 ? "" : "s", hosts.size(), hosts.size() == 1 ? "" : "s",
                                 seen[CoverageItem::transactions], seen[CoverageItem::connections]);
  if (std::size_t others = endpoints.size() - apis; others > 0) {
    const char* hint = all ? "" : " (--all lists them)";
    text += fmt::format("{} more are static files, web pages or preflights{}\n", others, hint);
  }
  std::uint64_t connections = seen[CoverageItem::connections];
  if (std::uint64_t encrypted = seen[CoverageItem::encrypted_connections] + seen[CoverageItem::http2_connections];
      encrypted > 0 && seen[CoverageItem::transactions] > 0) {
    text += fmt::format("not read: {} of the connections are encrypted or HTTP/2\n", percent(encrypted, connections));
  }
  std::uint64_t lost = seen[CoverageItem::lost_bytes] + seen[CoverageItem::clipped_bytes];
  if (lost > 0) {
    text += fmt::format("not seen: {} of the bytes were lost or cut off by the capture\n",
                        percent(lost, lost + seen[CoverageItem::payload_bytes]));
  }
  if (std::uint64_t one_sided = seen[CoverageItem::one_sided_connections]; one_sided > 0) {
    text += fmt::format("one direction only: {} of the connections\n", percent(one_sided, connections));
  }
  return text;
}

}  // namespace specular
