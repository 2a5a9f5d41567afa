// What a path parameter is called: after the segment before it.
#pragma once

#include <string>

#include "analyzers/discovery/segment.h"

namespace specular {

// "categories" -> "category", by its ending alone.
std::string singular(const std::string& plural);
bool is_plural(const std::string& text);

// "line-items" -> lineItemId; for names and codes lineItem. `before`: the literal before it, empty if there is none.
std::string parameter_name(const std::string& before, SegmentClass kind);

}  // namespace specular
