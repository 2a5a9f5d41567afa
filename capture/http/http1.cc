#include <algorithm>
#include <charconv>
#include <cstring>

#include "capture/http/session.h"

namespace specular {
namespace {

// Chunk extensions and trailers have no use that needs more (RFC 9112 section 7.1.1 asks for a limit).
constexpr std::size_t kMaxChunkLine = 4 * 1024;

bool is_blank(std::uint8_t c) {
  return c == '\r' || c == '\n' || c == ' ' || c == '\t';
}

// A line with its end, or nothing if that has not come.
Bytes peek_line(Bytes bytes) {
  auto end = bytes.empty() ? nullptr : static_cast<const std::uint8_t*>(std::memchr(bytes.data(), '\n', bytes.size()));
  return end == nullptr ? Bytes() : bytes.first(static_cast<std::size_t>(end - bytes.data()) + 1);
}

bool may_answer_without_body(std::uint16_t status) {
  return status == 204 || status == 304;
}

}  // namespace

// RFC 9112 section 2.2: empty lines before a message are skipped.
void HttpSessions::skip_blank(Cursor& cursor) {
  std::size_t blank = 0;
  while (blank < cursor.bytes.size() && is_blank(cursor.bytes[blank])) ++blank;
  cursor.consume(blank);
}

void HttpSessions::read_start(std::uint32_t id, Side side, Cursor& cursor) {
  Session& session = sessions_[id];
  Half& half = session.half[index_of(side)];
  skip_blank(cursor);
  if (cursor.bytes.empty()) return;
  MessageHead head;
  std::size_t size = cursor.scanned == 0 ? parser_.parse_plain(cursor.bytes, head) : 0;
  bool fits = size > 0 && size <= options_.max_head.size() << 10;
  if (fits && head.is_request == (half.role == Role::requests)) {
    frame_message(id, side, head, std::nullopt, cursor);
    return cursor.consume(size);
  }
  Start start = look_at_start(cursor.bytes);
  if (start == Start::incomplete) return cursor.wait_for_start_line();
  if (start == (half.role == Role::requests ? Start::request : Start::response)) {
    half.state = State::head;
    return;
  }
  session.anomalies.add(Anomaly::stray_bytes);
  start_hunting(id, side, cursor.offset);
}

void HttpSessions::read_head(std::uint32_t id, Side side, Cursor& cursor) {
  std::size_t end = find_head_end(cursor.bytes, cursor.scanned);
  std::size_t limit = options_.max_head.size() << 10;
  bool oversized = end == 0 ? cursor.bytes.size() > limit : end > limit;
  if (end == 0 && !oversized) {
    cursor.scanned = cursor.bytes.size() - std::min<std::size_t>(cursor.bytes.size(), 3);
    cursor.waits = true;
    return;
  }
  std::size_t size = oversized ? std::min(limit, cursor.bytes.size()) : end;
  std::optional<GapReason> cut;
  Anomalies known;
  if (oversized) {
    cut = GapReason::clipped;
    known.add(Anomaly::oversized_head);
  }
  bool read = on_head(id, side, cursor.bytes.first(size), cut, cursor, known);
  if (read && !oversized) return cursor.consume(size);
  std::uint64_t from = cursor.offset;
  // The end that was found is that of a head which begins further on, too.
  if (!read && end > 0) cursor.scanned = end - 3;
  cursor.consume(read ? size : std::max<std::size_t>(peek_line(cursor.bytes).size(), 1));
  start_hunting(id, side, from);
}

// False if it is no head after all. Sets the state for what follows it; a head that is cut, and why, ends its message.
bool HttpSessions::on_head(std::uint32_t id, Side side, Bytes bytes, std::optional<GapReason> cut, const Cursor& cursor,
                           Anomalies known) {
  Session& session = sessions_[id];
  Half& half = session.half[index_of(side)];
  MessageHead head;
  // What was hunted for must convince: a head that llhttp refuses does not.
  if (!parser_.parse(bytes, cut.has_value(), head, half.tentative)) return false;
  Role role = head.is_request ? Role::requests : Role::responses;
  if (half.role != Role::unknown && half.role != role) return false;
  if (half.role == Role::unknown) set_role(id, side, role);
  if (half.tentative) counters_.resynchronised.add();
  half.tentative = false;
  head.anomalies.bits |= known.bits;
  frame_message(id, side, head, cut, cursor);
  return true;
}

void HttpSessions::frame_message(std::uint32_t id, Side side, const MessageHead& head, std::optional<GapReason> cut,
                                 const Cursor& cursor) {
  Half& half = sessions_[id].half[index_of(side)];
  half.state = State::start;
  if (head.is_request) {
    frame_request(id, side, head, cut.has_value(), cursor);
  } else {
    frame_response(id, side, head, cut.has_value(), cursor);
  }
  if (!cut || half.exchange == kNone) return;
  damage(half, *cut);
  end_message(id, side, cursor.now, true);
}

// RFC 9112 section 6.3, items 3 to 7.
void HttpSessions::frame_request(std::uint32_t id, Side side, const MessageHead& head, bool cut, const Cursor& cursor) {
  Half& half = sessions_[id].half[index_of(side)];
  BodyWish wish;
  counters_.requests.add();
  half.exchange = begin_request(id, head, cursor, wish);
  half.uncertain = false;
  if (cut) return;
  if (head.chunked) return expect_body(half, State::chunk_size, 0, head, wish);
  bool has_length = head.content_length && !head.has_transfer_encoding;
  if (has_length && *head.content_length > 0) {
    return expect_body(half, State::length_body, *head.content_length, head, wish);
  }
  end_message(id, side, cursor.now, false);
}

// RFC 9112 section 6.3, items 1 to 8.
void HttpSessions::frame_response(std::uint32_t id, Side side, const MessageHead& head, bool cut,
                                  const Cursor& cursor) {
  Half& half = sessions_[id].half[index_of(side)];
  counters_.responses.add();
  bool interim = head.status < 200 && head.status != 101;
  if (interim) return;
  BodyWish wish;
  half.exchange = begin_response(id, side, head, cursor, wish);
  half.uncertain = false;
  if (cut) return;
  const Exchange& exchange = exchanges_[half.exchange];
  bool tunnel = exchange.connect_method && head.status / 100 == 2;
  if (head.status == 101 || tunnel) {
    end_message(id, side, cursor.now, false);
    return switch_protocol(id, tunnel, cursor.now);
  }
  if (exchange.head_method || may_answer_without_body(head.status)) return end_message(id, side, cursor.now, false);
  if (head.chunked) return expect_body(half, State::chunk_size, 0, head, wish);
  if (head.has_transfer_encoding || !head.content_length) return expect_body(half, State::until_close, 0, head, wish);
  if (*head.content_length == 0) return end_message(id, side, cursor.now, false);
  expect_body(half, State::length_body, *head.content_length, head, wish);
}

void HttpSessions::expect_body(Half& half, State state, std::uint64_t length, const MessageHead& head,
                               const BodyWish& wish) {
  half.state = state;
  half.left = length;
  if (wish.mode == BodyWish::Mode::skip) return;
  half.body = take_reader();
  half.body->begin(wish, head.content_encoding);
}

void HttpSessions::read_length_body(std::uint32_t id, Side side, Cursor& cursor) {
  Half& half = sessions_[id].half[index_of(side)];
  Exchange& exchange = exchanges_[half.exchange];
  std::uint64_t& counted = half.role == Role::requests ? exchange.request_bytes : exchange.response_bytes;
  // A response whose request was lost may answer HEAD: then no body follows, but the next response.
  bool may_be_bodiless = counted == 0 && !exchange.has_request && !exchange.gap && !exchange.clipped;
  if (may_be_bodiless && next_response_begins(id, side, cursor)) return;
  auto size = static_cast<std::size_t>(std::min<std::uint64_t>(half.left, cursor.bytes.size()));
  add_body(id, side, cursor.bytes.first(size), counted == 0 && size == half.left);
  counted += size;
  half.left -= size;
  cursor.consume(size);
  if (half.left == 0) end_message(id, side, cursor.now, false);
}

// RFC 9112 section 7.1: hexadecimal digits, and extensions that are skipped.
void HttpSessions::read_chunk_size(std::uint32_t id, Side side, Cursor& cursor) {
  Half& half = sessions_[id].half[index_of(side)];
  Bytes line = peek_line(cursor.bytes);
  if (line.empty() && cursor.bytes.size() <= kMaxChunkLine) {
    cursor.waits = true;
    return;
  }
  std::string_view text = as_text(line);
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  std::uint64_t size = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size, 16);
  bool clean = error == std::errc() && size >> 53 == 0 && (is_blank(static_cast<std::uint8_t>(*end)) || *end == ';');
  if (!clean) {
    exchanges_[half.exchange].anomalies.add(Anomaly::bad_chunk);
    damage(half, GapReason::clipped);
    end_message(id, side, cursor.now, true);
    return start_hunting(id, side, cursor.offset);
  }
  cursor.consume(line.size());
  half.left = size;
  half.state = size == 0 ? State::trailer : State::chunk_data;
}

void HttpSessions::read_chunk_data(std::uint32_t id, Side side, Cursor& cursor) {
  Half& half = sessions_[id].half[index_of(side)];
  auto size = static_cast<std::size_t>(std::min<std::uint64_t>(half.left, cursor.bytes.size()));
  add_body(id, side, cursor.bytes.first(size), false);
  Exchange& exchange = exchanges_[half.exchange];
  (half.role == Role::requests ? exchange.request_bytes : exchange.response_bytes) += size;
  half.left -= size;
  cursor.consume(size);
  if (half.left == 0) half.state = State::chunk_end;
}

void HttpSessions::read_chunk_end(std::uint32_t id, Side side, Cursor& cursor) {
  Half& half = sessions_[id].half[index_of(side)];
  bool crlf = cursor.bytes[0] == '\r';
  if (crlf && cursor.bytes.size() == 1) {
    cursor.waits = true;
    return;
  }
  if (cursor.bytes[crlf ? 1 : 0] == '\n') {
    cursor.consume(crlf ? 2 : 1);
  } else {
    exchanges_[half.exchange].anomalies.add(Anomaly::bad_chunk);
  }
  half.state = State::chunk_size;
}

void HttpSessions::read_trailer(std::uint32_t id, Side side, Cursor& cursor) {
  Bytes line = peek_line(cursor.bytes);
  if (line.empty() && cursor.bytes.size() <= kMaxChunkLine) {
    cursor.waits = true;
    return;
  }
  bool last = !line.empty() && is_blank(line[0]) && (line[0] == '\n' || line.size() == 2);
  // A message that begins here shows that the empty line was forgotten.
  bool forgotten = !last && look_at_start(line) == Start::response;
  if (line.empty() || forgotten)
    exchanges_[sessions_[id].half[index_of(side)].exchange].anomalies.add(Anomaly::bad_chunk);
  if (!forgotten) cursor.consume(line.empty() ? cursor.bytes.size() : line.size());
  if (last || forgotten) end_message(id, side, cursor.now, false);
}

// The body ends with the connection; or, if the server forgot a length, where the next response begins just when the
// client, having received all before it, had asked again.
void HttpSessions::read_until_close(std::uint32_t id, Side side, Cursor& cursor) {
  Session& session = sessions_[id];
  Half& half = session.half[index_of(side)];
  bool asked_again = session.first_waiting != kNone && exchanges_[session.first_waiting].request_acked == cursor.offset;
  if (asked_again && next_response_begins(id, side, cursor)) return;
  add_body(id, side, cursor.bytes, false);
  exchanges_[half.exchange].response_bytes += cursor.bytes.size();
  cursor.consume(cursor.bytes.size());
}

// Whether what looks like a body is the next response, which ends this message, or may be, which needs more bytes.
bool HttpSessions::next_response_begins(std::uint32_t id, Side side, Cursor& cursor) {
  Start start = look_at_response(cursor.bytes);
  if (start == Start::response) end_message(id, side, cursor.time, false);
  cursor.waits = start == Start::incomplete;
  return start != Start::other;
}

// It was none: the bytes that it waited with are body.
void HttpSessions::take_pending_as_body(std::uint32_t id, Side side) {
  Half& half = sessions_[id].half[index_of(side)];
  if (!half.pending || (half.state != State::length_body && half.state != State::until_close)) return;
  auto pending = std::move(half.pending);
  auto size = pending->bytes.size();
  if (half.state == State::length_body) size = static_cast<std::size_t>(std::min<std::uint64_t>(half.left, size));
  add_body(id, side, Bytes(pending->bytes).first(size), false);
  Exchange& exchange = exchanges_[half.exchange];
  (half.role == Role::requests ? exchange.request_bytes : exchange.response_bytes) += size;
  half.left -= std::min<std::uint64_t>(half.left, size);
}

void HttpSessions::add_body(std::uint32_t id, Side side, Bytes bytes, bool all_of_it) {
  Half& half = sessions_[id].half[index_of(side)];
  if (!half.body || bytes.empty()) return;
  bool of_request = half.role == Role::requests;
  auto exchange = static_cast<ExchangeId>(half.exchange);
  if (all_of_it && half.body->takes_in_place(bytes.size())) {
    BodyView view{BodyState::whole, bytes, false};
    half.body->end();
    readers_.push_back(std::move(half.body));
    return of_request ? sink_.on_request_body(exchange, view) : sink_.on_response_body(exchange, view);
  }
  half.body->add(bytes, sink_, exchange, of_request);
}

// Where the framing tells how much is left, a loss inside of it does no harm to what follows.
void HttpSessions::lose_in_body(std::uint32_t id, Side side, const Gap& gap) {
  Half& half = sessions_[id].half[index_of(side)];
  damage(half, gap.reason);
  if (half.state == State::until_close) return;
  bool framed = half.state == State::length_body || half.state == State::chunk_data;
  Exchange& exchange = exchanges_[half.exchange];
  std::uint64_t& counted = half.role == Role::requests ? exchange.request_bytes : exchange.response_bytes;
  if (framed) counted += std::min(half.left, gap.missing);
  if (framed && gap.missing <= half.left) half.end = gap.offset + gap.missing;
  if (framed && gap.missing < half.left) {
    half.left -= gap.missing;
    return;
  }
  bool to_the_end = half.state == State::length_body && gap.missing == half.left;
  if (half.state == State::chunk_data && gap.missing == half.left) {
    half.state = State::chunk_end;
    return;
  }
  end_message(id, side, gap.time, true);
  if (!to_the_end) start_hunting(id, side, gap.offset);
}

}  // namespace specular
