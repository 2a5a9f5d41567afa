#include "analyzers/inspect/text_format.h"

#include <algorithm>
#include <array>

#include "analyzers/discovery/segment.h"
#include "capture/base/ip.h"
#include "capture/base/text.h"

namespace specular {
namespace {

constexpr std::size_t kLongestMember = 32, kLongestName = 64, kLongestDigits = 15;

struct FormatFacts {
  const char* name;
  const char* format;
};

constexpr FormatFacts kFacts[] = {
#define TEXT_FORMAT(name, format) {#name, format},
#include "analyzers/inspect/text_formats.def"
#undef TEXT_FORMAT
};

// Sets of characters, looked up by one load.
enum CharacterSet : std::uint8_t {
  kDigit = 1,
  kHex = 2,
  kLetter = 4,
  kScheme = 8,    // of a URI, behind its first letter
  kUri = 16,      // of a URI, behind its scheme
  kMailbox = 32,  // of an address, before the @
  kAddress = 64,  // of IPv6
  kMember = 128,  // of words that may be published
};

constexpr std::array<std::uint8_t, 256> kSets = [] {
  std::array<std::uint8_t, 256> sets{};
  auto add = [&](std::string_view characters, unsigned set) {
    for (char c : characters) sets[static_cast<unsigned char>(c)] |= static_cast<std::uint8_t>(set);
  };
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr std::string_view kDigits = "0123456789";
  add(kLetters, kLetter | kScheme | kUri | kMailbox | kMember);
  add(kDigits, kDigit | kHex | kScheme | kUri | kMailbox | kAddress | kMember);
  add("abcdefABCDEF", kHex | kAddress);
  add("+-.", kScheme);
  add("-._~:/?#@!$&'()*+,;=", kUri);
  add(".!#$%&'*+/=?^_`{|}~-", kMailbox);
  add(":.", kAddress);
  add("_-./:", kMember);
  return sets;
}();

bool is_in(char c, unsigned set) {
  return (kSets[static_cast<unsigned char>(c)] & set) != 0;
}
bool is_digit(char c) {
  return is_in(c, kDigit);
}
bool is_hex(char c) {
  return is_in(c, kHex);
}
bool is_letter(char c) {
  return is_in(c, kLetter);
}
// How many characters at the beginning are of a set.
std::size_t count_of(std::string_view text, unsigned set) {
  std::size_t count = 0;
  while (count < text.size() && is_in(text[count], set)) ++count;
  return count;
}

// A pattern of d (digit), h (hexadecimal digit) and literal characters.
bool matches(std::string_view text, std::string_view pattern) {
  return std::equal(text.begin(), text.end(), pattern.begin(), pattern.end(), [](char c, char p) {
    return p == 'd' ? is_digit(c) : p == 'h' ? is_hex(c) : c == p;
  });
}

int number_at(std::string_view text, std::size_t at) {
  return (text[at] - '0') * 10 + (text[at + 1] - '0');
}

// RFC 3339 section 5.6, with the days that months have.
bool is_date(std::string_view text) {
  if (!matches(text, "dddd-dd-dd")) return false;
  int year = number_at(text, 0) * 100 + number_at(text, 2), month = number_at(text, 5), day = number_at(text, 8);
  if (year == 0 || month < 1 || month > 12 || day < 1) return false;
  constexpr std::array<int, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= kDays[static_cast<std::size_t>(month - 1)] + (leap ? 1 : 0);
}

bool is_clock(std::string_view text) {
  return matches(text, "dd:dd") && number_at(text, 0) <= 23 && number_at(text, 3) <= 59;
}

bool is_date_time(std::string_view text) {
  if (text.size() < 20 || !is_date(text.substr(0, 10)) || text[10] != 'T') return false;
  if (!is_clock(text.substr(11, 5)) || text[16] != ':' || !matches(text.substr(17, 2), "dd")) return false;
  if (number_at(text, 17) > 59) return false;
  text.remove_prefix(19);
  if (text[0] == '.') {
    auto end = text.find_first_not_of("0123456789", 1);
    if (end == 1 || end == std::string_view::npos) return false;
    text.remove_prefix(end);
  }
  return text == "Z" || ((text[0] == '+' || text[0] == '-') && is_clock(text.substr(1)));
}

// What RFC 5321 calls a dot-string at a domain of several labels.
bool is_email(std::string_view text) {
  std::size_t at = count_of(text.substr(0, 65), kMailbox);
  if (at == 0 || at > 64 || at >= text.size() || text[at] != '@' || text.size() > 254) return false;
  std::string_view local = text.substr(0, at), domain = text.substr(at + 1);
  if (local.front() == '.' || local.back() == '.' || local.find("..") != local.npos) return false;
  std::size_t labels = 0;
  for (++labels; !domain.empty(); ++labels) {
    auto dot = std::min(domain.find('.'), domain.size());
    std::string_view label = domain.substr(0, dot);
    bool good = !label.empty() && label.front() != '-' && label.back() != '-' &&
                std::all_of(label.begin(), label.end(), [&](char c) { return is_in(c, kLetter | kDigit) || c == '-'; });
    if (!good || (dot < domain.size() && dot + 1 == domain.size())) return false;
    domain.remove_prefix(std::min(dot + 1, domain.size()));
  }
  return labels >= 3;
}

// An absolute URI with an authority (RFC 3986); others (urn:, mailto:) look too much like keys of somebody's own.
bool is_uri(std::string_view text) {
  std::size_t colon = count_of(text.substr(0, 17), kScheme);
  if (colon == 0 || colon > 16 || !text.substr(colon).starts_with("://") || colon + 3 == text.size()) return false;
  std::size_t fragments = 0;
  for (std::size_t i = colon + 3; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
      continue;
    }
    if (!is_in(text[i], kUri)) return false;
    fragments += text[i] == '#' ? 1 : 0;
  }
  return fragments <= 1;
}

bool is_ipv4(std::string_view text) {
  if (std::count(text.begin(), text.end(), '.') != 3) return false;
  for (int part = 0; part < 4; ++part) {
    auto end = std::min(text.find('.'), text.size());
    std::string_view digits = text.substr(0, end);
    bool good = !digits.empty() && digits.size() <= 3 && (digits.size() == 1 || digits[0] != '0') &&
                std::all_of(digits.begin(), digits.end(), is_digit);
    int value = 0;
    for (char c : digits) value = value * 10 + (c - '0');
    if (!good || value > 255) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

// As JSON writes numbers, so that no leading zero, plus or exponent is lost by taking it for one.
TextFormat format_of_number(std::string_view text) {
  std::string_view digits = text.substr(text[0] == '-' ? 1 : 0);
  auto dot = digits.find('.');
  std::string_view whole = digits.substr(0, dot);
  auto all_digits = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), is_digit);
  };
  if (!all_digits(whole) || digits.size() > kLongestDigits || (whole.size() > 1 && whole[0] == '0'))
    return TextFormat::plain;
  if (dot == std::string_view::npos) return TextFormat::integer;
  return all_digits(digits.substr(dot + 1)) ? TextFormat::number : TextFormat::plain;
}

}  // namespace

const char* to_text(TextFormat format) {
  return kFacts[static_cast<std::size_t>(format)].name;
}
const char* openapi_format(TextFormat format) {
  return kFacts[static_cast<std::size_t>(format)].format;
}

TextFormat format_of(std::string_view text) {
  if (text.empty()) return TextFormat::empty;
  if (text.size() > 2048) return TextFormat::plain;
  char first = text[0];
  if (is_digit(first) || first == '-') {
    if (text.size() <= kLongestDigits + 1) {
      TextFormat number = format_of_number(text);
      if (number != TextFormat::plain) return number;
      if (is_date(text)) return TextFormat::date;
      if (is_ipv4(text)) return TextFormat::ipv4;
    }
    if (is_date_time(text)) return TextFormat::date_time;
  }
  // Most texts are words with blanks between them, and end every test at the first one.
  if (text == "true" || text == "false") return TextFormat::boolean;
  if (text.size() == 36 && matches(text, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh")) return TextFormat::uuid;
  if (is_letter(first) && is_uri(text)) return TextFormat::uri;
  if (is_in(first, kMailbox) && is_email(text)) return TextFormat::email;
  bool address = is_in(first, kAddress) && text.size() <= 45 && count_of(text, kAddress) == text.size() &&
                 text.find(':') != std::string_view::npos;
  return address && IpAddress::parse(text) ? TextFormat::ipv6 : TextFormat::plain;
}

bool may_be_member(std::string_view text) {
  bool plain = !text.empty() && text.size() <= kLongestMember && is_letter(text[0]) &&
               count_of(text, kMember) == text.size() && format_of(text) == TextFormat::plain;
  if (!plain) return false;
  SegmentClass kind = classify_value(text);
  return kind == SegmentClass::word || kind == SegmentClass::version;
}

bool is_sensitive_name(std::string_view name) {
  // Ascending, so that those with one first letter stand beside each other.
  static constexpr std::string_view kWords[] = {
      "account",  "address",  "auth",    "author",   "balance",  "birth",   "body",    "card",    "city",    "comment",
      "company",  "contact",  "cookie",  "credent",  "customer", "cvc",     "cvv",     "descr",   "diagnos", "dob",
      "employee", "ethnic",   "gender",  "handle",   "hash",     "health",  "iban",    "income",  "key",     "lat",
      "latitud",  "licen",    "lng",     "login",    "lon",      "longitu", "mail",    "message", "mobile",  "name",
      "nick",     "note",     "owner",   "passport", "passw",    "path",    "patient", "person",  "phone",   "pin",
      "postal",   "postcode", "religio", "salary",   "secret",   "session", "sex",     "signatu", "social",  "ssn",
      "street",   "subject",  "tax",     "text",     "title",    "token",   "town",    "url",     "user",    "zip"};
  static constexpr auto kFirst = [] {
    std::array<std::uint8_t, 27> first{};
    for (std::string_view word : kWords) ++first[static_cast<std::size_t>(word[0] - 'a') + 1];
    for (std::size_t i = 1; i < first.size(); ++i) first[i] = static_cast<std::uint8_t>(first[i] + first[i - 1]);
    return first;
  }();
  std::array<char, kLongestName> lower;
  std::size_t size = std::min(name.size(), lower.size());
  std::transform(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(size), lower.begin(), to_lower);
  std::string_view text(lower.data(), size);
  // Whether another word begins there: at an end, behind something else than a letter, or with a capital.
  auto borders = [&](std::size_t at) { return at == size || !is_letter(text[at]) || name[at] != text[at]; };
  for (std::size_t at = 0; at < size; ++at) {
    if (!is_letter(text[at])) continue;
    auto letter = static_cast<std::size_t>(text[at] - 'a');
    for (std::size_t i = kFirst[letter]; i < kFirst[letter + 1]; ++i) {
      std::string_view word = kWords[i];
      if (!text.substr(at).starts_with(word)) continue;
      // Short ones only as a word of its own: `pin`, but not `shipping`.
      bool begins = at == 0 || !is_letter(text[at - 1]) || borders(at);
      if (word.size() > 3 || (begins && borders(at + word.size()))) return true;
    }
  }
  return false;
}

bool is_data_key(std::string_view key) {
  if (key.size() > kLongestName) return true;
  // Words may be mixed as they like to: BlkioDeviceWriteIOps.
  if (std::none_of(key.begin(), key.end(), is_digit) && key.find('@') == std::string_view::npos) return false;
  switch (classify_value(key)) {
    case SegmentClass::word:
    case SegmentClass::version:
    case SegmentClass::boolean:
    case SegmentClass::code:
    case SegmentClass::text: return false;
    case SegmentClass::small_integer:
    case SegmentClass::integer:
    case SegmentClass::number:
    case SegmentClass::uuid:
    case SegmentClass::ulid:
    case SegmentClass::hex:
    case SegmentClass::date:
    case SegmentClass::date_time:
    case SegmentClass::email:
    case SegmentClass::address:
    case SegmentClass::prefixed_id:
    case SegmentClass::token: return true;
  }
  return true;
}

}  // namespace specular
