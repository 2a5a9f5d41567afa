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

// Cases and digits that change as no name has them: names in camel case change too, but not within two letters.
bool is_random(std::string_view text) {
  constexpr std::size_t kShortest = 8;
  std::size_t characters = 0, runs = 0, short_runs = 0, run = 0;
  int last = -1;
  for (char c : text) {
    int kind = is_digit(c) ? 0 : is_upper(c) ? 1 : is_letter(c) ? 2 : 3;
    if (kind == 3) {
      last = -1;
      continue;
    }
    ++characters;
    bool goes_on = kind == last;
    if (!goes_on) {
      short_runs += last == 2 && run <= 1 ? 1 : 0;  // one small letter between others
      ++runs;
      run = 0;
    }
    ++run;
    last = kind;
  }
  if (characters < kShortest) return false;
  bool two_capitals = std::adjacent_find(text.begin(), text.end(),
                                         [](char a, char b) { return is_upper(a) && is_upper(b); }) != text.end();
  return runs * 20 >= characters * 7 && (two_capitals || short_runs > 1);
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

const char* to_text(WordForm form) {
  switch (form) {
    case WordForm::plain: return "plain words";
    case WordForm::camel: return "words in camel case";
    case WordForm::two_part: return "words of two parts";
    case WordForm::many_part: return "words of many parts";
    case WordForm::digits: return "words with digits";
    case WordForm::upper: return "capitals";
    case WordForm::random: return "letters at random";
    case WordForm::file: return "file names";
    case WordForm::escaped: return "escaped text";
  }
  return "";
}

WordForm form_of(std::string_view text, SegmentClass kind) {
  if (!is_part_of_name(kind)) return WordForm::digits;
  if (text.find('%') != std::string_view::npos) return WordForm::escaped;
  if (is_random(text)) return WordForm::random;
  if (has_extension(text)) return WordForm::file;
  auto count = [&](auto predicate) { return std::count_if(text.begin(), text.end(), predicate); };
  auto digits = count(is_digit), capitals = count(is_upper), letters = count(is_letter);
  auto separators = count([](char c) { return c == '-' || c == '_' || c == '.' || c == ':'; });
  // One digit at the end is part of many a name: oauth2, step1.
  if (digits > 1 || (digits == 1 && (separators > 0 || !is_digit(text.back())))) return WordForm::digits;
  if (letters >= 2 && capitals == letters) return WordForm::upper;
  if (separators > 1) return WordForm::many_part;
  if (separators == 1) return WordForm::two_part;
  return capitals > 0 ? WordForm::camel : WordForm::plain;
}

}  // namespace specular
