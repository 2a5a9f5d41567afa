#include "tests/support/recorder.h"

#include <algorithm>

#include <fmt/format.h>

#include "capture/base/escape.h"

namespace specular::test {
namespace {

const char* state_text(BodyState state) {
  switch (state) {
    case BodyState::absent: return "absent";
    case BodyState::whole: return "whole";
    case BodyState::skipped: return "skipped";
    case BodyState::clipped: return "clipped";
    case BodyState::gap: return "gap";
    case BodyState::undecodable: return "undecodable";
    case BodyState::bomb: return "bomb";
  }
  return "";
}

}  // namespace

std::string body_text(const BodyView& body) {
  constexpr std::size_t kShown = 60;
  std::string_view text = as_text(body.bytes);
  return fmt::format("{} {} {}{}", state_text(body.state), text.size(), escape_terminal(text.substr(0, kShown)),
                     text.size() > kShown ? "…" : "");
}

std::string anomalies_text(Anomalies anomalies) {
  std::string text;
  for (std::size_t i = 0; i < kAnomalyCount; ++i) {
    if (anomalies.has(static_cast<Anomaly>(i))) text += fmt::format(" !{}", to_text(static_cast<Anomaly>(i)));
  }
  return text;
}

Recorder::Exchange& Recorder::begin(ExchangeId id, const Connection& connection) {
  Exchange& exchange = open_[static_cast<std::uint32_t>(id)];
  if (exchange.used) return exchange;
  exchange.used = true;
  exchange.who = fmt::format("{} > {}", connection.client.text(), connection.server.text());
  if (connection.proxied_client) exchange.who += fmt::format(" for {}", connection.proxied_client->text());
  return exchange;
}

BodyWish Recorder::on_request(ExchangeId id, const Connection& connection, const RequestHead& head) {
  Exchange& exchange = begin(id, connection);
  exchange.request = fmt::format("{} {} at {} path {} headers {}", head.method, escape_terminal(head.target),
                                 head.authority.empty() ? "-" : escape_terminal(head.authority),
                                 head.path.empty() ? "-" : escape_terminal(head.path), head.headers.size());
  exchange.anomalies.bits |= head.anomalies.bits;
  return wish_;
}

void Recorder::on_request_body(ExchangeId id, const BodyView& body) {
  open_[static_cast<std::uint32_t>(id)].request_body += " body " + body_text(body);
}

BodyWish Recorder::on_response(ExchangeId id, const Connection& connection, const ResponseHead& head) {
  Exchange& exchange = begin(id, connection);
  exchange.response = fmt::format("{} headers {}", head.status, head.headers.size());
  exchange.anomalies.bits |= head.anomalies.bits;
  return wish_;
}

void Recorder::on_response_body(ExchangeId id, const BodyView& body) {
  open_[static_cast<std::uint32_t>(id)].response_body += " body " + body_text(body);
}

void Recorder::on_body_piece(ExchangeId, bool, Bytes) {}

void Recorder::on_finished(ExchangeId id, const ExchangeEnd& end) {
  Exchange& exchange = open_[static_cast<std::uint32_t>(id)];
  exchange.anomalies.bits |= end.anomalies.bits;
  std::string line = fmt::format("{} | {}{} | {}{} | {} {}+{}{}", exchange.who, exchange.request, exchange.request_body,
                                 exchange.response, exchange.response_body, to_text(end.whole), end.request_bytes,
                                 end.response_bytes, anomalies_text(exchange.anomalies));
  exchanges_.push_back(line);
  lines_.push_back(line + (end.latency ? fmt::format(" {} us", end.latency->count() / 1000) : " -"));
  exchange = {};
}

void Recorder::on_connection(const ConnectionFacts& facts) {
  connections_.push_back(facts);
}

std::vector<std::string> Recorder::exchanges() const {
  std::vector<std::string> sorted = exchanges_;
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

}  // namespace specular::test
