#include "analyzers/openapi/exporter.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "analyzers/openapi/components.h"
#include "analyzers/openapi/contents.h"
#include "analyzers/openapi/server.h"
#include "capture/base/escape.h"
#include "capture/base/text.h"
#include "capture/base/time.h"

namespace specular {
namespace {

using Json = nlohmann::ordered_json;

// The methods that a Path Item Object has (OpenAPI 3.1 section 4.8.9).
constexpr std::string_view kMethods[] = {"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"};

std::string lower(std::string text) {
  make_lower(text);
  return text;
}

// "apiKey:query:api_key" -> its parts; "bearer" -> one.
std::vector<std::string> split_way(const std::string& way) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (; parts.size() < 2; ++begin) {
    auto colon = way.find(':', begin);
    if (colon == std::string::npos) break;
    parts.push_back(way.substr(begin, colon - begin));
    begin = colon;
  }
  parts.push_back(way.substr(begin));
  return parts;
}

class Document {
 public:
  explicit Document(std::span<const Endpoint> endpoints) : endpoints_(endpoints) {}

  Json build() {
    Json document;
    const HostKey& host = endpoints_.front().host;
    document["openapi"] = "3.1.0";
    document["info"]["title"] = make_utf8(host.host);
    document["info"]["version"] = "1";
    document["info"]["description"] = "Learned from observed traffic.";
    if (!host.network.empty()) document["info"]["x-specular-network"] = make_utf8(host.network);
    document["servers"] = Json::array({server_of(endpoints_.front())});
    document["paths"] = Json::object();
    for (const Endpoint& endpoint : endpoints_) add(endpoint, document["paths"]);
    share_schemas(document);
    if (!schemes_.empty()) document["components"]["securitySchemes"] = schemes_;
    return document;
  }

 private:
  void add(const Endpoint& endpoint, Json& paths) {
    if (endpoint.kind != EndpointKind::api) return;
    Json& item = paths[make_utf8(endpoint.route.path())];
    if (item.is_null()) item = Json::object();
    const std::string& method = endpoint.route.method;
    bool fits = std::find(std::begin(kMethods), std::end(kMethods), method) != std::end(kMethods);
    if (fits) {
      item[lower(method)] = operation_of(endpoint);
    } else {
      item["x-specular-operations"][method] = operation_of(endpoint);
    }
  }

  Json operation_of(const Endpoint& endpoint) {
    const EndpointSummary& summary = endpoint.route.summary;
    Json operation;
    operation["operationId"] = unique_id(endpoint.route);
    if (Json parameters = parameters_of(endpoint.route); !parameters.empty()) operation["parameters"] = parameters;
    if (Json body = request_body_of(summary); !body.empty()) operation["requestBody"] = body;
    operation["responses"] = responses_of(summary);
    if (Json security = security_of(summary); !security.empty()) operation["security"] = security;
    if (Json statuses = odd_statuses_of(summary); !statuses.empty()) operation["x-specular-other-statuses"] = statuses;
    operation["x-specular-requests"] = summary.requests;
    operation["x-specular-first-seen"] = to_rfc3339(summary.first_seen);
    operation["x-specular-last-seen"] = to_rfc3339(summary.last_seen);
    if (endpoint.denied_only) operation["x-specular-denied-only"] = true;
    return operation;
  }

  Json security_of(const EndpointSummary& summary) {
    Json security = Json::array();
    for (const auto& [way, count] : summary.auth.entries()) {
      Json requirement = Json::object();
      if (!way.empty()) requirement[scheme_for(way)] = Json::array();
      security.push_back(requirement);
    }
    // Never anything but anonymous: no requirement at all.
    return security.size() == 1 && security[0].empty() ? Json::array() : security;
  }

  // The name of the scheme among the components, which it is added to.
  std::string scheme_for(const std::string& way) {
    if (auto known = scheme_names_.find(way); known != scheme_names_.end()) return known->second;
    auto parts = split_way(way);
    Json scheme;
    std::string name;
    if (parts.size() == 3) {
      scheme["type"] = "apiKey";
      scheme["in"] = parts[1];
      scheme["name"] = make_utf8(parts[2]);
      name = "apiKey_" + parts[1] + "_" + parts[2];
    } else {
      scheme["type"] = "http";
      scheme["scheme"] = way;
      name = way;
    }
    // A component's name has letters, digits, dots, dashes and underscores only.
    for (char& c : name) {
      bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
                   c == '_';
      if (!plain) c = '_';
    }
    std::string unique = name;
    for (int number = 2; schemes_.contains(unique); ++number) unique = name + "_" + std::to_string(number);
    schemes_[unique] = scheme;
    scheme_names_[way] = unique;
    return unique;
  }

  std::string unique_id(const Route& route) {
    std::string id = lower(route.method);
    for (const RouteSegment& segment : route.segments) {
      id += '_';
      if (segment.is_parameter) id += "by_" + segment.evidence.name;
      for (char c : segment.text) {
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        id += plain ? c : '_';
      }
    }
    std::string unique = id;
    for (int number = 2; !ids_.insert(unique).second; ++number) unique = id + "_" + std::to_string(number);
    return unique;
  }

  std::span<const Endpoint> endpoints_;
  Json schemes_ = Json::object();
  std::map<std::string, std::string> scheme_names_;  // by the way to authenticate
  std::set<std::string> ids_;
};

}  // namespace

Json to_openapi(std::span<const Endpoint> endpoints) {
  return Document(endpoints).build();
}

void leave_out_extensions(Json& document) {
  if (document.is_array()) {
    for (Json& item : document) leave_out_extensions(item);
  }
  if (!document.is_object()) return;
  std::vector<std::string> extensions;
  for (auto& [key, value] : document.items()) {
    if (key.starts_with("x-specular-")) extensions.push_back(key);
    // What stands there are names from the wire, which may look like anything.
    if (key != "properties") {
      leave_out_extensions(value);
      continue;
    }
    for (auto& [name, property] : value.items()) leave_out_extensions(property);
  }
  for (const std::string& key : extensions) document.erase(key);
}

}  // namespace specular
