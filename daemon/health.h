// Health: the port that load balancers ask. It answers any HTTP/1 request with 200 if the sensor is healthy and 503 if
// not, without a body, and nothing else.
//
// It may be open to networks: it looks at nothing of a request, keeps few connections for a short time, and answers
// however many say nothing.
#pragma once

#include <functional>
#include <memory>

#include "daemon/reception.h"
#include "daemon/running.h"

namespace specular {

// Serves until it is destroyed. `health` is called in the thread that serves, and waits for nothing that may take long.
std::unique_ptr<Reception> serve_health(ListenSocket socket, std::function<Health()> health);

}  // namespace specular
