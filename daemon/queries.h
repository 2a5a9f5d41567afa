// Queries: what may be asked of an inventory. The command line asks the store that it opened, the control socket the
// inventory of a running daemon; both here, so that the answers are the same.
//
//   endpoints           all, host                     rows
//   endpoints/show      host, method, path            rows, several if several networks have it
//   coverage                                          rows: the total, tunnels, hosts
//   openapi             host, format (yaml or json), minimal (0 or 1)   the document of one host
//   openapi/documents   host, format, minimal         rows: network, host, document
//   routes                                            rows: what the user has corrected (changes.h)
#pragma once

#include <functional>
#include <map>
#include <string>

#include "analyzers/discovery/inventory.h"
#include "daemon/rows.h"

namespace specular {

struct Query {
  std::string path;
  std::map<std::string, std::string> parameters;
};

struct QueryError {
  enum class Kind : std::uint8_t {
    unknown,    // there is no such query
    parameter,  // one is missing, unknown or not understood
    nothing,    // nothing is known by that name
    several,    // of which only one can be told
    failed,     // the environment does
  };
  Kind kind;
  std::string text;  // one line, for people, without a full stop; not escaped
};

// Who takes an answer: rows one by one, or one document. Nothing comes if there is an error.
class AnswerSink {
 public:
  virtual void on_row(Json row) = 0;
  virtual void on_document(std::string text, const char* content_type) = 0;

 protected:
  ~AnswerSink() = default;
};

// Calls what it is given with the inventory, which stands still meanwhile.
using ReadInventory = std::function<void(const std::function<void(const Inventory&)>&)>;

// Copies what the query is about from the inventory, and answers from that when the inventory goes on.
tl::expected<void, QueryError> answer_query(const Query& query, const ReadInventory& read_inventory, AnswerSink& sink);

// Which endpoints a listing has.
struct EndpointFilter {
  bool all = false;  // also static files, web pages and preflights
  std::string host;  // only this one; empty: every

  bool wants(const Endpoint& endpoint) const;
};

// The error of another query as that of this one.
inline tl::unexpected<QueryError> forward(QueryError error) {
  return tl::make_unexpected(std::move(error));
}

// Whether that is a name of the host: as it is listed, or in any other spelling of it.
bool names_host(const std::string& name, const HostKey& host);
// The same; that of a host in a group means the group too.
bool means_host(const std::string& name, const HostKey& host);

// Over all tunnels.
CoverageCounts total_coverage(const Inventory& inventory);

}  // namespace specular
