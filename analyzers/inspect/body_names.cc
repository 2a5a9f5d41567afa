#include "analyzers/inspect/body_names.h"

#include <algorithm>
#include <cstring>

namespace specular {
namespace {

constexpr std::size_t kLongestName = 40;

// Where the string that begins at `at` ends: its closing quote, or npos.
std::size_t closing_quote(std::string_view text, std::size_t at) {
  for (;;) {
    at = text.find('"', at);
    if (at == std::string_view::npos || text[at - 1] != '\\') return at;
    std::size_t before = at;
    while (text[before - 1] == '\\') --before;
    if ((at - before) % 2 == 0) return at;
    ++at;
  }
}

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > kLongestName) return false;
  return std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) < 3;
}

}  // namespace

bool is_json_type(std::string_view media_type) {
  return media_type.ends_with("/json") || media_type.ends_with("+json");
}

std::size_t find_names(std::string_view json, std::array<std::string_view, kMaxBodyNames>& names) {
  std::size_t count = 0;
  for (std::size_t at = 0; count < names.size();) {
    at = json.find('"', at);
    if (at == std::string_view::npos) break;
    std::size_t end = closing_quote(json, at + 1);
    if (end == std::string_view::npos) break;
    std::size_t behind = end + 1;
    while (behind < json.size() && (json[behind] == ' ' || json[behind] == '\n' || json[behind] == '\t')) ++behind;
    if (behind == json.size()) break;
    std::string_view text = json.substr(at + 1, end - at - 1);
    if (json[behind] == ':' && is_name(text)) names[count++] = text;
    at = behind;
  }
  return count;
}

}  // namespace specular
