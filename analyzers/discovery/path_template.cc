#include "analyzers/discovery/path_template.h"

#include <algorithm>

#include <fmt/format.h>

#include "analyzers/discovery/segment.h"

namespace specular {
namespace {

constexpr std::size_t kMaxName = 64;

tl::unexpected<Error> wrong(std::string text) {
  return fail(ErrorKind::invalid, std::move(text));
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// What may stand between the braces of an OpenAPI path, and in every language that code is made for.
bool is_name(std::string_view name) {
  return name.size() <= kMaxName && std::all_of(name.begin(), name.end(), [](char c) {
           return is_alphanumeric(c) || c == '_' || c == '-' || c == '.';
         });
}

// As the tree knows them: an extension, or a verb.
bool is_suffix(std::string_view suffix) {
  return suffix.empty() || (suffix.size() > 1 && (suffix[0] == '.' || suffix[0] == ':') &&
                            std::all_of(suffix.begin() + 1, suffix.end(), is_alphanumeric));
}

Result<TemplateSegment> parse_parameter(std::string_view segment) {
  auto end = segment.find('}');
  if (!segment.starts_with('{') || end == std::string_view::npos) {
    return wrong(
        fmt::format("'{}': a parameter is a segment in braces, with .json or :verb behind it if need be", segment));
  }
  std::string_view name = segment.substr(1, end - 1), suffix = segment.substr(end + 1);
  if (!is_name(name)) {
    return wrong(
        fmt::format("'{}' is no name for a parameter: up to {} letters, digits, '_', '-' and '.'", name, kMaxName));
  }
  if (!is_suffix(suffix)) return wrong(fmt::format("'{}': behind a parameter only .json or :verb may stand", segment));
  return TemplateSegment{true, std::string(name), std::string(suffix)};
}

Result<TemplateSegment> parse_literal(std::string_view segment) {
  std::string path;
  normalise_path("/" + std::string(segment), path);
  bool one = path.size() > 1 && path.find('/', 1) == std::string::npos;
  if (!one) return wrong(fmt::format("'{}' is no segment of a path", segment));
  return TemplateSegment{false, "", path.substr(1)};
}

std::string written(const PathTemplate& path, bool names) {
  std::string text;
  for (const TemplateSegment& segment : path) {
    text += segment.is_parameter ? "/{" + (names ? segment.name : "") + "}" : "/";
    text += segment.text;
  }
  return text.empty() ? "/" : text;
}

}  // namespace

Result<PathTemplate> parse_template(std::string_view text) {
  if (!text.starts_with('/')) return wrong(fmt::format("'{}': a path begins with '/'", text));
  if (text.find_first_of("?#") != std::string_view::npos) {
    return wrong(fmt::format("'{}': a path ends before '?' and '#'", text));
  }
  if (text.size() > kMaxPath) return wrong(fmt::format("a path has at most {} bytes", kMaxPath));
  PathTemplate path;
  for (std::string_view rest = text; !rest.empty();) {
    rest.remove_prefix(1);
    auto end = std::min(rest.find('/'), rest.size());
    std::string_view segment = rest.substr(0, end);
    rest.remove_prefix(end);
    if (segment.empty()) continue;
    bool braces = segment.find_first_of("{}") != std::string_view::npos;
    auto parsed = braces ? parse_parameter(segment) : parse_literal(segment);
    if (!parsed) return forward(parsed.error());
    bool taken = !parsed->name.empty() && std::any_of(path.begin(), path.end(), [&](const TemplateSegment& before) {
      return before.name == parsed->name;
    });
    if (taken) return wrong(fmt::format("two parameters are called '{}'", parsed->name));
    path.push_back(std::move(*parsed));
  }
  if (path.size() > kMaxSegments || shape_of(path).size() > kMaxPath) {
    return wrong(fmt::format("a path has at most {} segments and {} bytes", kMaxSegments, kMaxPath));
  }
  return path;
}

std::string to_text(const PathTemplate& path) {
  return written(path, true);
}

std::string shape_of(const PathTemplate& path) {
  return written(path, false);
}

}  // namespace specular
