// Control: what a running daemon is asked, over HTTP.
//
//   GET /v1/QUERY      of the inventory (queries.h): an array of rows, or a document      on a Unix socket
//   GET /v1/status     of the daemon (running.h)
//   GET /metrics       for Prometheus                                                     on a TCP port
//
// What cannot be answered is {"error": TEXT} with a status: 400 for parameters, 404 for what is not there, 409 where
// one is asked for and there are several, 503 if too many wait. Texts may hold what came from the wire; they are ASCII.
#pragma once

#include <memory>

#include "daemon/reception.h"
#include "daemon/running.h"

namespace specular {

// Each serves until it is destroyed, which waits for answers in the making. Requires: `running` outlives it.
std::unique_ptr<Reception> serve_control(ListenSocket socket, Running& running);
std::unique_ptr<Reception> serve_metrics(ListenSocket socket, Running& running);

}  // namespace specular
