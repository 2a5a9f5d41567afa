// Methods that a standard defines: a client may make up any other.
#pragma once

#include <string_view>

namespace specular {

// Whether it is in IANA's registry of HTTP methods (RFC 9110 section 18.2), in its spelling.
bool is_standard_method(std::string_view method);

}  // namespace specular
