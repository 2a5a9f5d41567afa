// ExchangeChecker: an ExchangeSink that holds HttpSessions to what exchange.h promises, and writes down what it was
// told.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "capture/exchange.h"
#include "tests/fuzz/fuzz.h"

namespace specular::fuzz {

class ExchangeChecker final : public ExchangeSink {
 public:
  explicit ExchangeChecker(BodyWish wish) : wish_(wish) {}

  // Each exchange as a line, in the order in which they were finished; then each connection.
  const std::vector<std::string>& lines() const { return lines_; }
  Anomalies anomalies() const { return anomalies_; }  // all that were met
  bool all_finished() const { return open_.empty(); }
  Protocol protocol() const { return protocol_; }

  BodyWish on_request(ExchangeId id, const Connection& connection, const RequestHead& head) override {
    Exchange& exchange = begin(id, connection);
    require(!exchange.request.begun, "a request begins an exchange, once");
    require(!exchange.response.begun, "a request comes before its response");
    for (std::string_view text : {head.method, head.target, head.authority, head.path}) touch(text);
    std::string line = fmt::format("{} {} {} {} {}", static_cast<int>(head.version), head.method, head.target,
                                   head.authority, head.path);
    return begin(exchange.request, line, head.headers, head.anomalies);
  }

  BodyWish on_response(ExchangeId id, const Connection& connection, const ResponseHead& head) override {
    Exchange& exchange = begin(id, connection);
    require(!exchange.response.begun, "an exchange has one response");
    require(head.status >= 100 && head.status <= 999, "a status has three digits");
    return begin(exchange.response, fmt::format("{} {}", static_cast<int>(head.version), head.status), head.headers,
                 head.anomalies);
  }

  void on_request_body(ExchangeId id, const BodyView& body) override { end_body(find(id).request, body); }
  void on_response_body(ExchangeId id, const BodyView& body) override { end_body(find(id).response, body); }

  void on_body_piece(ExchangeId id, bool of_request, Bytes bytes) override {
    Exchange& exchange = find(id);
    Message& message = of_request ? exchange.request : exchange.response;
    require(message.begun && !message.body_told, "pieces of a body come between its head and its end");
    require(wish_.mode == BodyWish::Mode::pieces && !bytes.empty(),
            "pieces come if they are wished, and are not empty");
    touch(bytes);
    message.body.append(as_text(bytes));
  }

  void on_finished(ExchangeId id, const ExchangeEnd& end) override {
    Exchange& exchange = find(id);
    require((end.whole == Whole::request_only) == !exchange.response.begun, "request_only has no response");
    require((end.whole == Whole::response_only) == !exchange.request.begun, "response_only has no request");
    require(!end.latency || *end.latency >= Duration(0), "no response comes before its request");
    check_size(exchange.request, end.request_bytes);
    check_size(exchange.response, end.response_bytes);
    anomalies_.bits |= end.anomalies.bits;
    lines_.push_back(fmt::format("{} | {} | {} {} {} {:x}", exchange.request.text(), exchange.response.text(),
                                 to_text(end.whole), end.request_bytes, end.response_bytes, end.anomalies.bits));
    open_.erase(static_cast<std::uint32_t>(id));
  }

  void on_connection(const ConnectionFacts& facts) override {
    for (const auto& [id, exchange] : open_) {
      require(exchange.flow != facts.connection.flow, "every exchange is finished before its connection ends");
    }
    require(begun_[facts.connection.flow] == facts.exchanges, "a connection counts its exchanges");
    begun_[facts.connection.flow] = 0;
    protocol_ = facts.protocol;
    anomalies_.bits |= facts.anomalies.bits;
    lines_.push_back(fmt::format("{} {} {:x}", to_text(facts.protocol), facts.exchanges, facts.anomalies.bits));
  }

  void on_epoch(EpochNumber) override {}

 private:
  struct Message {
    bool begun = false, body_told = false, encoded = false, brotli = false;
    BodyState state = BodyState::skipped;
    std::string head, body;

    std::string text() const {
      // How much a brotli decoder gives before a damage depends on how its input was cut.
      bool vague = brotli && state == BodyState::undecodable;
      return begun ? fmt::format("{} body {} {}", head, static_cast<int>(state), vague ? "" : body) : "-";
    }
  };
  struct Exchange {
    FlowId flow{};
    Message request, response;
  };

  Exchange& begin(ExchangeId id, const Connection& connection) {
    auto [entry, added] = open_.try_emplace(static_cast<std::uint32_t>(id));
    Exchange& exchange = entry->second;
    if (added) {
      exchange.flow = connection.flow;
      ++begun_[connection.flow];
    }
    require(exchange.flow == connection.flow, "an exchange belongs to one connection");
    require(connection.client != connection.server, "client and server are told apart");
    return exchange;
  }

  BodyWish begin(Message& message, std::string head, std::span<const HeaderField> fields, Anomalies anomalies) {
    message.begun = true;
    message.head = std::move(head);
    for (const HeaderField& field : fields) {
      touch(field.name);
      touch(field.value);
      message.head += fmt::format(" [{}: {}]", field.name, field.value);
    }
    message.head += fmt::format(" {:x}", anomalies.bits);
    auto coding = find_header(fields, "content-encoding");
    message.encoded = coding.has_value();
    message.brotli = coding && coding->find_first_of("bB") != std::string_view::npos;
    anomalies_.bits |= anomalies.bits;
    return wish_;
  }

  Exchange& find(ExchangeId id) {
    auto found = open_.find(static_cast<std::uint32_t>(id));
    require(found != open_.end(), "nothing is told of an exchange before it begins or after it is finished");
    return found->second;
  }

  void end_body(Message& message, const BodyView& body) {
    require(message.begun, "a body comes after its head");
    require(!message.body_told, "a body is told once");
    require(wish_.mode != BodyWish::Mode::skip && body.state != BodyState::skipped, "a body is told if it is wished");
    require(wish_.mode != BodyWish::Mode::whole || body.bytes.size() <= wish_.limit, "no body exceeds the wish");
    require(wish_.mode != BodyWish::Mode::pieces || body.bytes.empty(), "a body is told in pieces or as a whole");
    touch(Bytes(body.bytes.data(), body.bytes.size() + (body.padded ? kBodyPadding : 0)));
    message.body_told = true;
    message.state = body.state;
    message.body.append(as_text(body.bytes));
  }

  void check_size(const Message& message, std::uint64_t size) {
    if (!message.body_told || message.encoded) return;
    bool whole = message.state == BodyState::whole;
    require(!whole || message.body.size() == size, "a whole body has the size that its framing tells");
    require(message.body.size() <= size, "no body is larger than its framing tells");
    require(message.state != BodyState::absent || size == 0, "an absent body has no bytes");
  }

  BodyWish wish_;
  std::map<std::uint32_t, Exchange> open_;
  std::map<FlowId, std::uint32_t> begun_;
  std::vector<std::string> lines_;
  Anomalies anomalies_;
  Protocol protocol_ = Protocol::unknown;
};

}  // namespace specular::fuzz
