// specular analyze FILE…: the whole pipeline over captures, on packet time.
#include <fmt/format.h>

#include "daemon/pipeline.h"
#include "tools/specular/command.h"
#include "tools/specular/inventory_view.h"
#include "tools/specular/openapi_files.h"
#include "tools/specular/reading.h"
#include "tools/specular/why_nothing.h"

namespace specular {
namespace {

struct AnalyzeOptions {
  ReadingOptions reading;
  EndpointFilter filter;
  std::string inspect, openapi;
};

// One for each host into `folder`, if that is named.
Result<void> write_documents(const std::vector<Endpoint>& endpoints, const std::string& folder) {
  if (folder.empty()) return {};
  DocumentFolder documents(folder, DocumentFormat::yaml);
  for (auto host : by_host(endpoints)) {
    const HostKey& key = host.front().host;
    auto written = documents.write(key.network, key.host, document_text(host, DocumentFormat::yaml));
    if (!written) return written;
  }
  return {};
}

int run_analyze(const AnalyzeOptions& options, Invocation& invocation) {
  if (!options.inspect.empty()) {
    if (auto set = invocation.config.general.inspect.set(options.inspect); !set)
      return complain(kUsage, set.error().text);
  }
  if (int wrong = check_usage(options.reading); wrong != kDone) return wrong;
  std::unique_ptr<Store> store;
  if (!invocation.store.empty()) {
    auto opened = Store::open(invocation.store, Store::Mode::write);
    if (!opened) return complain(kFailed, opened.error().text);
    store = std::move(*opened);
    if (!store->warning().empty()) warn(store->warning());
  }
  auto pipeline = Pipeline::create(invocation.config, store.get());
  if (!pipeline) return complain(kFailed, pipeline.error().text);
  const Inventory& inventory = (*pipeline)->inventory();
  Counted before = counted_in(inventory);
  ReadingResult read = read_captures(options.reading, (*pipeline)->entry());
  if (read.status == kUsage) return read.status;
  if (auto finished = (*pipeline)->finish(); !finished) return complain(kFailed, finished.error().text);

  std::vector<Endpoint> endpoints = known_endpoints_of(inventory);
  std::size_t ignored = std::erase_if(endpoints, [](const Endpoint& e) { return !e.ignored_by.empty(); });
  std::vector<Json> rows;
  for (const Endpoint& endpoint : endpoints) {
    if (options.filter.wants(endpoint)) rows.push_back(endpoint_row(endpoint));
  }
  list_endpoints(rows, invocation.format);
  (void)flush_output();  // before what goes to standard error
  fmt::print(stderr, "{}{}", summary_text(inventory, endpoints, options.filter.all, ignored),
             why_nothing(before, counted_in(inventory), read.packets, options.reading.leave_out()));
  if (auto written = write_documents(endpoints, options.openapi); !written) {
    return complain(kFailed, written.error().text);
  }
  return read.status;
}

}  // namespace

void add_analyze(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand("analyze", "Find the APIs in captures");
  auto options = std::make_shared<AnalyzeOptions>();
  options->reading.add_to(*command);
  add_filter(*command, options->filter);
  command->add_option("--inspect", options->inspect, "full: read every body; budget: ever fewer of what is known")
      ->type_name("full|budget");
  command->add_option("--openapi", options->openapi, "Write an OpenAPI document for each host into this folder")
      ->type_name("DIR");
  command->callback(
      [=, &invocation] { invocation.command = [=](Invocation& with) { return run_analyze(*options, with); }; });
}

}  // namespace specular
