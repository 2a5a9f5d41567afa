// Components: shapes of objects that occur again in a document are written once, and referred to.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace specular {

// Moves schemas of objects with at least two properties that stand at several places of the document's paths to its
// components. A component is named after what holds it: a property, the path's last word, or "Error". So are the kinds
// of an object that a discriminator tells apart, which can refer to components alone; those are named after its value
// too.
void share_schemas(nlohmann::ordered_json& document);

}  // namespace specular
