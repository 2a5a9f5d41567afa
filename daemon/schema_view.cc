#include "daemon/schema_view.h"

#include <string>

#include "capture/base/escape.h"

namespace specular {
namespace {

using Json = nlohmann::ordered_json;
using Part = ShapePlace::Part;

const char* to_text(Part part) {
  switch (part) {
    case Part::query: return "query";
    case Part::header: return "header";
    case Part::cookie: return "cookie";
    case Part::request: return "request";
    case Part::refused: return "refused request";
    case Part::response: return "response";
  }
  return "";
}

class View {
 public:
  explicit View(const Schema& schema) : schema_(schema) {}

  Json properties() {
    add_below(schema_.root, "");
    return std::move(rows_);
  }

 private:
  // A row for each property: how often it was there, null, or absent, among the objects that could have had it.
  void add_below(const SchemaNode& node, const std::string& path) {
    if (node.object) {
      for (const Property& property : node.object->properties) {
        std::string own = (path.empty() ? "" : path + ".") + make_utf8(property.name);
        add_row(node, property.node, own);
        add_below(property.node, own);
      }
      if (node.object->values) {
        std::string own = path.empty() ? "*" : path + ".*";
        add_values(*node.object->values, own);
        add_below(*node.object->values, own);
      }
    }
    if (!node.array) return;
    add_values(node.array->items, path + "[]");
    add_below(node.array->items, path + "[]");
  }

  static Json types_of(const SchemaNode& node) {
    Json types = Json::object();
    for (std::size_t i = 0; i < kValueKinds; ++i) {
      auto kind = static_cast<ValueKind>(i);
      if (kind != ValueKind::null && node.kinds[i] > 0) types[specular::to_text(kind)] = node.kinds[i];
    }
    return types;
  }

  void add_row(const SchemaNode& object, const SchemaNode& node, const std::string& path) {
    std::uint64_t objects = object.count(ValueKind::object), seen = node.seen();
    Json row;
    row["property"] = path;
    row["types"] = types_of(node);
    row["null"] = node.count(ValueKind::null);
    row["absent"] = objects - std::min(objects, seen);
    row["required"] = schema_.requires_property(object, node);
    row["evidence"] = schema_.evidence(objects);
    rows_.push_back(row);
  }

  // Items, and values of keys that are data, are never absent.
  void add_values(const SchemaNode& node, const std::string& path) {
    if (node.seen() == 0) return;
    Json row;
    row["property"] = path;
    row["types"] = types_of(node);
    row["null"] = node.count(ValueKind::null);
    rows_.push_back(row);
  }

  const Schema& schema_;
  Json rows_ = Json::array();
};

}  // namespace

Json schemas_json(const ShapeTable& shapes) {
  Json list = Json::array();
  for (const auto& [place, schema] : shapes.list()) {
    Json json;
    json["in"] = to_text(place.part);
    json["status"] = place.status == 0 ? Json(nullptr) : Json(place.status);
    json["type"] = place.type.empty() ? Json(nullptr) : Json(make_utf8(place.type));
    json["documents"] = schema.documents;
    json["different_documents"] = schema.different.estimate();
    json["unread_documents"] = schema.passed_over;
    json["unreadable_documents"] = schema.unreadable;
    json["levels"] = schema.depth;
    json["properties"] = View(schema).properties();
    list.push_back(json);
  }
  return list;
}

}  // namespace specular
