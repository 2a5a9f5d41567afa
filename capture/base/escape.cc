#include "capture/base/escape.h"

#include <algorithm>

#include <fmt/format.h>

namespace specular {
namespace {

bool is_hostile(char32_t code) {
  bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  bool bidirectional = (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
                       (code >= 0x2060 && code <= 0x206f) || code == 0x061c;
  bool invisible = code == 0xad || code == 0xfeff || (code >= 0xe0000 && code <= 0xe007f);  // the last are tags
  return control || bidirectional || invisible;
}

}  // namespace

std::size_t read_utf8(std::string_view text, char32_t& code) {
  if (text.empty()) return 0;
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char lead = at(0);
  std::size_t size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (size > text.size() || (lead >= 0x80 && lead < 0xc2) || lead > 0xf4) return 0;
  code = size == 1 ? lead : lead & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (at(i) & 0x3fu);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < kLeast[size] || code > 0x10ffff || surrogate ? 0 : size;
}

std::string escape_terminal(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    char32_t code = 0;
    std::size_t size = read_utf8(text, code);
    if (size == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
      size = 1;
    } else if (text[0] == '\\') {
      out += "\\\\";
    } else if (is_hostile(code)) {
      out += code < 0x100 ? fmt::format("\\x{:02x}", static_cast<unsigned>(code))
                          : fmt::format("\\u{{{:04x}}}", static_cast<unsigned>(code));
    } else {
      out.append(text.substr(0, size));
    }
    text.remove_prefix(size);
  }
  return out;
}

std::string make_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    char32_t code = 0;
    std::size_t size = read_utf8(text, code);
    out.append(size == 0 ? "\xef\xbf\xbd" : text.substr(0, size));
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

}  // namespace specular
