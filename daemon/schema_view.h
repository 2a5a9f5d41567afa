// Schema view: what was learned of bodies and parameters, as rows of counts: the evidence that a schema rests on.
#pragma once

#include <nlohmann/json.hpp>

#include "analyzers/discovery/schema.h"

namespace specular {

// One object for each place, with an array of its properties. No value of a document is in it.
nlohmann::ordered_json schemas_json(const ShapeTable& shapes);

}  // namespace specular
