#include "analyzers/openapi/verification.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "analyzers/openapi/json_schema.h"
#include "capture/base/escape.h"
#include "capture/base/text.h"

namespace specular {
namespace {

using Json = nlohmann::ordered_json;
using Part = ShapePlace::Part;

// Types, as JSON Schema calls them, of what was seen at a place.
std::set<std::string> types_of(const SchemaNode& node, Writing writing) {
  std::set<std::string> types;
  for (std::size_t i = 0; i < kValueKinds; ++i) {
    auto kind = static_cast<ValueKind>(i);
    bool told = kind == ValueKind::string && writing != Writing::json && node.text;
    if (node.kinds[i] > 0 && !told) types.insert(to_text(kind));
  }
  if (writing == Writing::json || !node.text) return types;
  // Text tells the type, where it is one.
  for (std::size_t i = 0; i < kTextFormats; ++i) {
    if (node.text->formats[i] == 0) continue;
    auto format = static_cast<TextFormat>(i);
    bool typed = format == TextFormat::integer || format == TextFormat::number || format == TextFormat::boolean;
    types.insert(typed ? to_text(format) : "string");
  }
  return types;
}

class Verifier {
 public:
  explicit Verifier(Json& document) : document_(document) {}

  void verify(const Endpoint& endpoint) {
    if (endpoint.kind != EndpointKind::api) return;
    std::string method = endpoint.route.method, path = make_utf8(endpoint.route.path());
    where_ = method + " " + path;
    make_lower(method);
    Json& item = document_["paths"][path];
    Json* operation = item.contains(method) ? &item[method] : nullptr;
    if (operation == nullptr && item.contains("x-specular-operations"))
      operation = &item["x-specular-operations"][endpoint.route.method];
    if (operation == nullptr || operation->is_null()) return tell("operation");
    verify_parameters(endpoint, *operation);
    verify_request(endpoint.route.summary, *operation);
    verify_responses(endpoint.route.summary, *operation);
  }

  std::vector<std::string> take_found() { return std::move(found_); }

 private:
  void tell(const std::string& what) { found_.push_back(where_ + " " + what); }

  // Takes a keyword out.
  void refuse(Json& schema, const char* keyword, const std::string& at) {
    tell(at + ": " + keyword);
    schema.erase(keyword);
  }

  Json& resolve(Json& schema) {
    constexpr std::string_view kPrefix = "#/components/schemas/";
    if (!schema.is_object() || !schema.contains("$ref")) return schema;
    std::string name = schema["$ref"].get<std::string>().substr(kPrefix.size());
    return document_["components"]["schemas"][name];
  }

  void verify_parameters(const Endpoint& endpoint, Json& operation) {
    for (Json& parameter : operation.contains("parameters") ? operation["parameters"] : none_) {
      std::string name = parameter["name"], in = parameter["in"], at = "parameters/" + in + "/" + name;
      Json& schema = parameter["schema"];
      if (in == "path") verify_path(endpoint.route, name, schema, at);
      if (in == "query") verify_listed(endpoint.route.summary, Part::query, name, parameter, at);
      if (in == "header") verify_listed(endpoint.route.summary, Part::header, name, parameter, at);
      if (in == "cookie") verify_listed(endpoint.route.summary, Part::cookie, name, parameter, at);
    }
  }

  void verify_path(const Route& route, const std::string& name, Json& schema, const std::string& at) {
    for (const RouteSegment& segment : route.segments) {
      if (segment.is_parameter && segment.evidence.name == name) verify_classes(segment.evidence.classes, schema, at);
    }
  }

  template <class Classes>
  void verify_classes(const Classes& classes, Json& schema, const std::string& at) {
    for (std::size_t i = 0; i < kSegmentClasses; ++i) {
      auto kind = static_cast<SegmentClass>(i);
      if (classes[i] == 0) continue;
      bool good = allows(schema, "string") || allows(schema, openapi_type(kind));
      if (!good) refuse(schema, "type", at);
      if (schema.contains("format") && schema["format"] != openapi_format(kind)) refuse(schema, "format", at);
    }
  }

  void verify_listed(const EndpointSummary& summary, Part part, const std::string& name, Json& parameter,
                     const std::string& at) {
    const Schema* schema = summary.shapes.find({part, 0, ""});
    std::uint64_t seen = 0;
    for (const ParameterTable* table : {&summary.query, &summary.headers}) {
      if ((table == &summary.query) != (part == Part::query) || part == Part::cookie) continue;
      for (const ParameterSummary& known : table->parameters()) seen += make_utf8(known.name) == name ? known.count : 0;
    }
    if (parameter.value("required", false) && seen < summary.requests) refuse(parameter, "required", at);
    if (schema == nullptr || !schema->root.object) return;
    for (const Property& property : schema->root.object->properties) {
      if (make_utf8(property.name) == name) verify_node(parameter["schema"], property.node, Writing::text, at);
    }
  }

  void verify_request(const EndpointSummary& summary, Json& operation) {
    for (const auto& [place, schema] : summary.shapes.list()) {
      bool taken = place.part == Part::request;
      if (!taken || place.type.empty() || schema.documents == 0) continue;
      std::string type = make_utf8(place.type), at = "requestBody/" + type;
      Json& body = operation["requestBody"];
      if (!body.is_object() || !body.contains("content") || !body["content"].contains(type)) {
        tell(at);
        if (body.is_null()) operation.erase("requestBody");
        continue;
      }
      if (body["content"][type].contains("schema"))
        verify_node(body["content"][type]["schema"], schema.root, writing_of(schema, place.type), at);
    }
    if (!operation.contains("requestBody") || !operation["requestBody"].value("required", false)) return;
    if (summary.request_bytes.count() < summary.requests) refuse(operation["requestBody"], "required", "requestBody");
  }

  void verify_responses(const EndpointSummary& summary, Json& operation) {
    Json& responses = operation["responses"];
    for (const auto& [status, count] : summary.statuses.entries()) {
      bool placed = status >= 100 && status <= 599;
      if (placed && !responses.contains(std::to_string(status))) tell("responses/" + std::to_string(status));
    }
    for (const auto& [place, schema] : summary.shapes.list()) {
      std::string status = std::to_string(place.status), type = make_utf8(place.type), at = "responses/" + status;
      bool told = place.part == Part::response && responses.contains(status) && responses[status].contains("content");
      if (!told || !responses[status]["content"].contains(type)) continue;
      Json& media = responses[status]["content"][type];
      if (media.contains("schema"))
        verify_node(media["schema"], schema.root, writing_of(schema, place.type), at.append("/").append(type));
    }
  }

  static bool allows(const Json& schema, std::string_view type) {
    if (!schema.is_object() || !schema.contains("type")) return true;
    auto fits = [&](const Json& allowed) { return allowed == type || (type == "integer" && allowed == "number"); };
    const Json& types = schema["type"];
    return types.is_array() ? std::any_of(types.begin(), types.end(), fits) : fits(types);
  }

  void verify_node(Json& written, const SchemaNode& node, Writing writing, const std::string& at) {
    Json& schema = resolve(written);
    bool unknown = !schema.is_object() || node.seen() == 0 || schema.contains("oneOf") || schema.contains("anyOf");
    if (unknown) return;
    bool as_list = writing != Writing::json && schema.value("type", Json()) == "array";
    if (as_list) return verify_list(schema, node, writing, at);
    std::set<std::string> types = types_of(node, writing);
    bool text = writing != Writing::json && allows(schema, "string");
    bool fits = std::all_of(types.begin(), types.end(), [&](const std::string& type) {
      bool scalar = type != "object" && type != "array" && type != "null";
      return allows(schema, type) || (text && scalar);
    });
    if (!fits) refuse(schema, "type", at);
    verify_text(schema, node, at);
    verify_range(schema, node, at);
    if (node.object) verify_object(schema, node, writing, at);
    if (node.array && schema.contains("items")) verify_node(schema["items"], node.array->items, writing, at + "/items");
  }

  // Forms and queries have single values and lists alike.
  void verify_list(Json& schema, const SchemaNode& node, Writing writing, const std::string& at) {
    if (!schema.contains("items")) return;
    if (node.array) verify_node(schema["items"], node.array->items, writing, at + "/items");
    SchemaNode single = node;
    single.array.clear();
    single.kinds[static_cast<std::size_t>(ValueKind::array)] = 0;
    verify_node(schema["items"], single, writing, at + "/items");
  }

  void verify_text(Json& schema, const SchemaNode& node, const std::string& at) {
    if (schema.contains("enum") && !fits_enumeration(schema["enum"], node)) refuse(schema, "enum", at);
    if (!node.text) return;
    for (std::size_t i = 0; i < kTextFormats && schema.contains("format"); ++i) {
      bool other = node.text->formats[i] > 0 && schema["format"] != openapi_format(static_cast<TextFormat>(i));
      if (other) refuse(schema, "format", at);
    }
    verify_bounds(schema, "minLength", "maxLength", node.text->length, at);
  }

  static bool fits_enumeration(const Json& members, const SchemaNode& node) {
    if (node.seen() > node.count(ValueKind::string) + node.count(ValueKind::null)) return false;
    auto has = [&](const Json& value) { return std::find(members.begin(), members.end(), value) != members.end(); };
    if (node.count(ValueKind::null) > 0 && !has(nullptr)) return false;
    if (!node.text) return true;
    const auto& seen = node.text->members;
    return !seen.is_open() &&
           std::all_of(seen.list().begin(), seen.list().end(), [&](const auto& member) { return has(member.text); });
  }

  void verify_range(Json& schema, const SchemaNode& node, const std::string& at) {
    bool numbers = node.count(ValueKind::integer) + node.count(ValueKind::number) > 0;
    if (numbers && node.number) verify_bounds(schema, "minimum", "maximum", *node.number, at);
    if (node.array) verify_bounds(schema, "minItems", "maxItems", node.array->size, at);
    if (node.object) verify_bounds(schema, "minProperties", "maxProperties", node.object->size, at);
  }

  void verify_bounds(Json& schema, const char* least, const char* most, const Range& seen, const std::string& at) {
    if (seen.empty()) return;
    if (schema.contains(least) && seen.low < schema[least].get<double>()) refuse(schema, least, at);
    if (schema.contains(most) && seen.high > schema[most].get<double>()) refuse(schema, most, at);
  }

  void verify_object(Json& schema, const SchemaNode& node, Writing writing, const std::string& at) {
    std::set<std::string> always;
    for (const Property& property : node.object->properties) {
      if (property.node.seen() == 0) continue;
      bool attribute = writing == Writing::xml && property.name.starts_with('@');
      std::string name = make_utf8(attribute ? property.name.substr(1) : property.name);
      if (property.node.seen() >= node.count(ValueKind::object)) always.insert(name);
      // An element and the attribute of its name have one place.
      if (attribute && node.object->find(property.name.substr(1)) != nullptr) continue;
      bool told = schema.contains("properties") && schema["properties"].contains(name);
      verify_property(schema, told ? &schema["properties"][name] : nullptr, property.node, writing, at + "/" + name);
    }
    if (node.object->values) verify_property(schema, nullptr, *node.object->values, writing, at + "/*");
    if (!schema.contains("required")) return;
    Json confirmed = Json::array();
    for (const Json& name : schema["required"]) {
      if (always.contains(name.get<std::string>())) {
        confirmed.push_back(name);
      } else {
        tell(at + ": required " + name.get<std::string>());
      }
    }
    if (confirmed.size() == schema["required"].size()) return;
    schema["required"] = confirmed;
    if (confirmed.empty()) schema.erase("required");
  }

  // `told`: null if the object's schema has no such property.
  void verify_property(Json& schema, Json* told, const SchemaNode& node, Writing writing, const std::string& at) {
    if (told != nullptr) return verify_node(*told, node, writing, at);
    if (node.seen() == 0 || !schema.contains("additionalProperties")) return;
    Json& others = schema["additionalProperties"];
    if (others == false) {
      refuse(schema, "additionalProperties", at);
    } else {
      verify_node(others, node, writing, at);
    }
  }

  Json& document_;
  Json none_ = Json::array();
  std::string where_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> take_out_contradictions(std::span<const Endpoint> endpoints, Json& document) {
  Verifier verifier(document);
  for (const Endpoint& endpoint : endpoints) verifier.verify(endpoint);
  return verifier.take_found();
}

void leave_out_contradictions(std::span<const Endpoint> endpoints, Json& document) {
  std::vector<std::string> found = take_out_contradictions(endpoints, document);
  if (!found.empty()) document["x-specular-contradictions"] = found;
}

}  // namespace specular
