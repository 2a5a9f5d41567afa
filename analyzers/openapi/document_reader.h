// Reads a document's operations. What all versions have in common is here; what differs is asked of the version's own.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "analyzers/openapi/document.h"
#include "analyzers/openapi/document_source.h"
#include "analyzers/openapi/schema_reader.h"

namespace specular {

class DocumentReader {
 public:
  explicit DocumentReader(DocumentSource& source) : source_(source), schemas_(source) {}
  virtual ~DocumentReader() = default;
  DocumentReader(const DocumentReader&) = delete;
  DocumentReader& operator=(const DocumentReader&) = delete;

  // Source's problem() tells whether it is whole.
  ApiDocument read();

 protected:
  using Kind = SourceValue::Kind;
  // By in and name; of an operation, with what its path says for all.
  using Parameters = std::map<std::pair<std::string, std::string>, SourceId>;

  // Of the document, a path item or an operation; empty if it says nothing of servers.
  virtual std::vector<ApiServer> servers_of(SourceId object) = 0;
  // The object with the security schemes; null if there is none.
  virtual const SourceId* security_schemes() = 0;
  // Of type "http" and, in 2.0, "basic"; empty if the type is unknown.
  virtual std::string http_way(SourceId scheme, const std::string& type) = 0;
  virtual bool knows_place(const std::string& in) const = 0;
  virtual void read_request(SourceId operation, const Parameters& parameters, ApiOperation& out) = 0;
  virtual ApiResponse response_of(SourceId response, SourceId operation) = 0;

  // What any parameter says, but for its schema and style.
  ApiParameter parameter_of(SourceId parameter);

  DocumentSource& source_;
  SchemaReader schemas_;

 private:
  void read_security_schemes();
  std::string way_of(SourceId scheme);
  std::vector<ApiSecurity> security_of(SourceId list);
  void read_item(const std::string& path, SourceId item);
  void read_more_methods(SourceId operations, const std::string& path, SourceId item);
  void read_operation(const std::string& method, const std::string& path, SourceId operation, SourceId item);
  void add_parameters(SourceId object, Parameters& parameters);
  void read_responses(SourceId operation, ApiOperation& out);

  ApiDocument document_;
  std::vector<ApiSecurity> security_;            // where an operation says nothing
  std::map<std::string, std::string> ways_;      // by the scheme's name
  std::map<std::string, std::uint32_t> shapes_;  // the line of each method and shape of a path
};

std::unique_ptr<DocumentReader> make_openapi3_reader(DocumentSource& source);
std::unique_ptr<DocumentReader> make_swagger2_reader(DocumentSource& source);

// Lower case, without charset.
std::string media_type_of(std::string_view text);

}  // namespace specular
