#include "analyzers/openapi/json_schema.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <nlohmann/json.hpp>

#include "analyzers/discovery/schema_kinds.h"
#include "analyzers/inspect/body_shapes.h"
#include "capture/base/escape.h"

namespace specular {
namespace {

using Json = nlohmann::ordered_json;

// Below so many names an object is none of many keys.
constexpr std::size_t kFewestKeys = 8;

std::size_t format_index(TextFormat format) {
  return static_cast<std::size_t>(format);
}

// The type that all texts have, where text tells it.
ValueKind kind_of(const TextFacts& text) {
  auto count = [&](TextFormat format) { return text.formats[format_index(format)]; };
  std::uint64_t all = 0;
  for (std::uint32_t number : text.formats) all += number;
  if (all == 0) return ValueKind::string;
  if (count(TextFormat::integer) == all) return ValueKind::integer;
  if (count(TextFormat::integer) + count(TextFormat::number) == all) return ValueKind::number;
  return count(TextFormat::boolean) == all ? ValueKind::boolean : ValueKind::string;
}

const char* format_of_all(const TextFacts& text) {
  const char* format = "";
  for (std::size_t i = 0; i < kTextFormats; ++i) {
    if (text.formats[i] == 0) continue;
    const char* own = openapi_format(static_cast<TextFormat>(i));
    if (*own == '\0' || *format != '\0') return "";
    format = own;
  }
  return format;
}

class Writer {
 public:
  Writer(const Schema& schema, Writing writing) : schema_(schema), writing_(writing) {}

  Json write(const SchemaNode& node) const {
    if (writing_ != Writing::json && node.array && node.count(ValueKind::string) + node.count(ValueKind::object) > 0)
      return write_list(node);
    Json out = Json::object();
    if (node.seen() == 0) return out;
    write_types(node, out);
    if (node.text && node.count(ValueKind::string) > 0) write_text(node, out);
    if (node.number) write_bounds(*node.number, node.count(ValueKind::integer) + node.count(ValueKind::number), out);
    if (node.object && !write_kinds(node, out)) write_object(node, out);
    if (node.array && node.array->items.seen() > 0) out["items"] = write(node.array->items);
    return out;
  }

 private:
  // What is a list now and then is one of a single item else.
  Json write_list(const SchemaNode& node) const {
    SchemaNode item = node;
    SchemaNode items = node.array->items;
    item.array.clear();
    item.kinds[static_cast<std::size_t>(ValueKind::array)] = 0;
    items.merge(item);
    Json out;
    out["type"] = "array";
    out["items"] = write(items);
    return out;
  }

  void write_types(const SchemaNode& node, Json& out) const {
    std::vector<std::string> types;
    bool numbers = node.count(ValueKind::number) > 0;
    constexpr ValueKind kOrder[] = {ValueKind::object, ValueKind::array,   ValueKind::string, ValueKind::integer,
                                    ValueKind::number, ValueKind::boolean, ValueKind::null};
    for (ValueKind kind : kOrder) {
      if (node.count(kind) == 0 || (kind == ValueKind::integer && numbers)) continue;
      bool told = kind == ValueKind::string && writing_ != Writing::json && node.text;
      types.emplace_back(to_text(told ? kind_of(*node.text) : kind));
    }
    if (types.size() == 1) {
      out["type"] = types.front();
    } else {
      out["type"] = types;
    }
  }

  void write_text(const SchemaNode& node, Json& out) const {
    const TextFacts& text = *node.text;
    if (writing_ != Writing::json && kind_of(text) != ValueKind::string) return;
    bool alone = node.seen() == node.count(ValueKind::string) + node.count(ValueKind::null);
    if (alone && write_members(node, out)) return;
    if (const char* format = format_of_all(text); *format != '\0') {
      out["format"] = format;
      return;
    }
    // Only what is always as long tells something about the text.
    const Range& length = text.length;
    bool fixed = !length.empty() && length.low == length.high &&
                 schema_.evidence(node.count(ValueKind::string)) >= Schema::kConfident;
    if (!fixed || length.low <= 0 || !std::isfinite(length.high)) return;
    out["minLength"] = static_cast<std::uint64_t>(length.low);
    out["maxLength"] = static_cast<std::uint64_t>(length.high);
  }

  bool write_members(const SchemaNode& node, Json& out) const {
    if (!schema_.is_closed(*node.text)) return false;
    std::vector<std::string> members;
    for (const auto& member : node.text->members.list()) {
      if (member.text.empty()) return false;
      members.push_back(member.text);
    }
    std::sort(members.begin(), members.end());
    out["enum"] = members;
    if (node.count(ValueKind::null) > 0) out["enum"].push_back(nullptr);
    return true;
  }

  // A bound is one if many values lie on it; else it is just the greatest so far.
  void write_bounds(const Range& range, std::uint64_t seen, Json& out) const {
    auto wall = [&](double value, std::uint32_t at) {
      return std::isfinite(value) && schema_.is_sharp(at, seen) && std::uint64_t{at} * 20 >= seen;
    };
    auto number = [](double value) {
      bool whole = value == std::floor(value);
      return whole ? Json(static_cast<std::int64_t>(value)) : Json(value);
    };
    if (wall(range.low, range.at_low)) out["minimum"] = number(range.low);
    if (wall(range.high, range.at_high)) out["maximum"] = number(range.high);
  }

  // Objects of several kinds: a schema for each, of which just one fits.
  bool write_kinds(const SchemaNode& node, Json& out) const {
    if (writing_ != Writing::json || is_map(node)) return false;
    ObjectKinds found = kinds_of(schema_, node);
    bool unlike_names = std::any_of(node.object->properties.begin(), node.object->properties.end(),
                                    [](const Property& property) { return make_utf8(property.name) != property.name; });
    if (found.kinds.empty() || unlike_names) return false;
    for (const ObjectKind& kind : found.kinds) {
      Json one;
      one["type"] = "object";
      for (const Property* property : kind.properties) {
        bool tells = property == found.discriminator;
        one["properties"][property->name] =
            tells ? Json{{"type", "string"}, {"enum", kind.values}} : write(property->node);
      }
      for (const Property* property : kind.required) one["required"].push_back(property->name);
      out["oneOf"].push_back(one);
    }
    if (found.discriminator != nullptr) out["discriminator"]["propertyName"] = found.discriminator->name;
    return true;
  }

  void write_object(const SchemaNode& node, Json& out) const {
    const ObjectFacts& object = *node.object;
    if (is_map(node)) {
      SchemaNode values;
      if (object.values) values = *object.values;
      for (const Property& property : object.properties) values.merge(property.node);
      out["additionalProperties"] = write(values);
      return;
    }
    std::vector<std::string> required;
    for (const Property& property : object.properties) {
      if (property.node.seen() == 0) continue;
      bool attribute = writing_ == Writing::xml && property.name.starts_with('@');
      std::string name = make_utf8(attribute ? property.name.substr(1) : property.name);
      // Names are unique by their UTF-8 form too; an element comes before the attribute of its name.
      if (out.contains("properties") && out["properties"].contains(name)) continue;
      if (attribute && object.find(property.name.substr(1)) != nullptr) continue;
      Json& written = out["properties"][name];
      written = write(property.node);
      if (attribute) written["xml"]["attribute"] = true;
      if (schema_.requires_property(node, property.node)) required.push_back(name);
    }
    if (!required.empty()) out["required"] = required;
    if (object.values && object.values->seen() > 0) out["additionalProperties"] = write(*object.values);
  }

  const Schema& schema_;
  Writing writing_;
};

}  // namespace

Writing writing_of(const Schema& schema, std::string_view media_type) {
  // What its type calls XML may be JSON.
  if (schema.untyped < schema.documents) return Writing::json;
  return media_kind_of(media_type) == MediaKind::xml ? Writing::xml : Writing::text;
}

bool is_map(const SchemaNode& node) {
  const ObjectFacts& object = *node.object;
  std::size_t names = object.properties.size();
  if (names == 0) return object.values && object.values->seen() > 0;
  if (names < kFewestKeys) return false;
  std::uint64_t entries = 0, most = 0, like_data = 0;
  std::array<bool, kValueKinds> kinds{};
  for (const Property& property : object.properties) {
    entries += property.node.seen();
    most = std::max(most, property.node.seen());
    like_data += property.name.find_first_of("0123456789") != std::string::npos ? 1 : 0;
    for (std::size_t i = 0; i < kValueKinds; ++i) kinds[i] = kinds[i] || property.node.kinds[i] > 0;
  }
  kinds[static_cast<std::size_t>(ValueKind::null)] = false;
  bool alike = std::count(kinds.begin(), kinds.end(), true) <= 1;
  std::uint64_t objects = node.count(ValueKind::object);
  // Each key is in few of the objects, and an object has few of the keys.
  return alike && like_data * 4 >= names * 3 && most * 2 <= objects && entries * 2 <= objects * names;
}

Json to_json_schema(const Schema& schema, const SchemaNode& node, Writing writing) {
  return Writer(schema, writing).write(node);
}

Json to_json_schema(const Schema& schema, Writing writing) {
  return to_json_schema(schema, schema.root, writing);
}

}  // namespace specular
