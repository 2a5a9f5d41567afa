// Verification: a finished document is held against the summaries that it was drawn from, by other code than wrote it.
// Whatever was seen must fit: types, required, enumerations, formats, bounds, lengths, closed objects, media types,
// statuses. What a summary contradicts is taken out of the document, and told.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analyzers/discovery/endpoints.h"

namespace specular {

// Takes out of the document what contradicts; each as "GET /users responses/200: properties/id: type". Alternatives
// (oneOf, anyOf) are not looked into. Requires: the document is that of these endpoints.
std::vector<std::string> take_out_contradictions(std::span<const Endpoint> endpoints, nlohmann::ordered_json& document);

// The same, and tells them in the document as x-specular-contradictions.
void leave_out_contradictions(std::span<const Endpoint> endpoints, nlohmann::ordered_json& document);

}  // namespace specular
