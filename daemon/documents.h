// OpenAPI documents of an inventory, as text.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "analyzers/discovery/endpoints.h"

namespace specular {

enum class DocumentFormat : std::uint8_t { yaml, json };

// The endpoints of each host that has an API, in order.
std::vector<std::span<const Endpoint>> by_host(const std::vector<Endpoint>& endpoints);

// `minimal`: without x-specular-*.
std::string document_text(std::span<const Endpoint> endpoints, DocumentFormat format, bool minimal = false);

}  // namespace specular
