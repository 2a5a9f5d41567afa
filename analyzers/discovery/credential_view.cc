#include "analyzers/discovery/credential_view.h"

#include <map>

namespace specular {
namespace {

// With as few clients as a third of the values, so many requests in a row are none that carry a credential.
constexpr std::uint64_t kTelling = 8, kPerClient = 3;

struct Use {
  std::uint64_t requests = 0;
  RoughCount different;
  DistinctCounter clients;
};

// What signs a request differs with it.
bool is_signature(const std::string& way) {
  return way.ends_with("sig") || way.find("signature") != std::string::npos;
}

}  // namespace

std::set<std::string> one_time_values(std::span<const Route> routes) {
  std::map<std::string, Use> uses;
  for (const Route& route : routes) {
    for (const auto& [way, values] : route.summary.access.values.entries()) {
      Use& use = uses[way];
      use.requests += values.requests;
      use.different.merge(values.different);
      use.clients.merge(route.summary.clients);
    }
  }
  std::set<std::string> ways;
  for (const auto& [way, use] : uses) {
    std::uint64_t different = use.different.estimate();
    bool once = use.requests >= kTelling && different * 10 >= use.requests * 8 &&
                different >= kPerClient * use.clients.estimate();
    if (once && !is_signature(way)) ways.insert(way);
  }
  return ways;
}

}  // namespace specular
