// OpenAPI 3.1 documents from what was learned: one per host, the same bytes for the same inventory.
#pragma once

#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "analyzers/discovery/endpoints.h"

namespace specular {

// The document of one host. Requires: all endpoints are of that host; those that are no API are left out.
nlohmann::ordered_json to_openapi(std::span<const Endpoint> endpoints);

// Takes all x-specular-* out of it.
void leave_out_extensions(nlohmann::ordered_json& document);

std::string to_yaml(const nlohmann::ordered_json& document);

}  // namespace specular
