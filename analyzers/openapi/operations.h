// What is called through an endpoint beside method and path, with which credentials, and until when: as JSON, the same
// in documents and in what is told of an endpoint.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "analyzers/discovery/endpoints.h"

namespace specular {

// An array of objects: protocol, type, name, calls, errors, first_seen, last_seen, statuses, and GraphQL's depth; by
// kind and name. `calls_only`: without what OAuth grants, which documents have elsewhere.
nlohmann::ordered_json operations_json(const OperationTable& operations, bool calls_only);

// An array of objects: ways (what was sent together), requests, granted.
nlohmann::ordered_json access_json(const Endpoint& endpoint);

// answers, since, sunset; null if nothing was said.
nlohmann::ordered_json deprecation_json(const Deprecation& deprecation);

}  // namespace specular
