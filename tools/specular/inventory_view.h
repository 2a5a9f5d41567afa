// How endpoints and coverage are told: the same rows for `analyze`, `endpoints` and `coverage`.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "analyzers/discovery/endpoints.h"
#include "tools/specular/output.h"

namespace specular {

struct EndpointFilter {
  bool all = false;  // also static files, web pages and preflights
  std::string host;  // only this one; empty: every

  void add_to(CLI::App& command);
};

// Whether the user means this host: by its name as it is listed, or in any other spelling of it.
bool means_host(const std::string& name, const HostKey& host);

void list_endpoints(const std::vector<Endpoint>& endpoints, const EndpointFilter& filter, Format format);
// Everything known of an endpoint, with its evidence; in JSON an array if several networks have it.
void show_endpoints(const std::vector<Endpoint>& endpoints, const Inventory& inventory, Format format);

void list_coverage(const Inventory& inventory, Format format);

// What a person wants to know after a run, in a few lines. `all`: those that are no API were listed too.
std::string summary_text(const Inventory& inventory, const std::vector<Endpoint>& endpoints, bool all);

}  // namespace specular
