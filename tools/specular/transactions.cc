// specular transactions FILE…: every HTTP transaction in captures, in the order of request times.
#include <map>
#include <set>

#include "analyzers/names.h"
#include "capture/base/sha256.h"
#include "tools/specular/command.h"
#include "tools/specular/reading.h"

namespace specular {
namespace {

// How late a transaction may begin to be told; each also waits for earlier ones that take longer.
constexpr Duration kSortWindow = std::chrono::seconds(60);
constexpr std::size_t kSortLimit = 200'000;

const char* version_text(HttpVersion version) {
  switch (version) {
    case HttpVersion::http_1_0: return "1.0";
    case HttpVersion::http_1_1: return "1.1";
    case HttpVersion::http_2: return "2";
    case HttpVersion::http_3: return "3";
  }
  return "";
}

// One exchange while it is under way.
struct Row {
  bool used = false, has_request = false, has_response = false;
  Timestamp time{};
  Connection connection{};
  HttpVersion version = HttpVersion::http_1_1;
  std::string method, host, target, request_type, response_type, user_agent;
  std::uint16_t status = 0;
  std::string request_hash, response_hash;  // empty: none
  std::unique_ptr<Sha256> request_digest, response_digest;
};

class TransactionList final : public ExchangeSink {
 public:
  TransactionList(const TunnelTable& tunnels, Format format, bool hashes)
      : tunnels_(tunnels), hashes_(hashes), listing_(format, columns()) {}

  BodyWish on_request(ExchangeId id, const Connection& connection, const RequestHead& head) override;
  void on_request_body(ExchangeId id, const BodyView& body) override;
  BodyWish on_response(ExchangeId id, const Connection& connection, const ResponseHead& head) override;
  void on_response_body(ExchangeId id, const BodyView& body) override;
  void on_body_piece(ExchangeId id, bool of_request, Bytes bytes) override;
  void on_finished(ExchangeId id, const ExchangeEnd& end) override;
  void on_connection(const ConnectionFacts&) override {}
  void on_epoch(EpochNumber epoch) override { print_before(start_of(epoch) - kSortWindow); }

  void finish();

 private:
  static std::vector<Column> columns();
  BodyWish wish() const { return {hashes_ ? BodyWish::Mode::pieces : BodyWish::Mode::skip, 0}; }
  Row& begin(ExchangeId id, const Connection& connection, Timestamp time, HttpVersion version);
  Json to_json(const Row& row, const ExchangeEnd& end) const;
  void print_before(Timestamp time);

  // Times may be equal; the rest makes the order one.
  using Key = std::tuple<Timestamp, SocketAddress, SocketAddress, std::uint64_t>;

  const TunnelTable& tunnels_;
  bool hashes_;
  Listing listing_;
  Paged<Row> rows_;
  std::map<Key, Json> finished_;
  std::multiset<Timestamp> open_;  // when those began that have not finished
  std::uint64_t sequence_ = 0;
};

std::vector<Column> TransactionList::columns() {
  return {{"TIME", "time"},           {"CLIENT", "client"},
          {"METHOD", "method"},       {"HOST", "host"},
          {"TARGET", "target"},       {"STATUS", "status", true},
          {"TYPE", "response_type"},  {"BYTES", "response_bytes", true},
          {"MS", "latency_ms", true}, {"TUNNEL", "tunnel"},
          {"WHOLE", "whole"}};
}

Row& TransactionList::begin(ExchangeId id, const Connection& connection, Timestamp time, HttpVersion version) {
  Row& row = rows_[static_cast<std::uint32_t>(id)];
  if (row.used) return row;
  row.used = true;
  open_.insert(time);
  row.time = time;
  row.connection = connection;
  row.version = version;
  return row;
}

BodyWish TransactionList::on_request(ExchangeId id, const Connection& connection, const RequestHead& head) {
  Row& row = begin(id, connection, head.time, head.version);
  row.has_request = true;
  row.method = head.method;
  row.host = normalise_host(head.authority, connection.server);
  row.target = head.target;
  row.user_agent = find_header(head.headers, "user-agent").value_or("");
  row.request_type = normalise_content_type(find_header(head.headers, "content-type").value_or(""));
  return wish();
}

BodyWish TransactionList::on_response(ExchangeId id, const Connection& connection, const ResponseHead& head) {
  Row& row = begin(id, connection, head.time, head.version);
  row.has_response = true;
  row.status = head.status;
  row.response_type = normalise_content_type(find_header(head.headers, "content-type").value_or(""));
  return wish();
}

void TransactionList::on_body_piece(ExchangeId id, bool of_request, Bytes bytes) {
  Row& row = rows_[static_cast<std::uint32_t>(id)];
  auto& digest = of_request ? row.request_digest : row.response_digest;
  if (!digest) digest = std::make_unique<Sha256>();
  digest->add(bytes);
}

void TransactionList::on_request_body(ExchangeId id, const BodyView& body) {
  Row& row = rows_[static_cast<std::uint32_t>(id)];
  if (body.state == BodyState::whole && row.request_digest) row.request_hash = to_hex(row.request_digest->finish());
}

void TransactionList::on_response_body(ExchangeId id, const BodyView& body) {
  Row& row = rows_[static_cast<std::uint32_t>(id)];
  if (body.state == BodyState::whole && row.response_digest) row.response_hash = to_hex(row.response_digest->finish());
}

Json TransactionList::to_json(const Row& row, const ExchangeEnd& end) const {
  const Connection& connection = row.connection;
  Json json;
  json["time"] = to_rfc3339(row.time);
  json["client"] = connection.client.address.text();
  json["client_port"] = connection.client.port;
  json["server"] = connection.server.address.text();
  json["server_port"] = connection.server.port;
  json["tunnel"] = text_or_null(tunnels_.tunnel_name(connection.tunnel));
  json["method"] = text_or_null(row.method);
  json["host"] = row.has_request ? text_or_null(row.host) : Json(nullptr);
  json["target"] = text_or_null(row.target);
  json["version"] = version_text(row.version);
  json["status"] = row.has_response ? Json(row.status) : Json(nullptr);
  json["request_bytes"] = row.has_request ? Json(end.request_bytes) : Json(nullptr);
  json["response_bytes"] = row.has_response ? Json(end.response_bytes) : Json(nullptr);
  json["request_type"] = text_or_null(row.request_type);
  json["response_type"] = text_or_null(row.response_type);
  json["latency_ms"] = end.latency ? Json(static_cast<double>(end.latency->count()) / 1e6) : Json(nullptr);
  json["user_agent"] = text_or_null(row.user_agent);
  json["whole"] = to_text(end.whole);
  if (hashes_) {
    json["request_sha256"] = text_or_null(row.request_hash);
    json["response_sha256"] = text_or_null(row.response_hash);
  }
  return json;
}

void TransactionList::on_finished(ExchangeId id, const ExchangeEnd& end) {
  Row& row = rows_[static_cast<std::uint32_t>(id)];
  finished_.emplace(Key{row.time, row.connection.client, row.connection.server, ++sequence_}, to_json(row, end));
  if (auto begun = open_.find(row.time); begun != open_.end()) open_.erase(begun);
  row = Row{};
  if (finished_.size() > kSortLimit) {
    listing_.add(std::move(finished_.begin()->second));
    finished_.erase(finished_.begin());
  }
}

void TransactionList::print_before(Timestamp time) {
  if (!open_.empty()) time = std::min(time, *open_.begin());
  while (!finished_.empty() && std::get<0>(finished_.begin()->first) < time) {
    listing_.add(std::move(finished_.begin()->second));
    finished_.erase(finished_.begin());
  }
}

void TransactionList::finish() {
  print_before(Timestamp::max());
  listing_.finish();
}

}  // namespace

void add_transactions(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand("transactions", "List every HTTP transaction in captures");
  auto options = std::make_shared<ReadingOptions>();
  auto hashes = std::make_shared<bool>(false);
  options->add_to(*command);
  command->add_flag("--sha256", *hashes, "Add the SHA-256 of the decoded bodies");
  command->callback([=, &invocation] {
    invocation.command = [=](Invocation& with) {
      TunnelTable tunnels(with.config.capture.tunnels);
      TransactionList list(tunnels, with.format, *hashes);
      CaptureShard shard(with.config.capture, HashKey::random(), list);
      Receiver receiver(with.config.capture.tunnels, tunnels, HashKey::random(), {&shard});
      int status = read_captures(*options, receiver).status;
      if (status == kUsage) return status;
      receiver.flush();
      list.finish();
      return status;
    };
  });
}

}  // namespace specular
