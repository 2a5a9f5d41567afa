#include "capture/http/session.h"

#include <algorithm>
#include <cstring>

#include "capture/flow/proxy_protocol.h"

namespace specular {
namespace {

// How far an unknown stream is searched for HTTP: little if its beginning was seen and was something else.
constexpr std::size_t kHuntFromStart = 4 * 1024;
constexpr std::size_t kHuntMidstream = 256 * 1024;

constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";  // RFC 9113 section 3.4

bool begins_alike(Bytes bytes, std::string_view with) {
  std::size_t size = std::min(bytes.size(), with.size());
  return std::memcmp(bytes.data(), with.data(), size) == 0;
}

// A handshake record of any version so far (RFC 8446 section 5.1).
bool is_tls(Bytes bytes) {
  return bytes.size() >= 3 && bytes[0] == 0x16 && bytes[1] == 0x03 && bytes[2] <= 0x04;
}
bool may_be_tls(Bytes bytes) {
  return bytes.size() < 3 && bytes[0] == 0x16 && (bytes.size() < 2 || bytes[1] == 0x03);
}

}  // namespace

HttpSessions::HttpSessions(const HttpOptions& options, const BodyOptions& body_options, ExchangeSink& sink)
    : options_(options),
      body_options_(body_options),
      sink_(sink),
      pending_(options.pending.size() << 20),
      gathered_(body_options.gathered.size() << 20) {}

HttpSessions::~HttpSessions() = default;

void HttpSessions::Cursor::consume(std::size_t count) {
  bytes = bytes.subspan(count);
  offset += count;
  scanned -= std::min(scanned, count);
  in_start_line = false;
  if (count < pending) {
    pending -= count;
    return;
  }
  pending = 0;
  time = now;
  acked = acked_now;
}

void HttpSessions::Cursor::wait_for_start_line() {
  constexpr std::size_t kShort = 128;  // as long it may be something else too: a preface, a status line
  waits = true;
  in_start_line = bytes.size() >= kShort;
}

void HttpSessions::on_open(const FlowInfo& flow) {
  Session& session = sessions_[static_cast<std::uint32_t>(flow.id)];
  session = Session{};
  session.key = flow.key;
  session.open = true;
  session.initiator = flow.initiator;
  session.tunnel = flow.tunnel;
  session.opened = flow.opened;
}

void HttpSessions::on_chunk(const Chunk& chunk) {
  auto id = static_cast<std::uint32_t>(chunk.flow);
  Half& half = sessions_[id].half[index_of(chunk.side)];
  if (half.state == State::opaque) return;
  half.end = chunk.offset + chunk.bytes.size();
  Cursor cursor{chunk.bytes, chunk.time, chunk.time, chunk.offset, chunk.acked, chunk.acked};
  auto pending = std::move(half.pending);
  if (pending) {
    cursor.time = pending->time;
    cursor.offset = pending->offset;
    cursor.acked = pending->acked;
    cursor.pending = pending->bytes.size();
    cursor.scanned = pending->scanned;
    cursor.in_start_line = pending->in_start_line;
    pending->bytes.insert(pending->bytes.end(), chunk.bytes.begin(), chunk.bytes.end());
    cursor.bytes = pending->bytes;
  }
  work(id, chunk.side, cursor);
  if (cursor.waits) keep(id, chunk.side, std::move(pending), cursor);
}

void HttpSessions::work(std::uint32_t id, Side side, Cursor& cursor) {
  while (!cursor.bytes.empty() && !cursor.waits) step(id, side, cursor);
}

// Keeps what the cursor has left; in the buffer it already stands in if all of that is left.
void HttpSessions::keep(std::uint32_t id, Side side, std::unique_ptr<Pending> pending, const Cursor& cursor) {
  Half& half = sessions_[id].half[index_of(side)];
  if (!pending) {
    pending = std::make_unique<Pending>();
    pending->bytes.assign(cursor.bytes.begin(), cursor.bytes.end());
  } else if (pending->bytes.size() != cursor.bytes.size()) {
    auto used = static_cast<std::ptrdiff_t>(pending->bytes.size() - cursor.bytes.size());
    pending->bytes.erase(pending->bytes.begin(), pending->bytes.begin() + used);
  }
  pending->time = cursor.time;
  pending->offset = cursor.offset;
  pending->acked = cursor.acked;
  pending->scanned = cursor.scanned;
  pending->in_start_line = cursor.in_start_line;
  if (!pending->charge.resize(pending_, pending->bytes.capacity() + sizeof(Pending))) {
    if (half.exchange != kNone) {
      damage(half, GapReason::clipped);
      end_message(id, side, cursor.now, true);
    }
    return start_hunting(id, side, cursor.offset);
  }
  half.pending = std::move(pending);
}

void HttpSessions::step(std::uint32_t id, Side side, Cursor& cursor) {
  cursor.in_start_line = cursor.in_start_line && start_goes_on(cursor.bytes, cursor.pending);
  if (cursor.in_start_line) {
    cursor.waits = true;
    return;
  }
  switch (sessions_[id].half[index_of(side)].state) {
    case State::detect: return detect(id, side, cursor);
    case State::hunt: return hunt(id, side, cursor);
    case State::start: return read_start(id, side, cursor);
    case State::head: return read_head(id, side, cursor);
    case State::length_body: return read_length_body(id, side, cursor);
    case State::chunk_size: return read_chunk_size(id, side, cursor);
    case State::chunk_data: return read_chunk_data(id, side, cursor);
    case State::chunk_end: return read_chunk_end(id, side, cursor);
    case State::trailer: return read_trailer(id, side, cursor);
    case State::until_close: return read_until_close(id, side, cursor);
    case State::opaque: return cursor.consume(cursor.bytes.size());
  }
}

// The first bytes of a direction say what the connection speaks.
void HttpSessions::detect(std::uint32_t id, Side side, Cursor& cursor) {
  Session& session = sessions_[id];
  Half& half = session.half[index_of(side)];
  if (cursor.offset == 0 && detect_proxy(id, side, cursor)) return;
  if (cursor.bytes[0] == '\r' || cursor.bytes[0] == '\n') skip_blank(cursor);
  if (cursor.bytes.empty()) return;
  if (is_tls(cursor.bytes)) return make_opaque(session, Protocol::tls);
  bool preface = begins_alike(cursor.bytes, kHttp2Preface);
  if (preface && cursor.bytes.size() >= kHttp2Preface.size()) return make_opaque(session, Protocol::http2);
  Start start = look_at_start(cursor.bytes);
  if (may_be_tls(cursor.bytes) || preface || start == Start::incomplete) return cursor.wait_for_start_line();
  Role role = start == Start::request ? Role::requests : Role::responses;
  if (start == Start::other || (half.role != Role::unknown && half.role != role)) {
    return start_hunting(id, side, cursor.offset);
  }
  set_role(id, side, role);
  half.state = State::head;
}

// True if it has dealt with the bytes.
bool HttpSessions::detect_proxy(std::uint32_t id, Side side, Cursor& cursor) {
  ProxyHeader header = read_proxy_header(cursor.bytes);
  if (header.state == ProxyHeader::State::absent) return false;
  if (header.state == ProxyHeader::State::incomplete) {
    cursor.waits = true;
    return true;
  }
  Session& session = sessions_[id];
  session.initiator = side;
  if (header.source) session.proxied_client = std::make_unique<SocketAddress>(*header.source);
  cursor.consume(header.size);
  return true;
}

void HttpSessions::set_role(std::uint32_t id, Side side, Role role) {
  Session& session = sessions_[id];
  Side other = opposite(side);
  Half& peer = session.half[index_of(other)];
  session.half[index_of(side)].role = role;
  session.client = role == Role::requests ? side : other;
  session.protocol = Protocol::http1;
  if (peer.role != Role::unknown) return;
  peer.role = role == Role::requests ? Role::responses : Role::requests;
  // It had been given up as unknown; now it is known to be worth looking at.
  if (peer.state == State::opaque) peer.state = State::hunt;
}

void HttpSessions::make_opaque(Session& session, Protocol protocol) {
  session.protocol = protocol;
  for (Half& half : session.half) {
    half.state = State::opaque;
    half.pending.reset();
  }
}

void HttpSessions::start_hunting(std::uint32_t id, Side side, std::uint64_t from) {
  Half& half = sessions_[id].half[index_of(side)];
  half.state = State::hunt;
  half.tentative = false;
  half.pending.reset();
  if (!half.uncertain) half.lost_from = from;
  half.uncertain = true;
}

void HttpSessions::hunt(std::uint32_t id, Side side, Cursor& cursor) {
  Session& session = sessions_[id];
  Half& half = session.half[index_of(side)];
  bool requests = half.role != Role::responses, responses = half.role != Role::requests;
  Found found = hunt_start(cursor.bytes, cursor.pending, requests, responses);
  if (session.protocol == Protocol::unknown) {
    half.hunted += static_cast<std::uint32_t>(std::min<std::size_t>(found.position, kHuntMidstream));
    if (half.hunted > (session.initiator ? kHuntFromStart : kHuntMidstream)) {
      half.state = State::opaque;
      return;
    }
  }
  cursor.consume(found.position);
  if (found.start == Start::other) return;
  if (found.start == Start::incomplete) return cursor.wait_for_start_line();
  half.state = State::head;
  half.tentative = true;
}

Connection HttpSessions::connection_of(std::uint32_t id) {
  const Session& session = sessions_[id];
  SocketAddress low = session.key.low(), high = session.key.high();
  bool client_is_low = low.port >= high.port;  // if nothing better is known
  if (session.initiator) client_is_low = *session.initiator == Side::low;
  if (session.client) client_is_low = *session.client == Side::low;
  Connection connection{static_cast<FlowId>(id),    session.tunnel, session.key.network, client_is_low ? low : high,
                        client_is_low ? high : low, std::nullopt};
  if (session.proxied_client) connection.proxied_client = *session.proxied_client;
  return connection;
}

void HttpSessions::on_gap(const Gap& gap) {
  auto id = static_cast<std::uint32_t>(gap.flow);
  Half& half = sessions_[id].half[index_of(gap.side)];
  take_pending_as_body(id, gap.side);
  auto pending = std::move(half.pending);
  if (pending || gap.reason == GapReason::clipped) half.end = gap.offset + gap.missing;
  switch (half.state) {
    case State::opaque: return;
    case State::length_body:
    case State::chunk_data:
    case State::chunk_size:
    case State::chunk_end:
    case State::trailer:
    case State::until_close: return lose_in_body(id, gap.side, gap);
    case State::head:
    case State::detect:
    case State::hunt:
    case State::start:
      // What there is of a head is worth more than nothing.
      if (pending) {
        Cursor cursor{pending->bytes, pending->time, gap.time, pending->offset, pending->acked, pending->acked};
        (void)on_head(id, gap.side, pending->bytes, gap.reason, cursor);
      }
      break;
  }
  if (half.state != State::opaque) start_hunting(id, gap.side, gap.offset);
}

void HttpSessions::on_fin(FlowId flow, Side side, Timestamp time) {
  end_half(static_cast<std::uint32_t>(flow), side, false, time);
}

// No more bytes will come from that side: `early` if for no reason of its own.
void HttpSessions::end_half(std::uint32_t id, Side side, bool early, Timestamp time) {
  Half& half = sessions_[id].half[index_of(side)];
  take_pending_as_body(id, side);
  if (half.state == State::head && half.pending) {
    auto pending = std::move(half.pending);
    Cursor cursor{pending->bytes, pending->time, time, pending->offset, pending->acked, pending->acked};
    (void)on_head(id, side, pending->bytes, GapReason::clipped, cursor);
  }
  half.pending.reset();
  if (half.exchange != kNone) end_message(id, side, time, early || half.state != State::until_close);
  half.state = State::opaque;
}

void HttpSessions::on_close(FlowId flow, Close reason, const FlowTotals& totals, Timestamp time) {
  auto id = static_cast<std::uint32_t>(flow);
  Session& session = sessions_[id];
  session.one_sided = !totals.seen[0] || !totals.seen[1];
  bool early = reason != Close::finished;
  Side client = session.client.value_or(Side::low);
  end_half(id, client, early, time);
  end_half(id, opposite(client), early, time);
  finish_waiting(id, time);
  sink_.on_connection(
      {connection_of(id), session.opened, time, session.protocol, session.exchanges, totals, session.anomalies});
  session = Session{};
}

// The two ends agreed to leave HTTP. Inside of a CONNECT tunnel, anything may begin, also HTTP.
void HttpSessions::switch_protocol(std::uint32_t id, bool tunnel, Timestamp time) {
  Session& session = sessions_[id];
  session.protocol = Protocol::switched;
  for (Side side : {Side::low, Side::high}) {
    Half& half = session.half[index_of(side)];
    // A request whose body had not come to its end when the server agreed.
    if (half.exchange != kNone) end_message(id, side, time, true);
    half.state = tunnel ? State::detect : State::opaque;
    half.role = Role::unknown;
    half.uncertain = false;
    half.pending.reset();
  }
}

}  // namespace specular
