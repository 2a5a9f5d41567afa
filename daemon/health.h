// Health: the port that load balancers ask. It answers any HTTP/1 request with 200 if the sensor is healthy and 503 if
// not, without a body, and nothing else.
//
// It may be open to networks: it looks at nothing of a request, keeps few connections for a short time, and answers
// however many say nothing.
#pragma once

#include <memory>

#include "daemon/reception.h"
#include "daemon/running.h"

namespace specular {

// Serves until it is destroyed. Requires: `running` outlives it, and its health() waits for nothing that may take long.
std::unique_ptr<Reception> serve_health(ListenSocket socket, Running& running);

}  // namespace specular
