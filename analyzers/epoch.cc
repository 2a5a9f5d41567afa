#include "analyzers/epoch.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "analyzers/operation_rows.h"
#include "analyzers/schema_rows.h"
#include "epoch.pb.h"

namespace specular {
namespace {

tl::unexpected<Error> damaged() {
  return fail(ErrorKind::corrupt, "a row that cannot be read");
}

template <class Message>
std::string serialise(const Message& message) {
  std::string bytes;
  message.SerializeToString(&bytes);
  return bytes;
}

template <std::size_t kLimit>
void put(const CountTable<std::string, kLimit>& from, stored::CountTable* to) {
  for (const auto& [key, count] : from.entries()) {
    auto* entry = to->add_entries();
    entry->set_key(key);
    entry->set_count(count);
  }
  to->set_others(from.others());
}

template <class Key, std::size_t kLimit>
void put(const CountTable<Key, kLimit>& from, stored::NumberTable* to) {
  for (const auto& [key, count] : from.entries()) {
    auto* entry = to->add_entries();
    entry->set_key(key);
    entry->set_count(count);
  }
  to->set_others(from.others());
}

template <std::size_t kLimit>
void get(const stored::CountTable& from, CountTable<std::string, kLimit>& to) {
  for (const auto& entry : from.entries()) to.add(entry.key(), entry.count());
  to.add_others(from.others());
}

template <class Key, std::size_t kLimit>
void get(const stored::NumberTable& from, CountTable<Key, kLimit>& to) {
  for (const auto& entry : from.entries()) to.add(static_cast<Key>(entry.key()), entry.count());
  to.add_others(from.others());
}

void put(const DistinctCounter& from, stored::Distinct* to) {
  for (std::uint64_t hash : from.exact()) to->add_exact(hash);
  to->set_registers(std::string(from.registers().begin(), from.registers().end()));
}

bool get(const stored::Distinct& from, DistinctCounter& to) {
  const std::string& registers = from.registers();
  const auto& exact = from.exact();
  bool one_form = exact.empty() || registers.empty();
  if (!one_form || exact.size() > static_cast<int>(DistinctCounter::kExact)) return false;
  if (std::adjacent_find(exact.begin(), exact.end(), std::greater_equal<>()) != exact.end()) return false;
  if (!registers.empty() && registers.size() != DistinctCounter::kRegisters) return false;
  bool too_high = std::any_of(registers.begin(), registers.end(),
                              [](char rank) { return static_cast<std::uint8_t>(rank) > DistinctCounter::kMaxRank; });
  if (too_high) return false;
  to = DistinctCounter::restore({exact.begin(), exact.end()}, {registers.begin(), registers.end()});
  return true;
}

void put(const LogHistogram& from, stored::Histogram* to) {
  for (const auto& bucket : from.buckets()) {
    to->add_bucket(static_cast<std::uint32_t>(bucket.index));
    to->add_count(bucket.count);
  }
}

bool get(const stored::Histogram& from, LogHistogram& to) {
  if (from.bucket_size() != from.count_size()) return false;
  for (int i = 0; i < from.bucket_size(); ++i) {
    if (from.bucket(i) >= LogHistogram::kBuckets) return false;
    to.restore({static_cast<std::int16_t>(from.bucket(i)), from.count(i)});
  }
  return true;
}

template <class Repeated>
void put(const ParameterTable& from, Repeated* to) {
  for (const ParameterSummary& parameter : from.parameters()) {
    auto* entry = to->Add();
    entry->set_name(parameter.name);
    entry->set_count(parameter.count);
    entry->set_repeated_count(parameter.repeated);
    for (std::size_t i = 0; i < kSegmentClasses; ++i) {
      if (parameter.classes[i] == 0) continue;
      auto* count = entry->add_classes();
      count->set_key(to_text(static_cast<SegmentClass>(i)));
      count->set_count(parameter.classes[i]);
    }
  }
}

template <class Repeated>
void get(const Repeated& from, ParameterTable& to) {
  for (const auto& entry : from) {
    ParameterSummary* parameter = to.find(entry.name());
    if (parameter == nullptr) continue;
    parameter->count += entry.count();
    parameter->repeated += entry.repeated_count();
    for (const auto& count : entry.classes()) {
      for (std::size_t i = 0; i < kSegmentClasses; ++i) {
        bool same = count.key() == to_text(static_cast<SegmentClass>(i));
        if (same) parameter->classes[i] += static_cast<std::uint32_t>(count.count());
      }
    }
  }
}

// Counts by the names of an enumeration, zeros left out.
template <class Enum, class Counts, class Repeated>
void put_named(const Counts& counts, Repeated* to) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    auto* entry = to->Add();
    entry->set_key(to_text(static_cast<Enum>(i)));
    entry->set_count(counts[i]);
  }
}

template <class Enum, class Counts, class Repeated>
void get_named(const Repeated& from, Counts& counts) {
  for (const auto& entry : from) {
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (entry.key() == to_text(static_cast<Enum>(i))) counts[i] += entry.count();
    }
  }
}

bool get_servers(const stored::Endpoint& from, EndpointSummary& to) {
  for (const auto& server : from.servers()) {
    if (server.address().size() != 16) return false;
    SocketAddress address{IpAddress::v6(as_bytes(server.address())), static_cast<std::uint16_t>(server.port())};
    to.servers.add(address, server.count());
  }
  to.servers.add_others(from.other_servers());
  return true;
}

}  // namespace

std::string to_text(const SegmentPath& path) {
  std::string text;
  for (const SegmentKey& key : path) {
    text += '/';
    if (key.folded) text += std::string("{") + to_text(key.kind) + "}";
    text += key.text;
  }
  return text.empty() ? "/" : text;
}

Result<SegmentPath> parse_path(std::string_view text) {
  SegmentPath path;
  if (!text.starts_with('/')) return damaged();
  for (std::string_view rest = text.substr(1); !rest.empty();) {
    auto end = std::min(rest.find('/'), rest.size());
    std::string_view segment = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (segment.empty()) return damaged();
    auto brace = segment.find('}');
    if (!segment.starts_with('{')) {
      path.push_back({classify_segment(segment).kind, false, std::string(segment)});
      continue;
    }
    bool known = false;
    for (std::size_t i = 0; i < kSegmentClasses && brace != std::string_view::npos && !known; ++i) {
      known = segment.substr(1, brace - 1) == to_text(static_cast<SegmentClass>(i));
      if (known) path.push_back({static_cast<SegmentClass>(i), true, std::string(segment.substr(brace + 1))});
    }
    if (!known) return damaged();
  }
  return path;
}

std::string encode(const EndpointSummary& from) {
  stored::Endpoint to;
  to.set_requests(from.requests);
  to.set_first_seen_ns(from.first_seen.time_since_epoch().count());
  to.set_last_seen_ns(from.last_seen.time_since_epoch().count());
  put(from.statuses, to.mutable_statuses());
  to.set_unanswered(from.unanswered);
  to.set_one_sided(from.one_sided);
  put_named<Whole>(from.wholes, to.mutable_wholes());
  put(from.request_types, to.mutable_request_types());
  put(from.response_types, to.mutable_response_types());
  put(from.auth, to.mutable_auth());
  to.set_preflights(from.preflights);
  put(from.clients, to.mutable_clients());
  for (const auto& [server, count] : from.servers.entries()) {
    auto* entry = to.add_servers();
    entry->set_address(std::string(as_text(server.address.bytes())));
    entry->set_port(server.port);
    entry->set_count(count);
  }
  to.set_other_servers(from.servers.others());
  put(from.latency_us, to.mutable_latency_us());
  put(from.request_bytes, to.mutable_request_bytes());
  put(from.response_bytes, to.mutable_response_bytes());
  put(from.query, to.mutable_query());
  to.set_query_overflow(from.query.overflow());
  put(from.headers, to.mutable_headers());
  to.set_headers_overflow(from.headers.overflow());
  put(from.answers, to.mutable_answers());
  put(from.echoes, to.mutable_echoes());
  to.mutable_names()->Add(from.names.hashes().begin(), from.names.hashes().end());
  for (const auto& [place, schema] : from.shapes.list()) put(place, schema, to.add_schemas());
  put_access(from, to);
  put_operations(from, to);
  return serialise(to);
}

Result<EndpointSummary> decode_summary(std::string_view value) {
  stored::Endpoint from;
  if (!from.ParseFromArray(value.data(), static_cast<int>(value.size()))) return damaged();
  EndpointSummary to;
  to.requests = from.requests();
  to.first_seen = Timestamp(Duration(from.first_seen_ns()));
  to.last_seen = Timestamp(Duration(from.last_seen_ns()));
  get(from.statuses(), to.statuses);
  to.unanswered = from.unanswered();
  to.one_sided = from.one_sided();
  get_named<Whole>(from.wholes(), to.wholes);
  get(from.request_types(), to.request_types);
  get(from.response_types(), to.response_types);
  get(from.auth(), to.auth);
  to.preflights = from.preflights();
  if (!get(from.clients(), to.clients) || !get_servers(from, to)) return damaged();
  bool histograms = get(from.latency_us(), to.latency_us) && get(from.request_bytes(), to.request_bytes) &&
                    get(from.response_bytes(), to.response_bytes);
  if (!histograms) return damaged();
  get(from.query(), to.query);
  to.query.add_overflow(from.query_overflow());
  get(from.headers(), to.headers);
  to.headers.add_overflow(from.headers_overflow());
  get(from.answers(), to.answers);
  get(from.echoes(), to.echoes);
  for (std::uint32_t name : from.names()) to.names.add(name);
  for (const stored::Schema& schema : from.schemas()) {
    if (!get(schema, to.shapes)) return damaged();
  }
  if (!get_access(from, to) || !get_operations(from, to)) return damaged();
  return to;
}

std::string encode(const DistinctCounter& values) {
  stored::Distinct to;
  put(values, &to);
  return serialise(to);
}

Result<DistinctCounter> decode_values(std::string_view value) {
  stored::Distinct from;
  DistinctCounter to;
  if (!from.ParseFromArray(value.data(), static_cast<int>(value.size())) || !get(from, to)) return damaged();
  return to;
}

std::string encode(const CoverageCounts& counts) {
  stored::Coverage to;
  put_named<CoverageItem>(counts.items, to.mutable_items());
  put_named<Anomaly>(counts.anomalies, to.mutable_anomalies());
  return serialise(to);
}

Result<CoverageCounts> decode_coverage(std::string_view value) {
  stored::Coverage from;
  if (!from.ParseFromArray(value.data(), static_cast<int>(value.size()))) return damaged();
  CoverageCounts to;
  get_named<CoverageItem>(from.items(), to.items);
  get_named<Anomaly>(from.anomalies(), to.anomalies);
  return to;
}

std::string encode(const AnalysedCapture& from) {
  stored::Capture to;
  to.set_size(from.size);
  to.set_modified_ns(from.modified_ns);
  to.set_inode(from.inode);
  to.set_content(from.content);
  to.set_frames(from.frames);
  to.set_analysed_ns(from.analysed_ns);
  to.set_failed(from.failed);
  to.set_problem(from.problem);
  return serialise(to);
}

Result<AnalysedCapture> decode_capture(std::string_view value) {
  stored::Capture from;
  if (!from.ParseFromArray(value.data(), static_cast<int>(value.size()))) return damaged();
  return AnalysedCapture{.name = "",
                         .size = from.size(),
                         .modified_ns = from.modified_ns(),
                         .inode = from.inode(),
                         .content = from.content(),
                         .frames = from.frames(),
                         .analysed_ns = from.analysed_ns(),
                         .failed = from.failed(),
                         .problem = from.problem()};
}

std::string encode(const Correction& from) {
  stored::Correction to;
  to.set_kind(to_text(from.kind));
  to.set_network(from.host.network);
  to.set_host(from.host.host);
  if (from.kind != CorrectionKind::group) to.set_path(to_text(from.path));
  to.set_method(from.method);
  to.set_created_ns(from.created.time_since_epoch().count());
  return serialise(to);
}

Result<std::optional<Correction>> decode_correction(std::string_view value) {
  stored::Correction from;
  if (!from.ParseFromArray(value.data(), static_cast<int>(value.size()))) return damaged();
  auto kind = correction_kind(from.kind());
  if (!kind) return std::nullopt;
  auto path = parse_template(*kind == CorrectionKind::group ? "/" : from.path());
  if (!path) return damaged();
  return Correction{
      *kind, {from.network(), from.host()}, std::move(*path), from.method(), Timestamp(Duration(from.created_ns()))};
}

}  // namespace specular
