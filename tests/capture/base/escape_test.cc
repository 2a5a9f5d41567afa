#include "capture/base/escape.h"

#include <doctest/doctest.h>

namespace specular::test {
namespace {

std::size_t utf8_size(std::string_view text) {
  char32_t code = 0;
  return read_utf8(text, code);
}

char32_t code_point(std::string_view text) {
  char32_t code = 0;
  return read_utf8(text, code) == text.size() ? code : char32_t{0xffffffff};
}

}  // namespace

TEST_CASE("plain text, also beyond ASCII, is left as it is") {
  for (const char* text :
       {"", "GET /v1/users?id=7", "M\xc3\xbcnchen", "\xe6\x9d\xb1\xe4\xba\xac", "\xf0\x9f\x98\x80"}) {
    CHECK(escape_terminal(text) == text);
    CHECK(make_utf8(text) == text);
  }
}

TEST_CASE("control characters are spelt out") {
  CHECK(escape_terminal("\x1b[31mred") == "\\x1b[31mred");
  CHECK(escape_terminal("a\r\nb\tc") == "a\\x0d\\x0ab\\x09c");
  CHECK(escape_terminal(std::string_view("\0", 1)) == "\\x00");
  CHECK(escape_terminal("\x7f") == "\\x7f");
  for (char c = 1; c < 0x20; ++c) CHECK(escape_terminal(std::string(1, c)).starts_with("\\x"));
}

TEST_CASE("C1 control characters are spelt out, raw and as UTF-8") {
  CHECK(escape_terminal("\xc2\x9b"
                        "31m") == "\\x9b31m");
  CHECK(escape_terminal("\x9b"
                        "31m") == "\\x9b31m");
  CHECK(escape_terminal("\xc2\x80") == "\\x80");
  CHECK(escape_terminal("\xc2\xa0") == "\xc2\xa0");
}

TEST_CASE("a backslash is doubled, so that no text can look like an escape") {
  CHECK(escape_terminal("\\x1b") == "\\\\x1b");
  CHECK(escape_terminal("\\") == "\\\\");
}

TEST_CASE("characters that reorder text are spelt out") {
  CHECK(escape_terminal("\xe2\x80\xae"
                        "exe") == "\\u{202e}exe");  // right-to-left override
  CHECK(escape_terminal("\xe2\x80\x8e") == "\\u{200e}");
  CHECK(escape_terminal("\xe2\x80\xaa") == "\\u{202a}");
  CHECK(escape_terminal("\xe2\x81\xa6") == "\\u{2066}");  // left-to-right isolate
  CHECK(escape_terminal("\xe2\x81\xa9") == "\\u{2069}");
}

TEST_CASE("the Arabic letter mark reorders text too, and is spelt out") {
  CHECK(escape_terminal("\xd8\x9c") == "\\u{061c}");
}

TEST_CASE("characters that cannot be seen are spelt out") {
  CHECK(escape_terminal("a\xe2\x80\x8b"
                        "b") == "a\\u{200b}b");  // zero width space
  CHECK(escape_terminal("\xef\xbb\xbf") == "\\u{feff}");
  CHECK(escape_terminal("\xe2\x80\xa8") == "\\u{2028}");  // line separator
  CHECK(escape_terminal("\xe2\x81\xa0") == "\\u{2060}");
}

TEST_CASE("tag characters and soft hyphens hide text too, and are spelt out") {
  CHECK(escape_terminal("\xf3\xa0\x81\x81") == "\\u{e0041}");
  CHECK(escape_terminal("\xc2\xad") == "\\xad");
}

TEST_CASE("what is no UTF-8 is spelt out byte by byte") {
  CHECK(escape_terminal("\xff") == "\\xff");
  CHECK(escape_terminal("\xc3(") == "\\xc3(");
  CHECK(escape_terminal("a\xe2\x82") == "a\\xe2\\x82");
  CHECK(escape_terminal("\xc0\x80") == "\\xc0\\x80");
}

TEST_CASE("only the well-formed sequences of RFC 3629 are UTF-8") {
  CHECK(code_point("A") == U'A');
  CHECK(code_point("\xc2\x80") == 0x80);
  CHECK(code_point("\xdf\xbf") == 0x7ff);
  CHECK(code_point("\xe0\xa0\x80") == 0x800);
  CHECK(code_point("\xef\xbf\xbf") == 0xffff);
  CHECK(code_point("\xf0\x90\x80\x80") == 0x10000);
  CHECK(code_point("\xf4\x8f\xbf\xbf") == 0x10ffff);
  for (const char* text :
       {"\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "\xff", "\xe2\x28\xa1", "\xf0\x9f\x98", "\xc2", ""}) {
    CAPTURE(escape_terminal(text));
    CHECK(utf8_size(text) == 0);
  }
  CHECK(utf8_size("\xc3\xa9tude") == 2);
}

TEST_CASE("made UTF-8 replaces each stray byte and keeps the rest") {
  CHECK(make_utf8("a\xff"
                  "b") ==
        "a\xef\xbf\xbd"
        "b");
  CHECK(make_utf8("\xe2\x82") == "\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(make_utf8("\xc3\xa9\xc3") == "\xc3\xa9\xef\xbf\xbd");
  CHECK(make_utf8(std::string_view("\0\x1b", 2)) == std::string("\0\x1b", 2));
}

}  // namespace specular::test
