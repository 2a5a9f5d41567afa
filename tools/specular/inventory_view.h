// How endpoints and coverage are told: the same for `analyze`, `endpoints` and `coverage`.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "daemon/queries.h"
#include "tools/specular/output.h"

namespace specular {

void add_filter(CLI::App& command, EndpointFilter& filter);

// The rows are those of the queries of the same names.
void list_endpoints(const std::vector<Json>& rows, Format format);
// In JSON an array only if several networks have it.
void show_endpoints(const std::vector<Json>& rows, Format format);
void list_coverage(const std::vector<Json>& rows, Format format);

// What a person wants to know after a run, in a few lines. `all`: those that are no API were listed too; `ignored` were
// not, as the user wants it.
std::string summary_text(const Inventory& inventory, const std::vector<Endpoint>& endpoints, bool all,
                         std::size_t ignored);

}  // namespace specular
