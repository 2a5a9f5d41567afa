#include <algorithm>
#include <string>

#include "capture/base/text.h"
#include "capture/http/session.h"

namespace specular {
namespace {

// Scheme and authority of an absolute target (RFC 9112 section 3.2.2), and what follows them.
struct Target {
  std::string_view authority, path;
};

Target split_target(std::string_view target) {
  if (target.starts_with('/')) return {{}, target};
  auto scheme = target.find("://");
  if (scheme == std::string_view::npos || scheme > 16) return {};
  std::string_view rest = target.substr(scheme + 3);
  auto end = rest.find_first_of("/?#");
  std::string_view authority = rest.substr(0, end);
  auto user = authority.rfind('@');
  if (user != std::string_view::npos) authority.remove_prefix(user + 1);
  return {authority, end == std::string_view::npos ? "/" : rest.substr(end)};
}

bool same_host(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

}  // namespace

std::uint32_t HttpSessions::begin_request(std::uint32_t id, const MessageHead& head, const Cursor& cursor,
                                          BodyWish& wish) {
  Session& session = sessions_[id];
  if (session.waiting >= options_.max_pipelined.size()) {
    std::uint32_t oldest = session.first_waiting;
    pop_waiting(session);
    finish(oldest, cursor.now);
    ++session.forgotten;
  }
  std::uint32_t index = exchanges_.add();
  Exchange& exchange = exchanges_[index];
  exchange.session = id;
  exchange.has_request = true;
  exchange.head_method = head.method == "HEAD";
  exchange.connect_method = head.method == "CONNECT";
  exchange.request_offset = cursor.offset;
  exchange.request_acked = cursor.acked;
  (session.last_waiting == kNone ? session.first_waiting : exchanges_[session.last_waiting].next_waiting) = index;
  session.last_waiting = index;
  ++session.waiting;
  ++session.exchanges;

  RequestHead request{cursor.time, head.version, head.method, head.target, head.host, {}, head.fields, head.anomalies};
  std::string rooted;
  if (exchange.connect_method) {
    if (request.authority.empty()) request.authority = head.target;
  } else {
    Target target = split_target(head.target);
    // An empty path is the root's (RFC 9110 section 4.2.3).
    if (target.path.starts_with('?')) target.path = rooted.append("/").append(target.path);
    request.path = target.path;
    if (!target.authority.empty()) {
      // RFC 9112 section 3.2.2: the target overrules Host.
      if (head.has_host && !same_host(head.host, target.authority)) request.anomalies.add(Anomaly::hosts_differ);
      request.authority = target.authority;
    }
  }
  wish = sink_.on_request(static_cast<ExchangeId>(index), connection_of(id), request);
  return index;
}

std::uint32_t HttpSessions::begin_response(std::uint32_t id, Side side, const MessageHead& head, const Cursor& cursor,
                                           BodyWish& wish) {
  Session& session = sessions_[id];
  std::uint32_t index = match_request(id, side, cursor);
  if (index == kNone) {
    index = exchanges_.add();
    exchanges_[index].session = id;
    ++session.exchanges;
  }
  Exchange& exchange = exchanges_[index];
  exchange.has_response = true;
  exchange.response_start = cursor.time;
  ResponseHead response{cursor.time, head.version, head.status, head.fields, head.anomalies};
  wish = sink_.on_response(static_cast<ExchangeId>(index), connection_of(id), response);
  return index;
}

// The request that a response starting here answers; kNone if that was not seen.
std::uint32_t HttpSessions::match_request(std::uint32_t id, Side side, const Cursor& cursor) {
  Session& session = sessions_[id];
  const Half& half = session.half[index_of(side)];
  const Half& requests = session.half[index_of(opposite(side))];
  while (half.uncertain && session.first_waiting != kNone) {
    std::uint32_t next = exchanges_[session.first_waiting].next_waiting;
    if (next != kNone) {
      // Its sender had received, when asking again, something beyond where we lost track: the first one's response.
      std::uint64_t acked = exchanges_[next].request_acked;
      if (acked <= half.lost_from || acked > cursor.offset) break;
    } else if (requests.exchange != kNone || cursor.acked <= requests.end + 1) {  // one may be a FIN
      break;
    }  // Else what it answers is a request that was lost: its sender had received more than was captured.
    std::uint32_t lost = session.first_waiting;
    exchanges_[lost].gap = true;
    pop_waiting(session);
    finish(lost, cursor.now);
  }
  // After a loss nobody can tell which responses of forgotten requests are still to come.
  if (half.uncertain) session.forgotten = 0;
  if (session.forgotten > 0) {
    --session.forgotten;
    return kNone;
  }
  std::uint32_t first = session.first_waiting;
  if (first == kNone) return kNone;
  if (cursor.acked <= exchanges_[first].request_offset) {
    session.anomalies.add(Anomaly::unanswered_order);
    return kNone;
  }
  pop_waiting(session);
  return first;
}

void HttpSessions::pop_waiting(Session& session) {
  session.first_waiting = exchanges_[session.first_waiting].next_waiting;
  if (session.first_waiting == kNone) session.last_waiting = kNone;
  --session.waiting;
}

void HttpSessions::finish_waiting(std::uint32_t id, Timestamp time) {
  Session& session = sessions_[id];
  while (session.first_waiting != kNone) {
    std::uint32_t index = session.first_waiting;
    pop_waiting(session);
    finish(index, time);
  }
}

// `early`: it has not come to the end that its framing announced.
void HttpSessions::end_message(std::uint32_t id, Side side, Timestamp time, bool early) {
  Half& half = sessions_[id].half[index_of(side)];
  std::uint32_t index = half.exchange;
  bool of_request = half.role == Role::requests;
  half.state = State::start;
  half.exchange = kNone;
  Exchange& exchange = exchanges_[index];
  if (early && !exchange.gap) exchange.clipped = true;
  if (half.body) {
    exchange.anomalies.bits |= half.body->anomalies().bits;
    BodyView view = half.body->view(early);
    auto exchange_id = static_cast<ExchangeId>(index);
    of_request ? sink_.on_request_body(exchange_id, view) : sink_.on_response_body(exchange_id, view);
    half.body->end();
    readers_.push_back(std::move(half.body));
  }
  if (of_request) {
    exchange.request_done = true;
    exchange.request_intact = !early && !exchange.gap && !exchange.clipped;
    exchange.request_end = time;
  } else {
    exchange.response_done = true;
  }
  if (exchange.response_done && (exchange.request_done || !exchange.has_request)) finish(index, time);
}

void HttpSessions::damage(Half& half, GapReason reason) {
  if (half.exchange == kNone) return;
  Exchange& exchange = exchanges_[half.exchange];
  bool lost = reason == GapReason::lost;
  // Not in one expression: clang 14 cannot choose between bit-fields.
  if (lost) exchange.gap = true;
  if (!lost) exchange.clipped = true;
  if (half.body) half.body->lose(lost ? BodyState::gap : BodyState::clipped);
}

void HttpSessions::finish(std::uint32_t index, Timestamp time) {
  const Exchange& exchange = exchanges_[index];
  ExchangeEnd end;
  end.time = time;
  end.request_bytes = exchange.request_bytes;
  end.response_bytes = exchange.response_bytes;
  end.anomalies = exchange.anomalies;
  end.one_sided = sessions_[exchange.session].one_sided;
  if (!exchange.has_response) {
    end.whole = Whole::request_only;
  } else if (!exchange.has_request) {
    end.whole = Whole::response_only;
  } else if (exchange.gap) {
    end.whole = Whole::gap;
  } else if (exchange.clipped) {
    end.whole = Whole::clipped;
  }
  bool timed = exchange.request_done && exchange.request_intact && exchange.has_response;
  if (timed && exchange.response_start >= exchange.request_end)
    end.latency = exchange.response_start - exchange.request_end;
  sink_.on_finished(static_cast<ExchangeId>(index), end);
  exchanges_.erase(index);
}

std::unique_ptr<BodyReader> HttpSessions::take_reader() {
  if (readers_.empty()) return std::make_unique<BodyReader>(body_options_, gathered_, decompressors_);
  auto reader = std::move(readers_.back());
  readers_.pop_back();
  return reader;
}

}  // namespace specular
