// Compares schemas. What a client sends must go on being accepted, what it gets must be what it expects: so a schema
// may only become wider in requests, and only narrower in answers.
//
// Beyond that, as API users have it: a property that is gone breaks who uses it, in either direction; one more property
// in an answer breaks nobody. What is only read (readOnly) is no part of requests, what is only written none of
// answers. Where it cannot be told whether a schema became wider or narrower (not, if, patternProperties …), it did
// both.
#pragma once

#include <set>
#include <tuple>
#include <vector>

#include "analyzers/openapi/change.h"
#include "analyzers/openapi/schema_facts.h"
#include "analyzers/openapi/schema_shape.h"

namespace specular {

enum class Direction : std::uint8_t { request, response };

class SchemaComparer {
 public:
  static constexpr std::size_t kMaxSteps = 20'000'000;  // about a minute
  static constexpr std::size_t kMaxDepth = 64;          // of properties in properties; deeper ones are not compared

  // The documents must outlive it.
  SchemaComparer(const ApiDocument& before, const ApiDocument& after)
      : before_(before), after_(after), old_shapes_(before), new_shapes_(after) {}

  // What differs; place and aspect are set, and subject is "property" or empty. Schemas that contain themselves, or
  // occur again, are told where they come first.
  std::vector<Change> compare(SchemaId before, SchemaId after, Direction direction);

  // Whether either may be a list or an object, and says so.
  bool may_be_composed(SchemaId before, SchemaId after) const;

  // The documents are too large, or too entangled, and the comparison is not whole.
  bool exhausted() const { return steps_ == 0; }

 private:
  friend class SchemaComparison;
  using Pair = std::tuple<Direction, SchemaSet, SchemaSet>;

  bool spend(std::size_t count);

  const ApiDocument& before_;
  const ApiDocument& after_;
  SchemaShapes old_shapes_, new_shapes_;
  std::set<Pair> equal_;  // those known to be so
  std::size_t steps_ = kMaxSteps;
};

}  // namespace specular
