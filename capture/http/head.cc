#include "capture/http/head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include <llhttp.h>

namespace specular {
namespace {

constexpr std::size_t kMaxFields = 256;
constexpr std::size_t kMaxMethod = 32;

// RFC 9110 section 5.6.2.
bool is_token_char(char c) {
  static constexpr auto kTable = [] {
    std::array<bool, 256> table{};
    for (char t : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
      table[static_cast<unsigned char>(t)] = true;
    }
    return table;
  }();
  return kTable[static_cast<unsigned char>(c)];
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

// Compares with a pattern in which 0 stands for a digit, as far as both reach.
bool matches(std::string_view text, std::string_view pattern) {
  for (std::size_t i = 0; i < std::min(text.size(), pattern.size()); ++i) {
    if (pattern[i] == '0' ? !is_digit(text[i]) : text[i] != pattern[i]) return false;
  }
  return true;
}

// RFC 9112 section 2.3 has one digit on each side of the dot; some servers write more behind it.
constexpr std::string_view kVersionPattern = "HTTP/0.0";
constexpr std::size_t kMaxMinorDigits = 3;
constexpr std::string_view kStatusPattern = " 000";

// The size of the version at the beginning, 0 if there is none; all of the text if it may go on.
std::size_t version_size(std::string_view text) {
  if (!matches(text, kVersionPattern)) return 0;
  std::size_t size = std::min(text.size(), kVersionPattern.size());
  while (size < text.size() && is_digit(text[size]) && size < kVersionPattern.size() + kMaxMinorDigits) ++size;
  return size;
}

HttpVersion version_of(std::string_view text) {
  return text.substr(5) == "1.0" ? HttpVersion::http_1_0 : HttpVersion::http_1_1;
}

Start look_at_status_line(std::string_view text) {
  std::size_t version = version_size(text);
  if (version == 0) return Start::other;
  std::string_view status = text.substr(version);
  if (!matches(status, kStatusPattern)) return Start::other;
  if (status.size() > 1 && status[1] == '0') return Start::other;
  if (status.size() <= kStatusPattern.size()) return Start::incomplete;
  char next = status[kStatusPattern.size()];
  return next == ' ' || next == '\r' || next == '\n' ? Start::response : Start::other;
}

// A complete line (without its end): METHOD SP target SP HTTP/d.d. What a client puts between a target with blanks and
// the version is nobody's, as RFC 9112 section 3 reads a request line by its blanks.
bool split_request_line(std::string_view line, MessageHead& head) {
  auto first = line.find(' ');
  auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return false;
  std::string_view version = line.substr(last + 1);
  if (version.size() < kVersionPattern.size() || version_size(version) != version.size()) return false;
  head.is_request = true;
  head.method = line.substr(0, first);
  std::string_view middle = trim(line.substr(first, last - first));
  head.target = middle.substr(0, middle.find(' '));
  head.version = version_of(version);
  bool fits = !head.method.empty() && head.method.size() <= kMaxMethod;
  return fits && std::all_of(head.method.begin(), head.method.end(), is_token_char) && !head.target.empty();
}

// A target has no control characters; binary protocols do, at once. The line may have its '\r' still.
bool is_printable(std::string_view line) {
  return std::all_of(line.begin(), line.end(), [](char c) { return c == '\r' || (c >= ' ' && c != 0x7f) || c < 0; });
}

bool split_status_line(std::string_view line, MessageHead& head) {
  std::size_t version = version_size(line);
  std::string_view status = line.substr(version);
  if (version == 0 || status.size() < kStatusPattern.size() || !matches(status, kStatusPattern)) return false;
  // Nothing but a reason may follow.
  char next = status.size() > kStatusPattern.size() ? status[kStatusPattern.size()] : ' ';
  if (next != ' ' && next != '\r') return false;
  head.is_request = false;
  head.version = version_of(line.substr(0, version));
  std::from_chars(status.data() + 1, status.data() + 4, head.status);
  return head.status >= 100;
}

// A request line that the capture cut off behind its target: METHOD SP target SP [HTTP/…].
bool split_cut_request_line(std::string_view line, MessageHead& head) {
  auto first = line.find(' ');
  auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || !matches(line.substr(last + 1), kVersionPattern))
    return false;
  head.is_request = true;
  head.method = line.substr(0, first);
  std::string_view middle = trim(line.substr(first, last - first));
  head.target = middle.substr(0, middle.find(' '));
  return std::all_of(head.method.begin(), head.method.end(), is_token_char) && !head.target.empty();
}

std::string_view first_line(std::string_view text) {
  auto end = text.find('\n');
  std::string_view line = text.substr(0, end);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

Start look_at_request_line(std::string_view text) {
  std::size_t method = 0;
  while (method < text.size() && is_token_char(text[method])) ++method;
  if (method == 0 || method > kMaxMethod) return Start::other;
  if (method == text.size()) return Start::incomplete;
  if (text[method] != ' ') return Start::other;
  auto end = static_cast<const char*>(std::memchr(text.data(), '\n', std::min(text.size(), kMaxStartLine)));
  if (end == nullptr) {
    return is_printable(text) && text.size() < kMaxStartLine ? Start::incomplete : Start::other;
  }
  MessageHead head;
  std::string_view line = first_line(text);
  return is_printable(line) && split_request_line(line, head) ? Start::request : Start::other;
}

// Methods after which a request may be found amid other bytes; elsewhere any token is one.
constexpr std::string_view kKnownMethods[] = {"GET",   "POST",   "PUT",      "DELETE",    "PATCH",  "HEAD", "OPTIONS",
                                              "TRACE", "QUERY",  "PROPFIND", "PROPPATCH", "MKCOL",  "COPY", "MOVE",
                                              "LOCK",  "UNLOCK", "REPORT",   "SEARCH",    "CONNECT"};

bool begins_target(std::string_view rest) {
  return rest.empty() || rest[0] == '/' || rest[0] == '*' || matches(rest, "http");
}

Start look_for_known_request(std::string_view text) {
  for (std::string_view method : kKnownMethods) {
    if (text.size() <= method.size()) {
      if (method.starts_with(text)) return Start::incomplete;
      continue;
    }
    if (!text.starts_with(method) || text[method.size()] != ' ') continue;
    bool connect = method == "CONNECT";
    return connect || begins_target(text.substr(method.size() + 1)) ? look_at_request_line(text) : Start::other;
  }
  return Start::other;
}

}  // namespace

Start look_at_start(Bytes bytes) {
  std::string_view text = as_text(bytes);
  if (text.empty()) return Start::incomplete;
  Start status_line = look_at_status_line(text);
  return status_line == Start::other ? look_at_request_line(text) : status_line;
}

Start look_at_response(Bytes bytes) {
  return look_at_status_line(as_text(bytes));
}

bool start_goes_on(Bytes bytes, std::size_t known) {
  std::string_view fresh = as_text(bytes).substr(known);
  return bytes.size() < kMaxStartLine && fresh.find('\n') == std::string_view::npos && is_printable(fresh);
}

Found hunt_start(Bytes bytes, std::size_t boundary, bool requests, bool responses) {
  std::string_view text = as_text(bytes);
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c < 'A' || c > 'U') continue;  // what methods and "HTTP" begin with
    if (at > 0 && at != boundary && is_token_char(text[at - 1])) continue;
    Start start = Start::other;
    if (responses) start = look_at_status_line(text.substr(at));
    if (requests && start == Start::other) start = look_for_known_request(text.substr(at));
    if (start != Start::other) return {start, at};
  }
  return {Start::other, text.size()};
}

std::size_t find_head_end(Bytes bytes, std::size_t from) {
  const std::uint8_t* begin = bytes.data();
  const std::uint8_t* end = begin + bytes.size();
  for (const std::uint8_t* at = begin + from; at < end;) {
    at = static_cast<const std::uint8_t*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    if (at == nullptr) return 0;
    ++at;
    if (at < end && *at == '\n') return static_cast<std::size_t>(at - begin) + 1;
    if (at + 1 < end && at[0] == '\r' && at[1] == '\n') return static_cast<std::size_t>(at - begin) + 2;
  }
  return 0;
}

namespace {

// Whether any byte is a control character other than a tab; eight at a time.
bool has_control(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kTops = 0x8080808080808080;
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    // A byte below 0x20, or equal to 0x7f, by the borrow of its own subtraction.
    std::uint64_t low = (word - kOnes * 0x20) & ~word & kTops;
    std::uint64_t del = word ^ kOnes * 0x7f;
    del = (del - kOnes) & ~del & kTops;
    if ((low | del) != 0 &&
        std::any_of(at, at + 8, [](char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f; }))
      return true;
  }
  return std::any_of(at, at + left, [](char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f; });
}

// The line at the beginning of `text`, if it ends with CRLF, has no control character, and is not folded into the next.
// Empty otherwise.
std::string_view plain_line(std::string_view text) {
  auto end = static_cast<const char*>(std::memchr(text.data(), '\n', text.size()));
  if (end == nullptr || end == text.data() || end[-1] != '\r') return {};
  std::string_view line(text.data(), static_cast<std::size_t>(end - text.data()) - 1);
  std::size_t next = line.size() + 2;
  bool folded = next < text.size() && (text[next] == ' ' || text[next] == '\t');
  return folded || next >= text.size() || has_control(line) ? std::string_view() : line;
}

// Exactly two blanks.
bool split_plain_request_line(std::string_view line, MessageHead& head) {
  // The line has no control characters but tabs.
  return split_request_line(line, head) && line.find('\t') == std::string_view::npos &&
         line.substr(head.method.size() + 1, head.target.size() + 1).ends_with(' ');
}

// Lines that end with LF alone, and values that go on in the next line.
void note_line_ends(std::string_view text, Anomalies& anomalies) {
  for (auto at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') anomalies.add(Anomaly::bare_lf);
    if (at + 1 < text.size() && (text[at + 1] == ' ' || text[at + 1] == '\t')) anomalies.add(Anomaly::folded_header);
  }
}

}  // namespace

// The parser behind HeadParser, brought to the point where fields begin; copied for every head.
struct HeadParser::Llhttp {
  llhttp_settings_t settings;
  llhttp_t at_fields;

  std::vector<HeaderField>* fields = nullptr;
  std::string* folded = nullptr;
  std::size_t joined = 0;  // the field, counted from one, whose value `folded` ends with

  Llhttp() {
    llhttp_settings_init(&settings);
    settings.on_header_field = [](llhttp_t* parser, const char* at, std::size_t size) {
      auto& self = *static_cast<Llhttp*>(parser->data);
      if (self.fields->size() == kMaxFields) return static_cast<int>(HPE_USER);
      self.fields->push_back({{at, size}, {}});
      return 0;
    };
    settings.on_header_value = [](llhttp_t* parser, const char* at, std::size_t size) {
      static_cast<Llhttp*>(parser->data)->add_value({at, size});
      return 0;
    };
    // The body, if any, is not ours to give.
    settings.on_headers_complete = [](llhttp_t*) { return 1; };
    llhttp_init(&at_fields, HTTP_REQUEST, &settings);
    llhttp_set_lenient_headers(&at_fields, 1);
    llhttp_set_lenient_chunked_length(&at_fields, 1);
    llhttp_set_lenient_keep_alive(&at_fields, 1);
    constexpr std::string_view kStart = "GET / HTTP/1.1\r\n";
    llhttp_execute(&at_fields, kStart.data(), kStart.size());
  }

  // A value spread over lines comes in several parts.
  void add_value(std::string_view part) {
    HeaderField& field = fields->back();
    part = trim(part);
    if (field.value.empty()) {
      field.value = part;
      return;
    }
    if (part.empty()) return;
    if (joined != fields->size()) folded->append(field.value);
    joined = fields->size();
    std::size_t begin = folded->size() - field.value.size();
    folded->append(" ").append(part);
    field.value = std::string_view(*folded).substr(begin);
  }

  void clear() {
    fields->clear();
    folded->clear();
    joined = 0;
  }

  // False if the fields are not as they should be; those read so far stand.
  bool read(std::string_view lines) {
    llhttp_t parser = at_fields;
    parser.data = this;
    llhttp_errno_t status = llhttp_execute(&parser, lines.data(), lines.size());
    // It takes a name with a blank behind it, which RFC 9112 section 5.1 forbids: readers differ on what that is.
    bool blank_in_name = std::any_of(fields->begin(), fields->end(), [](const HeaderField& field) {
      return trim(field.name).size() != field.name.size();
    });
    return !blank_in_name && (status == HPE_OK || status == HPE_PAUSED_UPGRADE);
  }
};

HeadParser::HeadParser() : llhttp_(std::make_unique<Llhttp>()) {
  fields_.reserve(kMaxFields);
  llhttp_->fields = &fields_;
  llhttp_->folded = &folded_;
}

HeadParser::~HeadParser() = default;

std::size_t HeadParser::parse_plain(Bytes bytes, MessageHead& head) {
  std::string_view rest = as_text(bytes);
  std::string_view line = plain_line(rest);
  if (line.empty() || line.size() + 2 > kMaxStartLine) return 0;
  head = {};
  bool request = line[0] != 'H' || !split_status_line(line, head);
  if (request && (!split_plain_request_line(line, head))) return 0;
  rest.remove_prefix(line.size() + 2);
  fields_.clear();
  for (;;) {
    if (rest.size() < 2) return 0;
    if (rest[0] == '\r') {
      if (rest[1] != '\n') return 0;
      break;
    }
    std::size_t colon = 0;
    while (colon < rest.size() && is_token_char(rest[colon])) ++colon;
    line = plain_line(rest);
    if (colon == 0 || colon >= line.size() || !add_plain_field(line, colon)) return 0;
    rest.remove_prefix(line.size() + 2);
  }
  head.fields = fields_;
  for (const HeaderField& field : fields_) note_field(field, head);
  if (head.has_transfer_encoding && head.content_length) return 0;
  if (!head.has_host && head.is_request && head.version == HttpVersion::http_1_1) head.anomalies.add(Anomaly::no_host);
  return bytes.size() - rest.size() + 2;
}

// False for what llhttp has an opinion on: a doubtful length or coding, too many fields, a value with control
// characters.
bool HeadParser::add_plain_field(std::string_view line, std::size_t colon) {
  if (line[colon] != ':' || fields_.size() == kMaxFields) return false;
  HeaderField field{line.substr(0, colon), trim(line.substr(colon + 1))};
  if (colon == 14 && equals_ignoring_case(field.name, "content-length")) {
    bool digits = !field.value.empty() && field.value.size() < 16 &&
                  std::all_of(field.value.begin(), field.value.end(), is_digit);
    if (!digits || find_header(fields_, "content-length")) return false;
  }
  if (colon == 17 && equals_ignoring_case(field.name, "transfer-encoding")) {
    if (field.value != "chunked" || find_header(fields_, "transfer-encoding")) return false;
  }
  fields_.push_back(field);
  return true;
}

bool HeadParser::parse(Bytes bytes, bool cut, MessageHead& head, bool strict) {
  std::string_view text = as_text(bytes);
  auto line_end = text.find('\n');
  bool whole_line = line_end != std::string_view::npos;
  if (!whole_line && !cut) return false;
  head = {};
  std::string_view line = first_line(text);
  bool request = whole_line ? is_printable(line) && split_request_line(line, head) : split_cut_request_line(line, head);
  if (!request) {
    head = {};
    if (!split_status_line(line, head)) return false;
  }
  std::string_view lines = whole_line ? text.substr(line_end + 1) : std::string_view();
  llhttp_->clear();
  // Views into it must not move. Every part of a value stands in it once, with a blank.
  folded_.reserve(2 * lines.size());
  if (cut) {
    split_fields(lines.substr(0, lines.rfind('\n') + 1));
  } else if (!llhttp_->read(lines)) {
    head.anomalies.add(Anomaly::bad_header);
    llhttp_->clear();
    split_fields(lines);
  }
  head.fields = fields_;
  for (const HeaderField& field : fields_) note_field(field, head);
  // That has a name of its own.
  if (head.anomalies.has(Anomaly::lengths_differ) || head.anomalies.has(Anomaly::bad_length)) {
    head.anomalies.remove(Anomaly::bad_header);
  }
  if (strict && head.anomalies.has(Anomaly::bad_header)) return false;
  note_line_ends(text, head.anomalies);
  if (head.has_transfer_encoding && head.content_length) head.anomalies.add(Anomaly::te_and_length);
  if (!head.has_host && head.is_request && head.version == HttpVersion::http_1_1) head.anomalies.add(Anomaly::no_host);
  return true;
}

// What llhttp refuses: names up to the colon, values up to the line's end, nothing else is asked of them.
void HeadParser::split_fields(std::string_view lines) {
  while (!lines.empty() && fields_.size() < kMaxFields) {
    auto end = lines.find('\n');
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    bool folded = !line.empty() && (line.front() == ' ' || line.front() == '\t');
    line = trim(line);
    if (line.empty()) continue;
    if (folded && !fields_.empty()) {
      llhttp_->add_value(line);
      continue;
    }
    auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) continue;
    fields_.push_back({trim(line.substr(0, colon)), trim(line.substr(colon + 1))});
  }
}

void HeadParser::note_field(const HeaderField& field, MessageHead& head) {
  auto is = [&](std::string_view name) { return equals_ignoring_case(field.name, name); };
  switch (field.name.size()) {
    case 4:
      if (!is("host")) return;
      if (head.has_host && field.value != head.host) {
        head.anomalies.add(Anomaly::hosts_differ);
      } else {
        head.host = field.value;
      }
      head.has_host = true;
      return;
    case 7:
      if (is("upgrade")) head.upgrade = field.value;
      return;
    case 14:
      if (is("content-length")) note_length(field.value, head);
      return;
    case 16:
      if (is("content-encoding")) head.content_encoding = field.value;
      return;
    case 17:
      if (is("transfer-encoding")) note_transfer_encoding(field.value, head);
      return;
    default: return;
  }
}

// RFC 9112 section 6.3: repeated and equal values are one; of different ones, the first decides.
void HeadParser::note_length(std::string_view value, MessageHead& head) {
  if (value.empty()) head.anomalies.add(Anomaly::bad_length);
  for (std::string_view rest = value; !rest.empty();) {
    auto comma = rest.find(',');
    std::string_view item = trim(rest.substr(0, comma));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    std::uint64_t length = 0;
    auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), length);
    // More than 2^53 bytes is no body but an attempt on somebody's arithmetic.
    if (item.empty() || error != std::errc() || end != item.data() + item.size() || length >> 53 != 0) {
      head.anomalies.add(Anomaly::bad_length);
    } else if (head.content_length && *head.content_length != length) {
      head.anomalies.add(Anomaly::lengths_differ);
    } else {
      head.content_length = length;
    }
  }
}

// RFC 9112 section 6.1: a body is chunked if that is the last coding of all, also over several fields; codings beneath
// are not decoded.
void HeadParser::note_transfer_encoding(std::string_view value, MessageHead& head) {
  auto comma = value.rfind(',');
  std::string_view last = trim(comma == std::string_view::npos ? value : value.substr(comma + 1));
  if (last.empty() && comma == std::string_view::npos) return;
  head.has_transfer_encoding = true;
  head.chunked = equals_ignoring_case(last, "chunked");
  head.chunked ? head.anomalies.remove(Anomaly::te_not_chunked) : head.anomalies.add(Anomaly::te_not_chunked);
}

}  // namespace specular
