// The Server Object of a host (OpenAPI 3.1 section 4.8.5).
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "analyzers/discovery/endpoints.h"

namespace specular {

// Of a group of hosts the labels that differ are variables, whose defaults are those of one of its hosts.
nlohmann::ordered_json server_of(const Endpoint& endpoint);
// Its address with the variables at their defaults.
std::string example_server(const Endpoint& endpoint);

}  // namespace specular
