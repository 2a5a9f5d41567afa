// One HTTP/1 message head: its start line and fields, and what these say about the framing (RFC 9112).
//
// The start line is ours, since llhttp 8 knows neither all methods nor all versions. llhttp is the authority on the
// fields; what it refuses is split line by line, and told as Anomaly::bad_header.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "capture/exchange.h"

namespace specular {

// What the bytes at the beginning of a message could be.
enum class Start : std::uint8_t { request, response, incomplete, other };

// `incomplete` while all there is could be either; the first line need not be complete for `response`, but for
// `request`. A line longer than kMaxStartLine is `other`.
Start look_at_start(Bytes bytes);
// The same where only a response can begin; never `request`.
Start look_at_response(Bytes bytes);
inline constexpr std::size_t kMaxStartLine = 64 * 1024;

// Whether a start line that was `incomplete` still is, now that what follows its first `known` bytes has come.
bool start_goes_on(Bytes bytes, std::size_t known);

// Finds the first message start, at any byte where a word begins, or at `boundary`, where a segment does: after a loss
// nothing else is aligned. `incomplete`: bytes from `position` on may become one.
struct Found {
  Start start = Start::other;
  std::size_t position = 0;
};
Found hunt_start(Bytes bytes, std::size_t boundary, bool requests, bool responses);

// The size of the head including its empty line, or 0 if that has not come. Lines before `from` are known not to be it.
std::size_t find_head_end(Bytes bytes, std::size_t from);

struct MessageHead {
  bool is_request = false;
  HttpVersion version = HttpVersion::http_1_1;
  std::string_view method, target;
  std::uint16_t status = 0;
  std::span<const HeaderField> fields;
  Anomalies anomalies;

  // Framing and routing, from the fields.
  std::optional<std::uint64_t> content_length;
  bool has_transfer_encoding = false, chunked = false;
  std::string_view host, content_encoding, upgrade;
  bool has_host = false;
};

class HeadParser {
 public:
  HeadParser();
  ~HeadParser();

  // Reads the head that `bytes` begins with if it is complete and as plain as most are: a start line, fields of which
  // no framing is doubtful, CRLF everywhere, no control character. Returns its size; 0 if it is not all there, or needs
  // parse(). What both read, both read alike.
  std::size_t parse_plain(Bytes bytes, MessageHead& head);

  // Reads a head, complete or (`cut`) ending anywhere behind its target or status. False if it has no start line of
  // HTTP/1, or (`strict`) would be told as Anomaly::bad_header. The result points into `bytes` and into the parser,
  // until the next call.
  bool parse(Bytes bytes, bool cut, MessageHead& head, bool strict = false);

 private:
  struct Llhttp;

  bool add_plain_field(std::string_view line, std::size_t colon);
  void split_fields(std::string_view lines);
  void note_field(const HeaderField& field, MessageHead& head);
  void note_length(std::string_view value, MessageHead& head);
  void note_transfer_encoding(std::string_view value, MessageHead& head);

  std::unique_ptr<Llhttp> llhttp_;
  std::vector<HeaderField> fields_;
  std::string folded_;  // values that were spread over lines, joined
};

}  // namespace specular
