// Recorder: an ExchangeSink that writes one line an event, for comparison.
#pragma once

#include <string>
#include <vector>

#include "capture/base/pool.h"
#include "capture/exchange.h"

namespace specular::test {

class Recorder final : public ExchangeSink {
 public:
  explicit Recorder(BodyWish wish = {BodyWish::Mode::whole, 1 << 20}) : wish_(wish) {}

  BodyWish on_request(ExchangeId id, const Connection& connection, const RequestHead& head) override;
  void on_request_body(ExchangeId id, const BodyView& body) override;
  BodyWish on_response(ExchangeId id, const Connection& connection, const ResponseHead& head) override;
  void on_response_body(ExchangeId id, const BodyView& body) override;
  void on_body_piece(ExchangeId id, bool of_request, Bytes bytes) override;
  void on_finished(ExchangeId id, const ExchangeEnd& end) override;
  void on_connection(const ConnectionFacts& facts) override;
  void on_epoch(EpochNumber) override {}

  // One line an exchange, sorted; what depends on when segments arrived (times, latencies) is not in it.
  std::vector<std::string> exchanges() const;
  // The same with latencies, in the order in which exchanges ended; for the connections, what they spoke.
  const std::vector<std::string>& lines() const { return lines_; }
  const std::vector<ConnectionFacts>& connections() const { return connections_; }

 private:
  struct Exchange {
    bool used = false;
    std::string who, request = "-", request_body, response = "-", response_body;
    Anomalies anomalies;
  };
  Exchange& begin(ExchangeId id, const Connection& connection);

  BodyWish wish_;
  Paged<Exchange> open_;
  std::vector<std::string> lines_, exchanges_;
  std::vector<ConnectionFacts> connections_;
};

// "whole 12 {"id":1}": state, size, and the beginning, escaped.
std::string body_text(const BodyView& body);
std::string anomalies_text(Anomalies anomalies);

}  // namespace specular::test
