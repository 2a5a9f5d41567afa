// Names as the inventory writes them: hosts and content types in one spelling.
#pragma once

#include <string>
#include <string_view>

#include "capture/base/ip.h"

namespace specular {

// A Host or :authority value in lower case, without the default port of the scheme (RFC 9110 section 4.2.3) and without
// a trailing dot; the server's address, written alike, if the client named none.
std::string normalise_host(std::string_view authority, const SocketAddress& server, std::uint16_t default_port = 80);

// "Application/JSON; charset=utf-8" -> "application/json"; empty for none.
std::string normalise_content_type(std::string_view value);
void normalise_content_type(std::string_view value, std::string& type);  // the same into a string that is used again

}  // namespace specular
