#include "analyzers/inspect/calls.h"

#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/analyzers/schemas.h"

namespace specular::test {
namespace {

struct Asked {
  std::string type = "application/json", body, method = "POST", target = "/rpc";
  Headers headers;
};
struct Answered {
  std::string body, type = "application/json";
  std::uint16_t status = 200;
  std::string grpc_status;
};

// "graphql query user ok", one for each call.
Lines calls_of(const Asked& asked, const Answered& answered) {
  CallReader reader;
  std::vector<Call> calls;
  std::vector<HeaderField> fields;
  for (const auto& [name, value] : asked.headers) fields.push_back({name, value});
  RequestHead head{};
  head.method = asked.method;
  head.target = head.path = asked.target;
  head.headers = fields;
  reader.read_head(head, asked.type, calls);
  PaddedBody sent(asked.body), got(answered.body);
  Schema shape;
  if (!asked.body.empty()) {
    read(asked.type, asked.body, shape);
    reader.read_body(asked.type, shape, soap_action_of(head), sent.view(), calls);
  }
  reader.judge(answered.status, answered.type, answered.grpc_status, got.view(), calls);
  Lines lines;
  for (const Call& call : calls) {
    static constexpr const char* kOutcomes[] = {"?", "ok", "failed"};
    lines.push_back(fmt::format("{} {} {} {}", protocol_of(call.kind), type_of(call.kind), call.name,
                                kOutcomes[static_cast<int>(call.outcome)]));
  }
  return lines;
}

Lines calls_in(const std::string& body, const std::string& answer) {
  return calls_of({.body = body}, {.body = answer});
}

}  // namespace

TEST_CASE("a GraphQL request calls its root fields, and has a name") {
  std::string body = R"({"operationName":"Q","variables":{},"query":"query Q { u: user(id: 1) { id } me { id } }"})";
  CHECK(calls_in(body, R"({"data":{"u":{},"me":{}}})") ==
        Lines{"graphql document Q ok", "graphql query user ok", "graphql query me ok"});
  CHECK(calls_in(body, R"({"errors":[{"message":"x"}],"data":null})").back() == "graphql query me failed");
  CHECK(calls_in(body, R"({"data":{"u":{}},"errors":[{}]})").back() == "graphql query me failed");
  CHECK(calls_in(body, R"({"hits":[]})").back() == "graphql query me ?");
  CHECK(calls_in(body, "<html>").back() == "graphql query me ?");
}

TEST_CASE("of several operations the named one is called") {
  std::string query = R"("query":"query A { a } mutation B { b }")";
  CHECK(calls_in("{" + query + R"(,"operationName":"B"})", R"({"data":{}})") ==
        Lines{"graphql document B ok", "graphql mutation b ok"});
  CHECK(calls_in("{" + query + "}", R"({"data":{}})").empty());
}

TEST_CASE("GraphQL comes in other ways too: GET, its own media type, batches, persisted documents") {
  CHECK(calls_of({.type = "", .method = "GET", .target = "/graphql?query=%7Bme%7Bid%7D%7D&x=1"}, {R"({"data":{}})"}) ==
        Lines{"graphql query me ok"});
  CHECK(calls_of({.type = "application/graphql", .body = "{ me }"}, {R"({"data":{}})"}) ==
        Lines{"graphql query me ok"});
  CHECK(calls_in(R"([{"query":"{a}"},{"query":"{b}"}])", R"([{"data":{}},{"errors":[{}]}])") ==
        Lines{"graphql query a ok", "graphql query b failed"});
  CHECK(calls_in(R"({"operationName":"P","extensions":{"persistedQuery":{"version":1}}})", R"({"data":{}})") ==
        Lines{"graphql document P ok"});
}

TEST_CASE("a search is no GraphQL") {
  for (const char* body : {R"({"query":"shoes"})", R"({"query":{"match":"{a}"}})", R"({"query":"select { from"})"})
    CHECK_MESSAGE(calls_in(body, R"({"data":{}})").empty(), body);
  CHECK(calls_of({.type = "", .method = "GET", .target = "/search?query=red+shoes"}, {R"({"data":{}})"}).empty());
}

TEST_CASE("JSON-RPC calls methods, one or many, and each has its own answer") {
  CHECK(calls_in(R"({"jsonrpc":"2.0","method":"user.get","params":{},"id":7})",
                 R"({"jsonrpc":"2.0","result":null,"id":7})") == Lines{"json-rpc method user.get ok"});
  CHECK(calls_in(R"({"jsonrpc":"2.0","method":"nope","id":7})",
                 R"({"jsonrpc":"2.0","error":{"code":-32601},"id":7})") == Lines{"json-rpc method nope failed"});
  CHECK(calls_in(R"([{"jsonrpc":"2.0","method":"a","id":1},{"jsonrpc":"2.0","method":"b","id":"1"},
                     {"jsonrpc":"2.0","method":"c"},{"jsonrpc":"2.0","method":"d","id":4}])",
                 R"([{"jsonrpc":"2.0","error":{},"id":"1"},{"jsonrpc":"2.0","result":1,"id":1}])") ==
        Lines{"json-rpc method a ok", "json-rpc method b failed", "json-rpc method c ?", "json-rpc method d ?"});
}

TEST_CASE("what looks like data is no name of a method") {
  for (const std::string method : {"", "a b", "<x>", "123e4567-e89b-12d3-a456-426614174000"})
    CHECK_MESSAGE(calls_in(R"({"jsonrpc":"2.0","id":1,"method":")" + method + "\"}", R"({"result":1})").empty(),
                  method);
  CHECK(calls_in(R"({"jsonrpc":"2.0","id":1,"method":")" + std::string(300, 'a') + "\"}", R"({"result":1})").empty());
}

TEST_CASE("MCP calls tools, answered as JSON or as events") {
  std::string body =
      R"({"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"search","arguments":{"q":"x"}}})";
  CHECK(calls_in(body, R"({"jsonrpc":"2.0","id":3,"result":{"content":[]}})") ==
        Lines{"json-rpc method tools/call ok", "mcp tool search ok"});
  CHECK(calls_in(body, R"({"jsonrpc":"2.0","id":3,"result":{"content":[],"isError":true}})") ==
        Lines{"json-rpc method tools/call ok", "mcp tool search failed"});
  std::string events =
      "event: message\r\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\r\n\r\n"
      "data: {\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}\n\n";
  CHECK(calls_of({.body = body}, {events, "text/event-stream"}) ==
        Lines{"json-rpc method tools/call ok", "mcp tool search ok"});
}

TEST_CASE("SOAP calls what stands in its body, or what its action says") {
  auto envelope = [](const std::string& content) {
    return "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header><a/>"
           "</s:Header><s:Body>" +
           content + "</s:Body></s:Envelope>";
  };
  Asked asked{.type = "text/xml", .body = envelope("<m:GetPrice xmlns:m=\"urn:x\"><item>1</item></m:GetPrice>")};
  Answered good{envelope("<m:GetPriceResponse xmlns:m=\"urn:x\"/>"), "text/xml"};
  CHECK(calls_of(asked, good) == Lines{"soap message GetPrice ok"});
  CHECK(calls_of(asked, {envelope("<s:Fault/>"), "text/xml"}) == Lines{"soap message GetPrice failed"});
  CHECK(calls_of(asked, {envelope("<s:Fault/>"), "text/xml", 500}) == Lines{"soap message GetPrice failed"});
  CHECK(calls_of(asked, {"<html/>", "text/xml"}) == Lines{"soap message GetPrice ?"});
  asked.body = envelope("<u123e4567-e89b-12d3-a456-426614174000/>");
  asked.headers = {{"SOAPAction", "\"urn:shop#Order\""}};
  CHECK(calls_of(asked, good) == Lines{"soap message Order ok"});
  asked.headers = {{"Content-Type", "application/soap+xml; action=\"http://x/Ship\"; charset=utf-8"}};
  CHECK(calls_of(asked, good) == Lines{"soap message Ship ok"});
  CHECK(calls_of({.type = "text/xml", .body = "<Envelope><Body/></Envelope>"}, good).empty());
  CHECK(calls_of({.type = "text/xml", .body = "<order><Envelope/></order>"}, good).empty());
}

TEST_CASE("gRPC-Web calls what its path says, and trailers tell how it went") {
  Asked asked{
      .type = "application/grpc-web+proto", .body = std::string("\0\0\0\0\0", 5), .target = "/shop.v1.Cart/Add"};
  auto trailers = [](const std::string& text) {
    return std::string("\0\0\0\0\1x\x80\0\0\0", 10) + static_cast<char>(text.size()) + text;
  };
  CHECK(calls_of(asked, {trailers("grpc-status: 0\r\n"), asked.type}) == Lines{"grpc method shop.v1.Cart/Add ok"});
  CHECK(calls_of(asked, {trailers("Grpc-Status:5\r\ngrpc-message:x\r\n"), asked.type}).front().ends_with(" failed"));
  CHECK(calls_of(asked, {"", asked.type, 200, "12"}).front().ends_with(" failed"));
  CHECK(calls_of(asked, {std::string("\x80\xff\xff\xff\xff", 5), asked.type}).front().ends_with(" ?"));
}

TEST_CASE("a token request names its grant and scopes, if a token is given") {
  Asked asked{.type = "application/x-www-form-urlencoded",
              .body = "grant_type=client_credentials&client_secret=s3cret&scope=orders%3Aread+offline_access"};
  CHECK(calls_of(asked, {R"({"access_token":"x","token_type":"Bearer"})"}) ==
        Lines{"oauth2 grant client_credentials ok", "oauth2 scope orders:read ok", "oauth2 scope offline_access ok"});
  CHECK(calls_of(asked, {R"({"error":"invalid_client"})", "application/json", 401}).front() ==
        "oauth2 grant client_credentials failed");
  CHECK(calls_of(asked, {R"({"ok":true})"}).front() == "oauth2 grant client_credentials ?");
  asked.body = "grant_type=made-up";
  CHECK(calls_of(asked, {R"({"access_token":"x"})"}).empty());
}

TEST_CASE("of one request only so many calls are read") {
  std::string body = "[";
  for (int i = 0; i < 500; ++i) body += fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"m{}"}},)", i, i);
  CHECK(calls_in(body + "{}]", "[]").size() == kMaxCalls);
}

}  // namespace specular::test
