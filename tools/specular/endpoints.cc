// specular endpoints, endpoints show, coverage: what a store holds.
#include <algorithm>

#include "tools/specular/command.h"
#include "tools/specular/inventory_view.h"
#include "tools/specular/stored.h"

namespace specular {
namespace {

int status_of(const Error& error) {
  return error.kind == ErrorKind::invalid && error.text.starts_with("--") ? kUsage : kFailed;
}

// Parameters may have any name in what the user types: /users/{id} means /users/{userId}.
std::string without_names(const std::string& path) {
  std::string plain;
  for (std::size_t i = 0; i < path.size(); ++i) {
    plain += path[i];
    if (path[i] == '{') i = std::min(path.find('}', i), path.size()) - 1;
  }
  return plain;
}

int run_show(Invocation& invocation, const std::string& host, const std::string& method, const std::string& path) {
  auto judge = read_store(invocation);
  if (!judge) return complain(status_of(judge.error()), judge.error().text);
  std::vector<Endpoint> found = endpoints_of((*judge)->inventory());
  std::erase_if(found, [&](const Endpoint& endpoint) {
    return !means_host(host, endpoint.host) || endpoint.route.method != method ||
           without_names(endpoint.route.path()) != without_names(path);
  });
  if (found.empty()) {
    return complain(kFailed,
                    "no endpoint " + method + " " + path + " on " + host + "; specular endpoints --all lists them");
  }
  show_endpoints(found, (*judge)->inventory(), invocation.format);
  return kDone;
}

int run_list(Invocation& invocation, const EndpointFilter& filter) {
  auto judge = read_store(invocation);
  if (!judge) return complain(status_of(judge.error()), judge.error().text);
  list_endpoints(endpoints_of((*judge)->inventory()), filter, invocation.format);
  return kDone;
}

}  // namespace

void add_endpoints(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand("endpoints", "List the endpoints that a store holds");
  auto filter = std::make_shared<EndpointFilter>();
  filter->add_to(*command);
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
  command->callback([&invocation] {
    invocation.command = [](Invocation& with) {
      auto judge = read_store(with);
      if (!judge) return complain(status_of(judge.error()), judge.error().text);
      list_coverage((*judge)->inventory(), with.format);
      return kDone;
    };
  });
}

}  // namespace specular
