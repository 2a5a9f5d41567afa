#include "analyzers/openapi/exporter.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

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

// RFC 9110 section 15, for the descriptions that OpenAPI demands.
std::string reason_of(std::uint16_t status) {
  static const std::map<std::uint16_t, const char*> kReasons{{200, "OK"},
                                                             {201, "Created"},
                                                             {202, "Accepted"},
                                                             {204, "No Content"},
                                                             {206, "Partial Content"},
                                                             {301, "Moved Permanently"},
                                                             {302, "Found"},
                                                             {303, "See Other"},
                                                             {304, "Not Modified"},
                                                             {307, "Temporary Redirect"},
                                                             {308, "Permanent Redirect"},
                                                             {400, "Bad Request"},
                                                             {401, "Unauthorized"},
                                                             {403, "Forbidden"},
                                                             {404, "Not Found"},
                                                             {405, "Method Not Allowed"},
                                                             {409, "Conflict"},
                                                             {410, "Gone"},
                                                             {415, "Unsupported Media Type"},
                                                             {422, "Unprocessable Content"},
                                                             {429, "Too Many Requests"},
                                                             {500, "Internal Server Error"},
                                                             {501, "Not Implemented"},
                                                             {502, "Bad Gateway"},
                                                             {503, "Service Unavailable"},
                                                             {504, "Gateway Timeout"}};
  auto found = kReasons.find(status);
  return found == kReasons.end() ? "Status " + std::to_string(status) : found->second;
}

Json schema_of(const char* type, const char* format) {
  Json schema;
  schema["type"] = type;
  if (*format != '\0') schema["format"] = format;
  return schema;
}

// The type that fits all values seen.
Json schema_of(const ParameterSummary& parameter) {
  std::set<std::string_view> types, formats;
  for (std::size_t i = 0; i < kSegmentClasses; ++i) {
    if (parameter.classes[i] == 0) continue;
    types.insert(openapi_type(static_cast<SegmentClass>(i)));
    formats.insert(openapi_format(static_cast<SegmentClass>(i)));
  }
  if (types == std::set<std::string_view>{"integer", "number"}) types = {"number"};
  std::string type = types.size() == 1 ? std::string(*types.begin()) : "string";
  std::string format = formats.size() == 1 && type == "string" ? std::string(*formats.begin()) : "";
  Json schema = schema_of(type.c_str(), format.c_str());
  if (parameter.repeated == 0) return schema;
  Json list;
  list["type"] = "array";
  list["items"] = schema;
  return list;
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
    Json server;
    server["url"] = "http://" + make_utf8(host.host);
    document["servers"] = Json::array({server});
    document["paths"] = Json::object();
    for (const Endpoint& endpoint : endpoints_) add(endpoint, document["paths"]);
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
    if (!summary.request_types.empty()) {
      for (const auto& [type, count] : summary.request_types.entries()) {
        if (!type.empty()) operation["requestBody"]["content"][make_utf8(type)] = Json::object();
      }
    }
    operation["responses"] = responses_of(summary);
    if (Json security = security_of(summary); !security.empty()) operation["security"] = security;
    if (Json statuses = odd_statuses_of(summary); !statuses.empty()) operation["x-specular-other-statuses"] = statuses;
    operation["x-specular-requests"] = summary.requests;
    operation["x-specular-first-seen"] = to_rfc3339(summary.first_seen);
    operation["x-specular-last-seen"] = to_rfc3339(summary.last_seen);
    if (endpoint.denied_only) operation["x-specular-denied-only"] = true;
    return operation;
  }

  static Json parameters_of(const Route& route) {
    Json parameters = Json::array();
    for (const RouteSegment& segment : route.segments) {
      if (!segment.is_parameter) continue;
      Json parameter;
      parameter["name"] = segment.evidence.name;
      parameter["in"] = "path";
      parameter["required"] = true;
      parameter["schema"] = schema_of(segment.evidence.type(), segment.evidence.format());
      parameter["x-specular-distinct"] = segment.evidence.distinct;
      parameters.push_back(parameter);
    }
    for (bool query : {true, false}) {
      const ParameterTable& table = query ? route.summary.query : route.summary.headers;
      std::set<std::string> names;
      for (const ParameterSummary& seen : table.parameters()) {
        // Names are unique by their UTF-8 form too, as the document demands.
        if (!names.insert(make_utf8(seen.name)).second) continue;
        Json parameter;
        parameter["name"] = make_utf8(seen.name);
        parameter["in"] = query ? "query" : "header";
        parameter["schema"] = schema_of(seen);
        parameter["x-specular-requests"] = seen.count;
        parameters.push_back(parameter);
      }
    }
    return parameters;
  }

  // A Responses Object has no place for statuses that HTTP does not define (RFC 9110 section 15).
  static bool is_status(std::uint64_t status) { return status >= 100 && status <= 599; }

  static Json odd_statuses_of(const EndpointSummary& summary) {
    Json statuses = Json::object();
    for (const auto& [status, count] : summary.statuses.entries()) {
      if (!is_status(status)) statuses[std::to_string(status)] = count;
    }
    return statuses;
  }

  static Json responses_of(const EndpointSummary& summary) {
    Json responses = Json::object();
    for (const auto& [status, count] : summary.statuses.entries()) {
      if (!is_status(status)) continue;
      Json response;
      response["description"] = reason_of(status);
      response["x-specular-requests"] = count;
      responses[std::to_string(status)] = response;
    }
    if (responses.empty()) {
      bool none = summary.statuses.entries().empty();
      responses["default"]["description"] = none ? "No response was seen." : "No response had a status of HTTP.";
    }
    if (summary.response_types.empty()) return responses;
    Json types = Json::object();
    for (const auto& [type, count] : summary.response_types.entries()) types[make_utf8(type)] = Json::object();
    for (auto& [status, response] : responses.items()) {
      if (status[0] == '2' && status != "204") response["content"] = types;
    }
    return responses;
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

}  // namespace specular
