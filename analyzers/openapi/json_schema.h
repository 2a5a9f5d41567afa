// JSON Schema 2020-12, as OpenAPI 3.1 has it, of what was learned at one place. Everything that was seen there fits;
// what narrows it further (required, enum, bounds) is said only with confidence (discovery/schema.h).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "analyzers/discovery/schema.h"

namespace specular {

// How values are written where the schema was learned.
enum class Writing : std::uint8_t {
  json,
  text,  // forms, queries, headers, cookies: text that tells its type, single values and lists alike
  xml,   // the same; properties that begin with '@' are attributes
};

Writing writing_of(const Schema& schema, std::string_view media_type);

nlohmann::ordered_json to_json_schema(const Schema& schema, Writing writing);
// Of one of its nodes.
nlohmann::ordered_json to_json_schema(const Schema& schema, const SchemaNode& node, Writing writing);

// Whether an object's keys are data: its names differ from document to document, look like identifiers, and stand for
// values of one kind.
bool is_map(const SchemaNode& node);

}  // namespace specular
