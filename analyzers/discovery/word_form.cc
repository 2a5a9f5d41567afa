#include "analyzers/discovery/word_form.h"

#include <algorithm>

namespace specular {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_letter(char c) {
  return is_upper(c) || (c >= 'a' && c <= 'z');
}

// Pairs of letters that words of English, and names in programs, are made of (93 % of the pairs in them): bit b of row
// a.
constexpr std::uint32_t kPairs[26] = {0x1bebd4e, 0x0164911, 0x03e5d95, 0x016d91f, 0x1eff97f, 0x01e5931, 0x01e6991,
                                      0x00e4911, 0x2aef87f, 0x0000000, 0x0040110, 0x13c4919, 0x014d913, 0x03cfd7d,
                                      0x07efd6f, 0x11ed99d, 0x0120000, 0x13efd7d, 0x17fddbd, 0x11ef9bf, 0x00eb93f,
                                      0x00f9935, 0x0064111, 0x0088100, 0x004a000, 0x0000010};

// The share of neighbouring letters that words are made of: about 0.9 in names, half of that in letters at random.
double share_of_usual_pairs(std::string_view text) {
  std::size_t pairs = 0, usual = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (!is_letter(text[i - 1]) || !is_letter(text[i])) continue;
    ++pairs;
    usual += kPairs[(text[i - 1] | 0x20) - 'a'] >> ((text[i] | 0x20) - 'a') & 1;
  }
  return pairs == 0 ? 1 : static_cast<double>(usual) / static_cast<double>(pairs);
}

// How often it goes from small to large letters, or to digits, and back, of 1.
double share_of_changes(std::string_view text) {
  std::size_t characters = 0, runs = 0;
  int last = -1;
  for (char c : text) {
    int kind = is_digit(c) ? 0 : is_upper(c) ? 1 : is_letter(c) ? 2 : 3;
    if (kind < 3) ++characters;
    if (kind < 3 && kind != last) ++runs;
    last = kind;
  }
  return characters == 0 ? 0 : static_cast<double>(runs) / static_cast<double>(characters);
}

// en-GB, pt_BR
bool is_locale(std::string_view text) {
  return text.size() == 5 && (text[2] == '-' || text[2] == '_') && !is_upper(text[0]) && !is_upper(text[1]) &&
         is_upper(text[3]) && is_upper(text[4]);
}

enum class Oddness : std::uint8_t { none, odd, random };

Oddness oddness_of(std::string_view text) {
  constexpr std::size_t kShortest = 8;
  auto letters = std::count_if(text.begin(), text.end(), is_letter);
  auto capitals = std::count_if(text.begin(), text.end(), is_upper);
  if (text.size() < kShortest || capitals == 0 || capitals == letters) return Oddness::none;
  double usual = share_of_usual_pairs(text), changes = share_of_changes(text);
  // In camel case no capital follows another, but in abbreviations.
  bool in_a_row = std::adjacent_find(text.begin(), text.end(),
                                     [](char a, char b) { return is_upper(a) && is_upper(b); }) != text.end();
  if (usual <= 0.55 || (usual <= 0.7 && changes >= 0.4) || (in_a_row && changes >= 0.55)) return Oddness::random;
  return usual <= 0.8 || in_a_row ? Oddness::odd : Oddness::none;
}

// A short extension behind the last dot.
bool has_extension(std::string_view text) {
  auto dot = text.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  std::string_view extension = text.substr(dot + 1);
  return !extension.empty() && extension.size() <= 4 && is_letter(extension[0]) &&
         std::all_of(extension.begin(), extension.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

bool is_part_of_name(SegmentClass kind) {
  return kind == SegmentClass::word || kind == SegmentClass::version;
}

}  // namespace

bool looks_random(std::string_view text) {
  return oddness_of(text) == Oddness::random;
}

bool looks_odd(std::string_view text) {
  return oddness_of(text) != Oddness::none;
}

const char* to_text(WordForm form) {
  switch (form) {
    case WordForm::plain: return "plain words";
    case WordForm::camel: return "words in camel case";
    case WordForm::two_part: return "words of two parts";
    case WordForm::many_part: return "words of many parts";
    case WordForm::digits: return "words with digits";
    case WordForm::upper: return "capitals";
    case WordForm::random:
    case WordForm::odd: return "letters at random";
    case WordForm::file: return "file names";
    case WordForm::escaped: return "escaped text";
    case WordForm::marked: return "marked names";
  }
  return "";
}

WordForm form_of(std::string_view text, SegmentClass kind) {
  if (kind == SegmentClass::token || kind == SegmentClass::prefixed_id) return WordForm::random;
  if (!is_part_of_name(kind)) return WordForm::digits;
  if (!is_letter(text.front()) && !is_digit(text.front()) && text.front() != '%' && !looks_random(text)) {
    return WordForm::marked;
  }
  if (text.find('%') != std::string_view::npos) return WordForm::escaped;
  if (looks_odd(text)) return looks_random(text) ? WordForm::random : WordForm::odd;
  if (has_extension(text)) return WordForm::file;
  auto count = [&](auto predicate) { return std::count_if(text.begin(), text.end(), predicate); };
  auto digits = count(is_digit), capitals = count(is_upper), letters = count(is_letter);
  auto separators = count([](char c) { return c == '-' || c == '_' || c == '.' || c == ':'; });
  // One digit at the end is part of many a name: oauth2, step1.
  if (digits > 1 || (digits == 1 && (separators > 0 || !is_digit(text.back())))) return WordForm::digits;
  if ((letters >= 2 && capitals == letters) || is_locale(text)) return WordForm::upper;
  if (separators > 1) return WordForm::many_part;
  if (separators == 1) return WordForm::two_part;
  return capitals > 0 ? WordForm::camel : WordForm::plain;
}

}  // namespace specular
