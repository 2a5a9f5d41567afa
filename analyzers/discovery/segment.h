// Segments: a request path in one spelling, and what its segments look like.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace specular {

enum class SegmentClass : std::uint8_t {
#define SEGMENT_CLASS(name, type, format, kept) name,
#include "analyzers/discovery/segments.def"
#undef SEGMENT_CLASS
};

inline constexpr std::size_t kSegmentClasses = 0
#define SEGMENT_CLASS(name, type, format, kept) +1
#include "analyzers/discovery/segments.def"
#undef SEGMENT_CLASS
    ;

const char* to_text(SegmentClass value);
const char* openapi_type(SegmentClass value);
const char* openapi_format(SegmentClass value);  // empty: none
std::size_t kept_literals(SegmentClass value);

// The path of a target in one spelling, without its query, so that equal resources compare equal:
//   %-escapes of unreserved characters decoded, others in upper case (RFC 3986 section 6.2.2.2); dot segments resolved
//   (section 5.2.4); empty segments and a trailing slash dropped; matrix parameters (;v=1) cut off; bytes that may not
//   stand in a path escaped. Encoded slashes stay encoded, and case is kept. "/" for the root.
// Replaces what is in `path`. Cut at kMaxPath bytes or kMaxSegments segments.
void normalise_path(std::string_view target, std::string& path);
inline constexpr std::size_t kMaxPath = 2048;
inline constexpr std::size_t kMaxSegments = 32;

// The query of a target, without '?' and fragment; empty if there is none.
std::string_view query_of(std::string_view target);

// A segment may end in something that is no part of the value: a file extension (.json), a custom verb (:cancel).
struct SegmentShape {
  SegmentClass kind = SegmentClass::word;
  std::string_view suffix;  // with its '.' or ':'; only if the rest is not a word
};

SegmentShape classify_segment(std::string_view segment);
// Whether it ends as files do that browsers load: scripts, styles, images, fonts.
bool is_static_file(std::string_view segment);
// The same for a whole value, such as a query parameter's; `text` for what has blanks or the like.
SegmentClass classify_value(std::string_view value);

}  // namespace specular
