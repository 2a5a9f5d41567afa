#include "analyzers/openapi/placeholder.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace specular {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostDepth = 8;      // of values in values
constexpr std::size_t kMostValues = 2000;  // of a body
constexpr int kMostChoices = 4;            // in choices

const char* type_word(TypeSet types) {
  if ((types & kString) != 0) return "string";
  if ((types & kFraction) != 0) return "number";
  if ((types & kWhole) != 0) return "integer";
  if ((types & kBoolean) != 0) return "boolean";
  return "string";
}

}  // namespace

// With the first of each choice.
SchemaFacts Placeholders::chosen(SchemaSet schemas) const {
  SchemaFacts facts = facts_of(document_, schemas);
  for (int round = 0; round < kMostChoices && !facts.choices.empty(); ++round) {
    std::size_t known = schemas.size();
    for (const auto& choice : facts.choices) {
      auto at = std::lower_bound(schemas.begin(), schemas.end(), choice.front());
      if (at == schemas.end() || *at != choice.front()) schemas.insert(at, choice.front());
    }
    if (schemas.size() == known) break;
    facts = facts_of(document_, schemas);
  }
  return facts;
}

std::string Placeholders::text(const SchemaSet& schemas) const {
  SchemaFacts facts = chosen(schemas);
  if ((facts.types & kArray) != 0 && facts.types != kAllTypes && !facts.items.empty()) facts = chosen(facts.items);
  bool formatted = !facts.formats.empty() && (facts.types & kString) != 0;
  return std::string("<") + (formatted ? facts.formats.begin()->c_str() : type_word(facts.types)) + ">";
}

std::string Placeholders::json(SchemaId schema) const {
  Writing writing{{}, kMostValues};
  return value({schema}, writing).dump(2, ' ', true, Json::error_handler_t::replace);
}

bool Placeholders::is_left_out(const SchemaSet& schemas, const Writing& writing) const {
  bool full = writing.open.size() >= kMostDepth || writing.left == 0;
  bool around = std::find(writing.open.begin(), writing.open.end(), schemas) != writing.open.end();
  auto read_only = [&](SchemaId id) { return document_.schemas[id].read_only; };
  return full || around || std::any_of(schemas.begin(), schemas.end(), read_only);
}

Json Placeholders::value(const SchemaSet& schemas, Writing& writing) const {
  SchemaFacts facts = chosen(schemas);
  if (writing.left > 0) --writing.left;
  writing.open.push_back(schemas);
  Json out;
  if ((facts.types & kObject) != 0 && (facts.types != kAllTypes || !facts.properties.empty())) {
    out = Json::object();
    for (const auto& [name, property] : facts.properties) {
      if (!is_left_out(property, writing)) out[name] = value(property, writing);
    }
  } else if ((facts.types & kArray) != 0 && facts.types != kAllTypes) {
    out = Json::array();
    if (!facts.items.empty() && !is_left_out(facts.items, writing)) out.push_back(value(facts.items, writing));
  } else if ((facts.types & kString) != 0) {
    out = text(schemas);
  } else if ((facts.types & (kWhole | kFraction)) != 0) {
    out = 0;
  } else if ((facts.types & kBoolean) != 0) {
    out = false;
  }
  writing.open.pop_back();
  return out;
}

}  // namespace specular
