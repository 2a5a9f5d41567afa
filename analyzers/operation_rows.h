// Access, operations and deprecation of an endpoint as they are stored.
#pragma once

#include "analyzers/discovery/summary.h"
#include "epoch.pb.h"

namespace specular {

void put_access(const EndpointSummary& from, stored::Endpoint& to);
void put_operations(const EndpointSummary& from, stored::Endpoint& to);
// False if nobody can have written that.
bool get_access(const stored::Endpoint& from, EndpointSummary& to);
bool get_operations(const stored::Endpoint& from, EndpointSummary& to);

}  // namespace specular
