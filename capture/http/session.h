// HttpSessions: streams -> exchanges. Recognises HTTP by content on any port, frames the messages of both directions,
// finds the way back after losses, and pairs responses with requests.
//
// Pairing is by order, as HTTP/1.1 defines it, and checked against the TCP acknowledgements: a response whose sender
// had not received the request answers another one, and requests whose responses fell into a gap are not answered by
// later ones.
//
// Ambiguous framing is read in one way: Transfer-Encoding before Content-Length, the first of several lengths, anything
// else as RFC 9112 section 6.3 has it; each case is told as an Anomaly.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "capture/base/budget.h"
#include "capture/base/counter.h"
#include "capture/base/option.h"
#include "capture/base/pool.h"
#include "capture/exchange.h"
#include "capture/http/body.h"
#include "capture/http/head.h"

namespace specular {

struct HttpOptions : OptionGroup {
  IntOption max_head{*this, "max_head_kb", 64, {4, 1024}, "KiB", "A larger message head is not read to its end."};
  IntOption max_pipelined{*this,      "max_pipelined",
                          1000,       {1, 1'000'000},
                          "requests", "Requests of one connection that may wait for their responses."};
  IntOption pending{*this,       "pending_mb", 64,
                    {1, 65'536}, "MiB",        "Heads and lines kept until the rest of them arrives, per shard."};
};

struct HttpCounters : CounterGroup {
  Counter requests{*this, "http_requests", "request heads read"};
  Counter responses{*this, "http_responses", "response heads read, interim ones (1xx) too"};
  Counter resynchronised{*this, "resynchronised_streams", "times that a message was found again after a loss"};
};

class HttpSessions final : public StreamSink {
 public:
  HttpSessions(const HttpOptions& options, const BodyOptions& body_options, ExchangeSink& sink);
  ~HttpSessions();

  void on_open(const FlowInfo& flow) override;
  void on_chunk(const Chunk& chunk) override;
  void on_gap(const Gap& gap) override;
  void on_fin(FlowId flow, Side side, Timestamp time) override;
  void on_close(FlowId flow, Close reason, const FlowTotals& totals, Timestamp time) override;

  const HttpCounters& counters() const { return counters_; }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;

  enum class State : std::uint8_t {
    detect,  // nothing seen yet
    hunt,    // position unknown: looking for the next message
    start,   // between messages
    head,
    length_body,
    chunk_size,
    chunk_data,
    chunk_end,  // the line end behind the data
    trailer,
    until_close,
    opaque,  // not HTTP, or not any more
  };
  enum class Role : std::uint8_t { unknown, requests, responses };

  // Bytes kept because a head or a line is not complete.
  struct Pending {
    std::vector<std::uint8_t> bytes;
    Charge charge;
    Timestamp time{};  // of the first byte, and where it stood
    std::uint64_t offset = 0, acked = 0;
    std::size_t scanned = 0;  // bytes that hold no end of a head
    bool in_start_line = false;
  };

  struct Half {
    State state = State::detect;
    Role role = Role::unknown;
    bool tentative = false;          // the head being read was hunted for, and may be none
    bool uncertain = false;          // messages may have been lost since the last one
    std::uint32_t exchange = kNone;  // of the message being read
    std::uint32_t hunted = 0;        // bytes hunted through without success
    std::uint64_t left = 0;          // bytes of the body or chunk
    std::uint64_t lost_from = 0;     // where the uncertainty began
    std::uint64_t end = 0;           // of the bytes captured, and of those lost inside of a message
    std::unique_ptr<Pending> pending;
    std::unique_ptr<BodyReader> body;  // if the body is wished for
  };

  struct Session {
    Half half[2];
    FlowKey key;
    bool open = false;
    Protocol protocol = Protocol::unknown;
    std::optional<Side> initiator;
    std::optional<Side> client;
    TunnelId tunnel = TunnelId::none;
    std::uint32_t first_waiting = kNone, last_waiting = kNone;  // exchanges without response, in order
    std::uint32_t waiting = 0;
    std::uint32_t forgotten = 0;  // requests before these that were too many; their responses come first
    std::uint32_t exchanges = 0;
    Timestamp opened{};
    Anomalies anomalies;
    bool one_sided = false;
    std::unique_ptr<SocketAddress> proxied_client;
  };

  struct Exchange {
    std::uint32_t session = 0;
    std::uint32_t next_waiting = kNone;
    bool has_request : 1 = false, request_done : 1 = false, request_intact : 1 = false;
    bool has_response : 1 = false, response_done : 1 = false;
    bool gap : 1 = false, clipped : 1 = false;
    bool head_method : 1 = false, connect_method : 1 = false;
    Anomalies anomalies;
    Timestamp request_end{}, response_start{};
    std::uint64_t request_offset = 0, request_acked = 0;  // where it began; what its sender had received
    std::uint64_t request_bytes = 0, response_bytes = 0;
  };

  // What is left of a chunk, behind what was pending, while it is worked through.
  struct Cursor {
    Bytes bytes;
    Timestamp time, now;  // of the first byte; of the last
    std::uint64_t offset, acked, acked_now;
    std::size_t pending = 0;  // leading bytes that came before this chunk
    std::size_t scanned = 0;
    bool in_start_line = false;  // nothing else is to be known of the pending bytes
    bool waits = false;          // for more bytes

    void consume(std::size_t count);
    void wait_for_start_line();
  };

  // session.cc: recognising and hunting
  void work(std::uint32_t id, Side side, Cursor& cursor);
  void keep(std::uint32_t id, Side side, std::unique_ptr<Pending> pending, const Cursor& cursor);
  void step(std::uint32_t id, Side side, Cursor& cursor);
  void detect(std::uint32_t id, Side side, Cursor& cursor);
  bool detect_proxy(std::uint32_t id, Side side, Cursor& cursor);
  void hunt(std::uint32_t id, Side side, Cursor& cursor);
  void start_hunting(std::uint32_t id, Side side, std::uint64_t from);
  void set_role(std::uint32_t id, Side side, Role role);
  void make_opaque(Session& session, Protocol protocol);
  void end_half(std::uint32_t id, Side side, bool early, Timestamp time);
  void switch_protocol(std::uint32_t id, bool tunnel, Timestamp time);
  Connection connection_of(std::uint32_t id);

  // http1.cc: framing
  static void skip_blank(Cursor& cursor);
  void read_start(std::uint32_t id, Side side, Cursor& cursor);
  void read_head(std::uint32_t id, Side side, Cursor& cursor);
  bool on_head(std::uint32_t id, Side side, Bytes bytes, std::optional<GapReason> cut, const Cursor& cursor,
               Anomalies known = {});
  void frame_message(std::uint32_t id, Side side, const MessageHead& head, std::optional<GapReason> cut,
                     const Cursor& cursor);
  void frame_request(std::uint32_t id, Side side, const MessageHead& head, bool cut, const Cursor& cursor);
  void frame_response(std::uint32_t id, Side side, const MessageHead& head, bool cut, const Cursor& cursor);
  void expect_body(Half& half, State state, std::uint64_t length, const MessageHead& head, const BodyWish& wish);
  void read_length_body(std::uint32_t id, Side side, Cursor& cursor);
  void read_chunk_size(std::uint32_t id, Side side, Cursor& cursor);
  void read_chunk_data(std::uint32_t id, Side side, Cursor& cursor);
  void read_chunk_end(std::uint32_t id, Side side, Cursor& cursor);
  void read_trailer(std::uint32_t id, Side side, Cursor& cursor);
  void read_until_close(std::uint32_t id, Side side, Cursor& cursor);
  bool next_response_begins(std::uint32_t id, Side side, Cursor& cursor);
  void take_pending_as_body(std::uint32_t id, Side side);
  void add_body(std::uint32_t id, Side side, Bytes bytes, bool all_of_it);
  void lose_in_body(std::uint32_t id, Side side, const Gap& gap);

  // exchange_table.cc: exchanges
  std::uint32_t begin_request(std::uint32_t id, const MessageHead& head, const Cursor& cursor, BodyWish& wish);
  std::uint32_t begin_response(std::uint32_t id, Side side, const MessageHead& head, const Cursor& cursor,
                               BodyWish& wish);
  std::uint32_t match_request(std::uint32_t id, Side side, const Cursor& cursor);
  void end_message(std::uint32_t id, Side side, Timestamp time, bool early);
  void damage(Half& half, GapReason reason);
  void finish(std::uint32_t exchange, Timestamp time);
  void pop_waiting(Session& session);
  void finish_waiting(std::uint32_t id, Timestamp time);
  std::unique_ptr<BodyReader> take_reader();

  const HttpOptions& options_;
  const BodyOptions& body_options_;
  ExchangeSink& sink_;
  HttpCounters counters_;
  Budget pending_;
  Budget gathered_;
  DecompressorPool decompressors_;
  HeadParser parser_;
  Pool<Exchange> exchanges_;
  Paged<Session> sessions_;  // by FlowId
  std::vector<std::unique_ptr<BodyReader>> readers_;
};

}  // namespace specular
