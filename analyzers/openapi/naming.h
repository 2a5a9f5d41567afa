// What operations are called: their identifiers and tags.
#pragma once

#include <map>
#include <span>
#include <string>

#include "analyzers/discovery/endpoints.h"

namespace specular {

// Identifiers of the operations of one document. An identifier says method and path; where two would be alike, the one
// that was seen first has it, and the other one a hash of its own method and path behind it: so one that is new never
// renames one that was there.
class OperationIds {
 public:
  explicit OperationIds(std::span<const Endpoint> endpoints);

  // Requires: the endpoint is one of them.
  const std::string& of(const Endpoint& endpoint) const { return ids_.at(&endpoint); }

 private:
  std::map<const Endpoint*, std::string> ids_;
};

// The first literal segment of the path that is neither a version nor a word that all APIs have; empty if none is.
std::string tag_of(const Route& route);

}  // namespace specular
