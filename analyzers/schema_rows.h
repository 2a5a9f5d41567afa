// Schemas as messages of epoch.proto.
#pragma once

#include "analyzers/discovery/schema.h"

namespace specular {

namespace stored {
class Schema;
}

void put(const ShapePlace& place, const Schema& from, stored::Schema* to);
// False if the message is none that put() makes.
bool get(const stored::Schema& from, ShapeTable& to);

}  // namespace specular
