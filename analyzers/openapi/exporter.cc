#include "analyzers/openapi/exporter.h"

#include <algorithm>
#include <array>
#include <set>

#include <nlohmann/json.hpp>

#include "analyzers/openapi/components.h"
#include "analyzers/openapi/contents.h"
#include "analyzers/openapi/naming.h"
#include "analyzers/openapi/operations.h"
#include "analyzers/openapi/security.h"
#include "analyzers/openapi/server.h"
#include "analyzers/openapi/verification.h"
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

class Document {
 public:
  explicit Document(std::span<const Endpoint> endpoints)
      : endpoints_(endpoints), security_(endpoints, example_server(endpoints.front())), ids_(endpoints) {}

  Json build() {
    Json document;
    const HostKey& host = endpoints_.front().host;
    document["openapi"] = "3.1.0";
    document["info"]["title"] = make_utf8(host.host);
    document["info"]["version"] = "1";
    document["info"]["description"] = "Learned from observed traffic.";
    if (!host.network.empty()) document["info"]["x-specular-network"] = make_utf8(host.network);
    document["servers"] = Json::array({server_of(endpoints_.front())});
    document["tags"] = Json::array();
    document["paths"] = Json::object();
    for (const Endpoint& endpoint : endpoints_) add(endpoint, document["paths"]);
    for (const std::string& tag : tags_) document["tags"].push_back({{"name", tag}});
    if (tags_.empty()) document.erase("tags");
    share_schemas(document);
    if (!security_.schemes().empty()) document["components"]["securitySchemes"] = security_.schemes();
    leave_out_contradictions(endpoints_, document);
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
    if (std::string tag = tag_of(endpoint.route); !tag.empty()) {
      operation["tags"] = {tag};
      tags_.insert(tag);
    }
    operation["operationId"] = ids_.of(endpoint);
    if (Json parameters = parameters_of(endpoint); !parameters.empty()) operation["parameters"] = parameters;
    if (Json body = request_body_of(summary); !body.empty()) operation["requestBody"] = body;
    operation["responses"] = responses_of(summary);
    if (is_deprecated(summary)) operation["deprecated"] = true;
    if (Json security = security_.requirements_of(endpoint); !security.empty()) operation["security"] = security;
    if (Json calls = operations_json(summary.operations, true); !calls.empty())
      operation["x-specular-operations"] = calls;
    if (Json statuses = odd_statuses_of(summary); !statuses.empty()) operation["x-specular-other-statuses"] = statuses;
    add_evidence(endpoint, operation);
    return operation;
  }

  // From the date on that its answers tell, if they tell one (RFC 9745 section 2.1). What is to go away is deprecated
  // too (RFC 8594 section 3).
  static bool is_deprecated(const EndpointSummary& summary) {
    const Deprecation& deprecation = summary.deprecation;
    return deprecation.answers > 0 && deprecation.last.since <= summary.last_seen;
  }

  static void add_evidence(const Endpoint& endpoint, Json& operation) {
    const EndpointSummary& summary = endpoint.route.summary;
    operation["x-specular-requests"] = summary.requests;
    operation["x-specular-first-seen"] = to_rfc3339(summary.first_seen);
    operation["x-specular-last-seen"] = to_rfc3339(summary.last_seen);
    if (endpoint.denied_only) operation["x-specular-denied-only"] = true;
    bool calls = !summary.operations.empty();
    if (calls) operation["x-specular-failed-calls"] = summary.operations.failed();
    if (calls) operation["x-specular-unconfirmed-calls"] = summary.operations.unconfirmed();
    bool plain = summary.access.sets.entries().size() <= 1 && operation.value("security", Json()).is_null();
    if (!plain) operation["x-specular-access"] = access_json(endpoint);
    Json deprecation = deprecation_json(summary.deprecation);
    if (deprecation.is_null()) return;
    operation["x-specular-deprecated-answers"] = deprecation["answers"];
    if (!deprecation["since"].is_null()) operation["x-specular-deprecated-since"] = deprecation["since"];
    if (!deprecation["sunset"].is_null()) operation["x-specular-sunset"] = deprecation["sunset"];
  }

  std::span<const Endpoint> endpoints_;
  SecurityWriter security_;
  OperationIds ids_;
  std::set<std::string> tags_;
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
