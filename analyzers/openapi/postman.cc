#include "analyzers/openapi/postman.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analyzers/openapi/placeholder.h"
#include "analyzers/openapi/schema_facts.h"

namespace specular {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchemaUrl = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

Json entry(const std::string& key, const std::string& value) {
  return Json{{"key", key}, {"value", value}};
}

// Inside of {{ }} braces would end the name.
std::string variable_name(std::string name) {
  for (char& c : name) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!plain) c = '_';
  }
  return name;
}

bool is_json(const std::string& type) {
  std::string_view essence = std::string_view(type).substr(0, type.find(';'));
  return essence == "application/json" || essence.ends_with("+json");
}

bool is_xml(const std::string& type) {
  std::string_view essence = std::string_view(type).substr(0, type.find(';'));
  return essence == "application/xml" || essence == "text/xml" || essence.ends_with("+xml");
}

class Collection {
 public:
  explicit Collection(const ApiDocument& document) : document_(document), placeholders_(document) {}

  Json build() {
    Json info{{"name", document_.title.empty() ? document_.name : document_.title}, {"schema", kSchemaUrl}};
    variables_.emplace_back("baseUrl", base_url());
    std::vector<std::pair<std::string, Json>> folders;
    for (const ApiOperation& operation : document_.operations) {
      std::string name = folder_of(operation);
      auto folder = std::find_if(folders.begin(), folders.end(), [&](const auto& f) { return f.first == name; });
      if (folder == folders.end()) folder = folders.insert(folder, {name, Json::array()});
      folder->second.push_back(item_of(operation));
    }
    Json items = Json::array(), variables = Json::array();
    for (auto& [name, requests] : folders) items.push_back(Json{{"name", name}, {"item", std::move(requests)}});
    for (const auto& [name, value] : variables_) variables.push_back(entry(name, value));
    return Json{{"info", info}, {"item", items}, {"variable", variables}};
  }

 private:
  std::string base_url() const {
    std::string url = document_.servers.front().url;
    while (url.ends_with('/')) url.pop_back();
    return url;
  }

  static std::string folder_of(const ApiOperation& operation) {
    if (!operation.tags.empty() && !operation.tags.front().empty()) return operation.tags.front();
    std::string segment = operation.path.substr(1, operation.path.find('/', 1) - 1);
    return segment.empty() ? "/" : segment;
  }

  // A variable that is the user's to fill.
  std::string variable(const std::string& name) {
    bool known = std::any_of(variables_.begin(), variables_.end(), [&](const auto& v) { return v.first == name; });
    if (!known) variables_.emplace_back(name, "");
    return "{{" + name + "}}";
  }

  Json item_of(const ApiOperation& operation) {
    Json headers = Json::array(), query = Json::array();
    Json request;
    request["method"] = operation.method;
    if (Json auth = auth_of(operation, headers, query); !auth.is_null()) request["auth"] = auth;
    std::string cookies;
    for (const ApiParameter& parameter : operation.parameters) {
      Json value = entry(parameter.name, placeholders_.text(parameter.schema));
      if (!parameter.required) value["disabled"] = true;
      if (parameter.in == "query") query.push_back(value);
      if (parameter.in == "header") headers.push_back(value);
      bool cookie = parameter.in == "cookie" && parameter.required;
      if (cookie)
        cookies += (cookies.empty() ? "" : "; ") + parameter.name + "=" + placeholders_.text(parameter.schema);
    }
    if (!cookies.empty()) headers.push_back(entry("Cookie", cookies));
    Json body = operation.body ? body_of(*operation.body, headers) : Json{};
    request["header"] = headers;
    if (!body.is_null()) request["body"] = body;
    request["url"] = url_of(operation, query);
    if (operation.deprecated) request["description"] = "Deprecated.";
    return Json{{"name", operation.method + " " + operation.path}, {"request", request}, {"response", Json::array()}};
  }

  Json url_of(const ApiOperation& operation, const Json& query) {
    Json path = Json::array(), variables = Json::array();
    std::string raw = "{{baseUrl}}";
    for (std::size_t begin = 1; begin <= operation.path.size();) {
      auto end = std::min(operation.path.find('/', begin), operation.path.size());
      std::string segment = segment_of(operation, operation.path.substr(begin, end - begin), variables);
      raw += "/" + segment;
      path.push_back(std::move(segment));
      begin = end + 1;
    }
    const char* between = "?";
    for (const Json& parameter : query) {
      if (parameter.contains("disabled")) continue;
      raw += std::exchange(between, "&") + parameter["key"].get<std::string>() + "=" +
             parameter["value"].get<std::string>();
    }
    Json url{{"raw", raw}, {"host", Json::array({"{{baseUrl}}"})}, {"path", path}};
    if (!query.empty()) url["query"] = query;
    if (!variables.empty()) url["variable"] = variables;
    return url;
  }

  // A whole segment is a variable of the request, a part of one can only be one of the collection.
  std::string segment_of(const ApiOperation& operation, const std::string& segment, Json& variables) {
    auto open = segment.find('{'), close = segment.find('}');
    if (open == 0 && close + 1 == segment.size()) {
      std::string name = segment.substr(1, close - 1);
      variables.push_back(entry(name, path_value(operation, name)));
      return ":" + name;
    }
    std::string out;
    for (std::size_t i = 0; i < segment.size(); ++i) {
      close = segment[i] == '{' ? segment.find('}', i) : std::string::npos;
      if (close == std::string::npos) {
        // At its begin a colon would make it a variable.
        out += i == 0 && segment[i] == ':' ? "%3A" : segment.substr(i, 1);
        continue;
      }
      out += variable(variable_name(segment.substr(i + 1, close - i - 1)));
      i = close;
    }
    return out;
  }

  std::string path_value(const ApiOperation& operation, const std::string& name) {
    auto found = std::find_if(operation.parameters.begin(), operation.parameters.end(),
                              [&](const ApiParameter& p) { return p.in == "path" && p.name == name; });
    return placeholders_.text(found == operation.parameters.end() ? kAnything : found->schema);
  }

  // The first way that is one. Of what is wanted together, one is the request's "auth"; keys stand where they go.
  Json auth_of(const ApiOperation& operation, Json& headers, Json& query) {
    auto wanted = std::find_if(operation.security.begin(), operation.security.end(),
                               [](const ApiSecurity& together) { return !together.empty(); });
    if (wanted == operation.security.end()) return Json{{"type", "noauth"}};
    Json auth;
    for (const auto& [way, scopes] : *wanted) {
      if (way.starts_with("apiKey:")) {
        add_key(way, wanted->size() == 1, auth, headers, query);
      } else if (way == "basic" || way == "digest") {
        auth = auth_with(way, {{"username", variable(way + "Username")}, {"password", variable(way + "Password")}});
      } else if (way == "bearer" || way == "oauth2" || way == "openIdConnect") {
        auth = auth_with("bearer", {{"token", variable("bearerToken")}});
      } else if (way != "mutualTLS") {
        headers.push_back(entry("Authorization", variable("authorization")));
      }
    }
    return auth;
  }

  static Json auth_with(const std::string& type, const std::vector<std::pair<std::string, std::string>>& attributes) {
    Json list = Json::array();
    for (const auto& [key, value] : attributes)
      list.push_back(Json{{"key", key}, {"value", value}, {"type", "string"}});
    return Json{{"type", type}, {type, list}};
  }

  void add_key(const std::string& way, bool alone, Json& auth, Json& headers, Json& query) {
    auto colon = way.find(':', std::string_view("apiKey:").size());
    std::string in = way.substr(7, colon - 7), name = way.substr(colon + 1);
    std::string value = variable("apiKey_" + variable_name(name));
    if (in == "cookie") {
      headers.push_back(entry("Cookie", name + "=" + value));
    } else if (alone) {
      auth = auth_with("apikey", {{"key", name}, {"value", value}, {"in", in}});
    } else {
      (in == "query" ? query : headers).push_back(entry(name, value));
    }
  }

  Json body_of(const ApiBody& body, Json& headers) {
    if (body.contents.empty()) return {};
    auto chosen =
        std::find_if(body.contents.begin(), body.contents.end(), [](const auto& c) { return is_json(c.first); });
    if (chosen == body.contents.end()) chosen = body.contents.begin();
    const auto& [type, schema] = *chosen;
    if (type.starts_with("multipart/")) return Json{{"mode", "formdata"}, {"formdata", fields_of(schema, true)}};
    headers.push_back(entry("Content-Type", type));
    if (type == "application/x-www-form-urlencoded")
      return Json{{"mode", "urlencoded"}, {"urlencoded", fields_of(schema, false)}};
    std::string raw = is_json(type) ? placeholders_.json(schema) : "";
    const char* language = is_json(type) ? "json" : is_xml(type) ? "xml" : "text";
    return Json{{"mode", "raw"}, {"raw", raw}, {"options", {{"raw", {{"language", language}}}}}};
  }

  Json fields_of(SchemaId schema, bool multipart) {
    Json fields = Json::array();
    SchemaFacts facts = facts_of(document_, {schema});
    for (const auto& [name, schemas] : facts.properties) {
      bool file = multipart && facts_of(document_, schemas).formats.contains("binary");
      Json field = file ? Json{{"key", name}, {"type", "file"}, {"src", Json::array()}}
                        : entry(name, placeholders_.text(schemas));
      if (multipart && !file) field["type"] = "text";
      if (!facts.required.contains(name)) field["disabled"] = true;
      fields.push_back(field);
    }
    return fields;
  }

  const ApiDocument& document_;
  Placeholders placeholders_;
  std::vector<std::pair<std::string, std::string>> variables_;
};

}  // namespace

Json to_postman(const ApiDocument& document) {
  return Collection(document).build();
}

}  // namespace specular
