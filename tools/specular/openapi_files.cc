#include "tools/specular/openapi_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include <fmt/format.h>

#include "analyzers/openapi/exporter.h"
#include "tools/specular/output.h"

namespace specular {
namespace {

// A host's name with what does not fit into a file name replaced by an underscore.
std::string file_name(const std::string& host) {
  std::string name = host;
  for (char& c : name) {
    bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    if (!fits) c = '_';
  }
  return name;
}

}  // namespace

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

std::string document_text(std::span<const Endpoint> endpoints, DocumentFormat format) {
  Json document = to_openapi(endpoints);
  return format == DocumentFormat::yaml ? to_yaml(document) : to_text(document, 2) + "\n";
}

Result<void> write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file) return {};
  return fail(ErrorKind::io, fmt::format("{}: {}", path, std::strerror(errno)));
}

Result<void> write_documents(const std::vector<Endpoint>& endpoints, const std::string& directory,
                             DocumentFormat format) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fail(ErrorKind::io, fmt::format("{}: {}", directory, error.message()));
  std::set<std::string> taken;
  for (auto host : by_host(endpoints)) {
    const char* extension = format == DocumentFormat::yaml ? "yaml" : "json";
    // The same host in two networks is two documents.
    std::string name = file_name(host.front().host.host);
    if (!taken.insert(name).second) name += "_" + file_name(host.front().host.network);
    taken.insert(name);
    if (auto written = write_file(fmt::format("{}/{}.{}", directory, name, extension), document_text(host, format));
        !written) {
      return written;
    }
  }
  return {};
}

}  // namespace specular
