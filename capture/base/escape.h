// What comes from the wire is hostile on the way out too: one rule for each kind of output.
#pragma once

#include <string>
#include <string_view>

namespace specular {

// For terminals and log lines: control characters (also C1), what is not UTF-8, and characters that reorder or hide
// text become \xNN or \u{NNNN}; a backslash becomes two.
std::string escape_terminal(std::string_view text);

// The length of the well-formed UTF-8 sequence at the beginning of `text` (RFC 3629), or 0. `code` is its code point.
std::size_t read_utf8(std::string_view text, char32_t& code);

// `text` as UTF-8: each byte that belongs to no sequence becomes U+FFFD.
std::string make_utf8(std::string_view text);

}  // namespace specular
