// specular: the command line.
#include <fmt/format.h>

#include "capture/base/escape.h"
#include "tools/specular/command.h"

namespace specular {

int complain(int status, const std::string& text) {
  fmt::print(stderr, "specular: {}\n", escape_terminal(text));
  return status;
}

void warn(const std::string& text) {
  fmt::print(stderr, "specular: warning: {}\n", escape_terminal(text));
}

Result<void> read_config(Invocation& invocation) {
  if (invocation.config_path.empty()) return {};
  auto loaded = load_config(invocation.config_path, invocation.config);
  for (const auto& text : invocation.config.without_effect) warn(text);
  return loaded;
}

namespace {

// Rows come from this program's own store, or from a daemon that may be of another version.
int run_command(Invocation& invocation) {
  try {
    return invocation.command(invocation);
  } catch (const Json::exception&) {
    return complain(kFailed, "an answer is of another form than this version reads: is the daemon of another version?");
  }
}

int run(int argc, char** argv) {
  CLI::App app("Finds the APIs in mirrored traffic, and says what they carry.", "specular");
  Invocation invocation;
  bool json = false, jsonl = false;
  app.fallthrough();
  app.require_subcommand(0, 1);
  app.set_version_flag("--version", "specular " SPECULAR_VERSION);
  app.add_option("--store", invocation.store, "Folder with what has been learned")->type_name("DIR");
  app.add_option("--config", invocation.config_path, "YAML file with settings")->type_name("FILE");
  auto* json_flag = app.add_flag("--json", json, "Print one JSON array");
  app.add_flag("--jsonl", jsonl, "Print one JSON object a line")->excludes(json_flag);
  add_analyze(app, invocation);
  add_transactions(app, invocation);
  add_endpoints(app, invocation);
  add_openapi(app, invocation);
  add_coverage(app, invocation);
  add_status(app, invocation);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  if (!invocation.command) return complain(kUsage, "a subcommand is required; --help lists them");
  if (json) invocation.format = Format::json;
  if (jsonl) invocation.format = Format::jsonl;
  if (auto config = read_config(invocation); !config) return complain(kUsage, config.error().text);
  int status = run_command(invocation);
  if (auto flushed = flush_output(); !flushed) return complain(kFailed, flushed.error().text);
  return status;
}

}  // namespace
}  // namespace specular

int main(int argc, char** argv) {
  return specular::run(argc, argv);
}
