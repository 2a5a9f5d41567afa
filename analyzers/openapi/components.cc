#include "analyzers/openapi/components.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "capture/base/text.h"

namespace specular {
namespace {

using Json = nlohmann::ordered_json;

bool may_be_shared(const Json& schema) {
  if (!schema.is_object()) return false;
  return schema.contains("oneOf") || (schema.contains("properties") && schema["properties"].size() >= 2);
}

bool has_discriminator(const Json& schema) {
  return schema.is_object() && schema.contains("oneOf") && schema.contains("discriminator") &&
         schema["discriminator"].contains("propertyName") && schema["discriminator"]["propertyName"].is_string();
}

// user_profiles -> UserProfile
std::string name_from(std::string_view text) {
  std::string name;
  bool upper = true;
  for (char c : text) {
    bool letter = to_lower(c) >= 'a' && to_lower(c) <= 'z', digit = c >= '0' && c <= '9';
    if (!letter && (!digit || name.empty())) {
      upper = true;
      continue;
    }
    name += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  if (name.size() > 4 && name.ends_with("ies")) return name.substr(0, name.size() - 3) + "y";
  bool plural =
      name.size() > 3 && name.ends_with('s') && !name.ends_with("ss") && !name.ends_with("us") && !name.ends_with("is");
  if (plural) name.pop_back();
  return name;
}

// The last segment of a path that is a word.
std::string noun_of(std::string_view path) {
  std::string noun;
  while (!path.empty()) {
    path.remove_prefix(1);
    auto end = std::min(path.find('/'), path.size());
    std::string_view segment = path.substr(0, end);
    path.remove_prefix(end);
    if (segment.find('{') == std::string_view::npos && !name_from(segment).empty()) noun = name_from(segment);
  }
  return noun.empty() ? "Object" : noun;
}

class Sharing {
 public:
  explicit Sharing(Json& document) : document_(document) {}

  void share() {
    visit_document([&](Json& schema, const std::string&) {
      if (may_be_shared(schema)) ++counts_[schema.dump()];
      // A discriminator can refer to components alone.
      if (has_discriminator(schema)) {
        for (const Json& kind : schema["oneOf"]) counts_[kind.dump()] += 2;
      }
      return true;
    });
    // Outer schemas first: what only occurs again inside of one that does is written there.
    visit_document([&](Json& schema, const std::string& name) { return !replace_shared(schema, name); });
    if (schemas_.empty()) return;
    write_mappings(document_["paths"]);
    write_mappings(schemas_);
    document_["components"]["schemas"] = schemas_;
  }

 private:
  // Called for a schema with the name it would have; whether to go on below it.
  using Visitor = std::function<bool(Json&, const std::string&)>;

  void visit_document(const Visitor& visit) {
    for (auto& [path, item] : document_["paths"].items()) {
      for (auto& [method, operation] : item.items()) {
        if (method == "x-specular-operations") {
          for (auto& [name, other] : operation.items()) visit_operation(other, noun_of(path), visit);
        } else {
          visit_operation(operation, noun_of(path), visit);
        }
      }
    }
  }

  static void visit_operation(Json& operation, const std::string& noun, const Visitor& visit) {
    if (operation.contains("requestBody")) visit_content(operation["requestBody"], noun, visit);
    for (auto& [status, response] : operation["responses"].items()) {
      visit_content(response, status[0] == '4' || status[0] == '5' ? "Error" : noun, visit);
    }
  }

  static void visit_content(Json& holder, const std::string& name, const Visitor& visit) {
    if (!holder.contains("content")) return;
    for (auto& [type, media] : holder["content"].items()) {
      if (media.contains("schema")) visit_schema(media["schema"], name, visit);
    }
  }

  static void visit_schema(Json& schema, const std::string& name, const Visitor& visit) {
    if (!visit(schema, name)) return;
    if (schema.contains("oneOf")) {
      for (auto& kind : schema["oneOf"])
        visit_schema(kind, has_discriminator(schema) ? name + name_of_kind(schema, kind) : name, visit);
    }
    if (schema.contains("properties")) {
      for (auto& [key, property] : schema["properties"].items()) {
        std::string own = name_from(key);
        visit_schema(property, own.empty() ? name : own, visit);
      }
    }
    if (schema.contains("items")) visit_schema(schema["items"], name, visit);
    bool map = schema.contains("additionalProperties") && schema["additionalProperties"].is_object();
    if (map) visit_schema(schema["additionalProperties"], name, visit);
  }

  static std::string name_of_kind(const Json& schema, const Json& kind) {
    const Json& tells = kind["properties"][schema["discriminator"]["propertyName"].get<std::string>()];
    return name_from(tells["enum"][0].get<std::string>());
  }

  // Each value of a discriminator leads to the component of its kind.
  void write_mappings(Json& json) const {
    if (has_discriminator(json)) {
      Json& discriminator = json["discriminator"];
      std::string property = discriminator["propertyName"];
      for (const Json& kind : json["oneOf"]) {
        if (!kind.contains("$ref")) continue;
        std::string reference = kind["$ref"];
        const Json& component = schemas_[reference.substr(reference.rfind('/') + 1)];
        for (const Json& value : component["properties"][property]["enum"])
          discriminator["mapping"][value.get<std::string>()] = reference;
      }
    }
    if (!json.is_structured()) return;
    for (auto& below : json) write_mappings(below);
  }

  bool replace_shared(Json& schema, const std::string& name) {
    if (!schema.is_object() || (!schema.contains("properties") && !schema.contains("oneOf"))) return false;
    std::string text = schema.dump();
    auto found = counts_.find(text);
    if (found == counts_.end() || found->second < 2) return false;
    replace(schema, text, name);
    return true;
  }

  void replace(Json& schema, const std::string& text, const std::string& name) {
    std::string& own = names_[text];
    if (own.empty()) {
      own = name;
      for (int number = 2; schemas_.contains(own); ++number) own = name + std::to_string(number);
      // Its place first: what is inside of it comes behind it.
      schemas_[own] = nullptr;
      Json inner = schema;
      visit_schema(inner, name, [&](Json& below, const std::string& below_name) {
        return &below == &inner || !replace_shared(below, below_name);
      });
      schemas_[names_[text]] = inner;
    }
    schema = Json::object();
    schema["$ref"] = "#/components/schemas/" + names_[text];
  }

  Json& document_;
  std::map<std::string, std::size_t> counts_;
  std::map<std::string, std::string> names_;  // by the schema's text
  Json schemas_ = Json::object();
};

}  // namespace

void share_schemas(Json& document) {
  Sharing(document).share();
}

}  // namespace specular
