#include "analyzers/inspect/deprecation.h"

#include <charconv>
#include <string>

#include "capture/base/text.h"

namespace specular {
namespace {

constexpr Timestamp kNever = Timestamp::min();

// An IMF-fixdate (RFC 9110 section 5.6.7), "Sun, 06 Nov 1994 08:49:37 GMT", by way of RFC 3339.
Timestamp parse_http_date(std::string_view text) {
  constexpr std::string_view kMonths = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";
  if (text.size() != 29 || !text.ends_with(" GMT")) return kNever;
  auto month = kMonths.find(std::string(text.substr(8, 3)) + " ");
  if (month == std::string_view::npos || month % 4 != 0) return kNever;
  std::string number = std::to_string(month / 4 + 1);
  if (number.size() == 1) number.insert(0, "0");
  std::string date = std::string(text.substr(12, 4)) + "-" + number + "-" + std::string(text.substr(5, 2)) + "T" +
                     std::string(text.substr(17, 8)) + "Z";
  auto time = parse_rfc3339(date);
  return time ? *time : kNever;
}

// A Date of structured fields (RFC 9651 section 3.3.7), "@1659578233".
Timestamp parse_structured_date(std::string_view text) {
  std::int64_t seconds = 0;
  if (!text.starts_with('@')) return kNever;
  auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), seconds);
  constexpr std::int64_t kMost = 4'000'000'000;
  bool good = error == std::errc() && end == text.data() + text.size() && seconds >= 0 && seconds < kMost;
  return good ? Timestamp(std::chrono::seconds(seconds)) : kNever;
}

}  // namespace

Deprecation deprecation_of(const ResponseHead& head) {
  Deprecation found;
  auto deprecated = find_header(head.headers, "deprecation"), sunset = find_header(head.headers, "sunset");
  if (deprecated) {
    std::string_view value = trim(*deprecated);
    Timestamp since = parse_structured_date(value);
    found.last.since = since == kNever ? parse_http_date(value) : since;
    if (found.last.since == kNever && value != "true" && value != "?1") deprecated.reset();
  }
  if (sunset) found.last.sunset = parse_http_date(trim(*sunset));
  if (!deprecated && found.last.sunset == kNever) return {};
  found.answers = 1;
  found.last.told = head.time;
  return found;
}

}  // namespace specular
