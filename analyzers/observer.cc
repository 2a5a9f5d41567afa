#include "analyzers/observer.h"

#include <algorithm>

#include "analyzers/inspect/body_names.h"
#include "analyzers/inspect/credentials.h"
#include "analyzers/inspect/deprecation.h"
#include "analyzers/names.h"
#include "capture/base/text.h"

namespace specular {
namespace {

constexpr std::size_t kPathCache = 8192;
constexpr std::size_t kMaxParameterName = 128;

std::uint64_t to_microseconds(Duration duration) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

// Whether a query parameter's name says what it is, instead of being a value that was written without a name.
bool is_name(std::string_view text) {
  bool letter = std::any_of(text.begin(), text.end(), [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; });
  if (!letter) return false;
  constexpr SegmentClass kNames[] = {SegmentClass::word, SegmentClass::version, SegmentClass::small_integer,
                                     SegmentClass::boolean, SegmentClass::code};
  return std::find(std::begin(kNames), std::end(kNames), classify_value(text)) != std::end(kNames);
}

// How often it was in the text.
std::uint64_t erase_all(const std::string& what, std::string& text) {
  std::uint64_t count = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++count) text.erase(at, what.size());
  return count;
}

}  // namespace

Observer::Observer(const Options& options, const TunnelTable& tunnels, const HashKey& key, DeltaSink& sink)
    : options_(options),
      tunnels_(tunnels),
      key_(key),
      sink_(sink),
      header_kinds_(key),
      shapes_(key, !options.read_bodies, (options.inventory.schemas_mb.size() << 20) / 8),
      access_(key),
      operations_(key),
      host_ceiling_(options.inventory),
      path_cache_(kPathCache) {
  ceiling_.limit = options.inventory.max_endpoints.size();
}

Observer::~Observer() = default;

std::uint32_t Observer::find_host(const Connection& connection, std::string_view authority) {
  std::uint64_t hash = fast_hash(key_, as_bytes(authority)) ^ fast_hash(key_, connection.server.address);
  CachedHost& cached = host_cache_[hash % host_cache_.size()];
  bool hit = cached.host != kNone && cached.authority == authority && cached.server == connection.server &&
             cached.network == connection.network;
  if (hit) return cached.host;
  HostKey key{tunnels_.network_name(connection.network), normalise_host(authority, connection.server)};
  cached.network = connection.network;
  cached.server = connection.server;
  cached.authority = authority;
  return cached.host = add_host({std::move(key), connection.server});
}

std::uint32_t Observer::add_host(const ServedHost& served) {
  auto found = host_index_.find(served.key);
  if (found != host_index_.end()) return found->second;
  HostKey place = host_ceiling_.place_for(served, hosts_.size());
  auto [at, added] = host_index_.try_emplace(place, static_cast<std::uint32_t>(hosts_.size()));
  if (!added) return at->second;
  if (place == served.key) host_ceiling_.count(served);
  hosts_.push_back({{place, served.server},
                    std::make_unique<PathTree>(ceiling_, options_.inventory.max_unconfirmed.size(), key_),
                    {},
                    false});
  return at->second;
}

PathTree::LeafRef Observer::find_leaf(std::uint32_t host, std::string_view method, std::string_view target,
                                      State& state) {
  std::string_view path = target.substr(0, target.find_first_of("?#"));
  std::uint64_t seed = fast_hash(key_, as_bytes(method)) + host;
  HashKey first_key{key_.k0 ^ seed, key_.k1}, second_key{key_.k1, key_.k0 + seed};
  std::uint64_t first = fast_hash(first_key, as_bytes(path)), second = fast_hash(second_key, as_bytes(path));
  CachedPath& cached = path_cache_[first % kPathCache];
  normalise_path(target, state.path);
  if (cached.first == first && cached.second == second && hosts_[host].tree->resolve(cached.leaf) != nullptr) {
    return cached.leaf;
  }
  cached = {first, second, hosts_[host].tree->find_or_add(method, state.path)};
  return cached.leaf;
}

// The summary of the exchange's endpoint; found again if its leaf was folded into another one meanwhile. Null if there
// is no room for it.
EndpointSummary* Observer::summary_of(State& state) {
  if (state.host == kNone || state.path.empty()) return nullptr;
  PathTree& tree = *hosts_[state.host].tree;
  PathTree::Leaf* leaf = tree.resolve(state.leaf);
  if (leaf == nullptr) {
    state.leaf = tree.find_or_add(state.method, state.path);
    leaf = tree.resolve(state.leaf);
  }
  return leaf == nullptr ? nullptr : &leaf->summary;
}

// Content codings are undone only to tell broken ones.
BodyWish Observer::wish(bool encoded) const {
  return {options_.read_bodies && encoded ? BodyWish::Mode::pieces : BodyWish::Mode::skip, 0};
}

BodyWish Observer::on_request(ExchangeId id, const Connection& connection, const RequestHead& head) {
  State& state = states_[static_cast<std::uint32_t>(id)];
  state.has_request = true;
  state.tunnel = connection.tunnel;
  state.server = connection.server;
  state.anomalies = head.anomalies;
  state.method.assign(head.method);
  state.time = head.time;
  state.host = find_host(connection, head.authority);
  if (!head.path.empty()) {
    state.leaf = find_leaf(state.host, head.method, head.path, state);
    if (EndpointSummary* summary = summary_of(state)) {
      note_request(*summary, connection, head, state);
    } else {
      ++host_coverage(state.host)[CoverageItem::refused_requests];
    }
  }
  normalise_content_type(find_header(head.headers, "content-type").value_or(""), state.request_type);
  operations_.read_head(head, state.request_type, state.calls);
  if (state.host != kNone && media_kind_of(state.request_type) != MediaKind::binary)
    return {BodyWish::Mode::whole, ShapeLearner::kMaxBody};
  return wish(find_header(head.headers, "content-encoding").has_value());
}

std::uint64_t Observer::endpoint_hash(const State& state) const {
  return fold(fast_hash(key_, (std::uint64_t{state.host} << 32) | state.leaf.index), state.leaf.generation | 1);
}

void Observer::note_parameters(EndpointSummary& summary, const State& state, ShapePlace::Part part) {
  shapes_.add_parameters(endpoint_hash(state), part, state.hash, summary.shapes);
}

void Observer::note_request(EndpointSummary& summary, const Connection& connection, const RequestHead& head,
                            State& state) {
  ++summary.requests;
  summary.first_seen = std::min(summary.first_seen, head.time);
  summary.last_seen = std::max(summary.last_seen, head.time);
  summary.clients.add(
      fast_hash(key_, client_address(connection, head.headers, options_.clients.trusted_proxies.values())));
  summary.servers.add(connection.server);
  state.hash = fold(fast_hash(key_, connection.client.address) ^ connection.client.port,
                    fast_hash(key_, static_cast<std::uint64_t>(head.time.time_since_epoch().count())) | 1);
  note_headers(summary, head, state);
  note_query(summary, query_of(head.path), state);
  ++hosts_[state.host].tree->resolve(state.leaf)->requests_ever;
  hosts_[state.host].tree->touch(state.leaf);
  if (!hosts_[state.host].dirty) dirty_hosts_.push_back(state.host);
  hosts_[state.host].dirty = true;
}

void Observer::note_headers(EndpointSummary& summary, const RequestHead& head, State& state) {
  shapes_.parameters().begin();
  access_.begin();
  auto found = [&](std::string_view way, std::string_view value) { access_.found(way, value, summary); };
  for (const HeaderField& field : head.headers) {
    HeaderKind kind = header_kinds_.of(field.name);
    if (kind == HeaderKind::maybe_key)
      kind = credentials::looks_like_secret(field.value) ? HeaderKind::api_key : HeaderKind::parameter;
    switch (kind) {
      case HeaderKind::common:
      case HeaderKind::content_encoding: break;
      case HeaderKind::authorization:
        found(credentials::way_of_authorization(field.value, buffer_),
              trim(field.value.substr(std::min(field.value.find_first_of(" \t"), field.value.size()))));
        break;
      case HeaderKind::cookie: credentials::find_in_cookies(field.value, buffer_, found); break;
      case HeaderKind::maybe_key:
      case HeaderKind::api_key:
        buffer_ = "apiKey:header:";
        append_lower(field.name, buffer_);
        found(buffer_, field.value);
        break;
      case HeaderKind::content_type:
        normalise_content_type(field.value, name_);
        summary.request_types.add(std::string_view(name_));
        break;
      case HeaderKind::preflight: summary.preflights += head.method == "OPTIONS" ? 1 : 0; break;
      case HeaderKind::parameter:
        name_.clear();
        append_lower(field.name.substr(0, kMaxParameterName), name_);
        note_parameter(summary.headers, name_, field.value);
        shapes_.parameters().add(name_, field.value, false);
        break;
    }
  }
  note_parameters(summary, state, ShapePlace::Part::header);
  note_cookies(summary, head, state);
  credentials::find_in_query(query_of(head.path), buffer_, found);
  access_.end(summary, state.access);
}

// Cookies that carry no session; those of advertisers and analytics begin with an underscore.
void Observer::note_cookies(EndpointSummary& summary, const RequestHead& head, const State& state) {
  shapes_.parameters().begin();
  for (const HeaderField& field : head.headers) {
    if (header_kinds_.of(field.name) != HeaderKind::cookie) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      auto end = std::min(rest.find(';'), rest.size());
      std::string_view pair = trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      auto equals = pair.find('=');
      std::string_view name = pair.substr(0, equals);
      bool ours = equals != std::string_view::npos && name.size() <= kMaxParameterName && !name.starts_with('_') &&
                  !credentials::is_session_cookie(name) && is_name(name);
      if (ours) shapes_.parameters().add(name, pair.substr(equals + 1), false);
    }
  }
  note_parameters(summary, state, ShapePlace::Part::cookie);
}

void Observer::note_query(EndpointSummary& summary, std::string_view query, const State& state) {
  seen_names_.clear();
  shapes_.parameters().begin();
  while (!query.empty()) {
    auto end = std::min(query.find('&'), query.size());
    std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    auto equals = std::min(pair.find('='), pair.size());
    std::string_view name = pair.substr(0, std::min(equals, kMaxParameterName));
    if (name.empty() || credentials::is_query_key(name, pair.substr(std::min(equals + 1, pair.size())))) continue;
    // A bare item may be a value, and so may what no name looks like.
    if (!is_name(name)) continue;
    shapes_.parameters().add(name, pair.substr(std::min(equals + 1, pair.size())), true);
    if (seen_names_.size() > 2 * ParameterTable::kLimit) return summary.query.add_overflow(1);
    auto times = std::count(seen_names_.begin(), seen_names_.end(), name);
    if (times < 2) seen_names_.push_back(name);
    if (ParameterSummary* parameter = times == 1 ? summary.query.find(name) : nullptr) ++parameter->repeated;
    if (times > 0) continue;
    note_parameter(summary.query, name, pair.substr(std::min(equals + 1, pair.size())));
  }
  note_parameters(summary, state, ShapePlace::Part::query);
}

void Observer::note_parameter(ParameterTable& table, std::string_view name, std::string_view value) {
  ParameterSummary* parameter = table.find(name);
  if (parameter == nullptr) return;
  ++parameter->count;
  ++parameter->classes[static_cast<std::size_t>(classify_value(value))];
}

BodyWish Observer::on_response(ExchangeId id, const Connection& connection, const ResponseHead& head) {
  State& state = states_[static_cast<std::uint32_t>(id)];
  state.has_response = true;
  state.tunnel = connection.tunnel;
  state.server = connection.server;
  state.anomalies.bits |= head.anomalies.bits;
  state.status = head.status;
  if (!state.has_request) state.host = find_host(connection, "");
  normalise_content_type(find_header(head.headers, "content-type").value_or(""), state.response_type);
  if (head.status / 100 == 3) {
    // A redirection of everything repeats the path; what is left is the same for all.
    std::string location(find_header(head.headers, "location").value_or(""));
    auto own = state.path.size() > 1 ? location.find(state.path) : std::string::npos;
    if (own != std::string::npos) location.erase(own, state.path.size());
    state.location = fast_hash(key_, as_bytes(location)) | 1;
  }
  state.content.clear();
  state.deprecation = deprecation_of(head);
  operations_.note_answer(head, state.calls);
  bool encoded = find_header(head.headers, "content-encoding").has_value();
  ShapePlace place{ShapePlace::Part::response, state.status, state.response_type};
  state.reads_response = state.has_request && summary_of(state) != nullptr &&
                         shapes_.wants_response(endpoint_hash(state), place, state.hash);
  if (state.reads_response) return {BodyWish::Mode::whole, ShapeLearner::kMaxBody};
  if (std::size_t size = OperationLearner::wish_of(state.calls, state.response_type); size > 0)
    return {BodyWish::Mode::whole, size};
  return encoded ? wish(true) : BodyWish{BodyWish::Mode::pieces, 0};
}

void Observer::on_body_piece(ExchangeId id, bool of_request, Bytes bytes) {
  constexpr std::size_t kTelling = 1024;
  State& state = states_[static_cast<std::uint32_t>(id)];
  if (of_request || state.content.size() >= kTelling) return;
  state.content.append(as_text(bytes.first(std::min<std::size_t>(bytes.size(), kTelling - state.content.size()))));
}

void Observer::note_body(ExchangeId id, const BodyView& body) {
  State& state = states_[static_cast<std::uint32_t>(id)];
  if (state.host == kNone) return;
  for (auto [found, item] : {std::pair(BodyState::undecodable, CoverageItem::undecodable_bodies),
                             std::pair(BodyState::bomb, CoverageItem::bombs)}) {
    if (body.state != found) continue;
    ++host_coverage(state.host)[item];
    ++tunnel_coverage(state.tunnel)[item];
  }
}

void Observer::on_request_body(ExchangeId id, const BodyView& body) {
  note_body(id, body);
  State& state = states_[static_cast<std::uint32_t>(id)];
  if (body.bytes.empty() || summary_of(state) == nullptr) return;
  state.request_shape = shapes_.read_request(state.request_type, body);
  if (state.request_shape == nullptr) return;
  operations_.read_body(state.request_type, state.request_shape->schema, body, state.time, state.calls);
}

void Observer::on_response_body(ExchangeId id, const BodyView& body) {
  note_body(id, body);
  State& state = states_[static_cast<std::uint32_t>(id)];
  on_body_piece(id, false, body.bytes);
  operations_.read_answer(state.status, state.response_type, body, state.calls);
  EndpointSummary* summary = state.reads_response ? summary_of(state) : nullptr;
  if (summary == nullptr) return;
  shapes_.add_response(endpoint_hash(state), {ShapePlace::Part::response, state.status, state.response_type}, body,
                       summary->shapes);
}

// What is sure only at the end: whether the request was taken, and that there was a body.
void Observer::note_shapes(EndpointSummary& summary, State& state, const ExchangeEnd& end) {
  bool taken = state.has_response && state.status >= 200 && state.status < 400;
  if (end.request_bytes > 0 && !state.request_type.empty()) {
    auto part = taken ? ShapePlace::Part::request : ShapePlace::Part::refused;
    Schema* schema = summary.shapes.find({part, 0, state.request_type});
    if (schema != nullptr && state.request_shape) shapes_.add_request(*state.request_shape, *schema);
  }
  if (state.has_response && end.response_bytes > 0 && !state.response_type.empty()) {
    Schema* schema = summary.shapes.find({ShapePlace::Part::response, state.status, state.response_type});
    bool passed = !state.reads_response && media_kind_of(state.response_type) != MediaKind::binary;
    if (schema != nullptr && passed) ++schema->passed_over;
  }
}

void Observer::on_finished(ExchangeId id, const ExchangeEnd& end) {
  State& state = states_[static_cast<std::uint32_t>(id)];
  EndpointSummary* summary = state.has_request ? summary_of(state) : nullptr;
  if (summary != nullptr) {
    note_answer(*summary, state, end);
    note_shapes(*summary, state, end);
    AccessLearner::finish(state.access, state.has_response ? state.status : 0, *summary);
    operations_.finish(state.has_response ? state.status : 0, state.response_type, state.calls, summary->operations);
    if (state.has_response) summary->deprecation.merge(state.deprecation);
    hosts_[state.host].tree->touch(state.leaf);
  }
  note_coverage(state, end);
  state.host = kNone;
  state.leaf = {};
  state.path.clear();
  state.has_request = state.has_response = false;
  state.location = 0;
  state.request_shape.reset();
  state.access.set.clear();
  state.calls.reset();
  state.reads_response = false;
  state.tunnel = TunnelId::none;
  state.anomalies = {};
}

void Observer::note_answer(EndpointSummary& summary, State& state, const ExchangeEnd& end) {
  ++summary.wholes[static_cast<std::size_t>(end.whole)];
  if (end.request_bytes > 0) summary.request_bytes.add(end.request_bytes);
  if (!state.has_response) {
    ++summary.unanswered;
    summary.one_sided += end.one_sided ? 1 : 0;
    return;
  }
  summary.statuses.add(state.status);
  summary.response_bytes.add(end.response_bytes);
  if (end.latency) summary.latency_us.add(to_microseconds(*end.latency));
  if (!state.response_type.empty()) summary.response_types.add(std::string_view(state.response_type));
  if (state.status / 100 == 2 && is_json_type(state.response_type)) note_names(summary, state.content);
  bool tells = end.whole == Whole::complete && says_existing(state.status) && state.status != 304;
  if (!tells) return;
  std::uint64_t kind = (fast_hash(key_, as_bytes(state.response_type)) + state.status) ^ state.location;
  std::uint64_t size = end.response_bytes;
  summary.answers.add(fold(kind ^ fast_hash(key_, as_bytes(state.content)), size * 2 + 1));
  if (std::uint64_t repeated = erase_all(state.path, state.content); repeated > 0) {
    size -= repeated * state.path.size();
    summary.echoes.add(fold(kind ^ fast_hash(key_, as_bytes(state.content)), size * 2 + 1));
  }
}

// What its members are called, and whether it is a list.
void Observer::note_names(EndpointSummary& summary, std::string_view content) {
  auto begin = content.find_first_of("{[");
  if (begin == std::string_view::npos) return;
  summary.names.add(content[begin] == '[' ? NameSketch::kList : NameSketch::kObject);
  std::array<std::string_view, kMaxBodyNames> names;
  std::size_t count = find_names(content, names);
  for (std::size_t i = 0; i < count; ++i) {
    auto hash = static_cast<std::uint32_t>(fast_hash(key_, as_bytes(names[i])) >> 32);
    summary.names.add(std::max(hash, NameSketch::kFirstName));
  }
}

void Observer::note_coverage(const State& state, const ExchangeEnd& end) {
  CoverageItem whole = CoverageItem::complete;
  switch (end.whole) {
    case Whole::complete: break;
    case Whole::request_only: whole = CoverageItem::request_only; break;
    case Whole::response_only: whole = CoverageItem::response_only; break;
    case Whole::clipped: whole = CoverageItem::clipped; break;
    case Whole::gap: whole = CoverageItem::gap; break;
  }
  Anomalies anomalies = state.anomalies;
  anomalies.bits |= end.anomalies.bits;
  auto note = [&](CoverageCounts& counts) {
    ++counts[CoverageItem::transactions];
    ++counts[whole];
    counts.add(anomalies);
  };
  note(tunnel_coverage(state.tunnel));
  if (state.host == kNone) return;
  note(host_coverage(state.host));
  // Of this one, or of others that are under way.
  std::uint64_t unread = shapes_.take_unread();
  host_coverage(state.host)[CoverageItem::unread_shapes] += unread;
  tunnel_coverage(state.tunnel)[CoverageItem::unread_shapes] += unread;
}

void Observer::on_connection(const ConnectionFacts& facts) {
  CoverageCounts& counts = tunnel_coverage(facts.connection.tunnel);
  ++counts[CoverageItem::connections];
  switch (facts.protocol) {
    case Protocol::unknown: ++counts[CoverageItem::other_connections]; break;
    case Protocol::http1: ++counts[CoverageItem::http_connections]; break;
    case Protocol::http2: ++counts[CoverageItem::http2_connections]; break;
    case Protocol::tls: ++counts[CoverageItem::encrypted_connections]; break;
    case Protocol::switched: ++counts[CoverageItem::switched_connections]; break;
  }
  const FlowTotals& totals = facts.totals;
  if (!totals.seen[0] || !totals.seen[1]) ++counts[CoverageItem::one_sided_connections];
  if (totals.mirrored_twice) ++counts[CoverageItem::mirrored_twice_connections];
  counts[CoverageItem::payload_bytes] += totals.bytes[0] + totals.bytes[1];
  counts[CoverageItem::lost_bytes] += totals.lost[0] + totals.lost[1];
  counts[CoverageItem::clipped_bytes] += totals.clipped[0] + totals.clipped[1];
  counts.add(facts.anomalies);
}

CoverageCounts& Observer::tunnel_coverage(TunnelId tunnel) {
  auto index = static_cast<std::size_t>(tunnel);
  if (index >= tunnel_coverage_.size()) tunnel_coverage_.resize(index + 1);
  return tunnel_coverage_[index];
}

CoverageCounts& Observer::host_coverage(std::uint32_t host) {
  if (!hosts_[host].dirty) dirty_hosts_.push_back(host);
  hosts_[host].dirty = true;
  return hosts_[host].coverage;
}

void Observer::on_epoch(EpochNumber epoch) {
  if (!sink_.is_ready()) return;
  flush();
  sink_.on_told(epoch);
}

void Observer::flush() {
  for (std::uint32_t index : dirty_hosts_) {
    Host& host = hosts_[index];
    host.dirty = false;
    host.tree->visit_dirty(
        [&](PathTree::Leaf& leaf) {
          sink_.on_endpoint(host.served, host.tree->path_of(leaf.node), leaf.method, leaf.summary);
          leaf.summary.clear();
        },
        [&](PathTree::Node& node, PathTree::NodeIndex number) {
          sink_.on_values(host.served, host.tree->path_of(number), node.values);
          node.values.clear();
        });
    if (!host.coverage.empty()) sink_.on_host(host.served, host.coverage);
    host.coverage = {};
  }
  dirty_hosts_.clear();
  // All of them were told: what is asked for again is made again.
  if (ceiling_.strangers > LeafCeiling::kMaxStrangers / 4) {
    for (Host& host : hosts_) host.tree->forget_told_strangers();
  }
  shapes_.begin_epoch();
  for (std::size_t tunnel = 0; tunnel < tunnel_coverage_.size(); ++tunnel) {
    if (tunnel_coverage_[tunnel].empty()) continue;
    sink_.on_tunnel(tunnels_.tunnel_name(static_cast<TunnelId>(tunnel)), tunnel_coverage_[tunnel]);
    tunnel_coverage_[tunnel] = {};
  }
}

}  // namespace specular
