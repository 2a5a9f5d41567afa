// Which of the values that are called keys or tokens authenticate somebody. A credential is used again: who has one
// sends it with request after request. What is another one in nearly every request, by far more of them than there are
// clients, is a token for once (a lock, a place in a list, a nonce), and so a parameter.
#pragma once

#include <set>
#include <span>
#include <string>

#include "analyzers/discovery/routes.h"

namespace specular {

// The ways (inspect/credentials.h) of one host that are none. Requires: all routes are of that host.
std::set<std::string> one_time_values(std::span<const Route> routes);

}  // namespace specular
