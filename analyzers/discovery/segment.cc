#include "analyzers/discovery/segment.h"

#include <algorithm>
#include <array>

#include "analyzers/discovery/word_form.h"
#include "capture/base/ip.h"

namespace specular {
namespace {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool is_letter(char c) {
  return is_lower(c) || is_upper(c);
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// RFC 3986 section 2.3.
constexpr bool is_unreserved(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}
// What may stand in a segment as it is (pchar), but ';', which begins matrix parameters.
constexpr bool may_stand(char c) {
  return is_unreserved(c) || std::string_view("!$&'()*+,=:@").find(c) != std::string_view::npos;
}

int hex_value(char c) {
  return is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

void append_escaped(char c, std::string& out) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  out += '%';
  out += kDigits[static_cast<unsigned char>(c) >> 4];
  out += kDigits[static_cast<unsigned char>(c) & 15];
}

// False if the path has no room for all of it.
bool append_segment(std::string_view segment, std::string& path) {
  for (std::size_t i = 0; i < segment.size() && segment[i] != ';'; ++i) {
    bool escape = segment[i] == '%' && i + 2 < segment.size() && is_hex(segment[i + 1]) && is_hex(segment[i + 2]);
    char c = escape ? static_cast<char>(hex_value(segment[i + 1]) << 4 | hex_value(segment[i + 2])) : segment[i];
    if (escape) i += 2;
    bool as_it_is = is_unreserved(c) || (!escape && may_stand(c));
    if (path.size() + (as_it_is ? 1 : 3) > kMaxPath) return false;
    if (as_it_is) {
      path += c;
    } else {
      append_escaped(c, path);
    }
  }
  return true;
}

// What a run of characters is made of.
struct Makeup {
  std::size_t digits = 0, lower = 0, upper = 0, hex = 0, dashes = 0, others = 0, switches = 0;
  std::size_t size = 0;

  explicit Makeup(std::string_view text) : size(text.size()) {
    int last = -1;
    for (char c : text) {
      int kind = is_digit(c) ? 0 : is_lower(c) ? 1 : is_upper(c) ? 2 : c == '-' || c == '_' ? 3 : 4;
      std::size_t* counts[] = {&digits, &lower, &upper, &dashes, &others};
      ++*counts[kind];
      if (is_hex(c)) ++hex;
      if (last >= 0 && kind != last && kind < 3 && last < 3) ++switches;
      last = kind;
    }
  }
  std::size_t letters() const { return lower + upper; }
};

// A pattern of d (digit), h (hexadecimal digit) and literal characters.
bool matches(std::string_view text, std::string_view pattern) {
  return std::equal(text.begin(), text.end(), pattern.begin(), pattern.end(), [](char c, char p) {
    return p == 'd' ? is_digit(c) : p == 'h' ? is_hex(c) : c == p;
  });
}

bool in_range(std::string_view digits, int least, int most) {
  int value = 0;
  for (char c : digits) value = value * 10 + (c - '0');
  return value >= least && value <= most;
}

bool is_date(std::string_view text) {
  return matches(text, "dddd-dd-dd") && in_range(text.substr(0, 4), 1000, 2999) && in_range(text.substr(5, 2), 1, 12) &&
         in_range(text.substr(8, 2), 1, 31);
}

bool is_date_time(std::string_view text) {
  return text.size() >= 16 && is_date(text.substr(0, 10)) && (text[10] == 'T' || text[10] == ' ' || text[10] == '+') &&
         matches(text.substr(11, 2), "dd");
}

// v1, v2.1, v1beta2, v20240115
bool is_version(std::string_view text) {
  if (text.size() < 2 || text.size() > 12 || (text[0] != 'v' && text[0] != 'V') || !is_digit(text[1])) return false;
  std::size_t at = 1;
  while (at < text.size() && (is_digit(text[at]) || text[at] == '.')) ++at;
  std::string_view rest = text.substr(at);
  for (std::string_view stage : {"alpha", "beta", "rc"}) {
    if (rest.starts_with(stage)) rest.remove_prefix(stage.size());
  }
  return std::all_of(rest.begin(), rest.end(), is_digit);
}

bool is_email(std::string_view text) {
  auto at = text.find('@');
  if (at == 0 || at == std::string_view::npos || text.find('@', at + 1) != std::string_view::npos) return false;
  std::string_view domain = text.substr(at + 1);
  auto dot = domain.rfind('.');
  return dot != std::string_view::npos && dot > 0 && domain.size() - dot > 2 &&
         std::all_of(domain.begin(), domain.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '-'; });
}

// 26 digits of Crockford's base 32, the first at most 7.
bool is_ulid(std::string_view text) {
  return text.size() == 26 && text[0] >= '0' && text[0] <= '7' && std::all_of(text.begin(), text.end(), [](char c) {
           return is_digit(c) || (is_upper(c) && c != 'I' && c != 'L' && c != 'O' && c != 'U');
         });
}

// A lower-case prefix, a separator, and something no word looks like: cus_NffrFeUfNV2Hib, ord-00012345.
bool is_prefixed_id(std::string_view text) {
  auto separator = text.find_first_of("_-");
  if (separator == std::string_view::npos || separator < 2 || separator > 8) return false;
  std::string_view prefix = text.substr(0, separator), value = text.substr(separator + 1);
  if (value.size() < 6 || !std::all_of(prefix.begin(), prefix.end(), is_letter)) return false;
  Makeup makeup(value);
  if (makeup.others > 0 || makeup.dashes > 0) return false;
  return makeup.letters() == 0 || makeup.digits >= 2 || (makeup.size >= 10 && makeup.switches >= 3);
}

// listAllOfMyOpenIssues: letters alone, where a capital begins a word.
bool is_camel_case(std::string_view text, const Makeup& makeup) {
  if (makeup.letters() != text.size()) return false;
  return std::adjacent_find(text.begin(), text.end(), [](char a, char b) { return is_upper(a) && is_upper(b); }) ==
         text.end();
}

// RFC 7519: three runs of base64url, the first of which begins with an object, {".
bool is_json_web_token(std::string_view text) {
  return text.size() >= 32 && text.starts_with("eyJ") && std::count(text.begin(), text.end(), '.') == 2 &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_unreserved(c) && c != '~'; });
}

// +4915112345678; 52.5200,13.4050; 1001,1002,1003
bool is_run_of_numbers(std::string_view text, const Makeup& makeup) {
  if (makeup.digits < 4 || makeup.letters() > 0 || text.find_first_not_of("0123456789+-.,") != text.npos) return false;
  return text[0] == '+' || text.find(',') != std::string_view::npos;
}

// A long run that mixes cases and digits as no name does; base64 may end in padding.
bool is_token(std::string_view text, const Makeup& makeup) {
  if (is_json_web_token(text) || is_run_of_numbers(text, makeup)) return true;
  if (std::size_t padding = text.size() - 1 - text.find_last_not_of('='); padding == 1 || padding == 2) {
    std::string_view bare = text.substr(0, text.size() - padding);
    return is_token(bare, Makeup(bare));
  }
  if (makeup.others > 0 || text.size() < 16 || is_camel_case(text, makeup)) return false;
  if (makeup.digits >= 3 && makeup.letters() >= 3 && makeup.switches >= 4) return true;
  return text.size() >= 20 && makeup.dashes <= 1 && makeup.switches * 3 >= text.size();
}

// Terms of the trade that have several digits.
constexpr std::string_view kTerms[] = {
    "a11y",   "amd64",   "arm64",   "base32",  "base58", "base64", "base85", "crc32",   "h264",    "h265",   "i18n",
    "iso639", "iso3166", "iso4217", "iso8601", "k8s",    "l10n",   "mp3",    "oauth20", "rfc3339", "rfc822", "sha1",
    "sha224", "sha256",  "sha384",  "sha512",  "utf16",  "utf32",  "win32",  "win64",   "x509",    "x86"};

constexpr std::string_view kStaticExtensions[] = {"js",  "mjs",  "css",  "map", "png",  "jpg",   "jpeg", "gif", "svg",
                                                  "ico", "webp", "avif", "bmp", "woff", "woff2", "ttf",  "otf", "eot",
                                                  "mp4", "webm", "mp3",  "ogg", "wav",  "wasm",  "swf"};

// Letters and digits mixed in a short run: SKU-1234, B00X4WHP5E, abc123.
bool is_code(std::string_view text, const Makeup& makeup) {
  if (makeup.others > 0 || text.size() < 3 || makeup.digits < 2) return false;
  if (std::find(std::begin(kTerms), std::end(kTerms), text) != std::end(kTerms)) return false;
  return makeup.digits >= 3 || makeup.switches >= 3 || makeup.digits * 3 >= text.size();
}

// What has next to no digits may still be an identifier: cus_NffrFeUfNVYHib, GwVouUalFVllmzBd.
SegmentClass classify_letters(std::string_view text) {
  constexpr std::size_t kShortest = 14, kShortestBehindPrefix = 10;
  if (text.size() < kShortest) return SegmentClass::word;
  auto separator = text.find_first_of("_-");
  bool prefixed = separator != std::string_view::npos && separator >= 2 && separator <= 8 &&
                  std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(separator), is_lower);
  std::string_view rest = prefixed ? text.substr(separator + 1) : text;
  if (prefixed && rest.size() < kShortestBehindPrefix) return SegmentClass::word;
  Makeup makeup(rest);
  if (makeup.dashes > 2 || makeup.others > 0 || !(prefixed ? looks_odd(rest) : looks_random(rest)))
    return SegmentClass::word;
  return prefixed ? SegmentClass::prefixed_id : SegmentClass::token;
}

SegmentClass classify_stem(std::string_view text) {
  Makeup makeup(text);
  if (text.empty() || (makeup.digits == 0 && makeup.others == 0 && makeup.size < 20)) {
    return text == "true" || text == "false" ? SegmentClass::boolean : classify_letters(text);
  }
  if (makeup.digits == makeup.size) return makeup.size <= 6 ? SegmentClass::small_integer : SegmentClass::integer;
  if (text[0] == '-' && makeup.digits == makeup.size - 1) return SegmentClass::small_integer;
  if (matches(text, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh")) return SegmentClass::uuid;
  if (is_version(text)) return SegmentClass::version;
  if (is_date(text)) return SegmentClass::date;
  if (is_date_time(text)) return SegmentClass::date_time;
  if (is_email(text)) return SegmentClass::email;
  if (makeup.others >= 2 && makeup.hex + makeup.others == makeup.size && IpAddress::parse(text))
    return SegmentClass::address;
  bool decimal = makeup.others == 1 && makeup.digits + (text[0] == '-' ? 2 : 1) == makeup.size;
  if (decimal && text.find('.') != std::string_view::npos && is_digit(text.back())) return SegmentClass::number;
  if (is_ulid(text)) return SegmentClass::ulid;
  if (makeup.hex == makeup.size && makeup.size >= 16 && makeup.digits >= 2) return SegmentClass::hex;
  if (is_prefixed_id(text)) return SegmentClass::prefixed_id;
  if (is_token(text, makeup)) return SegmentClass::token;
  return is_code(text, makeup) ? SegmentClass::code : classify_letters(text);
}

// Where a suffix begins, or the end: a short extension behind the last dot, a verb of letters behind the last colon.
std::size_t suffix_begin(std::string_view segment) {
  auto at = segment.find_last_of(".:");
  if (at == std::string_view::npos || at == 0 || at + 1 == segment.size()) return segment.size();
  std::string_view suffix = segment.substr(at + 1);
  bool letters = is_letter(suffix[0]) &&
                 std::all_of(suffix.begin(), suffix.end(), [](char c) { return is_letter(c) || is_digit(c); });
  bool fits = segment[at] == ':' ? classify_stem(suffix) == SegmentClass::word : suffix.size() <= 5;
  return letters && fits ? at : segment.size();
}

// %-escapes decoded into `buffer`, for looking at; empty if it does not fit or there are none.
std::string_view decode(std::string_view segment, std::array<char, 128>& buffer) {
  if (segment.size() > buffer.size() || segment.find('%') == std::string_view::npos) return {};
  std::size_t size = 0;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    bool escape = segment[i] == '%' && i + 2 < segment.size() && is_hex(segment[i + 1]) && is_hex(segment[i + 2]);
    buffer[size++] =
        escape ? static_cast<char>(hex_value(segment[i + 1]) << 4 | hex_value(segment[i + 2])) : segment[i];
    if (escape) i += 2;
  }
  return std::string_view(buffer.data(), size);
}

// Whether a path is written as normalise_path() would write it, as most are.
bool is_normal(std::string_view path) {
  static constexpr auto kPlain = [] {
    std::array<bool, 256> plain{};
    for (std::size_t c = 0; c < 256; ++c) plain[c] = may_stand(static_cast<char>(c));
    return plain;
  }();
  if (path.size() < 2 || path.size() > kMaxPath || path[0] != '/' || path.back() == '/') return false;
  std::size_t segments = 0;
  char last = 0;
  for (char c : path) {
    if (c == '/') {
      if (last == '/' || ++segments > kMaxSegments) return false;
    } else if (!kPlain[static_cast<unsigned char>(c)] || (c == '.' && last == '/')) {
      return false;
    }
    last = c;
  }
  return true;
}

struct ClassFacts {
  const char* name;
  const char* type;
  const char* format;
  std::size_t kept;
};

constexpr ClassFacts kFacts[] = {
#define SEGMENT_CLASS(name, type, format, kept) {#name, type, format, kept},
#include "analyzers/discovery/segments.def"
#undef SEGMENT_CLASS
};

const ClassFacts& facts_of(SegmentClass value) {
  return kFacts[static_cast<std::size_t>(value)];
}

}  // namespace

const char* to_text(SegmentClass value) {
  return facts_of(value).name;
}
const char* openapi_type(SegmentClass value) {
  return facts_of(value).type;
}
const char* openapi_format(SegmentClass value) {
  return facts_of(value).format;
}
std::size_t kept_literals(SegmentClass value) {
  return facts_of(value).kept;
}

void normalise_path(std::string_view target, std::string& path) {
  path.clear();
  std::string_view rest = target.substr(0, target.find_first_of("?#"));
  if (is_normal(rest)) {
    path.assign(rest);
    return;
  }
  std::size_t segments = 0;
  while (!rest.empty() && path.size() < kMaxPath && segments < kMaxSegments) {
    rest.remove_prefix(rest.front() == '/' ? 1 : 0);
    auto end = std::min(rest.find('/'), rest.size());
    std::size_t begin = path.size();
    path += '/';
    bool fits = append_segment(rest.substr(0, end), path);
    rest.remove_prefix(fits ? end : rest.size());
    std::string_view segment = std::string_view(path).substr(begin + 1);
    if (segment == "..") {
      path.resize(begin);
      auto parent = path.rfind('/');
      path.resize(parent == std::string::npos ? 0 : parent);
      segments -= segments > 0 ? 1 : 0;
    } else if (segment.empty() || segment == ".") {
      path.resize(begin);
    } else {
      ++segments;
    }
  }
  if (path.empty()) path = "/";
}

std::string_view query_of(std::string_view target) {
  auto begin = target.find('?');
  if (begin == std::string_view::npos) return {};
  std::string_view query = target.substr(begin + 1);
  return query.substr(0, query.find('#'));
}

SegmentShape classify_segment(std::string_view segment) {
  std::array<char, 128> buffer;
  std::string_view decoded = decode(segment, buffer);
  SegmentClass whole = classify_stem(decoded.empty() ? segment : decoded);
  if (whole != SegmentClass::word && whole != SegmentClass::code && whole != SegmentClass::token) return {whole, {}};
  std::size_t suffix = suffix_begin(segment);
  if (suffix < segment.size()) {
    SegmentClass stem = classify_stem(segment.substr(0, suffix));
    if (stem != SegmentClass::word && stem != SegmentClass::version) return {stem, segment.substr(suffix)};
    return {SegmentClass::word, {}};
  }
  // What stands behind a colon and is no verb may be a secret: bot123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw
  std::size_t colon = segment.find_last_of(':');
  bool verb = colon == std::string_view::npos || classify_stem(segment.substr(colon + 1)) == SegmentClass::word;
  return {verb ? whole : SegmentClass::token, {}};
}

bool is_static_file(std::string_view segment) {
  auto dot = segment.rfind('.');
  if (dot == std::string_view::npos) return false;
  return std::find(std::begin(kStaticExtensions), std::end(kStaticExtensions), segment.substr(dot + 1)) !=
         std::end(kStaticExtensions);
}

SegmentClass classify_value(std::string_view value) {
  std::array<char, 128> buffer;
  std::string_view decoded = decode(value, buffer);
  if (!decoded.empty()) value = decoded;
  bool blank = std::any_of(value.begin(), value.end(),
                           [](char c) { return c == ' ' || c == '+' || static_cast<unsigned char>(c) >= 0x80; });
  SegmentClass kind = classify_stem(value);
  return blank && kind != SegmentClass::date_time ? SegmentClass::text : kind;
}

}  // namespace specular
