// How differences between schemas are put into words.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "analyzers/openapi/schema_facts.h"

namespace specular {

struct MeasureWords {
  const char *least, *most;
};

// Of each measure: its keywords, and the types that have it.
inline constexpr std::array<MeasureWords, kMeasures> kMeasureWords = {
    {{"minimum", "maximum"}, {"minLength", "maxLength"}, {"minItems", "maxItems"}, {"minProperties", "maxProperties"}}};
inline constexpr std::array<TypeSet, kMeasures> kMeasured = {kWhole | kFraction, kString, kArray, kObject};

// "string|null"; "any" for all of them.
std::string type_words(TypeSet types);
// What it is, in a word or two: its name as a component, its types, its format.
std::string schema_words(const ApiDocument& document, const SchemaSet& schemas);
std::string branch_words(const ApiDocument& document, const std::vector<SchemaId>& choice);
std::string value_words(const std::set<std::string>& values);
std::string edge_words(const std::optional<Edge>& edge);
// The beginning of a long text.
std::string shorten(const std::string& text);
std::string join(const std::set<std::string>& words);
// "a.b"; names that have other characters than words stand in brackets: a["b c"].
std::string property_place(const std::string& place, const std::string& name);

// Its name as a component; empty if it has none.
const std::string& component_name(const ApiDocument& document, const SchemaSet& schemas);
// Whether nothing but its choice and types is said.
bool is_bare(const SchemaFacts& facts);
// Whether a value of the format `before` always has the format `after`: int32 and int64.
bool is_wider_format(const std::set<std::string>& before, const std::set<std::string>& after);

inline std::set<std::string> without(const std::set<std::string>& all, const std::set<std::string>& those) {
  std::set<std::string> rest;
  std::set_difference(all.begin(), all.end(), those.begin(), those.end(), std::inserter(rest, rest.end()));
  return rest;
}

template <class Value>
Value value_at(const std::map<std::string, Value>& map, const std::string& key) {
  auto found = map.find(key);
  return found == map.end() ? Value{} : found->second;
}

}  // namespace specular
