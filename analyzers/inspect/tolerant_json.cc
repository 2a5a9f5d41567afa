#include "analyzers/inspect/tolerant_json.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "analyzers/inspect/json_shape.h"
#include "capture/base/text.h"

namespace specular {
namespace {

constexpr std::size_t kMaxDocuments = 10'000;

void append_utf8(std::uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 63));
  } else if (code < 0x10000) {
    // A half of a surrogate pair alone stays as it is: only what the text looks like matters here.
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 63));
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  }
}

// The code of four hexadecimal digits at the beginning; nothing if these are none.
std::optional<std::uint32_t> read_hex(std::string_view text) {
  std::uint32_t code = 0;
  for (char digit : text.substr(0, 4)) {
    auto value = std::string_view("0123456789abcdef").find(to_lower(digit));
    if (value == std::string_view::npos) return std::nullopt;
    code = code << 4 | static_cast<std::uint32_t>(value);
  }
  return text.size() < 4 ? std::nullopt : std::optional(code);
}

}  // namespace

void TolerantJson::skip_blanks() {
  rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
}

TolerantJson::End TolerantJson::read(Schema& into) {
  if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
  skip_blanks();
  if (rest_.empty()) return End::broken;
  for (std::size_t count = 0; !rest_.empty(); ++count) {
    if (count == kMaxDocuments) return End::too_much;
    std::string_view begin = rest_;
    writer_.begin(into, SchemaWriter::Source::typed);
    Step step = read_document();
    bool told = writer_.values() > 0;
    if (step == Step::broken) return End::broken;
    if (step == Step::ran_out && !told) return End::ran_out;
    writer_.end(DocumentSketch::hash_of(key_, as_bytes(begin.substr(0, begin.size() - rest_.size()))),
                step == Step::done);
    if (step == Step::ran_out) return End::ran_out;
    if (step == Step::too_much) return End::too_much;
    skip_blanks();
  }
  return End::complete;
}

TolerantJson::Step TolerantJson::read_document() {
  objects_.clear();
  closed_ = false;
  for (;;) {
    skip_blanks();
    if (writer_.values() >= kMaxValues || objects_.size() > kMaxNesting) return Step::too_much;
    if (rest_.empty()) return Step::ran_out;
    Step step = closed_ ? after_value() : begin_value();
    if (step != Step::done) return step;
    if (closed_ && objects_.empty()) return Step::done;
  }
}

// A value, or the end of an empty container.
TolerantJson::Step TolerantJson::begin_value() {
  char c = rest_.front();
  switch (c) {
    case '{':
    case '[':
      rest_.remove_prefix(1);
      objects_.push_back(c == '{');
      c == '{' ? writer_.begin_object() : writer_.begin_array();
      skip_blanks();
      if (rest_.empty()) return Step::ran_out;
      if (rest_.front() == (c == '{' ? '}' : ']')) {
        closed_ = true;
        return Step::done;
      }
      return c == '{' ? read_key() : Step::done;
    case '"': {
      Step step = read_string(buffer_);
      if (step == Step::done) writer_.string(buffer_);
      closed_ = step == Step::done;
      return step;
    }
    case 't':
    case 'f':
    case 'n': return read_word();
    default: return read_number();
  }
}

// Behind a value: a comma and what follows it, or the end of its container.
TolerantJson::Step TolerantJson::after_value() {
  bool object = objects_.back();
  char c = rest_.front();
  if (c == ',') {
    rest_.remove_prefix(1);
    skip_blanks();
    closed_ = false;
    if (rest_.empty()) return Step::ran_out;
    return object ? read_key() : Step::done;
  }
  if (c != (object ? '}' : ']')) return Step::broken;
  rest_.remove_prefix(1);
  object ? writer_.end_object() : writer_.end_array();
  objects_.pop_back();
  closed_ = true;
  return Step::done;
}

// A key, its colon, and the beginning of a value, without which it is not told.
TolerantJson::Step TolerantJson::read_key() {
  if (rest_.front() != '"') return Step::broken;
  if (Step step = read_string(key_text_); step != Step::done) return step;
  skip_blanks();
  if (rest_.empty()) return Step::ran_out;
  if (rest_.front() != ':') return Step::broken;
  rest_.remove_prefix(1);
  skip_blanks();
  if (rest_.empty()) return Step::ran_out;
  writer_.key(key_text_);
  return Step::done;
}

TolerantJson::Step TolerantJson::read_string(std::string& out) {
  out.clear();
  rest_.remove_prefix(1);
  for (;;) {
    auto end = rest_.find_first_of("\"\\");
    if (end == std::string_view::npos) {
      rest_ = {};
      return Step::ran_out;
    }
    out.append(rest_.substr(0, end));
    bool quote = rest_[end] == '"';
    rest_.remove_prefix(end + 1);
    if (quote) return Step::done;
    if (Step step = read_escape(out); step != Step::done) return step;
  }
}

TolerantJson::Step TolerantJson::read_escape(std::string& out) {
  if (rest_.empty()) return Step::ran_out;
  char c = rest_.front();
  rest_.remove_prefix(1);
  constexpr std::string_view kEscapes = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
  if (auto at = kEscapes.find(c); at != std::string_view::npos) {
    out += kMeanings[at];
    return Step::done;
  }
  if (c != 'u') return Step::broken;
  if (rest_.size() < 4) return Step::ran_out;
  auto code = read_hex(rest_);
  if (!code) return Step::broken;
  rest_.remove_prefix(4);
  bool high = *code >= 0xd800 && *code < 0xdc00;
  if (auto low = high && rest_.starts_with("\\u") ? read_hex(rest_.substr(2)) : std::nullopt;
      low && *low >= 0xdc00 && *low < 0xe000) {
    rest_.remove_prefix(6);
    code = 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00);
  }
  append_utf8(*code, out);
  return Step::done;
}

TolerantJson::Step TolerantJson::read_number() {
  auto end = rest_.find_first_not_of("+-0123456789.eE");
  // At the end it may go on.
  if (end == std::string_view::npos && !objects_.empty()) {
    rest_ = {};
    return Step::ran_out;
  }
  std::string_view digits = rest_.substr(0, end);
  if (digits.empty() || digits.size() > 4096 || digits.front() == '+') return Step::broken;
  rest_.remove_prefix(digits.size());
  double value = 0;
  auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (last != digits.data() + digits.size() || error == std::errc::invalid_argument) return Step::broken;
  if (error == std::errc::result_out_of_range) value = std::numeric_limits<double>::max();
  bool integer = digits.find_first_of(".eE") == std::string_view::npos;
  integer ? writer_.integer(value) : writer_.number(value);
  closed_ = true;
  return Step::done;
}

TolerantJson::Step TolerantJson::read_word() {
  for (std::string_view word : {"true", "false", "null"}) {
    if (rest_.starts_with(word)) {
      rest_.remove_prefix(word.size());
      word == "null" ? writer_.null() : writer_.boolean();
      closed_ = true;
      return Step::done;
    }
    if (word.starts_with(rest_)) {
      rest_ = {};
      return Step::ran_out;
    }
  }
  return Step::broken;
}

}  // namespace specular
