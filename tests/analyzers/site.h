// A site for tests: exchanges as capture would tell them, played to an observer whose judge keeps the inventory.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "analyzers/discovery/endpoints.h"
#include "analyzers/judge.h"
#include "analyzers/observer.h"

namespace specular::test {

using Lines = std::vector<std::string>;
using Headers = std::vector<std::pair<std::string, std::string>>;

// The start of all these times.
inline constexpr Timestamp kStart{std::chrono::seconds(1'700'000'000)};

// A body with the padding that capture leaves behind it.
class PaddedBody {
 public:
  explicit PaddedBody(std::string text) : size_(text.size()), text_(std::move(text)) {
    text_.append(kBodyPadding, '\0');
  }
  BodyView view(BodyState state = BodyState::whole) const {
    return {state, as_bytes(std::string_view(text_).substr(0, size_)), true};
  }

 private:
  std::size_t size_;
  std::string text_;
};

struct PlayedExchange {
  std::string method = "GET", target = "/", host = "api.example";
  std::uint16_t status = 200;  // 0: no response was seen
  std::string type = "application/json";
  std::uint64_t size = 100, request_size = 0;
  std::string body;  // what of the response's body is told
  std::string request_body;
  std::string client = "192.0.2.1:40000", server = "10.0.0.2:80";
  Headers headers, response_headers;
  Timestamp time = kStart;
  Duration latency = std::chrono::milliseconds(5);
  Whole whole = Whole::complete;
  bool one_sided = false, has_request = true;
  Anomalies request_anomalies, response_anomalies, anomalies;
  TunnelId tunnel = TunnelId::none;
  NetworkId network = NetworkId::none;
};

// The events of one exchange, so that those of several can be interleaved.
void tell_request(ExchangeSink& sink, std::uint32_t id, const PlayedExchange& exchange);
void tell_response(ExchangeSink& sink, std::uint32_t id, const PlayedExchange& exchange);
void tell_end(ExchangeSink& sink, std::uint32_t id, const PlayedExchange& exchange);
void tell(ExchangeSink& sink, std::uint32_t id, const PlayedExchange& exchange);

// The rows of a store, as an ordered map.
class Rows {
 public:
  void apply(const Epoch& epoch);
  Epoch all() const;
  Lines keys(Table table) const;
  std::size_t size() const { return rows_.size(); }

 private:
  using Key = std::tuple<Table, std::string, std::string, std::string, std::string>;
  static Key key_of(const RowKey& key) { return {key.table, key.network, key.host, key.path, key.method}; }
  std::map<Key, std::string> rows_;
};

// Options are set before the first exchange.
class Site {
 public:
  explicit Site(bool keeps_changes = false) : keeps_changes_(keeps_changes) {}

  InventoryOptions inventory;
  ClientOptions clients;
  bool read_bodies = true;

  Observer& observer();
  Judge& judge();
  TunnelTable& tunnels();

  Site& play(const PlayedExchange& exchange);
  // As many GETs as there are paths, each answered alike.
  Site& get(const Lines& paths, const PlayedExchange& like = {});
  // Everything told so far is with the judge.
  const Inventory& known();

  // "api GET api.example /users/{userId}", sorted; of one kind, or of all.
  Lines endpoints();
  std::vector<Endpoint> all_endpoints() { return endpoints_of(known()); }
  // The only endpoint.
  Endpoint endpoint();
  CoverageCounts host_coverage(const std::string& host);

 private:
  bool keeps_changes_;
  TunnelOptions tunnel_options_;
  std::unique_ptr<TunnelTable> tunnels_;
  std::unique_ptr<Judge> judge_;
  std::unique_ptr<Observer> observer_;
};

// Everything in an inventory, one line a fact, sorted: whole summaries, values and coverage.
Lines facts_of(const Inventory& inventory);
// What only one of them has; empty if they are the same.
std::string difference(const Lines& found, const Lines& expected);

}  // namespace specular::test
