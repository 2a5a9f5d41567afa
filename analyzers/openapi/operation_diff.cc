#include "analyzers/openapi/operation_diff.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace specular {
namespace {

// The placeholders of a path, in order.
std::vector<std::string> placeholders_of(const std::string& path) {
  std::vector<std::string> names;
  for (auto open = path.find('{'); open != std::string::npos; open = path.find('{', open + 1)) {
    auto close = path.find('}', open);
    if (close == std::string::npos) break;
    names.push_back(path.substr(open + 1, close - open - 1));
  }
  return names;
}

const ApiParameter* find(const std::vector<ApiParameter>& parameters, const std::string& in, const std::string& name) {
  auto found = std::find_if(parameters.begin(), parameters.end(),
                            [&](const ApiParameter& p) { return p.in == in && p.name == name; });
  return found == parameters.end() ? nullptr : &*found;
}

// The answer that covers the status: its own, or its class's.
const ApiResponse* response_for(const ApiOperation& operation, const std::string& status) {
  auto found = operation.responses.find(status);
  if (found == operation.responses.end() && status != "default") {
    found = operation.responses.find(status.substr(0, 1) + "XX");
  }
  return found == operation.responses.end() ? nullptr : &found->second;
}

bool has_status_of(const ApiOperation& operation, const std::string& range) {
  return std::any_of(operation.responses.begin(), operation.responses.end(),
                     [&](const auto& entry) { return entry.first[0] == range[0]; });
}

// Whether clients get it when all went well.
bool is_success(const ApiOperation& operation, const std::string& status) {
  return status[0] == '2' || (status == "default" && !has_status_of(operation, "2XX"));
}

using Alternatives = std::set<std::set<std::string>>;

// Each way to authenticate as words; one of nothing if none is wanted.
Alternatives alternatives_of(const std::vector<ApiSecurity>& security, bool observed) {
  Alternatives alternatives;
  for (const ApiSecurity& together : security) {
    std::set<std::string> words;
    for (const auto& [way, scopes] : together) {
      if (observed && way == "mutualTLS") continue;
      bool token = observed && (way == "oauth2" || way == "openIdConnect");
      words.insert(token ? "bearer" : way);
      for (const std::string& scope : scopes) {
        if (!observed) words.insert(way + ":" + scope);
      }
    }
    alternatives.insert(words);
  }
  if (alternatives.empty()) alternatives.insert(std::set<std::string>{});
  return alternatives;
}

std::string words_of(const Alternatives& alternatives) {
  std::string text;
  for (const auto& together : alternatives) {
    if (!text.empty()) text += " or ";
    if (together.empty()) text += "none";
    const char* between = "";
    for (const std::string& word : together) text += std::exchange(between, " + ") + word;
  }
  return text;
}

}  // namespace

Change& OperationComparer::tell(ChangeKind kind, const Place& place, bool breaking, std::string reason) {
  Change& change = changes_.emplace_back();
  change.kind = kind;
  change.breaking = breaking;
  change.subject = place.subject;
  change.method = method_;
  change.path = path_;
  change.place = place.place;
  change.reason = std::move(reason);
  change.old_line = place.old_line;
  change.new_line = place.new_line;
  return change;
}

void OperationComparer::compare(const ApiOperation& before, const ApiOperation& after, const std::string& path) {
  method_ = after.method;
  path_ = path;
  if (before.deprecated != after.deprecated) {
    Place place{"operation", "", before.line, after.line};
    Change& change = tell(ChangeKind::changed, place, false, "it works as before");
    change.aspect = "deprecated";
    (before.deprecated ? change.before : change.after) = "true";
  }
  compare_parameters(before, after);
  compare_bodies(before.body, after.body);
  compare_responses(before, after);
  compare_security(before, after);
}

void OperationComparer::compare_parameters(const ApiOperation& before, const ApiOperation& after) {
  // Those of the path by their position; the path itself says that they are there.
  auto old_names = placeholders_of(before.path), new_names = placeholders_of(after.path);
  std::size_t shared = std::min(old_names.size(), new_names.size());
  for (std::size_t i = 1; i <= shared; ++i) {
    const std::string &old_name = old_names[old_names.size() - i], &new_name = new_names[new_names.size() - i];
    const ApiParameter* old_parameter = find(before.parameters, "path", old_name);
    const ApiParameter* new_parameter = find(after.parameters, "path", new_name);
    if (old_parameter && new_parameter) compare_parameter(old_parameter, new_parameter, "path " + new_name);
  }
  for (const ApiParameter& parameter : before.parameters) {
    if (parameter.in == "path") continue;
    compare_parameter(&parameter, find(after.parameters, parameter.in, parameter.name),
                      parameter.in + " " + parameter.name);
  }
  for (const ApiParameter& parameter : after.parameters) {
    if (parameter.in != "path" && find(before.parameters, parameter.in, parameter.name) == nullptr)
      compare_parameter(nullptr, &parameter, parameter.in + " " + parameter.name);
  }
}

void OperationComparer::compare_parameter(const ApiParameter* before, const ApiParameter* after,
                                          const std::string& name) {
  Place place{"parameter", name, before == nullptr ? 0 : before->line, after == nullptr ? 0 : after->line};
  if (before == nullptr) {
    bool breaking = after->required;
    tell(ChangeKind::added, place, breaking,
         breaking ? "required, but clients do not send it yet" : "clients may leave it out");
    return;
  }
  if (after == nullptr) {
    tell(ChangeKind::removed, place, true, "what clients ask by it has no effect any more, or is refused");
    return;
  }
  if (before->required != after->required) {
    bool breaking = after->required;
    Change& change = tell(ChangeKind::changed, place, breaking,
                          breaking ? "clients may not send it yet" : "clients may go on sending it");
    change.aspect = "required";
    change.before = breaking ? "optional" : "required";
    change.after = breaking ? "required" : "optional";
  }
  if (before->deprecated != after->deprecated) {
    Change& change = tell(ChangeKind::changed, place, false, "it works as before");
    change.aspect = "deprecated";
    (before->deprecated ? change.before : change.after) = "true";
  }
  compare_style(*before, *after, place);
  compare_schemas(before->schema, after->schema, Direction::request, place);
}

// Matters to lists and objects only.
void OperationComparer::compare_style(const ApiParameter& before, const ApiParameter& after, const Place& place) {
  if (before.style == after.style || !schemas_.may_be_composed(before.schema, after.schema)) return;
  Change& change = tell(ChangeKind::changed, place, true, "what clients send is read differently");
  change.aspect = "style";
  change.before = before.style;
  change.after = after.style;
}

void OperationComparer::compare_bodies(const std::optional<ApiBody>& before, const std::optional<ApiBody>& after) {
  if (!before && !after) return;
  Place place{"request body", "body", before ? before->line : 0, after ? after->line : 0};
  if (!before) {
    bool breaking = after->required;
    tell(ChangeKind::added, place, breaking,
         breaking ? "required, but clients do not send it yet" : "clients may leave it out");
    return;
  }
  if (!after) {
    tell(ChangeKind::removed, place, true, "what clients send has no effect any more, or is refused");
    return;
  }
  if (before->required != after->required) {
    bool breaking = after->required;
    Change& change = tell(ChangeKind::changed, place, breaking,
                          breaking ? "clients may not send one yet" : "clients may go on sending it");
    change.aspect = "required";
    change.before = breaking ? "optional" : "required";
    change.after = breaking ? "required" : "optional";
  }
  compare_contents(before->contents, after->contents, Direction::request, place);
}

void OperationComparer::compare_contents(const ApiContents& before, const ApiContents& after, Direction direction,
                                         const Place& place) {
  bool request = direction == Direction::request;
  for (const auto& [type, schema] : before) {
    Place there = place;
    there.place += " " + type;
    if (auto now = after.find(type); now != after.end()) {
      there.subject = request ? "request body" : "response body";
      compare_schemas(schema, now->second, direction, there);
      continue;
    }
    there.subject = "media type";
    tell(ChangeKind::removed, there, true, request ? "clients may send it" : "clients may ask for it");
  }
  for (const auto& [type, schema] : after) {
    if (before.contains(type)) continue;
    Place there = place;
    there.subject = "media type";
    there.place += " " + type;
    tell(ChangeKind::added, there, false, request ? "clients may leave it out" : "clients say what they accept");
  }
}

void OperationComparer::compare_responses(const ApiOperation& before, const ApiOperation& after) {
  for (const auto& [status, response] : before.responses) {
    const ApiResponse* now = response_for(after, status);
    Place place{"status", status, response.line, now == nullptr ? 0 : now->line};
    if (now != nullptr) {
      compare_contents(response.contents, now->contents, Direction::response, place);
      compare_headers(response, *now, status);
      continue;
    }
    bool in_parts = status.ends_with("XX") && has_status_of(after, status);
    bool breaking = is_success(before, status) && !in_parts;
    tell(ChangeKind::removed, place, breaking,
         breaking ? "clients take it for success" : "clients that look for it do not meet it any more");
  }
  for (const auto& [status, response] : after.responses) {
    if (response_for(before, status) != nullptr) {
      // A status of its own, where there was one for its whole class.
      if (before.responses.contains(status)) continue;
      const ApiResponse& old_response = *response_for(before, status);
      Place place{"status", status, old_response.line, response.line};
      compare_contents(old_response.contents, response.contents, Direction::response, place);
      compare_headers(old_response, response, status);
      continue;
    }
    if (status.ends_with("XX") && has_status_of(before, status)) continue;
    tell(ChangeKind::added, {"status", status, 0, response.line}, false,
         "clients handle classes of statuses that they do not know one by one");
  }
}

void OperationComparer::compare_headers(const ApiResponse& before, const ApiResponse& after,
                                        const std::string& status) {
  for (const auto& [name, header] : before.headers) {
    auto now = after.headers.find(name);
    std::uint32_t line = now == after.headers.end() ? 0 : now->second.line;
    Place place{"response header", status + " header " + name, header.line, line};
    if (now == after.headers.end()) {
      tell(ChangeKind::removed, place, true, "clients may use it");
    } else {
      compare_schemas(header.schema, now->second.schema, Direction::response, place);
    }
  }
  for (const auto& [name, header] : after.headers) {
    if (before.headers.contains(name)) continue;
    Place place{"response header", status + " header " + name, 0, header.line};
    tell(ChangeKind::added, place, false, "clients pass over what they do not know");
  }
}

void OperationComparer::compare_security(const ApiOperation& before, const ApiOperation& after) {
  Alternatives was = alternatives_of(before.security, options_.observed);
  Alternatives is = alternatives_of(after.security, options_.observed);
  if (was == is) return;
  // A client that knows one of the old ways must get through by it.
  bool breaking = std::any_of(was.begin(), was.end(), [&](const auto& known) {
    return std::none_of(is.begin(), is.end(), [&](const auto& wanted) {
      return std::includes(known.begin(), known.end(), wanted.begin(), wanted.end());
    });
  });
  Change& change =
      tell(ChangeKind::changed, {"security", "", before.line, after.line}, breaking,
           breaking ? "clients are refused that authenticate as before" : "who authenticates as before gets through");
  change.before = words_of(was);
  change.after = words_of(is);
}

void OperationComparer::compare_schemas(SchemaId before, SchemaId after, Direction direction, const Place& place) {
  for (Change& change : schemas_.compare(before, after, direction)) {
    bool in_body = place.subject == "request body" || place.subject == "response body";
    bool of_property = in_body && !change.place.empty();
    change.subject = !of_property                      ? place.subject
                     : direction == Direction::request ? "request property"
                                                       : "response property";
    change.method = method_;
    change.path = path_;
    change.place = change.place.empty() ? place.place : place.place + " " + change.place;
    if (change.old_line == 0) change.old_line = change.kind == ChangeKind::added ? 0 : place.old_line;
    if (change.new_line == 0) change.new_line = change.kind == ChangeKind::removed ? 0 : place.new_line;
    changes_.push_back(std::move(change));
  }
}

}  // namespace specular
