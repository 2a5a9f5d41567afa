// Deprecation (RFC 9745) and Sunset (RFC 8594): what an answer says of how long its resource will be there.
#pragma once

#include <span>

#include "analyzers/discovery/deprecation.h"
#include "capture/exchange.h"

namespace specular {

// What the fields of an answer say; no answers counted if they say nothing. Of older drafts: `Deprecation: true`, or an
// HTTP date.
Deprecation deprecation_of(const ResponseHead& head);

}  // namespace specular
