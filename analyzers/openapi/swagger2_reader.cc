// Swagger 2.0, in the terms of OpenAPI 3: body and form parameters are a request body, consumes and produces its media
// types, and schemas of parameters stand among what else these say.
#include <algorithm>

#include <fmt/format.h>

#include "analyzers/openapi/document_reader.h"
#include "capture/base/text.h"

namespace specular {
namespace {

constexpr const char* kJson = "application/json";
constexpr const char* kForm = "application/x-www-form-urlencoded";
constexpr const char* kMultipart = "multipart/form-data";

class Swagger2Reader final : public DocumentReader {
 public:
  using DocumentReader::DocumentReader;

 private:
  std::vector<ApiServer> servers_of(SourceId object) override {
    SourceId root = source_.tree().root();
    std::vector<ApiServer> servers;
    bool of_document = object == root;
    const SourceId* own = source_.field(object, "schemes", Kind::list);
    if (!of_document && own == nullptr) return servers;
    std::string host = source_.text(root, "host"), base = source_.text(root, "basePath");
    if (host.empty() && base.empty()) return servers;
    std::uint32_t line = source_.line(own == nullptr ? root : *own);
    for (const std::string& scheme : source_.texts(object, "schemes")) {
      if (!host.empty()) servers.push_back({line, fmt::format("{}://{}{}", scheme, host, base)});
    }
    if (servers.empty()) servers.push_back({line, (host.empty() ? "" : "//") + host + base});
    return servers;
  }

  const SourceId* security_schemes() override {
    return source_.field(source_.tree().root(), "securityDefinitions", Kind::object);
  }

  std::string http_way(SourceId, const std::string& type) override { return type == "basic" ? type : ""; }

  bool knows_place(const std::string& in) const override {
    return in == "path" || in == "query" || in == "header" || in == "body" || in == "formData";
  }

  void read_request(SourceId place, const Parameters& parameters, ApiOperation& operation) override {
    std::vector<SourceId> fields;
    for (const auto& [key, parameter] : parameters) {
      if (key.first == "formData") {
        fields.push_back(parameter);
      } else if (key.first == "body") {
        read_body(place, parameter, operation);
      } else {
        ApiParameter& read = operation.parameters.emplace_back(parameter_of(parameter));
        read.schema = schemas_.among(parameter);
        read.style = style_of(parameter, read.in);
      }
    }
    if (!fields.empty()) read_form(place, fields, operation);
  }

  std::string style_of(SourceId parameter, const std::string& in) {
    std::string format = source_.text(parameter, "collectionFormat");
    if (format == "multi") return "form exploded";
    if (format == "ssv") return "spaceDelimited";
    if (format == "pipes") return "pipeDelimited";
    if (format == "tsv") return format;
    return in == "query" || in == "formData" ? "form" : "simple";
  }

  void read_body(SourceId place, SourceId parameter, ApiOperation& operation) {
    const SourceId* schema = source_.tree().find(parameter, "schema");
    SchemaId id = schema == nullptr ? kAnything : schemas_.at(*schema);
    if (operation.body) source_.complain(parameter, "two body parameters");
    operation.body = ApiBody{source_.line(parameter), source_.flag(parameter, "required"), {}};
    for (const std::string& type : media_types(place, "consumes")) operation.body->contents[type] = id;
  }

  void read_form(SourceId place, const std::vector<SourceId>& fields, ApiOperation& operation) {
    ApiSchema form;
    form.types = kObject;
    form.line = source_.line(fields.front());
    bool has_file = false;
    for (SourceId field : fields) {
      ApiParameter read = parameter_of(field);
      form.properties[read.name] = schemas_.among(field);
      if (read.required) form.required.insert(read.name);
      has_file = has_file || source_.text(field, "type") == "file";
    }
    if (operation.body) source_.complain(fields.front(), "a body and form parameters in one operation");
    operation.body = ApiBody{form.line, !form.required.empty(), {}};
    SchemaId id = schemas_.add(std::move(form));
    for (const std::string& type : media_types(place, "consumes")) {
      if (type == kForm || type.starts_with("multipart/")) operation.body->contents[type] = id;
    }
    if (operation.body->contents.empty()) operation.body->contents[has_file ? kMultipart : kForm] = id;
  }

  // What the operation says, or else the document; JSON if neither does.
  std::vector<std::string> media_types(SourceId operation, const char* key) {
    auto types = source_.texts(operation, key);
    if (types.empty()) types = source_.texts(source_.tree().root(), key);
    if (types.empty()) types = {kJson};
    for (std::string& type : types) type = media_type_of(type);
    return types;
  }

  ApiResponse response_of(SourceId place, SourceId operation) override {
    ApiResponse response;
    response.line = source_.line(place);
    if (const SourceId* schema = source_.tree().find(place, "schema")) {
      SchemaId id = schemas_.at(*schema);
      for (const std::string& type : media_types(operation, "produces")) response.contents[type] = id;
    }
    const SourceId* headers = source_.field(place, "headers", Kind::object);
    if (headers == nullptr || !source_.spend(*headers, source_.at(*headers).entries.size())) return response;
    for (const auto& [key, value] : source_.at(*headers).entries) {
      if (!source_.expect(value, Kind::object, "a header")) continue;
      ApiParameter read;
      read.line = source_.line(value);
      read.in = "header";
      append_lower(key, read.name);
      read.schema = schemas_.among(value);
      read.style = style_of(value, read.in);
      response.headers.emplace(read.name, read);
    }
    return response;
  }
};

}  // namespace

std::unique_ptr<DocumentReader> make_swagger2_reader(DocumentSource& source) {
  return std::make_unique<Swagger2Reader>(source);
}

}  // namespace specular
