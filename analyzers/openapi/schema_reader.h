// Reads schemas of a document. Each place of the document is one schema, however often it is referred to.
#pragma once

#include <set>
#include <vector>

#include "analyzers/openapi/document.h"
#include "analyzers/openapi/document_source.h"

namespace specular {

class SchemaReader {
 public:
  explicit SchemaReader(DocumentSource& source);

  // The schema that stands there; read later, so that however deep references lead, no stack does.
  SchemaId at(SourceId place);
  // Of a parameter, header or items of Swagger 2.0, whose schema stands among what else it says.
  SchemaId among(SourceId place);
  // One that stands nowhere.
  SchemaId add(ApiSchema schema);

  // Reads what is yet to be read.
  void finish();
  // Requires: finish(), and nothing after it.
  std::vector<ApiSchema> take() { return std::move(schemas_); }

 private:
  using Kind = SourceValue::Kind;

  SchemaId place_of(SourceId place, const std::string& name);
  bool narrows_reference(SourceId place) const;
  std::vector<SchemaId> list_of(SourceId list, std::string_view what);

  ApiSchema read(SourceId place);
  void read_types(SourceId place, ApiSchema& schema);
  void read_values(SourceId place, ApiSchema& schema);
  void read_ranges(SourceId place, ApiSchema& schema);
  void read_object(SourceId place, ApiSchema& schema);
  void read_array(SourceId place, ApiSchema& schema);
  void read_combinations(SourceId place, ApiSchema& schema);
  void read_others(SourceId place, ApiSchema& schema);

  DocumentSource& source_;
  std::vector<ApiSchema> schemas_;
  std::map<SourceId, SchemaId> known_;
  std::set<SourceId> among_;
  std::vector<std::pair<SourceId, SchemaId>> unread_;
};

}  // namespace specular
