#include "analyzers/openapi/diff.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "analyzers/openapi/operation_diff.h"
#include "analyzers/openapi/schema_diff.h"

namespace specular {
namespace {

constexpr std::size_t kMostChanges = 100'000;
constexpr std::size_t kMostBases = 16;  // of one operation

std::set<std::string> bases_of(const ApiOperation& operation) {
  std::set<std::string> bases;
  for (const ApiServer& server : operation.servers) {
    if (bases.size() < kMostBases) bases.insert(server.base_path());
  }
  return bases;
}

std::string key_of(const ApiOperation& operation, const std::string& base) {
  return operation.method + " " + path_shape(base + operation.path);
}

// A server's URL, the same however it is spelt.
std::string identity_of(const ApiServer& server) {
  std::string scheme = server.url.substr(0, server.url.find("://") == std::string::npos ? 0 : server.url.find("://"));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return fmt::format("{}://{}{}", scheme, server.host(), server.base_path());
}

class DocumentComparison {
 public:
  DocumentComparison(const ApiDocument& before, const ApiDocument& after, const DiffOptions& options)
      : before_(before), after_(after), options_(options), schemas_(before, after) {}

  Result<std::vector<Change>> run() {
    if (!options_.observed) compare_servers();
    compare_operations();
    if (schemas_.exhausted())
      return fail(ErrorKind::invalid, fmt::format("{} and {} are too large to be compared", before_.name, after_.name));
    if (changes_.size() >= kMostChanges)
      return fail(ErrorKind::invalid,
                  fmt::format("{} and {} differ in more than {} places", before_.name, after_.name, kMostChanges));
    std::stable_sort(changes_.begin(), changes_.end(), [](const Change& a, const Change& b) {
      return std::tuple(!a.breaking, std::tie(a.path, a.method, a.place)) <
             std::tuple(!b.breaking, std::tie(b.path, b.method, b.place));
    });
    return std::move(changes_);
  }

 private:
  void compare_servers() {
    std::map<std::string, const ApiServer*> was, is;
    for (const ApiServer& server : before_.servers) was.emplace(identity_of(server), &server);
    for (const ApiServer& server : after_.servers) is.emplace(identity_of(server), &server);
    for (const auto& [url, server] : was) {
      // Line 0: the document says nothing of servers.
      if (is.contains(url) || server->line == 0) continue;
      Change& change = tell(ChangeKind::removed, "server", true, "clients may call it");
      change.before = change.place = server->url;
      change.old_line = server->line;
    }
    for (const auto& [url, server] : is) {
      if (was.contains(url) || server->line == 0) continue;
      Change& change = tell(ChangeKind::added, "server", false, "clients need not know it");
      change.after = change.place = server->url;
      change.new_line = server->line;
    }
  }

  Change& tell(ChangeKind kind, const char* subject, bool breaking, const char* reason) {
    Change& change = changes_.emplace_back();
    change.kind = kind;
    change.subject = subject;
    change.breaking = breaking;
    change.reason = reason;
    return change;
  }

  void tell_operation(ChangeKind kind, const ApiOperation& operation) {
    bool removed = kind == ChangeKind::removed;
    const char* reason = !removed               ? "clients need not know it"
                         : operation.deprecated ? "clients may call it, although it was deprecated"
                                                : "clients may call it";
    Change& change = tell(kind, "operation", removed, reason);
    change.method = operation.method;
    change.path = *bases_of(operation).begin() + operation.path;
    (removed ? change.old_line : change.new_line) = operation.line;
  }

  void compare_operations() {
    std::map<std::string, const ApiOperation*> known;
    for (const ApiOperation& operation : before_.operations) {
      for (const std::string& base : bases_of(operation)) known.emplace(key_of(operation, base), &operation);
    }
    OperationComparer comparer(options_, schemas_, changes_);
    std::set<const ApiOperation*> found;
    for (const ApiOperation& operation : after_.operations) {
      const ApiOperation* old_operation = nullptr;
      std::string path;
      for (const std::string& base : bases_of(operation)) {
        auto match = known.find(key_of(operation, base));
        if (match == known.end() || old_operation != nullptr) continue;
        old_operation = match->second;
        path = base + operation.path;
      }
      if (old_operation == nullptr) {
        tell_operation(ChangeKind::added, operation);
        continue;
      }
      found.insert(old_operation);
      comparer.compare(*old_operation, operation, path);
      if (schemas_.exhausted() || changes_.size() >= kMostChanges) return;
    }
    for (const ApiOperation& operation : before_.operations) {
      if (!found.contains(&operation)) tell_operation(ChangeKind::removed, operation);
    }
  }

  const ApiDocument& before_;
  const ApiDocument& after_;
  const DiffOptions& options_;
  SchemaComparer schemas_;
  std::vector<Change> changes_;
};

}  // namespace

Result<std::vector<Change>> compare_documents(const ApiDocument& before, const ApiDocument& after,
                                              const DiffOptions& options) {
  return DocumentComparison(before, after, options).run();
}

}  // namespace specular
