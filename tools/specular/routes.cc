// specular routes: what the user says of the inventory, against the evidence or beside it.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "tools/specular/command.h"
#include "tools/specular/stored.h"

namespace specular {
namespace {

struct Verb {
  const char* name;
  const char* what;  // it does
  const char* host;  // and, if there is one, what it is given
  const char* path;
};

constexpr std::array<Verb, 7> kVerbs = {
    {{"pin",
      "This path template is so: what has an endpoint of that form is a value where it has braces, and it is an "
      "endpoint. Its names are used",
      "HOST", "TEMPLATE"},
     {"split",
      "The last segment is a name, never a value: this path is an endpoint of its own. Goes before pin and merge",
      "HOST", "PATH"},
     {"merge",
      "The last segment, in braces, takes all its siblings, whatever is below them, but for names that are "
      "written out in other corrections",
      "HOST", "TEMPLATE"},
     {"ignore", "Neither list nor export this endpoint; coverage counts its requests", "HOST", "PATH"},
     {"group", "Hosts of this pattern are one host. Each asterisk stands for exactly one label: *.tenant.example.com",
      "PATTERN", nullptr},
     {"ungroup", "They are hosts of their own again", "PATTERN", nullptr},
     {"remove", "Take a correction back, by the ID that `specular routes` lists", nullptr, nullptr}}};

struct Words {
  std::string host, path, network, method, id;
};

void list(const std::vector<Json>& rows, Format format) {
  std::vector<Column> columns{{"ID", "id"},
                              {"KIND", "kind"},
                              {"HOST", "host"},
                              {"PATH", "path"},
                              {"METHOD", "method"},
                              {"HOSTS", "hosts", true},
                              {"ENDPOINTS", "endpoints", true},
                              {"REQUESTS", "requests", true},
                              {"CREATED", "created"}};
  bool networks = std::any_of(rows.begin(), rows.end(), [](const Json& row) { return !row.at("network").is_null(); });
  if (networks) columns.insert(columns.begin() + 2, {"NETWORK", "network"});
  Listing listing(format, columns);
  for (const Json& row : rows) listing.add(row);
  listing.finish();
}

int run_list(const Invocation& invocation) {
  auto answer = ask(invocation, {"routes", {}});
  if (!answer) return complain(answer.error().status, answer.error().text);
  list(answer->rows, invocation.format);
  return kDone;
}

// What was refused is the user's to put right; all else failed.
int run_change(const Invocation& invocation, const Query& query) {
  auto answer = change(invocation, query);
  if (answer) {
    list(answer->rows, invocation.format);
    return kDone;
  }
  bool refused = answer.error().kind && *answer.error().kind != QueryError::Kind::failed;
  bool several = answer.error().kind == QueryError::Kind::several;
  return complain(refused ? kUsage : answer.error().status, answer.error().text + (several ? " (--network)" : ""));
}

CLI::App* add_verb(CLI::App& command, const Verb& verb, Words& words) {
  auto* added = command.add_subcommand(verb.name, verb.what);
  if (verb.host == nullptr) {
    added->add_option("ID", words.id)->required();
    added->alias("unpin");
    return added;
  }
  added->add_option(verb.host, words.host)->required();
  added->add_option("--network", words.network, "Where several have the host; '' for none")->type_name("NAME");
  if (verb.path == nullptr) return added;
  added
      ->add_option(verb.path, words.path, "A parameter is a segment in braces: /users/{userId}/orders, /jobs/{}:cancel")
      ->required();
  if (std::string_view(verb.name) == "ignore") {
    added->add_option("--method", words.method, "Only this method")->type_name("M");
  }
  return added;
}

// As the user gave them: an option may be given, and empty.
Query query_of(const CLI::App& verb, const Words& words) {
  Query query{"routes/" + verb.get_name(), {}};
  if (!words.id.empty()) query.parameters["id"] = words.id;
  if (words.id.empty()) query.parameters["host"] = words.host;
  if (!words.path.empty()) query.parameters["path"] = words.path;
  if (!words.method.empty()) query.parameters["method"] = words.method;
  const CLI::Option* network = verb.get_option_no_throw("--network");
  if (network != nullptr && network->count() > 0) query.parameters["network"] = words.network;
  return query;
}

}  // namespace

void add_routes(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand("routes", "List what you corrected; or correct paths and hosts, for ever");
  command->require_subcommand(0, 1);
  auto words = std::make_shared<Words>();
  std::vector<CLI::App*> verbs;
  for (const Verb& verb : kVerbs) verbs.push_back(add_verb(*command, verb, *words));
  command->callback([=, &invocation] {
    auto given = std::find_if(verbs.begin(), verbs.end(), [](const CLI::App* verb) { return verb->parsed(); });
    if (given == verbs.end()) {
      invocation.command = run_list;
    } else {
      invocation.command = [=](Invocation& with) { return run_change(with, query_of(**given, *words)); };
    }
  });
}

}  // namespace specular
