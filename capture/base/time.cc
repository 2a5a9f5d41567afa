#include "capture/base/time.h"

#include <fmt/format.h>

namespace specular {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Reads exactly `count` digits; -1 if there are others.
int digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return -1;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool literal(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// ".25" -> 250 ms; digits past the ninth are cut off. Negative if a dot stands alone.
Duration fraction(std::string_view& text) {
  if (!literal(text, ".")) return Duration(0);
  std::int64_t value = 0, scale = 1'000'000'000;
  std::size_t count = 0;
  for (; count < text.size() && text[count] >= '0' && text[count] <= '9'; ++count) {
    if (scale > 1) {
      value = value * 10 + (text[count] - '0');
      scale /= 10;
    }
  }
  text.remove_prefix(count);
  return count == 0 ? Duration(-1) : Duration(value * scale);
}

bool parse_date(std::string_view& text, std::chrono::sys_days& date) {
  int year = digits(text, 4);
  bool ok = year >= 0 && literal(text, "-");
  int month = ok ? digits(text, 2) : -1;
  ok = month >= 0 && literal(text, "-");
  int day = ok ? digits(text, 2) : -1;
  if (day < 0) return false;
  std::chrono::year_month_day ymd{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                  std::chrono::day(static_cast<unsigned>(day))};
  // Nanoseconds in 64 bits reach from 1678 to 2262.
  if (!ymd.ok() || year < 1678 || year > 2261) return false;
  date = std::chrono::sys_days(ymd);
  return true;
}

bool parse_clock(std::string_view& text, Duration& since_midnight) {
  int hour = digits(text, 2);
  bool ok = hour >= 0 && hour < 24 && literal(text, ":");
  int minute = ok ? digits(text, 2) : -1;
  ok = minute >= 0 && minute < 60 && literal(text, ":");
  int second = ok ? digits(text, 2) : -1;
  if (second < 0 || second > 60) return false;
  Duration part = fraction(text);
  if (part < Duration(0)) return false;
  since_midnight = hours(hour) + minutes(minute) + seconds(second) + part;
  return true;
}

bool parse_offset(std::string_view& text, Duration& offset) {
  offset = Duration(0);
  if (literal(text, "Zz")) return true;
  bool west = !text.empty() && text.front() == '-';
  if (!literal(text, "+-")) return false;
  int hour = digits(text, 2);
  bool ok = hour >= 0 && hour < 24 && literal(text, ":");
  int minute = ok ? digits(text, 2) : -1;
  if (minute < 0 || minute > 59) return false;
  offset = hours(hour) + minutes(minute);
  if (west) offset = -offset;
  return true;
}

}  // namespace

std::string to_rfc3339(Timestamp time) {
  std::chrono::sys_time<Duration> utc(time.time_since_epoch());
  auto day = std::chrono::floor<days>(utc);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss clock(utc - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

Result<Timestamp> parse_rfc3339(std::string_view text) {
  std::string_view rest = text;
  std::chrono::sys_days date;
  Duration clock(0), offset(0);
  bool ok = parse_date(rest, date);
  if (ok && !rest.empty()) ok = literal(rest, "Tt ") && parse_clock(rest, clock) && parse_offset(rest, offset);
  if (!ok || !rest.empty()) {
    return fail(ErrorKind::invalid, fmt::format("'{}' is no RFC 3339 time such as 2026-03-03T08:00:00Z", text));
  }
  return Timestamp(Duration(date.time_since_epoch()) + clock - offset);
}

}  // namespace specular
