#include "analyzers/openapi/schema_words.h"

#include <iterator>

#include <fmt/format.h>

#include "capture/base/escape.h"

namespace specular {
namespace {

constexpr std::size_t kLongestText = 200;

constexpr std::pair<TypeSet, const char*> kTypeWords[] = {
    {kBoolean, "boolean"}, {kString, "string"}, {kArray, "array"}, {kObject, "object"}};

}  // namespace

std::string type_words(TypeSet types) {
  if (types == kAllTypes) return "any";
  std::string words;
  auto add = [&](const char* word) { words += (words.empty() ? "" : "|") + std::string(word); };
  if ((types & kFraction) != 0) {
    add("number");
  } else if ((types & kWhole) != 0) {
    add("integer");
  }
  for (auto [type, word] : kTypeWords) {
    if ((types & type) != 0) add(word);
  }
  if ((types & kNull) != 0) add("null");
  return words.empty() ? "nothing" : words;
}

const std::string& component_name(const ApiDocument& document, const SchemaSet& schemas) {
  static const std::string kNone;
  return schemas.size() == 1 ? document.schemas[schemas.front()].name : kNone;
}

std::string schema_words(const ApiDocument& document, const SchemaSet& schemas) {
  if (const std::string& name = component_name(document, schemas); !name.empty()) return name;
  if (schemas.empty()) return "";
  SchemaFacts facts = facts_of(document, schemas);
  std::string words = type_words(facts.types);
  return facts.formats.empty() ? words : fmt::format("{} ({})", words, join(facts.formats));
}

std::string branch_words(const ApiDocument& document, const std::vector<SchemaId>& choice) {
  std::set<std::string> words;
  for (SchemaId id : choice) words.insert(schema_words(document, {id}));
  return join(words);
}

std::string value_words(const std::set<std::string>& values) {
  return shorten(join(values));
}

std::string edge_words(const std::optional<Edge>& edge) {
  if (!edge) return "";
  return fmt::format("{}{}", edge->at, edge->exclusive ? " excluded" : "");
}

std::string shorten(const std::string& text) {
  if (text.size() <= kLongestText) return text;
  std::size_t end = kLongestText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::string join(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : ", ") + word;
    if (text.size() > kLongestText) break;
  }
  return text;
}

std::string property_place(const std::string& place, const std::string& name) {
  auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '$' || c == '@' || c == '*';
  };
  if (name.empty() || !std::all_of(name.begin(), name.end(), plain)) return fmt::format("{}[\"{}\"]", place, name);
  return place.empty() ? name : place + "." + name;
}

bool is_bare(const SchemaFacts& facts) {
  return !facts.values && facts.formats.empty() && facts.patterns.empty() && facts.multiples.empty() &&
         facts.properties.empty() && facts.required.empty() && facts.additional.empty() && facts.items.empty() &&
         facts.first_items.empty() && facts.conditions.empty() && facts.ranges == std::array<Bounds, kMeasures>{};
}

bool is_wider_format(const std::set<std::string>& before, const std::set<std::string>& after) {
  using Formats = std::set<std::string>;
  return (before == Formats{"int32"} && after == Formats{"int64"}) ||
         (before == Formats{"float"} && after == Formats{"double"});
}

}  // namespace specular
