// HttpSessions: chunks and gaps of two connections, as somebody might send and a mirror lose them; what comes out obeys
// exchange.h. And where nothing is lost, it is the same whether a stream comes at once or byte by byte.
//
// Input: a byte of options; the rest is text, in which `~` begins an instruction:
//   ~> ~<  what follows comes from the client or the server, in a chunk of its own    ~,  a new chunk begins
//   ~gN ~cN  N bytes (twice the square of a digit) are lost, or clipped by the capture
//   ~aN    the next chunk was sent having received that much, not all                 ~f  the side sends FIN
//   ~x     the connection closes, and another one opens with its number               ~o  on to the other connection
#include <array>
#include <string>

#include "capture/http/session.h"
#include "tests/fuzz/exchange_checker.h"
#include "tests/fuzz/fuzz.h"

namespace specular::fuzz {
namespace {

constexpr std::uint8_t kNoInitiator = 4, kClientIsHigh = 8, kFewPipelined = 16, kSmallHeads = 32;

BodyWish wish_of(std::uint8_t options) {
  switch (options & 3) {
    case 0: return {BodyWish::Mode::whole, 1 << 20};
    case 1: return {BodyWish::Mode::pieces, 0};
    case 2: return {BodyWish::Mode::whole, 10};
    default: return {};
  }
}

void set_options(std::uint8_t bits, HttpOptions& options) {
  if ((bits & kFewPipelined) != 0) (void)options.max_pipelined.set("2");
  if ((bits & kSmallHeads) != 0) (void)options.max_head.set("4");
}

FlowInfo flow_info(std::uint32_t id, std::uint8_t options) {
  FlowInfo info{static_cast<FlowId>(id), {}, TunnelId::none, Timestamp{}, std::nullopt};
  info.key = {IpAddress::v4(0x0a000001), IpAddress::v4(0x0a000002), static_cast<std::uint16_t>(1000 + id), 80};
  if ((options & kNoInitiator) == 0) info.initiator = (options & kClientIsHigh) != 0 ? Side::high : Side::low;
  return info;
}

// The streams of an input, played to the sessions; keeps what each side sent of the first connection.
class Player {
 public:
  Player(HttpSessions& sessions, std::uint8_t options) : sessions_(sessions), options_(options) {
    client_ = (options & kClientIsHigh) != 0 ? Side::high : Side::low;
    side_ = client_;
    for (std::uint32_t id = 0; id < flows_.size(); ++id) sessions_.on_open(flow_info(id, options));
  }

  void play(std::string_view text) {
    while (!text.empty()) {
      auto end = std::min(text.find('~'), text.size());
      send(text.substr(0, end));
      text.remove_prefix(end);
      if (text.size() < 2) break;
      instruct(text[1], text.size() > 2 ? text[2] : '0');
      text.remove_prefix(2);
    }
    for (std::uint32_t id = 0; id < flows_.size(); ++id) close(id, Close::ended);
  }

  const std::string& sent(bool by_client) const { return sent_[index_of(by_client ? client_ : opposite(client_))]; }

 private:
  struct Flow {
    std::uint64_t offset[2] = {0, 0};
    bool finished[2] = {false, false};
    FlowTotals totals;
  };

  void instruct(char what, char argument) {
    std::uint64_t digit = static_cast<unsigned char>(argument) % 10u, square = 2 * digit * digit;
    switch (what) {
      case '>': side_ = client_; break;
      case '<': side_ = opposite(client_); break;
      case 'g': lose(square, GapReason::lost); break;
      case 'c': lose(square, GapReason::clipped); break;
      case 'a': acked_ = square; break;
      case 'f': finish(); break;
      case 'x': reopen(); break;
      case 'o': flow_ = 1 - flow_; break;
      default: break;
    }
  }

  Timestamp pass_time() { return now_ += std::chrono::microseconds(10); }

  void send(std::string_view text) {
    Flow& flow = flows_[flow_];
    std::size_t i = index_of(side_);
    if (text.empty() || flow.finished[i]) return;
    std::uint64_t acked = flow.offset[1 - i];
    if (acked_) acked = std::min(acked, *acked_);
    acked_.reset();
    // In memory of its own: nobody may look at it afterwards.
    std::vector<char> bytes(text.begin(), text.end());
    sessions_.on_chunk({static_cast<FlowId>(flow_), side_, pass_time(), flow.offset[i], acked,
                        as_bytes({bytes.data(), bytes.size()})});
    flow.offset[i] += text.size();
    flow.totals.bytes[i] += text.size();
    flow.totals.seen[i] = true;
    if (flow_ == 0) sent_[i].append(text);
  }

  void lose(std::uint64_t size, GapReason reason) {
    Flow& flow = flows_[flow_];
    std::size_t i = index_of(side_);
    if (size == 0 || flow.finished[i]) return;
    sessions_.on_gap({static_cast<FlowId>(flow_), side_, pass_time(), flow.offset[i], size, reason});
    flow.offset[i] += size;
  }

  void finish() {
    Flow& flow = flows_[flow_];
    if (flow.finished[index_of(side_)]) return;
    flow.finished[index_of(side_)] = true;
    sessions_.on_fin(static_cast<FlowId>(flow_), side_, pass_time());
  }

  void close(std::uint32_t id, Close reason) {
    sessions_.on_close(static_cast<FlowId>(id), reason, flows_[id].totals, pass_time());
    flows_[id] = {};
  }

  void reopen() {
    close(flow_, Close::reset);
    sessions_.on_open(flow_info(flow_, options_));
  }

  HttpSessions& sessions_;
  std::uint8_t options_;
  Side client_, side_;
  std::uint32_t flow_ = 0;
  std::array<Flow, 2> flows_;
  std::string sent_[2];
  std::optional<std::uint64_t> acked_;
  Timestamp now_{};
};

struct Streams {
  std::string client, server;
};

Streams check_order(std::uint8_t options, std::string_view text) {
  HttpOptions http;
  BodyOptions bodies;
  set_options(options, http);
  ExchangeChecker checker(wish_of(options));
  HttpSessions sessions(http, bodies, checker);
  Player player(sessions, options);
  player.play(text);
  require(checker.all_finished(), "every exchange is finished");
  return {player.sent(true), player.sent(false)};
}

// Where a stream may be cut without a difference even if it has to be searched for a message: not before a letter that
// may begin one in the middle of a word, since where a segment begins a message may begin too.
bool may_cut(std::string_view text, std::size_t at) {
  char before = text[at - 1], c = text[at];
  bool begins = c >= 'A' && c <= 'U';
  return !begins || before == ' ' || before == '\n';
}

enum class Cuts { none, harmless, all };

// Both streams whole, the client's first; the server had received all of it when it answered.
ExchangeChecker feed(std::uint8_t options, const Streams& streams, Cuts cuts) {
  HttpOptions http;
  BodyOptions bodies;
  set_options(options, http);
  ExchangeChecker checker(wish_of(options));
  HttpSessions sessions(http, bodies, checker);
  Side client = (options & kClientIsHigh) != 0 ? Side::high : Side::low;
  FlowTotals totals;
  totals.seen[0] = totals.seen[1] = true;
  sessions.on_open(flow_info(0, options));
  for (bool by_client : {true, false}) {
    std::string_view text = by_client ? streams.client : streams.server;
    for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end) {
      end = cuts == Cuts::none ? text.size() : begin + 1;
      while (cuts == Cuts::harmless && end < text.size() && !may_cut(text, end)) ++end;
      std::vector<char> bytes(text.begin() + static_cast<std::ptrdiff_t>(begin),
                              text.begin() + static_cast<std::ptrdiff_t>(end));
      sessions.on_chunk({FlowId{}, by_client ? client : opposite(client), Timestamp{}, begin,
                         by_client ? 0 : streams.client.size(), as_bytes({bytes.data(), bytes.size()})});
    }
  }
  sessions.on_close(FlowId{}, Close::finished, totals, Timestamp{});
  return checker;
}

// Whether no message had to be searched for, so that it does not matter where segments begin.
bool is_aligned(const Streams& streams, const ExchangeChecker& outcome) {
  constexpr Anomaly kLost[] = {Anomaly::stray_bytes, Anomaly::bad_chunk, Anomaly::oversized_head};
  for (Anomaly anomaly : kLost) {
    if (outcome.anomalies().has(anomaly)) return false;
  }
  return outcome.protocol() == Protocol::http1 && look_at_start(as_bytes(streams.client)) == Start::request &&
         (streams.server.empty() || look_at_start(as_bytes(streams.server)) == Start::response);
}

void require_same(const ExchangeChecker& a, const ExchangeChecker& b, const char* what) {
  // How much a bomb may expand to is measured by what of it has come.
  if (a.anomalies().has(Anomaly::bomb) || b.anomalies().has(Anomaly::bomb)) return;
  if (a.lines() == b.lines()) return;
  for (const ExchangeChecker* checker : {&a, &b}) {
    for (const std::string& line : checker->lines()) std::fprintf(stderr, "%s\n", line.c_str());
    std::fprintf(stderr, "---\n");
  }
  require(false, what);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::uint8_t options = data[0];
  Streams streams = check_order(options, specular::as_text({data + 1, size - 1}));
  if (streams.client.empty() && streams.server.empty()) return 0;
  ExchangeChecker at_once = feed(options, streams, Cuts::none);
  require_same(at_once, feed(options, streams, Cuts::harmless), "streams at once and in small pieces are read alike");
  if (!is_aligned(streams, at_once)) return 0;
  require_same(at_once, feed(options, streams, Cuts::all), "streams at once and byte by byte are read alike");
  return 0;
}

}  // namespace specular::fuzz
