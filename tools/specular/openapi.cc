// specular openapi export: what was learned, as OpenAPI documents.
#include <filesystem>

#include "tools/specular/command.h"
#include "tools/specular/openapi_files.h"
#include "tools/specular/output.h"
#include "tools/specular/stored.h"

namespace specular {
namespace {

struct ExportOptions {
  std::string host, format = "yaml", output;
  bool minimal = false;
};

int tell(const Refusal& refusal) {
  if (refusal.kind != QueryError::Kind::several) return complain(refusal.status, refusal.text);
  return complain(kUsage, refusal.text + ": name one with --host, or a folder with -o");
}

int write_answer(const Answer& answer, const ExportOptions& options) {
  std::error_code error;
  bool into_folder =
      answer.rows.size() > 1 || std::filesystem::is_directory(options.output, error) || options.output.ends_with('/');
  DocumentFolder folder(options.output, options.format == "json" ? DocumentFormat::json : DocumentFormat::yaml);
  for (const Json& row : answer.rows) {
    const auto& text = row.at("document").get_ref<const std::string&>();
    std::string network = row.at("network").is_null() ? "" : row.at("network").get<std::string>();
    auto written =
        into_folder ? folder.write(network, row.at("host").get<std::string>(), text) : write_file(options.output, text);
    if (!written) return complain(kFailed, written.error().text);
  }
  return kDone;
}

int run_export(const ExportOptions& options, const Invocation& invocation) {
  Query query{options.output.empty() ? "openapi" : "openapi/documents", {{"format", options.format}}};
  if (!options.host.empty()) query.parameters["host"] = options.host;
  if (options.minimal) query.parameters["minimal"] = "1";
  auto answer = ask(invocation, query);
  if (!answer) return tell(answer.error());
  if (!options.output.empty()) return write_answer(*answer, options);
  print(answer->document);
  return kDone;
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
  exporting->add_flag("--minimal", options->minimal, "Without the evidence in x-specular-*");
  exporting->callback(
      [=, &invocation] { invocation.command = [=](Invocation& with) { return run_export(*options, with); }; });
}

}  // namespace specular
