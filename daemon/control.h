// Control: what a running daemon is asked, over HTTP.
//
//   GET /v1/QUERY      of the inventory (queries.h): an array of rows, or a document      on a Unix socket
//   GET /v1/status     of the daemon (running.h)
//   POST /v1/CHANGE    of what the user says of the inventory (changes.h), with parameters as a query has them
//   GET /metrics       for Prometheus                                                     on a TCP port
//
// Who may connect to the Unix socket, may do all of it: its owner and its group (mode 0660).
//
// What cannot be answered is {"error": TEXT} with a status: 400 for parameters, 404 for what is not there, 409 where
// one is asked for and there are several, 503 if too many wait, or if a change is not durable (yet). Texts may hold
// what came from the wire; they are ASCII.
#pragma once

#include <memory>

#include "daemon/reception.h"
#include "daemon/running.h"

namespace specular {

// Each serves until it is destroyed, which waits for answers in the making. Requires: `running` outlives it.
std::unique_ptr<Reception> serve_control(ListenSocket socket, Running& running);
std::unique_ptr<Reception> serve_metrics(ListenSocket socket, Running& running);

}  // namespace specular
