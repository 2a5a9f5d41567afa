// Which schemas say the same, across documents: a number for each, from what it says and what the schemas say that it
// refers to, some levels deep. Names of components, defaults and the order of a choice have no say.
#pragma once

#include <cstdint>
#include <vector>

#include "analyzers/openapi/document.h"
#include "analyzers/openapi/schema_facts.h"

namespace specular {

class SchemaShapes {
 public:
  static constexpr int kLevels = 16;

  explicit SchemaShapes(const ApiDocument& document);

  // The same for schemas that are alike to that depth, whatever document they are of.
  std::uint64_t of(const SchemaSet& schemas) const;

 private:
  std::vector<std::uint64_t> shapes_;  // by schema
};

}  // namespace specular
