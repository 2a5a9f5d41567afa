// Postman collections (format 2.1.0) of documents: a request for each operation, in folders by tag or else by the
// path's first segment.
//
// Values are placeholders that say a type; credentials are variables of the collection, without a value.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "analyzers/openapi/document.h"

namespace specular {

nlohmann::ordered_json to_postman(const ApiDocument& document);

}  // namespace specular
