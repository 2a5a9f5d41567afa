// specular openapi export: what was learned, as OpenAPI documents.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "tools/specular/command.h"
#include "tools/specular/inventory_view.h"
#include "tools/specular/openapi_files.h"
#include "tools/specular/output.h"
#include "tools/specular/stored.h"

namespace specular {
namespace {

struct ExportOptions {
  std::string host, format = "yaml", output;
};

int run_export(const ExportOptions& options, Invocation& invocation) {
  auto judge = read_store(invocation);
  if (!judge) return complain(invocation.store.empty() ? kUsage : kFailed, judge.error().text);
  DocumentFormat format = options.format == "json" ? DocumentFormat::json : DocumentFormat::yaml;
  std::vector<Endpoint> endpoints = endpoints_of((*judge)->inventory());
  if (!options.host.empty()) {
    std::erase_if(endpoints, [&](const Endpoint& endpoint) { return !means_host(options.host, endpoint.host); });
  }
  auto hosts = by_host(endpoints);
  if (hosts.empty()) {
    return complain(kFailed,
                    options.host.empty() ? "the store holds no API" : "the store holds no API of " + options.host);
  }
  std::error_code error;
  bool into_folder =
      !options.output.empty() &&
      (hosts.size() > 1 || std::filesystem::is_directory(options.output, error) || options.output.ends_with('/'));
  if (into_folder) {
    auto written = write_documents(endpoints, options.output, format);
    return written ? kDone : complain(kFailed, written.error().text);
  }
  if (hosts.size() > 1) {
    return complain(
        kUsage,
        fmt::format("{} hosts do not fit into one document: name one with --host, or a folder with -o", hosts.size()));
  }
  std::string text = document_text(hosts.front(), format);
  if (options.output.empty()) {
    print(text);
    return kDone;
  }
  auto written = write_file(options.output, text);
  return written ? kDone : complain(kFailed, written.error().text);
}

}  // namespace

void add_openapi(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand("openapi", "OpenAPI documents");
  command->require_subcommand(1);
  auto* exporting = command->add_subcommand("export", "Write OpenAPI 3.1, one document a host");
  auto options = std::make_shared<ExportOptions>();
  exporting->add_option("--host", options->host, "Only this host");
  exporting->add_option("--format", options->format)->check(CLI::IsMember({"yaml", "json"}))->type_name("yaml|json");
  exporting->add_option("-o,--output", options->output, "A file, or a folder for several hosts")->type_name("FILE|DIR");
  exporting->callback(
      [=, &invocation] { invocation.command = [=](Invocation& with) { return run_export(*options, with); }; });
}

}  // namespace specular
