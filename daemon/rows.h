// Rows: what is told of endpoints and coverage, as JSON; README.md has the fields. The same for the command line and
// for whoever asks a running daemon.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "analyzers/coverage.h"
#include "analyzers/discovery/endpoints.h"

namespace specular {

using Json = nlohmann::ordered_json;

// ASCII only, so that nothing in it can reach a terminal; what is not UTF-8 becomes U+FFFD.
std::string to_text(const Json& value, int indent = -1);
Json text_or_null(std::string_view text);

Json endpoint_row(const Endpoint& endpoint);
// Everything known of it, with its evidence. `coverage` of its host; null if there is none.
Json endpoint_details(const Endpoint& endpoint, const CoverageCounts* coverage);

Json tunnel_row(const std::string& tunnel, const CoverageCounts& counts);
Json host_row(const HostKey& host, const CoverageCounts& counts);
// Over all tunnels. `counters` of capture, by name.
Json total_row(const CoverageCounts& counts, Json counters);

}  // namespace specular
