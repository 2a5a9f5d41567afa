#include "analyzers/openapi/document_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "capture/base/text.h"

namespace specular {
namespace {

constexpr std::string_view kMethods[] = {"get", "put", "post", "delete", "options", "head", "patch", "trace"};

std::string lower(std::string text) {
  make_lower(text);
  return text;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
  return out;
}

// "200", "2XX" or "default"; empty if it is none of them.
std::string status_of(const std::string& key) {
  if (key == "default") return key;
  std::string status = upper(key);
  bool known = status.size() == 3 && status[0] >= '1' && status[0] <= '5';
  bool digits = known && status.find_first_not_of("0123456789") == std::string::npos;
  return digits || (known && status.ends_with("XX")) ? status : "";
}

}  // namespace

std::string media_type_of(std::string_view text) {
  std::string type;
  for (std::size_t begin = 0; begin <= text.size();) {
    auto end = std::min(text.find(';', begin), text.size());
    std::string part = lower(std::string(trim(text.substr(begin, end - begin))));
    if (!part.empty() && !part.starts_with("charset=")) type += (type.empty() ? "" : ";") + part;
    begin = end + 1;
  }
  return type;
}

ApiDocument DocumentReader::read() {
  SourceId root = source_.tree().root();
  if (const SourceId* info = source_.field(root, "info", Kind::object)) {
    const SourceId* title = source_.tree().find(*info, "title");
    if (title != nullptr) document_.title = source_.at(*title).text;
  }
  document_.servers = servers_of(root);
  if (document_.servers.empty()) document_.servers = {{0, "/"}};
  read_security_schemes();
  if (const SourceId* security = source_.field(root, "security", Kind::list)) security_ = security_of(*security);
  const SourceId* paths = source_.field(root, "paths", Kind::object);
  bool may_lack = source_.dialect == Dialect::openapi31;
  if (paths == nullptr && !may_lack) source_.complain(root, "there are no 'paths'");
  if (paths != nullptr) {
    for (const auto& [path, item] : source_.at(*paths).entries) {
      if (!path.starts_with("x-")) read_item(path, item);
    }
  }
  schemas_.finish();
  document_.schemas = schemas_.take();
  return std::move(document_);
}

void DocumentReader::read_security_schemes() {
  const SourceId* schemes = security_schemes();
  if (schemes == nullptr) return;
  for (const auto& [name, scheme] : source_.at(*schemes).entries) {
    auto target = source_.follow(scheme);
    if (target && source_.expect(*target, Kind::object, "a security scheme")) ways_[name] = way_of(*target);
  }
}

std::string DocumentReader::way_of(SourceId scheme) {
  std::string type = source_.text(scheme, "type");
  if (type == "oauth2" || type == "openIdConnect" || type == "mutualTLS") return type;
  if (type == "apiKey") {
    std::string in = source_.text(scheme, "in"), name = source_.text(scheme, "name");
    return fmt::format("apiKey:{}:{}", in, in == "header" ? lower(name) : name);
  }
  std::string way = http_way(scheme, type);
  if (way.empty()) source_.complain(scheme, fmt::format("no type of security schemes: '{}'", type));
  return way;
}

std::vector<ApiSecurity> DocumentReader::security_of(SourceId list) {
  std::vector<ApiSecurity> security;
  for (SourceId item : source_.at(list).items) {
    if (!source_.expect(item, Kind::object, "a security requirement")) continue;
    ApiSecurity& together = security.emplace_back();
    for (const auto& [name, value] : source_.at(item).entries) {
      auto way = ways_.find(name);
      if (way == ways_.end()) source_.complain(item, fmt::format("there is no security scheme '{}'", name));
      auto scopes = source_.texts(item, name);
      if (way != ways_.end()) together[way->second].insert(scopes.begin(), scopes.end());
    }
  }
  // Never anything but anonymous: nothing is wanted.
  bool wanted = std::any_of(security.begin(), security.end(), [](const auto& together) { return !together.empty(); });
  return wanted ? security : std::vector<ApiSecurity>{};
}

void DocumentReader::read_item(const std::string& path, SourceId place) {
  if (!path.starts_with('/')) return source_.complain(place, fmt::format("the path '{}' does not begin with /", path));
  auto item = source_.follow(place);
  if (!item || source_.at(*item).is(Kind::null)) return;
  if (!source_.expect(*item, Kind::object, "a path item")) return;
  for (std::string_view method : kMethods) {
    if (const SourceId* operation = source_.field(*item, method, Kind::object))
      read_operation(upper(method), path, *operation, *item);
  }
  if (const SourceId* more = source_.field(*item, "x-specular-operations", Kind::object))
    read_more_methods(*more, path, *item);
}

// Methods that a path item has no place for, as the exporter writes them.
void DocumentReader::read_more_methods(SourceId operations, const std::string& path, SourceId item) {
  for (const auto& [method, operation] : source_.at(operations).entries) {
    bool is_operation =
        source_.at(operation).is(Kind::object) && source_.tree().find(operation, "responses") != nullptr;
    if (is_operation) read_operation(method, path, operation, item);
  }
}

void DocumentReader::read_operation(const std::string& method, const std::string& path, SourceId place, SourceId item) {
  ApiOperation operation;
  operation.line = source_.line(place);
  operation.method = method;
  operation.path = path;
  auto [known, is_new] = shapes_.emplace(method + path_shape(path), operation.line);
  if (!is_new)
    return source_.complain(place, fmt::format("{} {} is there already, in line {}", method, path, known->second));
  if (!source_.spend(place, 1)) return;
  operation.tags = source_.texts(place, "tags");
  operation.deprecated = source_.flag(place, "deprecated");
  for (SourceId object : {place, item}) {
    if (operation.servers.empty()) operation.servers = servers_of(object);
  }
  if (operation.servers.empty()) operation.servers = document_.servers;
  const SourceId* security = source_.field(place, "security", Kind::list);
  operation.security = security == nullptr ? security_ : security_of(*security);
  Parameters parameters;
  add_parameters(place, parameters);
  add_parameters(item, parameters);
  read_request(place, parameters, operation);
  read_responses(place, operation);
  document_.operations.push_back(std::move(operation));
}

// What is there already counts: an operation's own parameters before those of its path.
void DocumentReader::add_parameters(SourceId object, Parameters& parameters) {
  const SourceId* list = source_.field(object, "parameters", Kind::list);
  if (list == nullptr || !source_.spend(*list, source_.at(*list).items.size())) return;
  Parameters own;
  for (SourceId item : source_.at(*list).items) {
    auto parameter = source_.follow(item);
    if (!parameter || !source_.expect(*parameter, Kind::object, "a parameter")) continue;
    std::string in = source_.text(*parameter, "in"), name = source_.text(*parameter, "name");
    if (!knows_place(in)) source_.complain(*parameter, fmt::format("no place of parameters: '{}'", in));
    if (name.empty()) source_.complain(*parameter, "a parameter without a name");
    if (in == "header") make_lower(name);
    bool is_new = own.emplace(std::pair{in, name}, *parameter).second;
    if (!is_new) source_.complain(item, fmt::format("the {} parameter '{}' comes twice", in, name));
  }
  parameters.merge(own);
}

ApiParameter DocumentReader::parameter_of(SourceId place) {
  ApiParameter parameter;
  parameter.line = source_.line(place);
  parameter.in = source_.text(place, "in");
  parameter.name = source_.text(place, "name");
  if (parameter.in == "header") make_lower(parameter.name);
  parameter.required = source_.flag(place, "required") || parameter.in == "path";
  parameter.deprecated = source_.flag(place, "deprecated");
  return parameter;
}

void DocumentReader::read_responses(SourceId place, ApiOperation& operation) {
  const SourceId* responses = source_.field(place, "responses", Kind::object);
  if (responses == nullptr) return;
  for (const auto& [key, value] : source_.at(*responses).entries) {
    if (key.starts_with("x-") || !source_.spend(value, 1)) continue;
    std::string status = status_of(key);
    if (status.empty()) source_.complain(value, fmt::format("no status of responses: '{}'", key));
    auto response = source_.follow(value);
    if (!response || !source_.expect(*response, Kind::object, "a response")) continue;
    operation.responses[status] = response_of(*response, place);
  }
}

}  // namespace specular
