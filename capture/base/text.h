// Text: what several readers of ASCII protocols need. Locales have no say.
#pragma once

#include <string>
#include <string_view>

namespace specular {

constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

inline void make_lower(std::string& text) {
  for (char& c : text) c = to_lower(c);
}

inline void append_lower(std::string_view text, std::string& out) {
  for (char c : text) out += to_lower(c);
}

// Without the blanks at both ends.
inline std::string_view trim(std::string_view text, std::string_view blanks = " \t") {
  auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

}  // namespace specular
