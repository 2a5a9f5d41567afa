#include "analyzers/openapi/schema_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace specular {
namespace {

struct MeasureKeys {
  const char *least, *most;
};

constexpr std::array<MeasureKeys, kMeasures> kMeasureKeys = {
    {{"minimum", "maximum"}, {"minLength", "maxLength"}, {"minItems", "maxItems"}, {"minProperties", "maxProperties"}}};

constexpr std::pair<std::string_view, TypeSet> kTypeNames[] = {
    {"null", kNull},     {"boolean", kBoolean}, {"integer", kWhole}, {"number", kWhole | kFraction},
    {"string", kString}, {"array", kArray},     {"object", kObject}, {"file", kString}};

std::optional<double> number_of(const SourceValue& value) {
  double number = 0;
  auto end = value.text.data() + value.text.size();
  bool read = value.is(SourceValue::Kind::number) && std::from_chars(value.text.data(), end, number).ptr == end;
  if (!read || !std::isfinite(number)) return std::nullopt;
  return number;
}

// The type of a value in canonical JSON.
TypeSet type_of(const std::string& value) {
  switch (value.empty() ? '\0' : value[0]) {
    case 'n': return kNull;
    case 't':
    case 'f': return kBoolean;
    case '"': return kString;
    case '[': return kArray;
    case '{': return kObject;
    default: return value.find_first_of(".e") == std::string::npos ? kWhole : kFraction;
  }
}

bool is_for_people(std::string_view key) {
  static constexpr std::string_view kKeys[] = {"$ref",     "description", "summary",    "title",       "example",
                                               "examples", "$comment",    "deprecated", "externalDocs"};
  return key.starts_with("x-") || std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys);
}

}  // namespace

SchemaReader::SchemaReader(DocumentSource& source) : source_(source) {
  ApiSchema nothing;
  nothing.types = 0;
  schemas_ = {ApiSchema{}, std::move(nothing)};
}

SchemaId SchemaReader::at(SourceId place) {
  std::string name;
  for (int hops = 0; hops < 100; ++hops) {
    const SourceId* reference = source_.tree().find(place, "$ref");
    if (reference == nullptr || narrows_reference(place)) return place_of(place, name);
    if (!source_.expect(*reference, Kind::text, "'$ref'")) return kAnything;
    const std::string& text = source_.at(*reference).text;
    auto target = source_.resolve(*reference, text);
    if (!target) return kAnything;
    name = text.substr(text.rfind('/') + 1);
    place = *target;
  }
  source_.complain(place, "a schema that is a reference to itself");
  return kAnything;
}

SchemaId SchemaReader::among(SourceId place) {
  among_.insert(place);
  return place_of(place, {});
}

SchemaId SchemaReader::add(ApiSchema schema) {
  schemas_.push_back(std::move(schema));
  return static_cast<SchemaId>(schemas_.size() - 1);
}

SchemaId SchemaReader::place_of(SourceId place, const std::string& name) {
  if (const SourceValue& value = source_.at(place); value.is(Kind::boolean))
    return value.text == "true" ? kAnything : kNothing;
  auto [known, is_new] = known_.emplace(place, 0);
  if (is_new) {
    known->second = add({});
    unread_.emplace_back(place, known->second);
  }
  if (!name.empty()) schemas_[known->second].name = name;
  return known->second;
}

// Before 3.1, what stands beside a reference does not count.
bool SchemaReader::narrows_reference(SourceId place) const {
  if (source_.dialect != Dialect::openapi31) return false;
  const auto& entries = source_.at(place).entries;
  return std::any_of(entries.begin(), entries.end(), [](const auto& entry) { return !is_for_people(entry.first); });
}

void SchemaReader::finish() {
  while (!unread_.empty() && !source_.problem()) {
    auto [place, id] = unread_.back();
    unread_.pop_back();
    ApiSchema schema = read(place);
    schema.name = schemas_[id].name;
    schemas_[id] = std::move(schema);
  }
}

ApiSchema SchemaReader::read(SourceId place) {
  ApiSchema schema;
  if (!source_.expect(place, Kind::object, "a schema")) return schema;
  schema.line = source_.line(place);
  read_types(place, schema);
  read_values(place, schema);
  read_ranges(place, schema);
  read_object(place, schema);
  read_array(place, schema);
  read_combinations(place, schema);
  read_others(place, schema);
  schema.format = source_.text(place, "format");
  schema.pattern = source_.text(place, "pattern");
  schema.read_only = source_.flag(place, "readOnly");
  schema.write_only = source_.flag(place, "writeOnly");
  schema.deprecated = source_.flag(place, "deprecated");
  if (const SourceId* value = source_.tree().find(place, "default")) schema.default_to = source_.canonical(*value);
  return schema;
}

void SchemaReader::read_types(SourceId place, ApiSchema& schema) {
  const SourceId* type = source_.tree().find(place, "type");
  if (type == nullptr || source_.at(*type).is(Kind::null)) return;
  bool several = source_.dialect != Dialect::openapi30 && source_.at(*type).is(Kind::list);
  if (!several && !source_.expect(*type, Kind::text, "'type'")) return;
  schema.types = 0;
  for (SourceId item : several ? source_.at(*type).items : std::vector<SourceId>{*type}) {
    const std::string& name = source_.at(item).text;
    auto known =
        std::find_if(std::begin(kTypeNames), std::end(kTypeNames), [&](const auto& n) { return n.first == name; });
    if (known == std::end(kTypeNames)) return source_.complain(item, fmt::format("no type of schemas: '{}'", name));
    schema.types |= known->second;
  }
  const char* key = source_.dialect == Dialect::swagger2 ? "x-nullable" : "nullable";
  if (source_.dialect != Dialect::openapi31 && source_.flag(place, key)) schema.types |= kNull;
}

void SchemaReader::read_values(SourceId place, ApiSchema& schema) {
  if (const SourceId* values = source_.field(place, "enum", Kind::list)) {
    schema.values.emplace();
    for (SourceId value : source_.at(*values).items) schema.values->push_back(source_.canonical(value));
  }
  if (const SourceId* value = source_.tree().find(place, "const"); value && source_.dialect == Dialect::openapi31)
    schema.values = {source_.canonical(*value)};
  if (!schema.values) return;
  TypeSet types = 0;
  for (const std::string& value : *schema.values) types |= type_of(value);
  // What an enumeration does not have cannot be.
  schema.types &= types;
  std::erase_if(*schema.values, [&](const std::string& value) { return (type_of(value) & schema.types) == 0; });
}

void SchemaReader::read_ranges(SourceId place, ApiSchema& schema) {
  auto edge_of = [&](const char* key) -> std::optional<Edge> {
    const SourceId* value = source_.field(place, key, Kind::number);
    if (value == nullptr) return std::nullopt;
    auto number = number_of(source_.at(*value));
    if (!number) source_.complain(*value, fmt::format("'{}' is no number that can be compared", key));
    return number ? std::optional(Edge{*number}) : std::nullopt;
  };
  for (std::size_t i = 0; i < kMeasures; ++i) {
    schema.ranges[i] = {edge_of(kMeasureKeys[i].least), edge_of(kMeasureKeys[i].most)};
    if (i > 0 && schema.ranges[i].least && schema.ranges[i].least->at <= 0) schema.ranges[i].least.reset();
  }
  // A flag up to 3.0, a number of its own since 3.1.
  auto exclude = [&](const char* key, std::optional<Edge>& edge, bool least) {
    const SourceId* value = source_.tree().find(place, key);
    if (value == nullptr) return;
    if (source_.at(*value).is(Kind::boolean)) {
      if (edge) edge->exclusive = source_.at(*value).text == "true";
      return;
    }
    auto own = edge_of(key);
    if (!own || (edge && (least ? edge->at > own->at : edge->at < own->at))) return;
    edge = Edge{own->at, true};
  };
  Bounds& values = schema.ranges[static_cast<std::size_t>(Measure::value)];
  exclude("exclusiveMinimum", values.least, true);
  exclude("exclusiveMaximum", values.most, false);
  if (const SourceId* of = source_.field(place, "multipleOf", Kind::number))
    schema.multiple_of = source_.canonical(*of);
}

void SchemaReader::read_object(SourceId place, ApiSchema& schema) {
  if (const SourceId* properties = source_.field(place, "properties", Kind::object)) {
    for (const auto& [name, value] : source_.at(*properties).entries) schema.properties[name] = at(value);
  }
  if (!among_.contains(place)) {
    for (std::string& name : source_.texts(place, "required")) schema.required.insert(std::move(name));
  }
  if (const SourceId* additional = source_.tree().find(place, "additionalProperties"))
    schema.additional = at(*additional);
}

void SchemaReader::read_array(SourceId place, ApiSchema& schema) {
  if (const SourceId* items = source_.tree().find(place, "items")) {
    schema.items = source_.dialect == Dialect::swagger2 && among_.contains(place) ? among(*items) : at(*items);
  }
  if (const SourceId* first = source_.field(place, "prefixItems", Kind::list))
    schema.first_items = list_of(*first, "'prefixItems'");
  schema.unique_items = source_.flag(place, "uniqueItems");
}

std::vector<SchemaId> SchemaReader::list_of(SourceId list, std::string_view what) {
  std::vector<SchemaId> schemas;
  for (SourceId item : source_.at(list).items) schemas.push_back(at(item));
  if (schemas.empty()) source_.complain(list, fmt::format("{} lists no schema", what));
  return schemas;
}

void SchemaReader::read_combinations(SourceId place, ApiSchema& schema) {
  if (const SourceId* all = source_.field(place, "allOf", Kind::list)) schema.all_of = list_of(*all, "'allOf'");
  if (const SourceId* one = source_.field(place, "oneOf", Kind::list)) schema.one_of = list_of(*one, "'oneOf'");
  if (const SourceId* any = source_.field(place, "anyOf", Kind::list)) schema.any_of = list_of(*any, "'anyOf'");
  const SourceId* reference = source_.tree().find(place, "$ref");
  if (reference == nullptr || !source_.expect(*reference, Kind::text, "'$ref'")) return;
  const std::string& text = source_.at(*reference).text;
  auto target = source_.resolve(*reference, text);
  if (!target) return;
  schema.all_of.push_back(at(*target));
  if (SchemaId id = schema.all_of.back(); id > kNothing && source_.tree().find(*target, "$ref") == nullptr)
    schemas_[id].name = text.substr(text.rfind('/') + 1);
}

void SchemaReader::read_others(SourceId place, ApiSchema& schema) {
  for (const char* key :
       {"not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties"}) {
    if (const SourceId* value = source_.tree().find(place, key)) schema.conditions[key] = at(*value);
  }
  for (const char* key : {"patternProperties", "dependentSchemas"}) {
    const SourceId* map = source_.field(place, key, Kind::object);
    if (map == nullptr) continue;
    for (const auto& [name, value] : source_.at(*map).entries)
      schema.conditions[fmt::format("{} {}", key, name)] = at(value);
  }
  for (const char* key :
       {"dependentRequired", "minContains", "maxContains", "contentEncoding", "contentMediaType", "discriminator"}) {
    const SourceId* value = source_.tree().find(place, key);
    if (value != nullptr) schema.others[key] = source_.canonical(*value);
  }
}

}  // namespace specular
