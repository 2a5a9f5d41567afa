// A flow table behind a few short calls, and a log of what it told its sink.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "capture/flow/flow_table.h"

namespace specular::test {

// Writes one short line an event, those of one flow that follow each other as bytes joined, and notes if a law of
// StreamSink is broken: open first, offsets that never go back, at most one fin a side, one close, totals that add up.
class StreamLog final : public StreamSink {
 public:
  // "open by low" or "open", "> 0 hello" (low's bytes at offset 0), "< 5 lost 10", "< 5 clipped 3", "> fin",
  // "close finished". With several flows each line begins with the number in the order of opening: "2: > 0 hello".
  std::vector<std::string> lines;
  std::vector<FlowInfo> opened;
  std::vector<Chunk> chunks;  // without their bytes
  std::vector<FlowTotals> totals;
  std::vector<Timestamp> times;  // of all chunks, gaps and fins
  bool numbered = false;
  std::string broken;  // the first law that was
  std::size_t open_count() const { return flows_.size(); }
  std::size_t bytes_seen() const { return bytes_seen_; }
  std::size_t bytes_missing() const { return bytes_missing_; }

  void on_open(const FlowInfo& flow) override;
  void on_chunk(const Chunk& chunk) override;
  void on_gap(const Gap& gap) override;
  void on_fin(FlowId flow, Side side, Timestamp time) override;
  void on_close(FlowId flow, Close reason, const FlowTotals& totals, Timestamp time) override;

 private:
  struct State {
    std::size_t number = 0;
    std::uint64_t next[2] = {0, 0}, bytes[2] = {0, 0}, lost[2] = {0, 0}, clipped[2] = {0, 0};
    bool finished[2] = {false, false};
  };
  void law(bool holds, const char* what);
  State& find(FlowId flow);
  void add(const State& state, const std::string& line);

  std::map<FlowId, State> flows_;
  std::size_t bytes_seen_ = 0, bytes_missing_ = 0;
  FlowId last_flow_{};
  Side last_side_ = Side::low;
  bool last_was_chunk_ = false;
};

inline constexpr std::uint8_t kFinFlag = 1, kSynFlag = 2, kRstFlag = 4, kAckFlag = 16, kUrgFlag = 32;

// One connection of 10.0.0.1:40000 (low, the client) with 10.0.0.2:80 (high), numbers beginning at 1000 and 5000.
struct Ends {
  std::uint16_t client_port = 40000;
  std::uint32_t start[2] = {1000, 5000};
  std::uint16_t network = 0;
};

// What is sent: `offset` in the side's stream, `acked` in the other's.
struct Sent {
  std::uint32_t offset = 0;
  std::string_view text = {};
  std::uint32_t acked = 0;
  std::uint8_t flags = kAckFlag;
  std::size_t clipped = 0;  // bytes at the end that the capture does not hold
  std::uint16_t urgent = 0;
};

class FlowDriver {
 public:
  FlowOptions options;  // to be set before the first packet
  StreamLog log;
  Ends ends;

  void send(Side side, const Sent& sent);
  void low(std::uint32_t offset, std::string_view text, std::uint32_t acked = 0) {
    send(Side::low, {offset, text, acked});
  }
  void high(std::uint32_t offset, std::string_view text, std::uint32_t acked = 0) {
    send(Side::high, {offset, text, acked});
  }
  void syn(std::string_view text = {});
  void syn_ack(std::string_view text = {}, std::uint32_t acked = 0);
  void open();  // SYN, SYN/ACK, ACK
  void fin(Side side, std::uint32_t offset, std::uint32_t acked = 0, std::string_view text = {});
  void rst(Side side, std::uint32_t offset);
  void raw(const Packet& packet);
  Packet packet(Side side, const Sent& sent) const;

  // Time passes; each second that begins is told to the table.
  void pass(Duration duration);
  void jump(Duration duration);  // the same, but told once

  FlowTable& table();
  Timestamp now() const { return now_; }
  // The lines since the last call, joined by "; ". Checks that no law was broken.
  std::string take();
  // The same after everything is closed.
  std::string flush();

 private:
  std::unique_ptr<FlowTable> table_;
  Timestamp now_{std::chrono::seconds(1'700'000'000)};
};

// Sets an option that the test knows to be right.
void set(Option& option, std::int64_t value);

}  // namespace specular::test
