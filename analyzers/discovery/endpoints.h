// Endpoints: what of the routes is an API, and what only looks like one.
//
// No endpoints are: what no server answered as existing (only 404, 405, 410, 501 or a gateway's 502 to 504), HEAD of a
// known GET, what a catch-all server answers alike for any path, and ever new methods of no standard. Preflights,
// static files and web pages are told apart.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analyzers/discovery/inventory.h"
#include "analyzers/discovery/routes.h"

namespace specular {

enum class EndpointKind : std::uint8_t { api, static_file, web, preflight };
const char* to_text(EndpointKind kind);

struct Endpoint {
  HostKey host;  // of a group: its pattern
  Route route;
  EndpointKind kind = EndpointKind::api;
  std::string member;                 // of a group: the first of its hosts
  std::string ignored_by;             // id of the correction; empty: it is not ignored
  bool denied_only = false;           // every answer was 401, 403 or 407
  std::vector<std::string> one_time;  // of its ways to authenticate, those that are none (credential_view.h)

  bool authenticates(std::string_view way) const;
};

// All endpoints of all hosts, as the user's corrections show them, in ascending order of host, path and method.
std::vector<Endpoint> endpoints_of(const Inventory& inventory);
// The same with those that are ignored.
std::vector<Endpoint> known_endpoints_of(const Inventory& inventory);

}  // namespace specular
