// HTTP sessions behind a few short calls: one connection of 10.0.0.1:40000 with 10.0.0.2:80.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "capture/http/session.h"
#include "tests/support/recorder.h"

namespace specular::test {

class HttpDriver {
 public:
  explicit HttpDriver(BodyWish wish = {BodyWish::Mode::whole, 1 << 20}) : recorder(wish) {}
  // With a sink of the test's own; told() says nothing then.
  explicit HttpDriver(ExchangeSink& sink) : sink_(&sink) {}

  HttpOptions http;  // to be set before the first byte
  BodyOptions bodies;
  Recorder recorder;
  bool handshake_seen = true;  // so that the client is known from the beginning
  std::uint32_t flow = 0;      // of which the calls below are
  bool seen[2] = {true, true};

  // Bytes of the client and of the server, which has received all that was sent before.
  void client(std::string_view text) { send(Side::low, text); }
  void server(std::string_view text) { send(Side::high, text); }
  void send(Side side, std::string_view text);
  void lose(Side side, std::uint64_t missing, GapReason reason = GapReason::lost);
  void fin(Side side);
  void close(Close reason = Close::finished);
  void pass(Duration duration) { now_ += duration; }

  // The exchanges that ended since the last call, in that order, one a line, without who spoke and how long it took:
  // "GET /x at h path /x headers 1 | 200 headers 1 body whole 3 bye | complete 0+3".
  std::string told();
  const ConnectionFacts& facts() const { return recorder.connections().at(0); }
  HttpSessions& sessions();
  Timestamp now() const { return now_; }

 private:
  struct Flow {
    bool open = false;
    std::uint64_t sent[2] = {0, 0};
    FlowTotals totals;
  };
  Flow& opened();

  ExchangeSink* sink_ = &recorder;
  std::unique_ptr<HttpSessions> sessions_;
  Paged<Flow> flows_;
  std::size_t told_ = 0;
  Timestamp now_{std::chrono::seconds(1'700'000'000)};
};

// A request and a response with a length, as most are.
std::string get(std::string_view path);
std::string ok(std::string_view body, std::string_view fields = "");

}  // namespace specular::test
