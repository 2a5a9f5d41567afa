#include "analyzers/openapi/contents.h"

#include <algorithm>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "analyzers/openapi/json_schema.h"
#include "capture/base/escape.h"

namespace specular {
namespace {

using Json = nlohmann::ordered_json;
using Part = ShapePlace::Part;

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

// A Responses Object has no place for statuses that HTTP does not define.
bool is_status(std::uint64_t status) {
  return status >= 100 && status <= 599;
}

bool has_content(std::uint64_t status) {
  return status >= 200 && status != 204 && status != 205 && status != 304;
}

Json content_of(const Schema& schema, const std::string& type) {
  Json media = Json::object();
  if (schema.documents > 0) media["schema"] = to_json_schema(schema, writing_of(schema, type));
  if (schema.documents > 0) media["x-specular-documents"] = schema.documents;
  if (schema.documents > 0 && schema.depth < Schema::kMaxDepth) media["x-specular-levels"] = schema.depth;
  if (schema.partial > 0) media["x-specular-partial-documents"] = schema.partial;
  if (schema.unreadable > 0) media["x-specular-unreadable-documents"] = schema.unreadable;
  if (schema.passed_over > 0) media["x-specular-unread-documents"] = schema.passed_over;
  return media;
}

std::size_t names_in(const SchemaNode& node) {
  std::size_t names = node.array ? names_in(node.array->items) : 0;
  if (!node.object) return names;
  for (const Property& property : node.object->properties) names += 1 + names_in(property.node);
  return names;
}

// What was taken, and what was refused: the latter only if it looks like the former. Who tries out names has many of
// his own; then it says nothing about the endpoint.
Schema taken_or_tried(const Schema* taken, const Schema* tried) {
  if (taken == nullptr || taken->documents == 0) return tried == nullptr ? *taken : *tried;
  Schema all = *taken;
  if (tried == nullptr) return all;
  all.merge(*tried);
  std::size_t names = names_in(taken->root);
  bool alike = names_in(all.root) <= names + std::max<std::size_t>(names / 2, 4) && all.depth == taken->depth;
  return alike ? all : *taken;
}

Json parameter(std::string_view name, const char* in, std::uint64_t requests) {
  Json parameter;
  parameter["name"] = make_utf8(name);
  parameter["in"] = in;
  parameter["schema"] = nullptr;
  parameter["x-specular-requests"] = requests;
  return parameter;
}

// Whether every request had it, with confidence.
bool is_required(const EndpointSummary& summary, const Schema& schema, std::uint64_t seen) {
  return seen >= summary.requests && schema.evidence(seen) >= Schema::kConfident;
}

void add_parameters(const EndpointSummary& summary, const ParameterTable& table, Part part, Json& out) {
  const Schema* schema = summary.shapes.find({part, 0, ""});
  std::set<std::string> names;
  for (const ParameterSummary& seen : table.parameters()) {
    // Names are unique by their UTF-8 form too, as the document demands.
    if (!names.insert(make_utf8(seen.name)).second) continue;
    Json written = parameter(seen.name, part == Part::query ? "query" : "header", seen.count);
    const SchemaNode* node = schema != nullptr && schema->root.object ? schema->root.object->find(seen.name) : nullptr;
    bool known = node != nullptr && node->seen() > 0;
    written["schema"] = known ? to_json_schema(*schema, *node, Writing::text) : schema_of(seen);
    if (known && is_required(summary, *schema, seen.count)) written["required"] = true;
    out.push_back(written);
  }
}

void add_cookies(const EndpointSummary& summary, Json& out) {
  const Schema* schema = summary.shapes.find({Part::cookie, 0, ""});
  if (schema == nullptr || !schema->root.object) return;
  std::set<std::string> names;
  for (const Property& property : schema->root.object->properties) {
    if (property.node.seen() == 0 || !names.insert(make_utf8(property.name)).second) continue;
    Json written = parameter(property.name, "cookie", property.node.seen());
    written["schema"] = to_json_schema(*schema, property.node, Writing::text);
    out.push_back(written);
  }
}

// Whose values are tokens for once; of cookies there is nothing to say.
void add_one_time(const Endpoint& endpoint, Json& out) {
  for (const std::string& way : endpoint.one_time) {
    auto in = way.find(':') + 1, name = way.find(':', in) + 1;
    std::string where = way.substr(in, name - in - 1), called = make_utf8(way.substr(name));
    bool known = std::any_of(out.begin(), out.end(),
                             [&](const Json& other) { return other["in"] == where && other["name"] == called; });
    // OpenAPI has another place for these (section 4.8.12.2).
    if (known || where == "cookie" || (where == "header" && called == "authorization")) continue;
    std::uint64_t requests = 0;
    for (const auto& [other, values] : endpoint.route.summary.access.values.entries())
      requests += other == way ? values.requests : 0;
    Json written = parameter(called, where.c_str(), requests);
    written["schema"] = schema_of("string", "");
    out.push_back(written);
  }
}

}  // namespace

Json parameters_of(const Endpoint& endpoint) {
  const Route& route = endpoint.route;
  Json parameters = Json::array();
  for (const RouteSegment& segment : route.segments) {
    if (!segment.is_parameter) continue;
    Json written;
    written["name"] = segment.evidence.name;
    written["in"] = "path";
    written["required"] = true;
    written["schema"] = schema_of(segment.evidence.type(), segment.evidence.format());
    written["x-specular-distinct"] = segment.evidence.distinct;
    parameters.push_back(written);
  }
  add_parameters(route.summary, route.summary.query, Part::query, parameters);
  add_parameters(route.summary, route.summary.headers, Part::header, parameters);
  add_cookies(route.summary, parameters);
  add_one_time(endpoint, parameters);
  return parameters;
}

Json request_body_of(const EndpointSummary& summary) {
  Json body = Json::object();
  std::uint64_t seen = 0, different = 0;
  for (const auto& [type, count] : summary.request_types.entries()) {
    if (type.empty()) continue;
    const Schema* taken = summary.shapes.find({Part::request, 0, type});
    const Schema* tried = summary.shapes.find({Part::refused, 0, type});
    Json& media = body["content"][make_utf8(type)];
    media = Json::object();
    if (taken == nullptr && tried == nullptr) continue;
    Schema schema = taken_or_tried(taken, tried);
    media = content_of(schema, type);
    different += schema.different.estimate();
    for (const Schema* one : {taken, tried}) seen += one == nullptr ? 0 : one->documents + one->unreadable;
  }
  bool required = !body.empty() && seen >= summary.requests && different >= Schema::kConfident;
  if (required) body["required"] = true;
  return body;
}

Json odd_statuses_of(const EndpointSummary& summary) {
  Json statuses = Json::object();
  for (const auto& [status, count] : summary.statuses.entries()) {
    if (!is_status(status)) statuses[std::to_string(status)] = count;
  }
  return statuses;
}

Json responses_of(const EndpointSummary& summary) {
  Json responses = Json::object();
  for (const auto& [status, count] : summary.statuses.entries()) {
    if (!is_status(status)) continue;
    Json response;
    response["description"] = reason_of(status);
    for (const auto& [place, schema] : summary.shapes.list()) {
      bool here = place.part == Part::response && place.status == status && has_content(status);
      if (here) response["content"][make_utf8(place.type)] = content_of(schema, place.type);
    }
    response["x-specular-requests"] = count;
    responses[std::to_string(status)] = response;
  }
  if (responses.empty()) {
    bool none = summary.statuses.entries().empty();
    responses["default"]["description"] = none ? "No response was seen." : "No response had a status of HTTP.";
  }
  return responses;
}

}  // namespace specular
