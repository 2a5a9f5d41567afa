#include "analyzers/openapi/naming.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "capture/base/escape.h"
#include "capture/base/hash.h"
#include "capture/base/text.h"

namespace specular {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string plain_id(const Route& route) {
  std::string id = route.method;
  make_lower(id);
  for (const RouteSegment& segment : route.segments) {
    id += '_';
    if (segment.is_parameter) id += "by_" + segment.evidence.name;
    id += segment.text;
  }
  for (char& c : id) {
    bool plain = (to_lower(c) >= 'a' && to_lower(c) <= 'z') || is_digit(c);
    if (!plain) c = '_';
  }
  return id;
}

// v1, v2.1, 2024-01-01, 3
bool is_version(std::string_view segment) {
  if (segment.starts_with('v') || segment.starts_with('V')) segment.remove_prefix(1);
  return !segment.empty() && is_digit(segment.front()) && std::all_of(segment.begin(), segment.end(), [](char c) {
    return is_digit(c) || c == '.' || c == '-' || c == '_';
  });
}

}  // namespace

OperationIds::OperationIds(std::span<const Endpoint> endpoints) {
  // A fixed key: the same in every document.
  constexpr HashKey kKey{};
  std::vector<const Endpoint*> by_age;
  for (const Endpoint& endpoint : endpoints) by_age.push_back(&endpoint);
  std::stable_sort(by_age.begin(), by_age.end(), [](const Endpoint* a, const Endpoint* b) {
    return a->route.summary.first_seen < b->route.summary.first_seen;
  });
  std::set<std::string> taken;
  for (const Endpoint* endpoint : by_age) {
    std::string own = endpoint->route.method + " " + endpoint->route.path();
    std::string plain = plain_id(endpoint->route), id = plain;
    std::uint64_t hash = fast_hash(kKey, as_bytes(own));
    for (std::uint64_t round = 0; !taken.insert(id).second; ++round)
      id = fmt::format("{}_{:06x}", plain, (hash + round) & 0xffffff);
    ids_[endpoint] = id;
  }
}

std::string tag_of(const Route& route) {
  static constexpr std::string_view kPlain[] = {"api",  "apis",     "rest",    "rpc",    "service", "services",
                                                "json", "internal", "private", "public", "gateway", "ajax"};
  for (const RouteSegment& segment : route.segments) {
    if (segment.is_parameter || is_version(segment.text)) continue;
    std::string lower = segment.text;
    make_lower(lower);
    if (std::find(std::begin(kPlain), std::end(kPlain), lower) == std::end(kPlain)) return make_utf8(segment.text);
  }
  return {};
}

}  // namespace specular
