// SOAP messages (SOAP 1.2 part 1, section 5; SOAP 1.1 section 4): what the first child of their body is called.
#pragma once

#include <string>
#include <string_view>

namespace specular {

// "Fault" for an answer that refuses; empty if that is no SOAP message. Reads no further than to that child; document
// types are refused.
std::string soap_message_of(std::string_view xml);

}  // namespace specular
