// specular export postman: what was learned, for tools that call APIs.
#include <fmt/format.h>

#include "analyzers/openapi/document.h"
#include "analyzers/openapi/postman.h"
#include "tools/specular/command.h"
#include "tools/specular/openapi_files.h"
#include "tools/specular/output.h"
#include "tools/specular/stored.h"

namespace specular {
namespace {

struct PostmanOptions {
  std::string host, output;
};

int run_postman(const PostmanOptions& options, const Invocation& invocation) {
  Query query{"openapi/documents", {{"format", "json"}}};
  if (!options.host.empty()) query.parameters["host"] = options.host;
  auto answer = ask(invocation, query);
  if (!answer) return complain(answer.error().status, answer.error().text);
  if (options.output.empty() && answer->rows.size() > 1) {
    return complain(kUsage, fmt::format("{} hosts do not fit into one collection: name one with --host, or a folder "
                                        "with -o",
                                        answer->rows.size()));
  }
  for (Json& row : answer->rows) {
    auto document = read_document(row.at("document").get_ref<const std::string&>(), row.at("host").get<std::string>());
    if (!document) return complain(kFailed, document.error().text);
    row["document"] = to_text(to_postman(*document), 2) + "\n";
  }
  if (options.output.empty()) {
    print(answer->rows.front().at("document").get_ref<const std::string&>());
    return kDone;
  }
  auto written = write_documents(answer->rows, options.output, DocumentFormat::json);
  return written ? kDone : complain(kFailed, written.error().text);
}

}  // namespace

void add_export(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand("export", "What was learned, for other tools");
  command->require_subcommand(1);
  auto* postman = command->add_subcommand("postman", "Write Postman collections (2.1), one a host");
  auto options = std::make_shared<PostmanOptions>();
  postman->add_option("--host", options->host, "Only this host");
  postman->add_option("-o,--output", options->output, "A file, or a folder for several hosts")->type_name("FILE|DIR");
  postman->callback(
      [=, &invocation] { invocation.command = [=](Invocation& with) { return run_postman(*options, with); }; });
}

}  // namespace specular
