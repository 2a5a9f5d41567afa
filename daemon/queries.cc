#include "daemon/queries.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "analyzers/discovery/host_groups.h"
#include "analyzers/names.h"
#include "daemon/changes.h"
#include "daemon/documents.h"

namespace specular {
namespace {

using Answered = tl::expected<void, QueryError>;

tl::unexpected<QueryError> refuse(QueryError::Kind kind, std::string text) {
  return tl::make_unexpected(QueryError{kind, std::move(text)});
}

// What the parameters of all queries come to; each query takes some of them.
struct Parameters {
  EndpointFilter filter;
  std::string method, path;
  DocumentFormat format = DocumentFormat::yaml;
  bool minimal = false;
};

Answered read_parameter(const std::string& name, const std::string& value, Parameters& out) {
  auto wrong = [&](const char* what) {
    return refuse(QueryError::Kind::parameter, fmt::format("{} must be {}, not '{}'", name, what, value));
  };
  if (name == "host") out.filter.host = value;
  if (name == "method") out.method = value;
  if (name == "path") out.path = value;
  if (name == "all" || name == "minimal") {
    if (value != "0" && value != "1") return wrong("0 or 1");
    (name == "all" ? out.filter.all : out.minimal) = value == "1";
  }
  if (name == "format") {
    if (value != "yaml" && value != "json") return wrong("yaml or json");
    out.format = value == "json" ? DocumentFormat::json : DocumentFormat::yaml;
  }
  return {};
}

// Parameters may have any name in what the user types: /users/{id} means /users/{userId}.
std::string without_names(const std::string& path) {
  std::string plain;
  for (std::size_t i = 0; i < path.size(); ++i) {
    plain += path[i];
    if (path[i] == '{') i = std::min(path.find('}', i), path.size()) - 1;
  }
  return plain;
}

Answered list(const Parameters& parameters, const ReadInventory& read_inventory, AnswerSink& sink) {
  std::vector<Endpoint> endpoints;
  read_inventory([&](const Inventory& inventory) { endpoints = endpoints_of(inventory); });
  for (const Endpoint& endpoint : endpoints) {
    if (parameters.filter.wants(endpoint)) sink.on_row(endpoint_row(endpoint));
  }
  return {};
}

Answered show(const Parameters& parameters, const ReadInventory& read_inventory, AnswerSink& sink) {
  const std::string& name = parameters.filter.host;
  std::vector<Endpoint> endpoints;
  std::map<HostKey, CoverageCounts> coverage;
  read_inventory([&](const Inventory& inventory) {
    endpoints = endpoints_of(inventory);
    for (const auto& [key, members] : shown_hosts(inventory)) {
      for (const Member& member : members) coverage[key].merge(member.host->coverage);
    }
  });
  std::string path = without_names(parameters.path);
  bool found = false;
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.route.method != parameters.method || !means_host(name, endpoint.host)) continue;
    if (without_names(endpoint.route.path()) != path) continue;
    found = true;
    auto host = coverage.find(endpoint.host);
    sink.on_row(endpoint_details(endpoint, host == coverage.end() ? nullptr : &host->second));
  }
  if (found) return {};
  return refuse(QueryError::Kind::nothing,
                fmt::format("no endpoint {} {} on {}", parameters.method, parameters.path, name));
}

Answered cover(const Parameters&, const ReadInventory& read_inventory, AnswerSink& sink) {
  Json counters = Json::object();
  CoverageCounts total;
  std::vector<std::pair<std::string, CoverageCounts>> tunnels;
  std::map<HostKey, CoverageCounts> hosts;
  read_inventory([&](const Inventory& inventory) {
    total = total_coverage(inventory);
    for (const auto& [name, counter] : inventory.totals) counters[name] = counter.value;
    for (const auto& [name, tunnel] : inventory.tunnels) tunnels.emplace_back(name, tunnel.counts);
    for (const auto& [key, members] : shown_hosts(inventory)) {
      for (const Member& member : members) hosts[key].merge(member.host->coverage);
    }
    if (!inventory.corrections.ignores_any()) return;
    for (const Endpoint& endpoint : known_endpoints_of(inventory)) {
      std::uint64_t requests = endpoint.ignored_by.empty() ? 0 : endpoint.route.summary.requests;
      hosts[endpoint.host][CoverageItem::ignored_requests] += requests;
      total[CoverageItem::ignored_requests] += requests;
    }
  });
  sink.on_row(total_row(total, std::move(counters)));
  for (const auto& [name, counts] : tunnels) sink.on_row(tunnel_row(name, counts));
  for (const auto& [key, counts] : hosts) sink.on_row(host_row(key, counts));
  return {};
}

Answered list_corrections(const Parameters&, const ReadInventory& read_inventory, AnswerSink& sink) {
  std::vector<Json> rows;
  read_inventory([&](const Inventory& inventory) { rows = correction_rows(inventory); });
  for (Json& row : rows) sink.on_row(std::move(row));
  return {};
}

// Gives `tell` the hosts that documents are about, of which there is one at least.
Answered with_hosts(const Parameters& parameters, const ReadInventory& read_inventory,
                    const std::function<Answered(const std::vector<std::span<const Endpoint>>&)>& tell) {
  std::vector<Endpoint> endpoints;
  read_inventory([&](const Inventory& inventory) { endpoints = endpoints_of(inventory); });
  const std::string& host = parameters.filter.host;
  if (!host.empty()) std::erase_if(endpoints, [&](const Endpoint& e) { return !means_host(host, e.host); });
  auto hosts = by_host(endpoints);
  if (!hosts.empty()) return tell(hosts);
  return refuse(QueryError::Kind::nothing,
                host.empty() ? "the store holds no API" : "the store holds no API of " + host);
}

Answered one_document(const Parameters& parameters, const ReadInventory& read_inventory, AnswerSink& sink) {
  return with_hosts(parameters, read_inventory, [&](const auto& hosts) -> Answered {
    if (hosts.size() > 1) {
      return refuse(QueryError::Kind::several, fmt::format("{} hosts do not fit into one document", hosts.size()));
    }
    bool yaml = parameters.format == DocumentFormat::yaml;
    sink.on_document(document_text(hosts.front(), parameters.format, parameters.minimal),
                     yaml ? "application/yaml" : "application/json");
    return {};
  });
}

Answered all_documents(const Parameters& parameters, const ReadInventory& read_inventory, AnswerSink& sink) {
  return with_hosts(parameters, read_inventory, [&](const auto& hosts) -> Answered {
    for (auto host : hosts) {
      Json row;
      row["network"] = text_or_null(host.front().host.network);
      row["host"] = host.front().host.host;
      row["document"] = document_text(host, parameters.format, parameters.minimal);
      sink.on_row(std::move(row));
    }
    return {};
  });
}

struct Form {
  const char* path;
  std::vector<std::string> required, optional;
  Answered (*answer)(const Parameters&, const ReadInventory&, AnswerSink&);
};

const std::vector<Form>& forms() {
  static const std::vector<Form> kForms{{"endpoints", {}, {"all", "host"}, list},
                                        {"endpoints/show", {"host", "method", "path"}, {}, show},
                                        {"coverage", {}, {}, cover},
                                        {"routes", {}, {}, list_corrections},
                                        {"openapi", {}, {"host", "format", "minimal"}, one_document},
                                        {"openapi/documents", {}, {"host", "format", "minimal"}, all_documents}};
  return kForms;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Answered answer_query(const Query& query, const ReadInventory& read_inventory, AnswerSink& sink) {
  auto form = std::find_if(forms().begin(), forms().end(), [&](const Form& f) { return f.path == query.path; });
  if (form == forms().end()) return refuse(QueryError::Kind::unknown, fmt::format("no query '{}'", query.path));
  Parameters parameters;
  for (const auto& [name, value] : query.parameters) {
    if (!contains(form->required, name) && !contains(form->optional, name)) {
      return refuse(QueryError::Kind::parameter, fmt::format("{} has no parameter '{}'", query.path, name));
    }
    if (auto read = read_parameter(name, value, parameters); !read) return read;
  }
  for (const std::string& name : form->required) {
    if (!query.parameters.contains(name)) {
      return refuse(QueryError::Kind::parameter, fmt::format("{} wants the parameter '{}'", query.path, name));
    }
  }
  return form->answer(parameters, read_inventory, sink);
}

bool EndpointFilter::wants(const Endpoint& endpoint) const {
  return (all || endpoint.kind == EndpointKind::api) && (host.empty() || means_host(host, endpoint.host));
}

bool names_host(const std::string& name, const HostKey& host) {
  return host.host == name || host.host == normalise_host(name, {});
}

bool means_host(const std::string& name, const HostKey& host) {
  return names_host(name, host) || matches_host(host.host, normalise_host(name, {}));
}

CoverageCounts total_coverage(const Inventory& inventory) {
  CoverageCounts all;
  for (const auto& [name, tunnel] : inventory.tunnels) all.merge(tunnel.counts);
  return all;
}

}  // namespace specular
