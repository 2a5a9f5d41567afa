// What a schema demands, with what its allOf adds: the form in which two schemas are compared, however they are put
// together.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "analyzers/openapi/document.h"

namespace specular {

// Schemas that hold together; sorted, each once. Empty: anything fits.
using SchemaSet = std::vector<SchemaId>;

struct SchemaFacts {
  TypeSet types = kAllTypes;
  std::optional<std::set<std::string>> values;
  std::set<std::string> formats, patterns, multiples;
  std::array<Bounds, kMeasures> ranges;
  bool unique_items = false, deprecated = false;
  std::string default_to;

  std::map<std::string, SchemaSet> properties;
  std::set<std::string> required;
  SchemaSet additional, items;
  std::vector<SchemaSet> first_items;
  std::vector<std::vector<SchemaId>> choices;  // each: one at least of these holds, too
  std::map<std::string, SchemaSet> conditions;
  std::map<std::string, std::string> others;

  bool closed() const;  // no other properties
};

// Requires: the ids are of that document. What allOf contains again and again counts once.
SchemaFacts facts_of(const ApiDocument& document, const SchemaSet& schemas);

}  // namespace specular
