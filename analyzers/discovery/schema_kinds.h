// Kinds of objects: where the objects at one place are of some kinds that have different properties, and what tells
// them apart: the value of one property (a discriminator), or that each has a property that no other has.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analyzers/discovery/schema.h"

namespace specular {

struct ObjectKind {
  std::vector<std::string> values;          // of the discriminator, ascending; empty where there is none
  std::vector<const Property*> properties;  // that were seen in it, ascending by name
  std::vector<const Property*> required;    // of them, those that it never was without, with confidence
};

struct ObjectKinds {
  const Property* discriminator = nullptr;
  std::vector<ObjectKind> kinds;  // at least two; every object that was seen is of exactly one of them
};

// Empty where all objects are of one kind, or that is not sure: each claim rests on Schema::kConfident different
// documents. Valid as long as the schema is.
ObjectKinds kinds_of(const Schema& schema, const SchemaNode& node);

}  // namespace specular
