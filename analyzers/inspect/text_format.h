// TextFormat: what a text value is written like, by the rules of JSON Schema's `format` (Validation 2020-12, section
// 7), so that who checks the value by that rule agrees.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace specular {

enum class TextFormat : std::uint8_t {
#define TEXT_FORMAT(name, format) name,
#include "analyzers/inspect/text_formats.def"
#undef TEXT_FORMAT
};

inline constexpr std::size_t kTextFormats = 0
#define TEXT_FORMAT(name, format) +1
#include "analyzers/inspect/text_formats.def"
#undef TEXT_FORMAT
    ;

const char* to_text(TextFormat format);
const char* openapi_format(TextFormat format);  // empty: none

TextFormat format_of(std::string_view text);

// Whether a text may be published as a member of an enumeration: a short word, of no class of data.
bool may_be_member(std::string_view text);

// Whether a property of that name may hold what belongs to a person or is a secret, so that neither members nor bounds
// of its values are kept. Judged by the words in the name.
bool is_sensitive_name(std::string_view name);

// Whether an object's key is data, such as an identifier, and no name that somebody gave to a property.
bool is_data_key(std::string_view key);

}  // namespace specular
