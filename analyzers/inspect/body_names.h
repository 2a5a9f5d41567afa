// Names of members in a JSON body, to compare what endpoints answer. No values.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace specular {

inline constexpr std::size_t kMaxBodyNames = 24;

// application/json, application/problem+json and the like.
bool is_json_type(std::string_view media_type);

// The first names in the text, at any depth, repeated ones too; how many were found. The text may be cut anywhere and
// need not be valid. What looks like a key of data, long or with several digits, is no name.
std::size_t find_names(std::string_view json, std::array<std::string_view, kMaxBodyNames>& names);

}  // namespace specular
