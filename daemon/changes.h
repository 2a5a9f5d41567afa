// Changes: what a user may say of the inventory (analyzers/discovery/corrections.h), asked for as queries are. The
// command line says it to the store that it opened, or over the control socket to the daemon that has it open.
//
//   routes/pin, routes/split, routes/merge   host, path, network (optional)
//   routes/ignore                            the same, and method (optional)
//   routes/group, routes/ungroup             host (a pattern), network (optional)
//   routes/remove                            id
//
// The answer is the row of the correction that was given, or taken back, as the query `routes` lists it.
#pragma once

#include <functional>

#include "analyzers/judge.h"
#include "daemon/queries.h"

namespace specular {

// Calls what it is given with the judge, for itself, and where that returns true makes the change durable before it
// returns. An error says that it is in effect, but not durable.
using ChangeInventory = std::function<Result<void>(const std::function<bool(Judge&)>&)>;

bool is_change(const std::string& path);

// Refuses what is not understood, unknown or a contradiction, and then changes nothing.
tl::expected<void, QueryError> answer_change(const Query& query, Timestamp now, const ReadInventory& read_inventory,
                                             const ChangeInventory& change_inventory, AnswerSink& sink);

// All corrections with what they bear upon now, by network, host and path.
std::vector<Json> correction_rows(const Inventory& inventory);

}  // namespace specular
