#include "tests/analyzers/site.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "tests/support/packet_builder.h"

namespace specular::test {
namespace {

std::vector<HeaderField> fields_of(const Headers& headers) {
  std::vector<HeaderField> fields;
  for (const auto& [name, value] : headers) fields.push_back({name, value});
  return fields;
}

Connection connection_of(const PlayedExchange& exchange) {
  Connection connection{};
  connection.tunnel = exchange.tunnel;
  connection.network = exchange.network;
  connection.client = socket_address(exchange.client);
  connection.server = socket_address(exchange.server);
  return connection;
}

void add_facts(const PathTree& tree, PathTree::NodeIndex index, const std::string& host, Lines& lines) {
  const PathTree::Node& node = tree.node(index);
  std::string path = to_text(tree.path_of(index));
  auto fingerprint = [](const std::string& bytes) { return fast_hash(HashKey{}, as_bytes(bytes)); };
  for (PathTree::LeafIndex number : node.leaves) {
    const PathTree::Leaf& leaf = tree.leaf(number);
    std::string line = fmt::format("{} {} {} {} requests", host, leaf.method, path, leaf.summary.requests);
    for (const auto& [status, count] : leaf.summary.statuses.entries()) line += fmt::format(" {}:{}", status, count);
    lines.push_back(line + fmt::format(" #{:x}", fingerprint(encode(leaf.summary))));
  }
  if (node.key.folded) {
    lines.push_back(fmt::format("{} {} stands for {} values #{:x}", host, path, node.values.estimate(),
                                fingerprint(encode(node.values))));
  }
  for (PathTree::NodeIndex child : node.children) add_facts(tree, child, host, lines);
}

void add_coverage(const std::string& what, const CoverageCounts& counts, Lines& lines) {
  for (std::size_t i = 0; i < kCoverageItems; ++i) {
    if (counts.items[i] > 0) {
      lines.push_back(fmt::format("{} {} {}", what, to_text(static_cast<CoverageItem>(i)), counts.items[i]));
    }
  }
  for (std::size_t i = 0; i < kAnomalyCount; ++i) {
    if (counts.anomalies[i] > 0) {
      lines.push_back(fmt::format("{} !{} {}", what, to_text(static_cast<Anomaly>(i)), counts.anomalies[i]));
    }
  }
}

}  // namespace

void tell_request(ExchangeSink& sink, std::uint32_t id, const PlayedExchange& exchange) {
  std::vector<HeaderField> fields = fields_of(exchange.headers);
  RequestHead head{};
  head.time = exchange.time;
  head.version = HttpVersion::http_1_1;
  head.method = exchange.method;
  head.target = exchange.target;
  head.authority = exchange.host;
  bool has_path = exchange.method != "CONNECT" && exchange.target != "*";
  head.path = has_path ? std::string_view(exchange.target) : std::string_view();
  head.headers = fields;
  head.anomalies = exchange.request_anomalies;
  BodyWish wish = sink.on_request(static_cast<ExchangeId>(id), connection_of(exchange), head);
  if (!exchange.request_body.empty() && wish.mode == BodyWish::Mode::whole)
    sink.on_request_body(static_cast<ExchangeId>(id), PaddedBody(exchange.request_body).view());
}

void tell_response(ExchangeSink& sink, std::uint32_t id, const PlayedExchange& exchange) {
  Headers headers = exchange.response_headers;
  if (!exchange.type.empty()) headers.emplace_back("Content-Type", exchange.type);
  std::vector<HeaderField> fields = fields_of(headers);
  ResponseHead head{};
  head.time = exchange.time + exchange.latency;
  head.version = HttpVersion::http_1_1;
  head.status = exchange.status;
  head.headers = fields;
  head.anomalies = exchange.response_anomalies;
  BodyWish wish = sink.on_response(static_cast<ExchangeId>(id), connection_of(exchange), head);
  if (exchange.body.empty()) return;
  if (wish.mode == BodyWish::Mode::whole)
    return sink.on_response_body(static_cast<ExchangeId>(id), PaddedBody(exchange.body).view());
  sink.on_body_piece(static_cast<ExchangeId>(id), false, as_bytes(exchange.body));
}

void tell_end(ExchangeSink& sink, std::uint32_t id, const PlayedExchange& exchange) {
  ExchangeEnd end;
  end.whole = exchange.whole;
  end.time = exchange.time + exchange.latency;
  end.request_bytes = std::max<std::uint64_t>(exchange.request_size, exchange.request_body.size());
  end.response_bytes = exchange.status == 0 ? 0 : exchange.size;
  if (exchange.status != 0 && exchange.has_request) end.latency = exchange.latency;
  end.anomalies = exchange.anomalies;
  end.one_sided = exchange.one_sided;
  sink.on_finished(static_cast<ExchangeId>(id), end);
}

void tell(ExchangeSink& sink, std::uint32_t id, const PlayedExchange& exchange) {
  if (exchange.has_request) tell_request(sink, id, exchange);
  if (exchange.status != 0) tell_response(sink, id, exchange);
  tell_end(sink, id, exchange);
}

void Rows::apply(const Epoch& epoch) {
  for (const RowKey& key : epoch.removed) rows_.erase(key_of(key));
  for (const Row& row : epoch.put) rows_[key_of(row.key)] = row.value;
}

Epoch Rows::all() const {
  Epoch epoch;
  for (const auto& [key, value] : rows_) {
    const auto& [table, network, host, path, method] = key;
    epoch.put.push_back({{table, network, host, path, method}, value});
  }
  return epoch;
}

Lines Rows::keys(Table table) const {
  Lines lines;
  for (const auto& [key, value] : rows_) {
    if (std::get<0>(key) == table) {
      lines.push_back(std::get<1>(key) + "|" + std::get<2>(key) + "|" + std::get<3>(key) + "|" + std::get<4>(key));
    }
  }
  return lines;
}

TunnelTable& Site::tunnels() {
  if (!tunnels_) tunnels_ = std::make_unique<TunnelTable>(tunnel_options_);
  return *tunnels_;
}

Judge& Site::judge() {
  if (!judge_) judge_ = std::make_unique<Judge>(inventory, HashKey{}, keeps_changes_);
  return *judge_;
}

Observer& Site::observer() {
  if (!observer_) {
    Observer::Options options{inventory, clients, read_bodies};
    observer_ = std::make_unique<Observer>(options, tunnels(), HashKey{}, judge());
  }
  return *observer_;
}

Site& Site::play(const PlayedExchange& exchange) {
  tell(observer(), 0, exchange);
  return *this;
}

Site& Site::get(const Lines& paths, const PlayedExchange& like) {
  for (const std::string& path : paths) {
    PlayedExchange exchange = like;
    exchange.target = path;
    play(exchange);
  }
  return *this;
}

const Inventory& Site::known() {
  observer().flush();
  return judge().inventory();
}

Lines Site::endpoints() {
  Lines lines;
  for (const Endpoint& endpoint : all_endpoints()) {
    std::string kind = to_text(endpoint.kind);
    lines.push_back(kind + " " + endpoint.route.method + " " + endpoint.host.host + " " + endpoint.route.path());
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

Endpoint Site::endpoint() {
  auto endpoints = all_endpoints();
  if (endpoints.size() != 1) {
    std::fprintf(stderr, "%zu endpoints, not one\n", endpoints.size());
    std::abort();
  }
  return std::move(endpoints.front());
}

CoverageCounts Site::host_coverage(const std::string& host) {
  const Inventory::Host* found = known().find({"", host});
  return found == nullptr ? CoverageCounts{} : found->coverage;
}

Lines facts_of(const Inventory& inventory) {
  Lines lines;
  for (const auto& [key, host] : inventory.hosts()) {
    std::string name = key.network + "|" + key.host;
    add_facts(*host.tree, PathTree::kRoot, name, lines);
    add_coverage("host " + name, host.coverage, lines);
  }
  for (const auto& [name, tunnel] : inventory.tunnels) add_coverage("tunnel " + name, tunnel.counts, lines);
  for (const auto& [name, total] : inventory.totals) lines.push_back(fmt::format("total {} {}", name, total.value));
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::string difference(const Lines& found, const Lines& expected) {
  std::string text;
  for (const Lines* lines : {&found, &expected}) {
    const Lines& others = lines == &found ? expected : found;
    std::size_t shown = 0;
    for (const std::string& line : *lines) {
      bool both = std::count(others.begin(), others.end(), line) == std::count(lines->begin(), lines->end(), line);
      if (!both && ++shown <= 8) text += (lines == &found ? "\n  found only    " : "\n  expected only ") + line;
    }
  }
  return text;
}

}  // namespace specular::test
