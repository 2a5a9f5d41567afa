#include "daemon/changes.h"

#include <algorithm>
#include <set>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analyzers/discovery/endpoints.h"
#include "analyzers/discovery/host_groups.h"
#include "capture/base/time.h"

namespace specular {
namespace {

using Refusal = tl::unexpected<QueryError>;
template <class T>
using Answered = tl::expected<T, QueryError>;

constexpr std::string_view kPrefix = "routes/";
constexpr std::string_view kRemove = "remove", kUngroup = "ungroup";

Refusal refuse(QueryError::Kind kind, std::string text) {
  return tl::make_unexpected(QueryError{kind, std::move(text)});
}

struct Wish {
  std::string verb;
  std::optional<CorrectionKind> kind;  // of what is given; nothing: something is taken back
  std::map<std::string, std::string> parameters;

  std::string text(const char* name) const {
    auto found = parameters.find(name);
    return found == parameters.end() ? "" : found->second;
  }
  bool fits_network(const std::string& network) const {
    auto wanted = parameters.find("network");
    return wanted == parameters.end() || wanted->second == network;
  }
};

std::vector<const char*> required_by(const Wish& wish) {
  if (wish.verb == kRemove) return {"id"};
  if (wish.verb == kUngroup || wish.kind == CorrectionKind::group) return {"host"};
  return {"host", "path"};
}

std::vector<const char*> allowed_by(const Wish& wish) {
  if (wish.verb == kRemove) return {};
  if (wish.kind == CorrectionKind::ignore) return {"network", "method"};
  return {"network"};
}

Answered<Wish> read_wish(const Query& query) {
  Wish wish{query.path.substr(kPrefix.size()), {}, query.parameters};
  wish.kind = correction_kind(wish.verb);
  auto required = required_by(wish), allowed = allowed_by(wish);
  allowed.insert(allowed.end(), required.begin(), required.end());
  for (const auto& [name, value] : query.parameters) {
    if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) continue;
    return refuse(QueryError::Kind::parameter, fmt::format("{} has no parameter '{}'", query.path, name));
  }
  for (const char* name : required) {
    if (query.parameters.contains(name)) continue;
    return refuse(QueryError::Kind::parameter, fmt::format("{} wants the parameter '{}'", query.path, name));
  }
  return wish;
}

// The one network that there is, or was named.
Answered<std::string> only_network(const std::set<std::string>& networks, const std::string& what, const Wish& wish) {
  if (networks.size() == 1) return *networks.begin();
  if (networks.empty()) {
    std::string network =
        wish.parameters.contains("network") ? fmt::format(" in network '{}'", wish.text("network")) : "";
    return refuse(QueryError::Kind::nothing, fmt::format("nothing is known of {}{}", what, network));
  }
  std::vector<std::string> names;
  for (const std::string& network : networks) names.push_back(network.empty() ? "'' (none)" : "'" + network + "'");
  return refuse(QueryError::Kind::several, fmt::format("{} is in several networks, of which one has to be named: {}",
                                                       what, fmt::join(names, ", ")));
}

// A host, or a group of hosts, as it is shown.
Answered<HostKey> find_host(const Wish& wish, const Inventory& inventory) {
  std::string name = wish.text("host");
  std::map<std::string, HostKey> by_network;
  auto pattern = parse_host_pattern(name);
  for (const auto& [id, correction] : inventory.corrections.all()) {
    bool meant = correction.kind == CorrectionKind::group && pattern && correction.host.host == *pattern;
    if (meant && wish.fits_network(correction.host.network)) by_network[correction.host.network] = correction.host;
  }
  for (const auto& [key, host] : inventory.hosts()) {
    bool other = key.host != name && by_network.contains(key.network);  // as it is spelled goes first
    if (!other && names_host(name, key) && wish.fits_network(key.network)) by_network[key.network] = key;
  }
  std::set<std::string> networks;
  for (const auto& [network, key] : by_network) networks.insert(network);
  auto network = only_network(networks, "host " + name, wish);
  if (!network) return forward(network.error());
  HostKey key = by_network[*network];
  if (const Correction* group = inventory.corrections.group_of(key); group != nullptr && group->host != key) {
    return refuse(QueryError::Kind::parameter,
                  fmt::format("host {} is one of {}: say it of that, or ungroup it first", key.host, group->host.host));
  }
  return key;
}

// The network in which hosts match the pattern.
Answered<HostKey> find_group(const Wish& wish, const Inventory& inventory) {
  auto pattern = parse_host_pattern(wish.text("host"));
  if (!pattern) return refuse(QueryError::Kind::parameter, pattern.error().text);
  std::set<std::string> networks;
  for (const auto& [key, host] : inventory.hosts()) {
    if (matches_host(*pattern, key.host) && wish.fits_network(key.network)) networks.insert(key.network);
  }
  auto network = only_network(networks, "a host that " + *pattern + " matches", wish);
  if (!network) return forward(network.error());
  return HostKey{*network, *pattern};
}

struct Outcome {
  Correction correction;
  bool given = true;  // else taken back
  bool news = true;   // else it was there, just so
};

Answered<Outcome> give(const Wish& wish, Timestamp now, Judge& judge) {
  const Inventory& inventory = judge.inventory();
  auto host = *wish.kind == CorrectionKind::group ? find_group(wish, inventory) : find_host(wish, inventory);
  if (!host) return forward(host.error());
  auto correction = make_correction(*wish.kind, *host, wish.text("path"), wish.text("method"), now);
  if (!correction) return refuse(QueryError::Kind::parameter, correction.error().text);
  const Correction* known = inventory.corrections.find(correction->id());
  if (known != nullptr && known->path == correction->path) return Outcome{*known, true, false};
  if (auto added = judge.correct(*correction); !added) {
    return refuse(QueryError::Kind::parameter, added.error().text);
  }
  return Outcome{*correction};
}

Answered<std::string> find_given(const Wish& wish, const Inventory& inventory) {
  if (wish.verb == kRemove) return wish.text("id");
  auto pattern = parse_host_pattern(wish.text("host"));
  if (!pattern) return refuse(QueryError::Kind::parameter, pattern.error().text);
  std::set<std::string> networks;
  for (const auto& [id, correction] : inventory.corrections.all()) {
    bool meant = correction.kind == CorrectionKind::group && correction.host.host == *pattern;
    if (meant && wish.fits_network(correction.host.network)) networks.insert(correction.host.network);
  }
  auto network = only_network(networks, "a group " + *pattern, wish);
  if (!network) return forward(network.error());
  return Correction{CorrectionKind::group, {*network, *pattern}, {}, "", {}}.id();
}

Answered<Outcome> take_back(const Wish& wish, Judge& judge) {
  auto id = find_given(wish, judge.inventory());
  if (!id) return forward(id.error());
  const Correction* known = judge.inventory().corrections.find(*id);
  if (known == nullptr) return refuse(QueryError::Kind::nothing, fmt::format("there is no correction '{}'", *id));
  Outcome outcome{*known, false};
  judge.take_back(*id);
  return outcome;
}

// What corrections bear upon.
class Bearing {
 public:
  struct Counts {
    std::uint64_t endpoints = 0, requests = 0, hosts = 0;
  };

  explicit Bearing(const Inventory& inventory) {
    for (const Endpoint& endpoint : known_endpoints_of(inventory)) {
      std::uint64_t requests = endpoint.route.summary.requests;
      count(of_group_[endpoint.host], requests);
      if (!endpoint.ignored_by.empty()) count(of_ignore_[endpoint.ignored_by], requests);
      std::string shape;
      for (const RouteSegment& segment : endpoint.route.segments) {
        shape += (segment.is_parameter ? "/{}" : "/") + segment.text;
        if (inventory.corrections.speaks_of(endpoint.host)) count(of_path_[{endpoint.host, shape}], requests);
      }
    }
    for (const auto& [key, members] : shown_hosts(inventory)) of_group_[key].hosts = members.size();
  }

  Counts of(const Correction& correction) const {
    switch (correction.kind) {
      case CorrectionKind::pin:
      case CorrectionKind::split:
      case CorrectionKind::merge: return find(of_path_, std::pair(correction.host, shape_of(correction.path)));
      case CorrectionKind::ignore: return find(of_ignore_, correction.id());
      case CorrectionKind::group: return find(of_group_, correction.host);
    }
    return {};
  }

 private:
  static void count(Counts& counts, std::uint64_t requests) {
    ++counts.endpoints;
    counts.requests += requests;
  }
  template <class Key>
  static Counts find(const std::map<Key, Counts>& counts, const Key& key) {
    auto found = counts.find(key);
    return found == counts.end() ? Counts{} : found->second;
  }

  std::map<std::pair<HostKey, std::string>, Counts> of_path_;
  std::map<std::string, Counts> of_ignore_;
  std::map<HostKey, Counts> of_group_;
};

Json correction_row(const Correction& correction, const Bearing& bearing) {
  bool group = correction.kind == CorrectionKind::group;
  Bearing::Counts counts = bearing.of(correction);
  Json row;
  row["id"] = correction.id();
  row["kind"] = to_text(correction.kind);
  row["network"] = text_or_null(correction.host.network);
  row["host"] = correction.host.host;
  row["path"] = group ? Json(nullptr) : Json(to_text(correction.path));
  row["method"] = text_or_null(correction.method);
  row["created"] = to_rfc3339(correction.created);
  row["hosts"] = group ? Json(counts.hosts) : Json(nullptr);
  row["endpoints"] = counts.endpoints;
  row["requests"] = counts.requests;
  return row;
}

}  // namespace

bool is_change(const std::string& path) {
  if (!path.starts_with(kPrefix)) return false;
  std::string verb = path.substr(kPrefix.size());
  return verb == kRemove || verb == kUngroup || correction_kind(verb).has_value();
}

Answered<void> answer_change(const Query& query, Timestamp now, const ReadInventory& read_inventory,
                             const ChangeInventory& change_inventory, AnswerSink& sink) {
  auto wish = read_wish(query);
  if (!wish) return forward(wish.error());
  Answered<Outcome> outcome = refuse(QueryError::Kind::failed, "");
  auto durable = change_inventory([&](Judge& judge) {
    outcome = wish->kind ? give(*wish, now, judge) : take_back(*wish, judge);
    return outcome && outcome->news;
  });
  if (!durable) return refuse(QueryError::Kind::failed, durable.error().text);
  if (!outcome) return forward(outcome.error());
  Json row;
  read_inventory([&](const Inventory& inventory) { row = correction_row(outcome->correction, Bearing(inventory)); });
  if (!outcome->given) row["hosts"] = row["endpoints"] = row["requests"] = nullptr;
  sink.on_row(std::move(row));
  return {};
}

std::vector<Json> correction_rows(const Inventory& inventory) {
  if (inventory.corrections.all().empty()) return {};
  std::vector<const Correction*> sorted;
  for (const auto& [id, correction] : inventory.corrections.all()) sorted.push_back(&correction);
  auto order = [](const Correction& c) { return std::tuple(c.host, to_text(c.path), c.kind, c.method); };
  std::sort(sorted.begin(), sorted.end(),
            [&](const Correction* a, const Correction* b) { return order(*a) < order(*b); });
  Bearing bearing(inventory);
  std::vector<Json> rows;
  for (const Correction* correction : sorted) rows.push_back(correction_row(*correction, bearing));
  return rows;
}

}  // namespace specular
