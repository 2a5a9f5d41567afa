// Compares two documents: what clients that were written for the old one see of the new one.
//
// Operations are matched by method and by the shape of their path, with what servers put before it; names of path
// parameters do not matter. Breaking is what such a client may notice: something is gone, or wants more in requests, or
// holds more in answers (schema_diff.h) than it was told. What is new and optional is not breaking.
#pragma once

#include <vector>

#include "analyzers/openapi/change.h"
#include "analyzers/openapi/document.h"

namespace specular {

struct DiffOptions {
  // One of them was learned from traffic, which shows no servers' URLs, no OAuth scopes (a bearer token is all that
  // stands in a request), and no client certificates.
  bool observed = false;
};

// Those that break first, then by path, method and place. Fails if the documents are too large or entangled to be
// compared.
Result<std::vector<Change>> compare_documents(const ApiDocument& before, const ApiDocument& after,
                                              const DiffOptions& options);

}  // namespace specular
