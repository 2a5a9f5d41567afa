// Values that stand for others: of a schema's types and properties, and of nothing that was seen. Enumerations, bounds
// and defaults do not show in them.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analyzers/openapi/schema_facts.h"

namespace specular {

class Placeholders {
 public:
  explicit Placeholders(const ApiDocument& document) : document_(document) {}

  // For where text goes: "<integer>", "<uuid>".
  std::string text(const SchemaSet& schemas) const;
  std::string text(SchemaId schema) const { return text(SchemaSet{schema}); }
  // A body that a request may have: indented JSON. What contains itself is left out inside of itself.
  std::string json(SchemaId schema) const;

 private:
  // What is written: the schemas around, and how many values may follow.
  struct Writing {
    std::vector<SchemaSet> open;
    std::size_t left;
  };

  nlohmann::ordered_json value(const SchemaSet& schemas, Writing& writing) const;
  bool is_left_out(const SchemaSet& schemas, const Writing& writing) const;
  SchemaFacts chosen(SchemaSet schemas) const;

  const ApiDocument& document_;
};

}  // namespace specular
