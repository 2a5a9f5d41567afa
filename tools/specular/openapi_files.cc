#include "tools/specular/openapi_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "analyzers/openapi/exporter.h"
#include "tools/specular/output.h"

namespace specular {
namespace {

// File systems allow 255 bytes; some are left for a number and the extension.
constexpr std::size_t kLongestName = 200;

// A name with what does not fit into a file name replaced by an underscore.
std::string file_name(const std::string& text) {
  std::string name = text.substr(0, kLongestName);
  for (char& c : name) {
    bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    if (!fits) c = '_';
  }
  return name;
}

// The same host in two networks is two documents, and different hosts may have the same file name.
std::string unique_name(const HostKey& host, std::set<std::string>& taken) {
  std::string name = file_name(host.host);
  if (taken.contains(name) && !host.network.empty()) name = file_name(host.host + "_" + host.network);
  std::string unique = name;
  for (int number = 2; !taken.insert(unique).second; ++number) unique = fmt::format("{}_{}", name, number);
  return unique;
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
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"), std::fclose);
  bool written = file && std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
  // What the buffer held fails when the file is closed.
  if (written && std::fclose(file.release()) == 0) return {};
  return fail(ErrorKind::io, fmt::format("{}: {}", path, std::strerror(errno)));
}

Result<void> write_documents(const std::vector<Endpoint>& endpoints, const std::string& directory,
                             DocumentFormat format) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fail(ErrorKind::io, fmt::format("{}: {}", directory, error.message()));
  const char* extension = format == DocumentFormat::yaml ? "yaml" : "json";
  std::set<std::string> taken;
  for (auto host : by_host(endpoints)) {
    std::string path = fmt::format("{}/{}.{}", directory, unique_name(host.front().host, taken), extension);
    if (auto written = write_file(path, document_text(host, format)); !written) return written;
  }
  return {};
}

}  // namespace specular
