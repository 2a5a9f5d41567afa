// OpenAPI 3.0 and 3.1.
#include <fmt/format.h>

#include "analyzers/openapi/document_reader.h"
#include "capture/base/text.h"

namespace specular {
namespace {

// Those are said elsewhere, and count for nothing among parameters (OpenAPI 3.1 section 4.8.12).
bool is_passed_over(const std::string& in, const std::string& name) {
  return in == "header" && (name == "accept" || name == "content-type" || name == "authorization");
}

class OpenApi3Reader final : public DocumentReader {
 public:
  using DocumentReader::DocumentReader;

 private:
  std::vector<ApiServer> servers_of(SourceId object) override {
    std::vector<ApiServer> servers;
    const SourceId* list = source_.field(object, "servers", Kind::list);
    if (list == nullptr || !source_.spend(*list, source_.at(*list).items.size())) return servers;
    for (SourceId item : source_.at(*list).items) {
      if (!source_.expect(item, Kind::object, "a server")) continue;
      std::string url = with_defaults(item, source_.text(item, "url"));
      if (url.empty()) source_.complain(item, "a server without a url");
      servers.push_back({source_.line(item), std::move(url)});
    }
    return servers;
  }

  std::string with_defaults(SourceId server, std::string url) {
    const SourceId* variables = source_.field(server, "variables", Kind::object);
    if (variables == nullptr) return url;
    for (const auto& [name, variable] : source_.at(*variables).entries) {
      if (!source_.expect(variable, Kind::object, "a server variable")) continue;
      const SourceId* value = source_.tree().find(variable, "default");
      std::string text = value == nullptr ? "" : source_.at(*value).text, wanted = "{" + name + "}";
      auto found = url.find(wanted);
      if (found != std::string::npos) url.replace(found, wanted.size(), text);
    }
    return url;
  }

  const SourceId* security_schemes() override {
    const SourceId* components = source_.field(source_.tree().root(), "components", Kind::object);
    return components == nullptr ? nullptr : source_.field(*components, "securitySchemes", Kind::object);
  }

  std::string http_way(SourceId scheme, const std::string& type) override {
    std::string way = type == "http" ? source_.text(scheme, "scheme") : "";
    make_lower(way);
    return way;
  }

  bool knows_place(const std::string& in) const override {
    return in == "path" || in == "query" || in == "header" || in == "cookie";
  }

  void read_request(SourceId place, const Parameters& parameters, ApiOperation& operation) override {
    for (const auto& [key, parameter] : parameters) {
      if (is_passed_over(key.first, key.second)) continue;
      ApiParameter& read = operation.parameters.emplace_back(parameter_of(parameter));
      read_schema(parameter, read);
    }
    const SourceId* body = source_.field(place, "requestBody", Kind::object);
    if (body == nullptr) return;
    auto target = source_.follow(*body);
    if (!target || !source_.expect(*target, Kind::object, "a request body")) return;
    operation.body = ApiBody{source_.line(*target), source_.flag(*target, "required"), contents_of(*target)};
  }

  void read_schema(SourceId place, ApiParameter& parameter) {
    parameter.style = source_.text(place, "style");
    bool form = parameter.in == "query" || parameter.in == "cookie";
    if (parameter.style.empty()) parameter.style = form ? "form" : "simple";
    const SourceId* explode = source_.field(place, "explode", Kind::boolean);
    bool exploded = explode == nullptr ? parameter.style == "form" : source_.at(*explode).text == "true";
    if (exploded) parameter.style += " exploded";
    if (const SourceId* schema = source_.tree().find(place, "schema")) {
      parameter.schema = schemas_.at(*schema);
    } else if (ApiContents contents = contents_of(place); !contents.empty()) {
      parameter.style = contents.begin()->first;
      parameter.schema = contents.begin()->second;
    }
  }

  ApiContents contents_of(SourceId object) {
    ApiContents contents;
    const SourceId* content = source_.field(object, "content", Kind::object);
    if (content == nullptr || !source_.spend(*content, source_.at(*content).entries.size())) return contents;
    for (const auto& [type, value] : source_.at(*content).entries) {
      const SourceId* schema =
          source_.expect(value, Kind::object, "a media type") ? source_.tree().find(value, "schema") : nullptr;
      contents[media_type_of(type)] = schema == nullptr ? kAnything : schemas_.at(*schema);
    }
    return contents;
  }

  ApiResponse response_of(SourceId place, SourceId) override {
    ApiResponse response;
    response.line = source_.line(place);
    response.contents = contents_of(place);
    const SourceId* headers = source_.field(place, "headers", Kind::object);
    if (headers == nullptr || !source_.spend(*headers, source_.at(*headers).entries.size())) return response;
    for (const auto& [key, value] : source_.at(*headers).entries) {
      auto header = source_.follow(value);
      std::string name = key;
      make_lower(name);
      if (name == "content-type" || !header || !source_.expect(*header, Kind::object, "a header")) continue;
      ApiParameter read = parameter_of(*header);
      read.in = "header";
      read.name = name;
      read_schema(*header, read);
      response.headers.emplace(std::move(name), std::move(read));
    }
    return response;
  }
};

}  // namespace

std::unique_ptr<DocumentReader> make_openapi3_reader(DocumentSource& source) {
  return std::make_unique<OpenApi3Reader>(source);
}

}  // namespace specular
