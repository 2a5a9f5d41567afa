// Observer: exchanges -> what they add to the endpoints' summaries. One per shard; here bytes end.
//
// Works on a path tree of its own, whose summaries hold what the current epoch added; when packet time enters the next
// epoch they are told to the DeltaSink and emptied.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "analyzers/access_learner.h"
#include "analyzers/coverage.h"
#include "analyzers/discovery/hosts.h"
#include "analyzers/discovery/path_tree.h"
#include "analyzers/inspect/client_address.h"
#include "analyzers/inspect/headers.h"
#include "analyzers/operation_learner.h"
#include "analyzers/shape_learner.h"
#include "capture/base/pool.h"
#include "capture/exchange.h"

namespace specular {

// What a shard learned in one epoch, or in several; told at the end, in no particular order.
class DeltaSink {
 public:
  virtual void on_endpoint(const ServedHost& host, const SegmentPath& path, const std::string& method,
                           const EndpointSummary& added) = 0;
  virtual void on_values(const ServedHost& host, const SegmentPath& path, const DistinctCounter& added) = 0;
  virtual void on_host(const ServedHost& host, const CoverageCounts& added) = 0;
  virtual void on_tunnel(const std::string& tunnel, const CoverageCounts& added) = 0;
  // Whether an epoch may be told now. If not, it is told with the next one.
  virtual bool is_ready() { return true; }
  // All of it was told, up to this epoch.
  virtual void on_told(EpochNumber) {}

 protected:
  ~DeltaSink() = default;
};

class Observer final : public ExchangeSink {
 public:
  struct Options {
    const InventoryOptions& inventory;
    const ClientOptions& clients;
    bool read_bodies = true;  // inspect: full; else what no longer teaches anything is read ever more rarely
  };

  // Requires: tunnels and sink outlive it.
  Observer(const Options& options, const TunnelTable& tunnels, const HashKey& key, DeltaSink& sink);
  ~Observer();

  BodyWish on_request(ExchangeId id, const Connection& connection, const RequestHead& head) override;
  void on_request_body(ExchangeId id, const BodyView& body) override;
  BodyWish on_response(ExchangeId id, const Connection& connection, const ResponseHead& head) override;
  void on_response_body(ExchangeId id, const BodyView& body) override;
  void on_body_piece(ExchangeId id, bool of_request, Bytes bytes) override;
  void on_finished(ExchangeId id, const ExchangeEnd& end) override;
  void on_connection(const ConnectionFacts& facts) override;
  void on_epoch(EpochNumber epoch) override;

  // Tells what the current epoch has added so far.
  void flush();

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;

  struct Host {
    ServedHost served;
    std::unique_ptr<PathTree> tree;
    CoverageCounts coverage;
    bool dirty = false;
  };

  // An exchange under way.
  struct State {
    std::uint32_t host = kNone;
    PathTree::LeafRef leaf;
    std::string method, path;
    std::string response_type;
    std::uint16_t status = 0;
    bool has_request = false, has_response = false;
    std::uint64_t location = 0;  // a hash of Location, without the request's own path
    std::uint64_t hash = 0;      // of the exchange
    std::string request_type;
    std::unique_ptr<ShapeLearner::Request> request_shape;  // its body
    Timestamp time;                                        // of the request
    AccessLearner::Pending access;
    OperationLearner::Slot calls;
    Deprecation deprecation;
    bool reads_response = false;  // for its schema
    std::string content;          // how the response's body begins, to tell answers from each other; never told
    TunnelId tunnel = TunnelId::none;
    SocketAddress server;
    Anomalies anomalies;
  };

  struct CachedPath {
    std::uint64_t first = 0, second = 0;  // two independent hashes of host, method and target
    PathTree::LeafRef leaf;
  };
  struct CachedHost {
    NetworkId network{};
    SocketAddress server;
    std::string authority;
    std::uint32_t host = kNone;
  };

  std::uint32_t find_host(const Connection& connection, std::string_view authority);
  std::uint32_t add_host(const ServedHost& served);
  PathTree::LeafRef find_leaf(std::uint32_t host, std::string_view method, std::string_view target, State& state);
  EndpointSummary* summary_of(State& state);
  void note_request(EndpointSummary& summary, const Connection& connection, const RequestHead& head, State& state);
  void note_headers(EndpointSummary& summary, const RequestHead& head, State& state);
  void note_cookies(EndpointSummary& summary, const RequestHead& head, const State& state);
  void note_query(EndpointSummary& summary, std::string_view query, const State& state);
  void note_parameter(ParameterTable& table, std::string_view name, std::string_view value);
  void note_answer(EndpointSummary& summary, State& state, const ExchangeEnd& end);
  void note_names(EndpointSummary& summary, std::string_view content);
  void note_body(ExchangeId id, const BodyView& body);
  void note_coverage(const State& state, const ExchangeEnd& end);
  CoverageCounts& tunnel_coverage(TunnelId tunnel);
  CoverageCounts& host_coverage(std::uint32_t host);
  BodyWish wish(bool encoded) const;
  std::uint64_t endpoint_hash(const State& state) const;
  void note_parameters(EndpointSummary& summary, const State& state, ShapePlace::Part part);
  void note_shapes(EndpointSummary& summary, State& state, const ExchangeEnd& end);

  Options options_;
  const TunnelTable& tunnels_;
  HashKey key_;
  DeltaSink& sink_;
  HeaderKinds header_kinds_;
  ShapeLearner shapes_;
  AccessLearner access_;
  OperationLearner operations_;
  LeafCeiling ceiling_;
  std::vector<Host> hosts_;
  HostCeiling host_ceiling_;
  std::map<HostKey, std::uint32_t> host_index_;
  std::vector<std::uint32_t> dirty_hosts_;
  std::array<CachedHost, 256> host_cache_;
  std::vector<CachedPath> path_cache_;
  Paged<State> states_;
  std::vector<CoverageCounts> tunnel_coverage_;  // by TunnelId
  std::string buffer_, name_;
  std::vector<std::string_view> seen_names_;  // of the query at hand
};

}  // namespace specular
