#include "daemon/documents.h"

#include <algorithm>

#include "analyzers/openapi/exporter.h"
#include "daemon/rows.h"

namespace specular {

std::vector<std::span<const Endpoint>> by_host(const std::vector<Endpoint>& endpoints) {
  std::vector<std::span<const Endpoint>> hosts;
  for (auto begin = endpoints.begin(); begin != endpoints.end();) {
    auto end = std::find_if(begin, endpoints.end(), [&](const Endpoint& e) { return e.host != begin->host; });
    if (std::any_of(begin, end, [](const Endpoint& e) { return e.kind == EndpointKind::api; }))
      hosts.emplace_back(begin, end);
    begin = end;
  }
  return hosts;
}

std::string document_text(std::span<const Endpoint> endpoints, DocumentFormat format, bool minimal) {
  Json document = to_openapi(endpoints);
  if (minimal) leave_out_extensions(document);
  return format == DocumentFormat::yaml ? to_yaml(document) : to_text(document, 2) + "\n";
}

}  // namespace specular
