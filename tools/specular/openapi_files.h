// OpenAPI documents as files: one per host, named after it.
#pragma once

#include <string>
#include <vector>

#include "analyzers/discovery/endpoints.h"
#include "capture/base/result.h"

namespace specular {

enum class DocumentFormat : std::uint8_t { yaml, json };

// The endpoints of each host that has an API, in order.
std::vector<std::span<const Endpoint>> by_host(const std::vector<Endpoint>& endpoints);

std::string document_text(std::span<const Endpoint> endpoints, DocumentFormat format);

// Writes HOST.yaml (or .json) for each host into `directory`, made if need be.
Result<void> write_documents(const std::vector<Endpoint>& endpoints, const std::string& directory,
                             DocumentFormat format);
Result<void> write_file(const std::string& path, const std::string& text);

}  // namespace specular
