// specular openapi diff: what changed between two documents, or what was learned, and what of it breaks clients.
#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "analyzers/names.h"
#include "analyzers/openapi/diff.h"
#include "analyzers/openapi/source.h"
#include "tools/specular/command.h"
#include "tools/specular/openapi_files.h"
#include "tools/specular/output.h"
#include "tools/specular/stored.h"

namespace specular {
namespace {

struct DiffArguments {
  std::string before, after, host, network, fail_on;
};

// A document, and where it is from.
struct Side {
  std::string path;
  bool is_store = false;
  std::optional<ApiDocument> document;
};

// What ends the command: text and exit status.
using Read = tl::expected<void, Refusal>;

tl::unexpected<Refusal> refuse(int status, std::string text) {
  return tl::make_unexpected(Refusal{status, std::move(text), {}});
}

Side side_of(const std::string& path) {
  std::error_code error;
  return {path, std::filesystem::is_directory(path, error), {}};
}

Read read_into(Side& side, std::string_view text, const std::string& name) {
  auto document = read_document(text, name);
  if (!document) return refuse(kFailed, document.error().text);
  side.document = std::move(*document);
  return {};
}

// The hosts that a document says it is about.
std::set<std::string> hosts_of(const Side& other) {
  std::set<std::string> hosts;
  if (!other.document) return hosts;
  for (const ApiServer& server : other.document->servers) {
    if (std::string host = server.host(); !host.empty()) hosts.insert(normalise_host(host, {}));
  }
  return hosts;
}

std::string text_of(const Json& value) {
  return value.is_null() ? "" : value.get<std::string>();
}

// Of the rows the one that is meant: by --network, and by the hosts of the other side's document if there is no --host.
tl::expected<Json, Refusal> choose(std::vector<Json> rows, const DiffArguments& arguments, const Side& side,
                                   const Side& other) {
  if (!arguments.network.empty())
    std::erase_if(rows, [&](const Json& row) { return text_of(row.at("network")) != arguments.network; });
  if (rows.empty())
    return refuse(kFailed, fmt::format("{}: holds no API in the network {}", side.path, arguments.network));
  std::set<std::string> wanted = arguments.host.empty() && rows.size() > 1 ? hosts_of(other) : std::set<std::string>{};
  std::set<std::string> hosts;
  for (const Json& row : rows) hosts.insert(text_of(row.at("host")));
  bool told = std::any_of(wanted.begin(), wanted.end(), [&](const auto& host) { return hosts.contains(host); });
  if (told) std::erase_if(rows, [&](const Json& row) { return !wanted.contains(text_of(row.at("host"))); });
  if (rows.size() == 1) return std::move(rows.front());
  bool one_host =
      std::all_of(rows.begin(), rows.end(), [&](const Json& row) { return row["host"] == rows[0]["host"]; });
  return refuse(kUsage, one_host ? fmt::format("{}: {} networks have {}: name one with --network", side.path,
                                               rows.size(), text_of(rows[0]["host"]))
                                 : fmt::format("{}: {} hosts: name one with --host", side.path, rows.size()));
}

Read read_store(Side& side, const Side& other, const DiffArguments& arguments, const Invocation& invocation) {
  Query query{"openapi/documents", {{"format", "json"}}};
  if (!arguments.host.empty()) query.parameters["host"] = arguments.host;
  auto answer = ask(side.path, invocation.config, query);
  if (!answer) return tl::make_unexpected(answer.error());
  auto row = choose(std::move(answer->rows), arguments, side, other);
  if (!row) return tl::make_unexpected(row.error());
  return read_into(side, row->at("document").get_ref<const std::string&>(),
                   fmt::format("{} ({})", side.path, text_of(row->at("host"))));
}

Read read_sides(Side& before, Side& after, const DiffArguments& arguments, const Invocation& invocation) {
  for (Side* side : {&before, &after}) {
    if (side->is_store) continue;
    auto text = read_file(side->path, SourceTree::kMaxBytes);
    if (!text) return refuse(kFailed, text.error().text);
    if (auto read = read_into(*side, *text, side->path); !read) return read;
  }
  for (auto [side, other] : {std::pair{&before, &after}, std::pair{&after, &before}}) {
    if (!side->is_store) continue;
    if (auto read = read_store(*side, *other, arguments, invocation); !read) return read;
  }
  return {};
}

const char* name_of(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::added: return "added";
    case ChangeKind::removed: return "removed";
    case ChangeKind::changed: return "changed";
  }
  return "";
}

Json row_of(const Change& change, const Side& before, const Side& after) {
  // Lines of what was learned are nobody's.
  auto line = [](std::uint32_t number, const Side& side) {
    return number == 0 || side.is_store ? Json{} : Json(number);
  };
  return {{"breaking", change.breaking},
          {"change", name_of(change.kind)},
          {"subject", change.subject},
          {"method", text_or_null(change.method)},
          {"path", text_or_null(change.path)},
          {"place", text_or_null(change.place)},
          {"aspect", text_or_null(change.aspect)},
          {"old", text_or_null(change.before)},
          {"new", text_or_null(change.after)},
          {"reason", change.reason},
          {"old_line", line(change.old_line, before)},
          {"new_line", line(change.new_line, after)}};
}

// What people read: how it was and is, in one cell.
Json cells_of(Json row) {
  row["breaking"] = row["breaking"].get<bool>() ? "yes" : "no";
  std::string was = text_of(row["old"]), is = text_of(row["new"]);
  std::string turn = was.empty() ? is : is.empty() ? was : was + " → " + is;
  std::string aspect = text_of(row["aspect"]), between = aspect.empty() || turn.empty() ? "" : ": ";
  row["detail"] = text_or_null(aspect + between + turn);
  return row;
}

void print_changes(const std::vector<Change>& changes, const Side& before, const Side& after, Format format) {
  Listing listing(format, {{"BREAKING", "breaking"},
                           {"CHANGE", "change"},
                           {"SUBJECT", "subject"},
                           {"METHOD", "method"},
                           {"PATH", "path"},
                           {"PLACE", "place"},
                           {"WHAT", "detail"},
                           {"REASON", "reason"}});
  for (const Change& change : changes) {
    Json row = row_of(change, before, after);
    listing.add(format == Format::table ? cells_of(std::move(row)) : row);
  }
  listing.finish();
}

int run_diff(const DiffArguments& arguments, const Invocation& invocation) {
  Side before = side_of(arguments.before), after = side_of(arguments.after);
  if (!before.is_store && !after.is_store && !(arguments.host + arguments.network).empty())
    return complain(kUsage, "--host and --network choose from a store, and neither is one");
  if (auto read = read_sides(before, after, arguments, invocation); !read)
    return complain(read.error().status, read.error().text);
  auto changes = compare_documents(*before.document, *after.document, {before.is_store || after.is_store});
  if (!changes) return complain(kFailed, changes.error().text);
  print_changes(*changes, before, after, invocation.format);
  auto breaking = std::count_if(changes->begin(), changes->end(), [](const Change& change) { return change.breaking; });
  fmt::print(stderr, "{} change{}, {} breaking\n", changes->size(), changes->size() == 1 ? "" : "s", breaking);
  bool found = (arguments.fail_on == "breaking" && breaking > 0) || (arguments.fail_on == "any" && !changes->empty());
  return found ? kFound : kDone;
}

}  // namespace

void add_openapi_diff(CLI::App& openapi, Invocation& invocation) {
  auto* diff = openapi.add_subcommand("diff", "What changed between two documents or stores, and what of it breaks");
  auto arguments = std::make_shared<DiffArguments>();
  diff->add_option("OLD", arguments->before, "An OpenAPI 3.1, 3.0 or Swagger 2.0 document, or a store's folder")
      ->required();
  diff->add_option("NEW", arguments->after, "Another")->required();
  diff->add_option("--host", arguments->host, "The host that is meant, where a store has several");
  diff->add_option("--network", arguments->network, "The network that is meant, where several have that host");
  diff->add_option("--fail-on", arguments->fail_on, "End with 3 if there is a breaking change, or any")
      ->check(CLI::IsMember({"breaking", "any"}))
      ->type_name("breaking|any");
  diff->callback(
      [=, &invocation] { invocation.command = [=](Invocation& with) { return run_diff(*arguments, with); }; });
}

}  // namespace specular
