// Calls: what one request calls where method and path do not tell, and whether the answer says that it was done.
//
// Read from bodies that were seen whole: GraphQL over HTTP (JSON, application/graphql, the query of a GET; batches;
// persisted documents by their name), JSON-RPC 2.0 with batches, MCP's tools/call in it (answered as JSON or as server-
// sent events), SOAP 1.1 and 1.2, gRPC-Web, and token requests of OAuth 2.0 (RFC 6749 section 4). Names that look like
// data are no names. At most kMaxCalls of a request are read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "analyzers/discovery/operations.h"
#include "analyzers/discovery/schema.h"
#include "capture/exchange.h"

namespace specular {

inline constexpr std::size_t kMaxCalls = 64;

struct Call {
  enum class Outcome : std::uint8_t { unconfirmed, done, failed };

  OperationKind kind{};
  std::string name;
  std::string id;  // of its message in a batch: a position, or what JSON-RPC says; empty: the answer's only one
  std::uint32_t depth = 0;  // of GraphQL's selections
  Outcome outcome = Outcome::unconfirmed;
};

class CallReader {
 public:
  CallReader();
  ~CallReader();

  // What the head alone tells: gRPC's path, the query of a GET. `type`: the body's media type.
  void read_head(const RequestHead& head, std::string_view type, std::vector<Call>& calls);
  // `shape`: what was read of this body; it tells at no cost that most bodies are no calls. `action`: of SOAP, from the
  // head; empty: none.
  void read_body(std::string_view type, const Schema& shape, std::string_view action, const BodyView& body,
                 std::vector<Call>& calls);
  // Sets their outcomes. `grpc_status`: the field of that name in the head; empty: none.
  void judge(std::uint16_t status, std::string_view type, std::string_view grpc_status, const BodyView& body,
             std::vector<Call>& calls);

 private:
  struct Json;

  void read_json(const BodyView& body, std::vector<Call>& calls);
  void judge_json(const BodyView& body, std::vector<Call>& calls);
  void judge_events(std::string_view stream, std::vector<Call>& calls);

  std::unique_ptr<Json> json_;
};

// The name that a SOAP action gives to its message: GetPrice of "urn:shop#GetPrice". From SOAPAction (SOAP 1.1 section
// 6.1.1) or the media type's parameter (RFC 3902); empty if there is none.
std::string_view soap_action_of(const RequestHead& head);

}  // namespace specular
