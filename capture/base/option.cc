#include "capture/base/option.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "capture/base/ip.h"

namespace specular {
namespace {

bool parse_integer(std::string_view text, std::int64_t& value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Result<void> Option::set_list(const std::vector<std::string>&) {
  return fail(ErrorKind::invalid, fmt::format("{} takes one value, not a list", name_));
}

Result<void> Option::set_entry(std::string_view key, const std::vector<std::string>&) {
  return fail(ErrorKind::invalid, fmt::format("{} has no key '{}'", name_, key));
}

std::string IntOption::range_text() const {
  return std::to_string(range_.least) + " to " + std::to_string(range_.most);
}

Result<void> IntOption::set(std::string_view value) {
  std::int64_t number = 0;
  if (!parse_integer(value, number)) {
    return fail(ErrorKind::invalid, fmt::format("{} takes a whole number, not '{}'", name(), value));
  }
  if (number < range_.least || number > range_.most) {
    return fail(ErrorKind::invalid, fmt::format("{} must be {}, not {}", name(), range_text(), number));
  }
  value_ = number;
  return {};
}

Result<void> BoolOption::set(std::string_view value) {
  if (value != "true" && value != "false") {
    return fail(ErrorKind::invalid, fmt::format("{} must be true or false, not '{}'", name(), value));
  }
  value_ = value == "true";
  return {};
}

std::string ChoiceOption::range_text() const {
  std::string text;
  for (const auto& choice : choices_) text += (text.empty() ? "" : " or ") + choice;
  return text;
}

Result<void> ChoiceOption::set(std::string_view value) {
  if (std::find(choices_.begin(), choices_.end(), value) == choices_.end()) {
    return fail(ErrorKind::invalid, fmt::format("{} must be {}, not '{}'", name(), range_text(), value));
  }
  value_ = value;
  return {};
}

Result<void> TextOption::set(std::string_view value) {
  if (auto checked = check_(value); !checked) {
    return fail(checked.error().kind, fmt::format("{}: {}", name(), checked.error().text));
  }
  value_ = value;
  return {};
}

std::string list_text(const std::vector<std::string>& items) {
  return fmt::format("[{}]", fmt::join(items, ", "));
}

std::string MapOption::value_text() const {
  std::string text;
  for (const auto& [key, items] : value_) text += (text.empty() ? "" : ", ") + key + ": " + list_text(items);
  return "{" + text + "}";
}

Result<void> MapOption::set(std::string_view) {
  return fail(ErrorKind::invalid, fmt::format("{} takes {}", name(), range_text()));
}

Result<void> MapOption::set_entry(std::string_view key, const std::vector<std::string>& values) {
  for (const auto& item : values) {
    if (auto checked = check_(item); !checked) return checked;
  }
  value_[std::string(key)] = values;
  return {};
}

Result<std::uint16_t> parse_port(std::string_view text) {
  std::int64_t number = 0;
  if (!parse_integer(text, number) || number < 1 || number > 65535) {
    return fail(ErrorKind::invalid, fmt::format("'{}' is no port from 1 to 65535", text));
  }
  return static_cast<std::uint16_t>(number);
}

Result<std::string> parse_text(std::string_view text) {
  if (text.empty()) return fail(ErrorKind::invalid, "an empty text stands for nothing");
  return std::string(text);
}

Result<void> any_text(std::string_view) {
  return {};
}

Result<void> check_listen(std::string_view text) {
  if (text.empty() || SocketAddress::parse(text)) return {};
  return fail(ErrorKind::invalid,
              fmt::format("'{}' is no address and port such as 127.0.0.1:9470 or [::1]:9470", text));
}

}  // namespace specular
