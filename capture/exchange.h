// The door of capture: HTTP exchanges, as events.
//
// An exchange is a request with its response, or what was seen of them. Its events come in the order request,
// request body, response, response body, finished; any but the last may be missing. Exchanges of one connection may
// overlap (pipelining), those of different connections interleave. All views live until the callback returns.
//
// The producer runs in one thread, a shard's; identifiers are dense and used again after on_finished, so that the
// consumer keeps its state in a vector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "capture/base/bytes.h"
#include "capture/base/ip.h"
#include "capture/base/time.h"
#include "capture/flow/stream.h"

namespace specular {

enum class ExchangeId : std::uint32_t {};

enum class HttpVersion : std::uint8_t { http_1_0, http_1_1, http_2, http_3 };

enum class Anomaly : std::uint8_t {
#define ANOMALY(name, help) name,
#include "capture/http/anomalies.def"
#undef ANOMALY
};

inline constexpr std::size_t kAnomalyCount = 0
#define ANOMALY(name, help) +1
#include "capture/http/anomalies.def"
#undef ANOMALY
    ;

const char* to_text(Anomaly anomaly);
const char* help_of(Anomaly anomaly);

// A set of anomalies.
struct Anomalies {
  std::uint32_t bits = 0;
  void add(Anomaly anomaly) { bits |= 1u << static_cast<unsigned>(anomaly); }
  void remove(Anomaly anomaly) { bits &= ~(1u << static_cast<unsigned>(anomaly)); }
  bool has(Anomaly anomaly) const { return (bits >> static_cast<unsigned>(anomaly) & 1) != 0; }
};
static_assert(kAnomalyCount <= 32);

struct HeaderField {
  std::string_view name;   // as sent
  std::string_view value;  // without surrounding white space; folded lines joined by a space
};

// The first field of that name, compared without case. Requires: `name` is in lower case.
std::optional<std::string_view> find_header(std::span<const HeaderField> fields, std::string_view name);
bool equals_ignoring_case(std::string_view text, std::string_view lower);

// The connection an exchange came over. Client and server are told by who asks, not by ports.
struct Connection {
  FlowId flow;
  TunnelId tunnel = TunnelId::none;
  NetworkId network = NetworkId::none;
  SocketAddress client, server;
  std::optional<SocketAddress> proxied_client;  // from a PROXY protocol header
};

struct RequestHead {
  Timestamp time;  // of its first byte
  HttpVersion version;
  std::string_view method, target;  // as sent
  std::string_view authority;       // of an absolute target, else of Host; empty if there is none
  std::string_view path;            // the target's path and query; empty for CONNECT and OPTIONS *
  std::span<const HeaderField> headers;
  Anomalies anomalies;
};

struct ResponseHead {
  Timestamp time;
  HttpVersion version;
  std::uint16_t status;
  std::span<const HeaderField> headers;
  Anomalies anomalies;
};

// What the consumer wants of a body, said when its head is there.
struct BodyWish {
  enum class Mode : std::uint8_t {
    skip,    // nothing: the bytes are not even touched
    whole,   // at the end, as one view of at most `limit` decoded bytes
    pieces,  // decoded bytes as they come, then the end
  };
  Mode mode = Mode::skip;
  std::size_t limit = 0;
};

enum class BodyState : std::uint8_t {
  absent,       // the message has none
  whole,        // all of it, content-decoded
  skipped,      // as wished
  clipped,      // only the beginning: the wish's limit, the capture's, or the connection ended early
  gap,          // bytes were lost; what precedes the loss
  undecodable,  // the content coding is unknown or broken; what precedes the damage
  bomb,         // decodes to more than is allowed; what precedes the limit
};

struct BodyView {
  BodyState state = BodyState::absent;
  Bytes bytes;  // for BodyWish::whole; kBodyPadding readable bytes follow if `padded`
  bool padded = false;
};
inline constexpr std::size_t kBodyPadding = 64;

// How much of the exchange was seen.
enum class Whole : std::uint8_t { complete, request_only, response_only, clipped, gap };
const char* to_text(Whole whole);

struct ExchangeEnd {
  Whole whole = Whole::complete;
  Timestamp time;  // when that was known
  // Body bytes after transfer coding, before content coding, as far as the framing tells.
  std::uint64_t request_bytes = 0, response_bytes = 0;
  // From the last byte of the request to the first of the response; nothing if either was not seen.
  std::optional<Duration> latency;
  Anomalies anomalies;     // of the bodies and the framing, beside those of the heads
  bool one_sided = false;  // no packet of the other direction was ever seen on its connection
};

enum class Protocol : std::uint8_t {
  unknown,  // nothing known was recognised
  http1,
  http2,
  tls,       // encrypted: HTTP or not, nobody can tell
  switched,  // left HTTP by agreement: CONNECT, Upgrade
};
const char* to_text(Protocol protocol);

// Told when a connection ends, for coverage.
struct ConnectionFacts {
  Connection connection;
  Timestamp opened, closed;
  Protocol protocol;
  std::uint32_t exchanges;
  FlowTotals totals;
  Anomalies anomalies;  // outside of any exchange
};

class ExchangeSink {
 public:
  virtual BodyWish on_request(ExchangeId id, const Connection& connection, const RequestHead& head) = 0;
  virtual void on_request_body(ExchangeId id, const BodyView& body) = 0;  // unless skipped or absent
  // Without a request if that was not seen.
  virtual BodyWish on_response(ExchangeId id, const Connection& connection, const ResponseHead& head) = 0;
  virtual void on_response_body(ExchangeId id, const BodyView& body) = 0;
  // Decoded bytes of the request (or else the response), for BodyWish::pieces.
  virtual void on_body_piece(ExchangeId id, bool of_request, Bytes bytes) = 0;
  virtual void on_finished(ExchangeId id, const ExchangeEnd& end) = 0;
  virtual void on_connection(const ConnectionFacts& facts) = 0;
  // Packet time has entered this epoch: all that is told from here on happened in it or was only understood then.
  virtual void on_epoch(EpochNumber epoch) = 0;

 protected:
  ~ExchangeSink() = default;
};

}  // namespace specular
