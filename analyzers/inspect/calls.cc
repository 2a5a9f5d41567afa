#include "analyzers/inspect/calls.h"

#include <algorithm>
#include <optional>

#include <simdjson.h>

#include "analyzers/inspect/body_shapes.h"
#include "analyzers/inspect/graphql.h"
#include "analyzers/inspect/soap.h"
#include "capture/base/text.h"

namespace specular {
namespace {

namespace dom = simdjson::dom;
using Outcome = Call::Outcome;

// Of a message that nobody answers; no answer has it.
constexpr const char* kNotified = "!";

bool is_name(std::string_view text, std::string_view extra, std::size_t longest) {
  auto fits = [&](char c) {
    return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || (c >= '0' && c <= '9') ||
           extra.find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), fits) && !is_data_key(text);
}

void add(std::vector<Call>& calls, OperationKind kind, std::string_view name, std::string_view id,
         std::uint32_t depth = 0) {
  if (calls.size() < kMaxCalls) calls.push_back({kind, std::string(name), std::string(id), depth, {}});
}

// A document, of which the operation of that name is asked for; empty: the only one.
void add_graphql(std::string_view text, std::string_view wanted, std::string_view id, std::vector<Call>& calls) {
  static constexpr OperationKind kKinds[] = {OperationKind::graphql_query, OperationKind::graphql_mutation,
                                             OperationKind::graphql_subscription};
  std::vector<GraphqlOperation> operations = read_graphql(text);
  for (const GraphqlOperation& operation : operations) {
    bool asked = wanted.empty() ? operations.size() == 1 : operation.name == wanted;
    if (!asked) continue;
    if (is_graphql_name(operation.name))
      add(calls, OperationKind::graphql_document, operation.name, id, operation.depth);
    for (std::string_view field : operation.fields) {
      if (is_graphql_name(field)) add(calls, kKinds[static_cast<std::size_t>(operation.type)], field, id);
    }
  }
}

std::string_view text_of(dom::object object, std::string_view key) {
  std::string_view text;
  return object[key].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

bool has_value(dom::object object, std::string_view key) {
  dom::element element;
  return object[key].get(element) == simdjson::SUCCESS && !element.is_null();
}

// JSON-RPC's identifier, so that a number and a text are two; empty: none.
std::string id_of(dom::object message) {
  dom::element id;
  if (message["id"].get(id) != simdjson::SUCCESS || id.is_null()) return {};
  std::int64_t number = 0;
  if (id.get(number) == simdjson::SUCCESS) return std::to_string(number);
  constexpr std::size_t kLongest = 64;
  std::string_view text;
  return id.get(text) == simdjson::SUCCESS ? "\"" + std::string(text.substr(0, kLongest)) : std::string();
}

void read_json_rpc(dom::object message, bool in_batch, std::vector<Call>& calls) {
  constexpr std::size_t kLongest = 96;
  std::string_view method = text_of(message, "method");
  if (!is_name(method, "._:/$-", kLongest)) return;
  std::string id = id_of(message);
  if (id.empty()) {
    id = kNotified;
  } else if (!in_batch) {
    id.clear();
  }
  add(calls, OperationKind::json_rpc_method, method, id);
  dom::object parameters;
  if (method != "tools/call" || message["params"].get(parameters) != simdjson::SUCCESS) return;
  if (std::string_view tool = text_of(parameters, "name"); is_name(tool, "._-/", kLongest))
    add(calls, OperationKind::mcp_tool, tool, id);
}

void read_grant(std::string_view grant, std::string_view scopes, std::vector<Call>& calls) {
  // RFC 6749, 8628, 8693, 7523, 7522.
  static constexpr std::string_view kGrants[] = {"authorization_code",
                                                 "client_credentials",
                                                 "password",
                                                 "refresh_token",
                                                 "urn:ietf:params:oauth:grant-type:device_code",
                                                 "urn:ietf:params:oauth:grant-type:token-exchange",
                                                 "urn:ietf:params:oauth:grant-type:jwt-bearer",
                                                 "urn:ietf:params:oauth:grant-type:saml2-bearer"};
  constexpr std::size_t kLongest = 64;
  if (std::find(std::begin(kGrants), std::end(kGrants), grant) == std::end(kGrants)) return;
  add(calls, OperationKind::oauth_grant, grant, "");
  while (!scopes.empty()) {
    auto end = std::min(scopes.find(' '), scopes.size());
    std::string_view scope = scopes.substr(0, end);
    scopes.remove_prefix(std::min(end + 1, scopes.size()));
    if (is_name(scope, "._:/*-", kLongest)) add(calls, OperationKind::oauth_scope, scope, "");
  }
}

std::string form_field(std::string_view form, std::string_view wanted) {
  std::string value;
  while (!form.empty()) {
    auto end = std::min(form.find('&'), form.size());
    std::string_view pair = form.substr(0, end);
    form.remove_prefix(std::min(end + 1, form.size()));
    bool here = pair.starts_with(wanted) && pair.substr(wanted.size()).starts_with('=');
    if (!here) continue;
    decode_form(pair.substr(wanted.size() + 1), value);
    break;
  }
  return value;
}

void read_message(dom::object message, std::string_view position, std::vector<Call>& calls) {
  if (text_of(message, "jsonrpc") == "2.0") return read_json_rpc(message, !position.empty(), calls);
  std::string_view name = text_of(message, "operationName");
  if (std::string_view query = text_of(message, "query"); !query.empty())
    return add_graphql(query, name, position, calls);
  dom::object extensions;
  bool persisted =
      message["extensions"].get(extensions) == simdjson::SUCCESS && has_value(extensions, "persistedQuery");
  if (persisted && is_graphql_name(name)) return add(calls, OperationKind::graphql_document, name, position);
  if (position.empty()) read_grant(text_of(message, "grant_type"), text_of(message, "scope"), calls);
}

Outcome outcome_of(OperationKind kind, dom::object answer) {
  dom::object result;
  bool failed = has_value(answer, "error");
  switch (kind) {
    case OperationKind::graphql_query:
    case OperationKind::graphql_mutation:
    case OperationKind::graphql_subscription:
    case OperationKind::graphql_document:
      if (has_value(answer, "errors")) return Outcome::failed;
      return has_value(answer, "data") ? Outcome::done : Outcome::unconfirmed;
    case OperationKind::mcp_tool:
      if (answer["result"].get(result) == simdjson::SUCCESS) {
        bool is_error = false;
        failed = failed || (result["isError"].get(is_error) == simdjson::SUCCESS && is_error);
      }
      [[fallthrough]];
    case OperationKind::json_rpc_method:
      if (failed) return Outcome::failed;
      return answer["result"].error() == simdjson::SUCCESS ? Outcome::done : Outcome::unconfirmed;
    case OperationKind::oauth_grant:
    case OperationKind::oauth_scope:
      return text_of(answer, "access_token").empty() ? Outcome::unconfirmed : Outcome::done;
    case OperationKind::soap_message:
    case OperationKind::grpc_method: break;
  }
  return Outcome::unconfirmed;
}

void judge_message(dom::object answer, std::string_view id, std::vector<Call>& calls) {
  for (Call& call : calls) {
    if (call.id == id && call.outcome == Outcome::unconfirmed) call.outcome = outcome_of(call.kind, answer);
  }
}

// The trailers of gRPC-Web stand in a last frame whose first bit is set; each frame has a length of four bytes.
Outcome grpc_outcome(std::string_view status, Bytes body) {
  if (!status.empty()) return status == "0" ? Outcome::done : Outcome::failed;
  while (body.size() >= 5) {
    std::size_t size = std::size_t{body[1]} << 24 | std::size_t{body[2]} << 16 | std::size_t{body[3]} << 8 | body[4];
    bool trailers = (body[0] & 0x80) != 0;
    body = body.subspan(5);
    if (size > body.size()) break;
    std::string fields;
    if (trailers) append_lower(as_text(body.first(size)), fields);
    body = body.subspan(size);
    auto at = fields.find("grpc-status:");
    if (!trailers || at == std::string::npos) continue;
    std::string_view code = trim(std::string_view(fields).substr(at + 12));
    return code.substr(0, code.find_first_of("\r\n")) == "0" ? Outcome::done : Outcome::failed;
  }
  return Outcome::unconfirmed;
}

bool is_grpc(std::string_view type) {
  return type.starts_with("application/grpc");
}

// Whether documents of that shape may be calls, or batches of them.
bool may_call(const Schema& shape) {
  const SchemaNode* node = &shape.root;
  if (node->array) node = &node->array->items;
  if (!node->object) return false;
  static constexpr std::string_view kNames[] = {"jsonrpc", "query", "operationName", "grant_type"};
  return std::any_of(std::begin(kNames), std::end(kNames), [&](std::string_view name) {
    const SchemaNode* found = node->object->find(name);
    return found != nullptr && found->count(ValueKind::string) > 0;
  });
}

}  // namespace

struct CallReader::Json {
  dom::parser parser;
  std::vector<std::uint8_t> padded;

  // Nothing if that is no whole document.
  std::optional<dom::element> parse(Bytes bytes, bool has_padding) {
    if (!has_padding) {
      padded.assign(bytes.begin(), bytes.end());
      padded.resize(bytes.size() + kBodyPadding);
      bytes = Bytes(padded).first(bytes.size());
    }
    dom::element root;
    if (parser.parse(bytes.data(), bytes.size(), false).get(root) != simdjson::SUCCESS) return std::nullopt;
    return root;
  }
};

CallReader::CallReader() : json_(std::make_unique<Json>()) {}
CallReader::~CallReader() = default;

void CallReader::read_head(const RequestHead& head, std::string_view type, std::vector<Call>& calls) {
  std::string_view path = head.path.substr(0, head.path.find('?'));
  if (is_grpc(type)) {
    constexpr std::size_t kLongest = 128;
    auto method = path.rfind('/');
    auto service = method == std::string_view::npos || method == 0 ? method : path.rfind('/', method - 1);
    bool both = service != std::string_view::npos && method - service > 1;
    if (both && is_name(path.substr(service + 1), "._/", kLongest))
      add(calls, OperationKind::grpc_method, path.substr(service + 1), "");
    return;
  }
  if (head.method != "GET" || path.size() == head.path.size()) return;
  std::string_view query = head.path.substr(path.size() + 1);
  std::string document = form_field(query, "query");
  bool may_be = document.find('{') != std::string::npos;
  if (may_be) add_graphql(document, form_field(query, "operationName"), "", calls);
}

void CallReader::read_json(const BodyView& body, std::vector<Call>& calls) {
  auto root = json_->parse(body.bytes, body.padded);
  if (!root) return;
  dom::object message;
  dom::array batch;
  if (root->get(message) == simdjson::SUCCESS) return read_message(message, "", calls);
  if (root->get(batch) != simdjson::SUCCESS) return;
  std::size_t position = 0;
  for (dom::element item : batch) {
    if (position == kMaxCalls) return;
    if (item.get(message) == simdjson::SUCCESS) read_message(message, "#" + std::to_string(position), calls);
    ++position;
  }
}

void CallReader::read_body(std::string_view type, const Schema& shape, std::string_view action, const BodyView& body,
                           std::vector<Call>& calls) {
  if (body.state != BodyState::whole || body.bytes.empty()) return;
  std::string_view text = as_text(body.bytes);
  if (type == "application/graphql") return add_graphql(text, "", "", calls);
  if (may_call(shape)) {
    if (media_kind_of(type) != MediaKind::urlencoded) return read_json(body, calls);
    return read_grant(form_field(text, "grant_type"), form_field(text, "scope"), calls);
  }
  if (media_kind_of(type) != MediaKind::xml) return;
  std::string message = soap_message_of(text);
  if (message.empty()) return;
  constexpr std::size_t kLongest = 96;
  // What the body says is what is called; its action may say it where that is no name.
  for (std::string_view name : {std::string_view(message), action}) {
    if (is_name(name, "._-", kLongest)) return add(calls, OperationKind::soap_message, name, "");
  }
}

void CallReader::judge_json(const BodyView& body, std::vector<Call>& calls) {
  auto root = json_->parse(body.bytes, body.padded);
  if (!root) return;
  dom::object answer;
  dom::array batch;
  if (root->get(answer) == simdjson::SUCCESS) return judge_message(answer, "", calls);
  if (root->get(batch) != simdjson::SUCCESS) return;
  std::size_t position = 0;
  for (dom::element item : batch) {
    if (item.get(answer) == simdjson::SUCCESS) {
      bool rpc = text_of(answer, "jsonrpc") == "2.0";
      judge_message(answer, rpc ? id_of(answer) : "#" + std::to_string(position), calls);
    }
    if (++position == kMaxCalls) return;
  }
}

// Server-sent events (HTML, section 9.2), one message each; whatever else the server says in between is passed over.
void CallReader::judge_events(std::string_view stream, std::vector<Call>& calls) {
  for (std::size_t messages = 0; !stream.empty() && messages < kMaxCalls;) {
    auto end = std::min(stream.find('\n'), stream.size());
    std::string_view line = trim(stream.substr(0, end), "\r");
    stream.remove_prefix(std::min(end + 1, stream.size()));
    if (!line.starts_with("data:")) continue;
    ++messages;
    dom::object answer;
    auto root = json_->parse(as_bytes(line.substr(5)), false);
    if (!root || root->get(answer) != simdjson::SUCCESS) continue;
    bool answers = answer["result"].error() == simdjson::SUCCESS || has_value(answer, "error");
    if (!answers) continue;
    judge_message(answer, "", calls);
    judge_message(answer, id_of(answer), calls);
  }
}

void CallReader::judge(std::uint16_t status, std::string_view type, std::string_view grpc_status, const BodyView& body,
                       std::vector<Call>& calls) {
  bool refused = status >= 400;
  bool whole = body.state == BodyState::whole;
  bool events = type == "text/event-stream";
  bool json = whole && media_kind_of(type) != MediaKind::xml && !is_grpc(type);
  if (!refused && events) judge_events(as_text(body.bytes), calls);
  if (!refused && json && !events) judge_json(body, calls);
  for (Call& call : calls) {
    bool soap = call.kind == OperationKind::soap_message && whole && !refused;
    if (soap) {
      std::string message = soap_message_of(as_text(body.bytes));
      if (!message.empty()) call.outcome = message == "Fault" ? Outcome::failed : Outcome::done;
    }
    if (call.kind == OperationKind::grpc_method) call.outcome = grpc_outcome(grpc_status, body.bytes);
    if (refused) call.outcome = Outcome::failed;
  }
}

std::string_view soap_action_of(const RequestHead& head) {
  std::string_view action = find_header(head.headers, "soapaction").value_or("");
  if (action.empty()) {
    action = find_header(head.headers, "content-type").value_or("");
    auto at = action.find("action=");
    action = at == std::string_view::npos ? std::string_view() : action.substr(at + 7);
    action = action.substr(0, action.find(';'));
  }
  action = trim(action, " \t\"'");
  auto separator = action.find_last_of("/#:");
  return separator == std::string_view::npos ? action : action.substr(separator + 1);
}

}  // namespace specular
