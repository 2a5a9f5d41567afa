// OpenAPI documents as people write them, 3.1, 3.0 and Swagger 2.0, in one model: what is written in one version's way
// is here in 3.1's. For whoever compares documents, or holds traffic against them.
//
// References are resolved (local ones; a document that refers to another is refused), so a schema is a graph, and may
// contain itself. Where something stands is kept as a line of the file, 0 where the document says nothing of it.
// What makes the meaning unclear is refused: a wrong type, an unknown reference, a key or an operation that comes
// twice. What only people read (titles, descriptions, examples) may be missing or odd.
//
// Source: OpenAPI Specification 3.1.0, 3.0.3, 2.0; JSON Schema 2020-12.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "capture/base/result.h"

namespace specular {

// Index into ApiDocument::schemas. Two are in every document: what anything fits, and what nothing does.
using SchemaId = std::uint32_t;
inline constexpr SchemaId kAnything = 0, kNothing = 1;

// A set of types; a number may be whole or have a fraction.
using TypeSet = std::uint8_t;
inline constexpr TypeSet kNull = 1, kBoolean = 2, kWhole = 4, kFraction = 8, kString = 16, kArray = 32, kObject = 64;
inline constexpr TypeSet kAllTypes = 127;

// What may be bounded from below and above.
enum class Measure : std::uint8_t { value, length, items, properties };
inline constexpr std::size_t kMeasures = 4;

struct Edge {
  double at;
  bool exclusive = false;

  bool operator==(const Edge&) const = default;
};

struct Bounds {
  std::optional<Edge> least, most;

  bool operator==(const Bounds&) const = default;
};

struct ApiSchema {
  std::uint32_t line = 0;
  std::string name;  // as a component; empty if it is none

  TypeSet types = kAllTypes;                             // nullable is kNull here
  std::optional<std::vector<std::string>> values;        // of enum and const, as canonical JSON
  std::string format, pattern, multiple_of, default_to;  // empty: none; the last two as canonical JSON
  std::array<Bounds, kMeasures> ranges;
  bool unique_items = false;
  bool read_only = false, write_only = false, deprecated = false;

  std::map<std::string, SchemaId> properties;
  std::set<std::string> required;
  std::optional<SchemaId> additional, items;
  std::vector<SchemaId> first_items;                    // prefixItems
  std::vector<SchemaId> all_of;                         // also what a reference with siblings refers to
  std::optional<std::vector<SchemaId>> one_of, any_of;  // empty only where the document has them empty
  std::map<std::string, SchemaId> conditions;           // of all other keywords: "not", "patternProperties ^x"
  std::map<std::string, std::string> others;  // as canonical JSON: dependentRequired, minContains, discriminator …
};

struct ApiParameter {
  std::uint32_t line = 0;
  std::string in, name;  // path, query, header (name in lower case) or cookie
  bool required = false, deprecated = false;
  std::string style;  // how lists and objects are written: "form", "form exploded"
  SchemaId schema = kAnything;
};

// By media type: lower case, without charset.
using ApiContents = std::map<std::string, SchemaId>;

struct ApiBody {
  std::uint32_t line = 0;
  bool required = false;
  ApiContents contents;
};

struct ApiResponse {
  std::uint32_t line = 0;
  ApiContents contents;
  std::map<std::string, ApiParameter> headers;  // by name in lower case
};

// Ways to authenticate that are wanted together, each with its scopes. A way is said as the inventory says it:
// "bearer", "basic", "apiKey:header:x-api-key", and "oauth2", "openIdConnect", "mutualTLS".
using ApiSecurity = std::map<std::string, std::set<std::string>>;

struct ApiServer {
  std::uint32_t line = 0;
  std::string url;  // variables at their defaults; may be relative

  std::string host() const;       // lower case, without the scheme's own port; empty if relative
  std::string base_path() const;  // without a slash at the end
};

struct ApiOperation {
  std::uint32_t line = 0;
  std::string method;  // upper case
  std::string path;    // as written, without what its servers put before it
  std::vector<std::string> tags;
  bool deprecated = false;
  std::vector<ApiServer> servers;        // never empty; "/" if nothing is said
  std::vector<ApiParameter> parameters;  // ordered by in and name; those of the path among them
  std::optional<ApiBody> body;
  std::map<std::string, ApiResponse> responses;  // by status: "200", "2XX", "default"
  std::vector<ApiSecurity> security;             // one of these; empty: none is wanted
};

struct ApiDocument {
  std::string name;  // of the file
  std::string title;
  std::vector<ApiServer> servers;
  std::vector<ApiOperation> operations;  // ordered by path and method
  std::vector<ApiSchema> schemas;
};

// `name` stands before the line in errors.
Result<ApiDocument> read_document(std::string_view text, const std::string& name);

// A path with nothing in its placeholders: what templates are told apart by.
std::string path_shape(std::string_view path);

}  // namespace specular
