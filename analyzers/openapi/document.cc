#include "analyzers/openapi/document.h"

#include <algorithm>

#include <fmt/format.h>

#include "analyzers/openapi/document_reader.h"
#include "capture/base/text.h"

namespace specular {
namespace {

struct UrlParts {
  std::string_view scheme, host, path;
};

// RFC 3986 section 3, as far as servers need it.
UrlParts split_url(std::string_view url) {
  UrlParts parts;
  url = url.substr(0, url.find_first_of("?#"));
  auto colon = url.find("://");
  if (colon != std::string_view::npos) parts.scheme = url.substr(0, colon);
  bool has_host = colon != std::string_view::npos || url.starts_with("//");
  if (has_host) url.remove_prefix(colon == std::string_view::npos ? 2 : colon + 3);
  auto slash = has_host ? std::min(url.find('/'), url.size()) : 0;
  parts.host = url.substr(0, slash);
  parts.path = url.substr(slash);
  if (auto user = parts.host.rfind('@'); user != std::string_view::npos) parts.host.remove_prefix(user + 1);
  return parts;
}

// The version that the document says it is written in.
bool read_dialect(DocumentSource& source) {
  SourceId root = source.tree().root();
  if (!source.expect(root, SourceValue::Kind::object, "a document")) return false;
  const SourceId* swagger = source.tree().find(root, "swagger");
  const SourceId* openapi = source.tree().find(root, "openapi");
  const SourceId* version = openapi != nullptr ? openapi : swagger;
  if (version == nullptr) {
    source.complain(root, "no OpenAPI document: it has neither 'openapi' nor 'swagger'");
    return false;
  }
  // Without quotes, YAML takes it for a number.
  const std::string& text = source.at(*version).text;
  auto is = [&](std::string_view wanted) { return text == wanted || text.starts_with(std::string(wanted) + '.'); };
  if (openapi != nullptr && is("3.1")) {
    source.dialect = Dialect::openapi31;
  } else if (openapi != nullptr && is("3.0")) {
    source.dialect = Dialect::openapi30;
  } else if (openapi == nullptr && text == "2.0") {
    source.dialect = Dialect::swagger2;
  } else {
    source.complain(*version, fmt::format("version '{}' is not read; OpenAPI 3.1, 3.0 and Swagger 2.0 are", text));
  }
  return !source.problem();
}

}  // namespace

std::string ApiServer::host() const {
  UrlParts parts = split_url(url);
  std::string host, scheme;
  append_lower(parts.host, host);
  append_lower(parts.scheme, scheme);
  std::string_view port = scheme == "http" ? ":80" : scheme == "https" ? ":443" : "";
  if (!port.empty() && host.ends_with(port)) host.resize(host.size() - port.size());
  return host;
}

std::string ApiServer::base_path() const {
  std::string path(split_url(url).path);
  while (path.ends_with('/') || path.ends_with('.')) path.pop_back();
  return path.empty() || path[0] == '/' ? path : "/" + path;
}

std::string path_shape(std::string_view path) {
  std::string shape;
  for (std::size_t i = 0; i < path.size(); ++i) {
    shape += path[i];
    if (path[i] == '{') i = std::min(path.find('}', i), path.size()) - 1;
  }
  return shape;
}

Result<ApiDocument> read_document(std::string_view text, const std::string& name) {
  auto tree = SourceTree::read(text, name);
  if (!tree) return forward(tree.error());
  DocumentSource source(std::move(*tree), name);
  if (!read_dialect(source)) return forward(*source.problem());
  auto reader = source.dialect == Dialect::swagger2 ? make_swagger2_reader(source) : make_openapi3_reader(source);
  ApiDocument document = reader->read();
  if (source.problem()) return forward(*source.problem());
  document.name = name;
  std::sort(document.operations.begin(), document.operations.end(),
            [](const auto& a, const auto& b) { return std::tie(a.path, a.method) < std::tie(b.path, b.method); });
  return document;
}

}  // namespace specular
