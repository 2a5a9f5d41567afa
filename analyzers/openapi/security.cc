#include "analyzers/openapi/security.h"

#include <algorithm>
#include <vector>

#include "capture/base/escape.h"

namespace specular {
namespace {

using Json = nlohmann::ordered_json;
using Sets = std::vector<std::pair<std::vector<std::string>, std::uint64_t>>;

// "apiKey:query:api_key" -> its parts; "bearer" -> one.
std::vector<std::string> split_way(const std::string& way) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (; parts.size() < 2; ++begin) {
    auto colon = way.find(':', begin);
    if (colon == std::string::npos) break;
    parts.push_back(way.substr(begin, colon - begin));
    begin = colon;
  }
  parts.push_back(way.substr(begin));
  return parts;
}

bool has_parameters(const Route& route) {
  return std::any_of(route.segments.begin(), route.segments.end(), [](const auto& s) { return s.is_parameter; });
}

std::uint64_t grants_of(const Endpoint& endpoint) {
  std::uint64_t grants = 0;
  for (const Operation& operation : endpoint.route.summary.operations.operations())
    grants += operation.kind == OperationKind::oauth_grant ? operation.count : 0;
  return grants;
}

// Where users are sent to agree (RFC 6749 section 4.1.1).
bool authorises(const Endpoint& endpoint) {
  bool type = false, client = false;
  for (const ParameterSummary& parameter : endpoint.route.summary.query.parameters()) {
    type = type || parameter.name == "response_type";
    client = client || parameter.name == "client_id";
  }
  return endpoint.route.method == "GET" && type && client && !has_parameters(endpoint.route);
}

// Whether nothing that it was asked was denied for want of credentials.
bool never_denies(const EndpointSummary& summary) {
  const auto& statuses = summary.statuses.entries();
  return std::none_of(statuses.begin(), statuses.end(), [](const auto& entry) { return says_denied(entry.first); });
}

// What came together, of credentials alone, with how often that was granted, or asked where nothing ever was. What the
// host accepts elsewhere need not have had success here, if nothing is denied here.
Sets sets_of(const Endpoint& endpoint, const std::set<std::string>& accepted) {
  std::map<std::vector<std::string>, AccessCount> counts;
  bool any_granted = false;
  const AccessSummary& access = endpoint.route.summary.access;
  for (const auto& [set, count] : access.sets.entries()) {
    std::vector<std::string> ways = ways_in(set);
    std::erase_if(ways, [&](const std::string& way) { return !endpoint.authenticates(way); });
    counts[ways].merge(count);
    any_granted = any_granted || count.granted > 0;
  }
  // From a store that was written before sets were.
  if (access.sets.entries().empty()) {
    for (const auto& [way, count] : endpoint.route.summary.auth.entries()) {
      bool counts_as_way = way.empty() || endpoint.authenticates(way);
      if (counts_as_way) counts[way.empty() ? std::vector<std::string>{} : std::vector{way}].merge({count, 0});
    }
    any_granted = false;
  }
  Sets sets;
  for (const auto& [ways, count] : counts) {
    bool attempt = !any_granted && ways.empty() && counts.size() > 1 && !access.sets.entries().empty();
    auto is_accepted = [&](const std::string& way) { return accepted.contains(way); };
    bool unlucky = count.granted == 0 && !ways.empty() && never_denies(endpoint.route.summary) &&
                   std::all_of(ways.begin(), ways.end(), is_accepted);
    std::uint64_t times = any_granted && !unlucky ? count.granted : count.requests;
    if (times > 0 && !attempt) sets.emplace_back(ways, times);
  }
  return sets;
}

// Whether the same is had by less: somebody sends more than is asked for, now and then. What is sent where nothing is
// asked for may be an offer, so it takes more to say that it is none.
bool is_superfluous(const Sets& sets, const Sets::value_type& set) {
  constexpr std::uint64_t kRarer = 20, kRarerThanNone = 200;
  return std::any_of(sets.begin(), sets.end(), [&](const Sets::value_type& other) {
    bool part = other.first.size() < set.first.size() &&
                std::includes(set.first.begin(), set.first.end(), other.first.begin(), other.first.end());
    return part && other.second >= set.second * (other.first.empty() ? kRarerThanNone : kRarer);
  });
}

}  // namespace

SecurityWriter::SecurityWriter(std::span<const Endpoint> endpoints, std::string server)
    : endpoints_(endpoints), server_(std::move(server)) {
  std::uint64_t bearers = 0, jwts = 0;
  const Endpoint* token = nullptr;
  for (const Endpoint& endpoint : endpoints) {
    for (const auto& [set, count] : endpoint.route.summary.access.sets.entries()) {
      std::vector<std::string> ways = count.granted > 0 ? ways_in(set) : std::vector<std::string>();
      granted_.insert(ways.begin(), ways.end());
    }
    bearers += endpoint.route.summary.access.bearers;
    jwts += endpoint.route.summary.access.jwts;
    bool more = grants_of(endpoint) > (token == nullptr ? 0 : grants_of(*token));
    if (more && !has_parameters(endpoint.route)) token = &endpoint;
  }
  has_jwts_ = bearers > 0 && jwts * 20 >= bearers * 19;
  if (token == nullptr) return;
  Json flows = flows_of(*token);
  if (flows.empty()) return;
  oauth_["type"] = "oauth2";
  oauth_["flows"] = flows;
  if (has_jwts_) oauth_["x-specular-token-format"] = "JWT";
  for (const Operation& operation : token->route.summary.operations.operations()) {
    if (operation.kind == OperationKind::oauth_grant) oauth_["x-specular-grants"][operation.name] = operation.count;
  }
}

std::string SecurityWriter::address_of(const Endpoint& endpoint) const {
  return server_ + make_utf8(endpoint.route.path());
}

// Of the flows that OpenAPI has (section 4.8.28), those whose grants were given.
Json SecurityWriter::flows_of(const Endpoint& token) const {
  const OperationTable& operations = token.route.summary.operations;
  std::vector<std::string> grants, scopes;
  for (const Operation& operation : operations.operations()) {
    if (operation.kind == OperationKind::oauth_grant) grants.push_back(operation.name);
    if (operation.kind == OperationKind::oauth_scope) scopes.push_back(operation.name);
  }
  std::sort(scopes.begin(), scopes.end());
  auto given = [&](const char* grant) { return std::find(grants.begin(), grants.end(), grant) != grants.end(); };
  auto agreed = std::find_if(endpoints_.begin(), endpoints_.end(), authorises);
  Json flows = Json::object();
  for (const auto& [grant, flow] : {std::pair("authorization_code", "authorizationCode"),
                                    {"client_credentials", "clientCredentials"},
                                    {"password", "password"}}) {
    bool asks_user = std::string_view(flow) == "authorizationCode";
    if (!given(grant) || (asks_user && agreed == endpoints_.end())) continue;
    if (asks_user) flows[flow]["authorizationUrl"] = address_of(*agreed);
    flows[flow]["tokenUrl"] = address_of(token);
    if (given("refresh_token")) flows[flow]["refreshUrl"] = address_of(token);
    flows[flow]["scopes"] = Json::object();
    for (const std::string& scope : scopes) flows[flow]["scopes"][scope] = "";
  }
  return flows;
}

Json SecurityWriter::describe(const std::string& way, std::string& name) const {
  auto parts = split_way(way);
  Json scheme;
  name = way;
  if (parts.size() == 3) {
    scheme["type"] = "apiKey";
    scheme["in"] = parts[1];
    scheme["name"] = make_utf8(parts[2]);
    name = "apiKey_" + parts[1] + "_" + parts[2];
  } else if (way == "bearer" && !oauth_.is_null()) {
    scheme = oauth_;
    name = "oauth2";
  } else {
    scheme["type"] = "http";
    scheme["scheme"] = way;
    if (way == "bearer" && has_jwts_) scheme["bearerFormat"] = "JWT";
  }
  return scheme;
}

// The name of the scheme among the components, which it is added to.
std::string SecurityWriter::scheme_for(const std::string& way) {
  if (auto known = names_.find(way); known != names_.end()) return known->second;
  std::string name;
  Json scheme = describe(way, name);
  // A component's name has letters, digits, dots, dashes and underscores only.
  for (char& c : name) {
    bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    if (!plain) c = '_';
  }
  std::string unique = name;
  for (int number = 2; schemes_.contains(unique); ++number) unique = name + "_" + std::to_string(number);
  schemes_[unique] = scheme;
  names_[way] = unique;
  return unique;
}

Json SecurityWriter::requirements_of(const Endpoint& endpoint) {
  Json requirements = Json::array();
  Sets sets = sets_of(endpoint, granted_);
  for (const auto& set : sets) {
    if (is_superfluous(sets, set)) continue;
    Json requirement = Json::object();
    for (const std::string& way : set.first) requirement[scheme_for(way)] = Json::array();
    requirements.push_back(requirement);
  }
  // Never anything but anonymous: no requirement at all.
  return requirements.size() == 1 && requirements[0].empty() ? Json::array() : requirements;
}

}  // namespace specular
