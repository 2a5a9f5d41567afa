// specular openapi export: what was learned, as OpenAPI documents. Its siblings are in files of their own.
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

int run_export(const ExportOptions& options, const Invocation& invocation) {
  Query query{options.output.empty() ? "openapi" : "openapi/documents", {{"format", options.format}}};
  if (!options.host.empty()) query.parameters["host"] = options.host;
  if (options.minimal) query.parameters["minimal"] = "1";
  auto answer = ask(invocation, query);
  if (!answer) return tell(answer.error());
  if (options.output.empty()) {
    print(answer->document);
    return kDone;
  }
  auto format = options.format == "json" ? DocumentFormat::json : DocumentFormat::yaml;
  auto written = write_documents(answer->rows, options.output, format);
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
  exporting->add_flag("--minimal", options->minimal, "Without the evidence in x-specular-*");
  exporting->callback(
      [=, &invocation] { invocation.command = [=](Invocation& with) { return run_export(*options, with); }; });
  add_openapi_diff(*command, invocation);
}

}  // namespace specular
