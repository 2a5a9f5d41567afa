// specular endpoints, endpoints show, coverage: what a store holds.
#include "tools/specular/command.h"
#include "tools/specular/inventory_view.h"
#include "tools/specular/stored.h"

namespace specular {
namespace {

int run_show(const Invocation& invocation, const std::string& host, const std::string& method,
             const std::string& path) {
  auto answer = ask(invocation, {"endpoints/show", {{"host", host}, {"method", method}, {"path", path}}});
  if (!answer) {
    bool nothing = answer.error().kind == QueryError::Kind::nothing;
    return complain(answer.error().status,
                    answer.error().text + (nothing ? "; specular endpoints --all lists them" : ""));
  }
  show_endpoints(answer->rows, invocation.format);
  return kDone;
}

int run_list(const Invocation& invocation, const EndpointFilter& filter) {
  Query query{"endpoints", {{"all", filter.all ? "1" : "0"}}};
  if (!filter.host.empty()) query.parameters["host"] = filter.host;
  auto answer = ask(invocation, query);
  if (!answer) return complain(answer.error().status, answer.error().text);
  list_endpoints(answer->rows, invocation.format);
  return kDone;
}

int run_coverage(const Invocation& invocation) {
  auto answer = ask(invocation, {"coverage", {}});
  if (!answer) return complain(answer.error().status, answer.error().text);
  list_coverage(answer->rows, invocation.format);
  return kDone;
}

}  // namespace

void add_endpoints(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand("endpoints", "List the endpoints that a store holds");
  auto filter = std::make_shared<EndpointFilter>();
  add_filter(*command, *filter);
  command->require_subcommand(0, 1);
  auto* show = command->add_subcommand("show", "Everything known of one endpoint, with its evidence");
  auto what = std::make_shared<std::array<std::string, 3>>();
  show->add_option("HOST", (*what)[0])->required();
  show->add_option("METHOD", (*what)[1])->required();
  show->add_option("PATH", (*what)[2], "With its placeholders, whatever they are called")->required();
  command->callback([=, &invocation] {
    if (show->parsed()) {
      invocation.command = [=](Invocation& with) { return run_show(with, (*what)[0], (*what)[1], (*what)[2]); };
    } else {
      invocation.command = [=](Invocation& with) { return run_list(with, *filter); };
    }
  });
}

void add_coverage(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand("coverage", "How much of the traffic was seen, by tunnel and host");
  command->callback([&invocation] { invocation.command = run_coverage; });
}

}  // namespace specular
