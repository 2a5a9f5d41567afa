// What the subcommands share: the options before and after the command's name, and how they report.
//
// Exit status: 0 done, 1 the work failed, 2 wrong usage, 3 found what --fail-on names.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "daemon/config.h"
#include "tools/specular/output.h"

namespace specular {

inline constexpr int kDone = 0, kFailed = 1, kUsage = 2, kFound = 3;

struct Invocation {
  std::string store;
  std::string config_path;
  Format format = Format::table;
  Config config;

  std::function<int(Invocation&)> command;  // set by the subcommand that was chosen
};

// Says `text` on standard error, escaped, and returns `status`.
int complain(int status, const std::string& text);
void warn(const std::string& text);

// Reads --config, if given.
Result<void> read_config(Invocation& invocation);

// Each adds its subcommand to the command line.
void add_analyze(CLI::App& app, Invocation& invocation);
void add_transactions(CLI::App& app, Invocation& invocation);
void add_endpoints(CLI::App& app, Invocation& invocation);
void add_openapi(CLI::App& app, Invocation& invocation);
void add_openapi_diff(CLI::App& openapi, Invocation& invocation);
void add_export(CLI::App& app, Invocation& invocation);
void add_routes(CLI::App& app, Invocation& invocation);
void add_coverage(CLI::App& app, Invocation& invocation);
void add_status(CLI::App& app, Invocation& invocation);

}  // namespace specular
