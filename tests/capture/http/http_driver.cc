#include "tests/capture/http/http_driver.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace specular::test {

HttpSessions& HttpDriver::sessions() {
  if (!sessions_) sessions_ = std::make_unique<HttpSessions>(http, bodies, *sink_);
  return *sessions_;
}

HttpDriver::Flow& HttpDriver::opened() {
  Flow& state = flows_[flow];
  if (state.open) return state;
  state = {true};
  FlowInfo info{static_cast<FlowId>(flow), {}, TunnelId::none, now_, std::nullopt};
  info.key = {*IpAddress::parse("10.0.0.1"), *IpAddress::parse("10.0.0.2"), 40000, 80, NetworkId::none};
  if (handshake_seen) info.initiator = Side::low;
  sessions().on_open(info);
  return state;
}

void HttpDriver::send(Side side, std::string_view text) {
  Flow& state = opened();
  std::size_t i = index_of(side);
  // Bytes of exactly their size, gone after the call: whatever is kept must have been copied.
  std::vector<std::uint8_t> bytes(text.begin(), text.end());
  sessions().on_chunk({static_cast<FlowId>(flow), side, now_, state.sent[i], state.sent[1 - i], bytes});
  state.sent[i] += text.size();
  state.totals.bytes[i] += text.size();
}

void HttpDriver::lose(Side side, std::uint64_t missing, GapReason reason) {
  Flow& state = opened();
  std::size_t i = index_of(side);
  sessions().on_gap({static_cast<FlowId>(flow), side, now_, state.sent[i], missing, reason});
  state.sent[i] += missing;
  (reason == GapReason::lost ? state.totals.lost : state.totals.clipped)[i] += missing;
}

void HttpDriver::fin(Side side) {
  opened();
  sessions().on_fin(static_cast<FlowId>(flow), side, now_);
}

void HttpDriver::close(Close reason) {
  Flow& state = opened();
  if (reason == Close::finished) {
    fin(Side::low);
    fin(Side::high);
  }
  for (std::size_t i : {0u, 1u}) state.totals.seen[i] = seen[i];
  sessions().on_close(static_cast<FlowId>(flow), reason, state.totals, now_);
  state = {};
}

std::string HttpDriver::told() {
  std::string text;
  for (; told_ < recorder.lines().size(); ++told_) {
    std::string line = recorder.lines()[told_];
    line.erase(0, line.find(" | ") + 3);
    line.erase(line.ends_with(" us") ? line.rfind(' ', line.size() - 4) : line.rfind(' '));
    text += (text.empty() ? "" : "\n") + line;
  }
  return text;
}

std::string get(std::string_view path) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", path);
}

std::string ok(std::string_view body, std::string_view fields) {
  return fmt::format("HTTP/1.1 200 OK\r\n{}Content-Length: {}\r\n\r\n{}", fields, body.size(), body);
}

}  // namespace specular::test
