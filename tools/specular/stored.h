// Asking what is known, and saying what the user has to say of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/queries.h"
#include "tools/specular/command.h"

namespace specular {

struct Answer {
  std::vector<Json> rows;
  std::string document;
};

struct Refusal {
  int status = kFailed;  // to end with
  std::string text;
  std::optional<QueryError::Kind> kind;  // if it was the query that found no answer
};

// Asks the store, if it is at rest, or the daemon that has it open.
tl::expected<Answer, Refusal> ask(const Invocation& invocation, const Query& query);
// The same of any store, which may be another than the invocation's.
tl::expected<Answer, Refusal> ask(const std::string& store, const Config& config, const Query& query);
// Makes a change (daemon/changes.h): in the store, if it is at rest, or by the daemon that has it open. What is refused
// has a kind.
tl::expected<Answer, Refusal> change(const Invocation& invocation, const Query& query);
// Asks the daemon. What is one object is one row.
tl::expected<Answer, Refusal> ask_daemon(const std::string& socket, const Query& query);

}  // namespace specular
