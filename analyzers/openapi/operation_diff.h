// Compares two operations: parameters, request bodies, answers and security.
#pragma once

#include <string>
#include <vector>

#include "analyzers/openapi/change.h"
#include "analyzers/openapi/diff.h"
#include "analyzers/openapi/document.h"
#include "analyzers/openapi/schema_diff.h"

namespace specular {

class OperationComparer {
 public:
  // All must outlive it.
  OperationComparer(const DiffOptions& options, SchemaComparer& schemas, std::vector<Change>& changes)
      : options_(options), schemas_(schemas), changes_(changes) {}

  // `path` for people.
  void compare(const ApiOperation& before, const ApiOperation& after, const std::string& path);

 private:
  struct Place {
    std::string subject, place;
    std::uint32_t old_line, new_line;
  };

  Change& tell(ChangeKind kind, const Place& place, bool breaking, std::string reason);
  void compare_parameters(const ApiOperation& before, const ApiOperation& after);
  void compare_parameter(const ApiParameter* before, const ApiParameter* after, const std::string& place);
  void compare_style(const ApiParameter& before, const ApiParameter& after, const Place& place);
  void compare_bodies(const std::optional<ApiBody>& before, const std::optional<ApiBody>& after);
  void compare_contents(const ApiContents& before, const ApiContents& after, Direction direction, const Place& place);
  void compare_responses(const ApiOperation& before, const ApiOperation& after);
  void compare_headers(const ApiResponse& before, const ApiResponse& after, const std::string& status);
  void compare_security(const ApiOperation& before, const ApiOperation& after);
  // `name` stands before each place, and `subject` is for what is no property.
  void compare_schemas(SchemaId before, SchemaId after, Direction direction, const Place& place);

  const DiffOptions& options_;
  SchemaComparer& schemas_;
  std::vector<Change>& changes_;
  std::string method_, path_;  // of the operation
};

}  // namespace specular
