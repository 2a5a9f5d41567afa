// Live capture: the frames that arrive at a network interface.
//
// A LiveInterface has one or more queues, each a ring that the kernel fills and one thread reads. With several queues
// the kernel spreads frames over them by their inner addresses (fanout.h): the two directions of a connection, and the
// same connection seen at another interface that has as many queues, come to the queue with the same index.
//
// An interface may go away (deleted, renamed, set down) at any time. That is no error: its queues are idle until it is
// there again, and then all are opened anew. For that every queue must be polled now and then.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "capture/base/counter.h"
#include "capture/base/hash.h"
#include "capture/base/option.h"
#include "capture/link/interface_facts.h"
#include "capture/link/live_handle.h"
#include "capture/link/live_source.h"
#include "capture/link/notice.h"
#include "capture/link/tunnels.h"

namespace specular {

// Of the section `sources`.
struct LiveOptions : OptionGroup {
  ListOption<std::string> interfaces{*this,      "interfaces",      {},
                                     parse_text, "interface names", "Interfaces that mirrored traffic arrives at."};
  IntOption ring{*this,      "ring_mb", 64,
                 {1, 2'047}, "MiB",     "Memory for packets that wait to be read, per interface and shard."};
  IntOption snap_length{*this,         "snap_length", 262'144,
                        {64, 262'144}, "bytes",       "What is taken of each packet; the rest is told as clipped."};
  BoolOption promiscuous{*this, "promiscuous", true, "Take packets whose link address is another machine's, too."};
  TextOption filter{*this, "filter", "", any_text, "pcap-filter(7) language", "What the kernel lets through."};
  ChoiceOption spread{
      *this,
      "spread",
      "auto",
      {"auto", "fanout", "dispatch"},
      "How packets come to several shards. fanout: the kernel, or DPDK's network card, spreads them by inner "
      "addresses; dispatch: one thread reads, decodes and hands over, by inner addresses and ports; auto: fanout, or "
      "dispatch where that is refused."};
};

// One queue's own, but for the last two: an interface has these once, and its queue 0 counts them.
struct LiveCounters : SourceCounters {
  Counter kernel_dropped{*this, "kernel_dropped_frames", "frames for which the ring had no room: read too slowly"};
  Counter glued{*this, "glued_frames", "frames larger than the interface sends: glued together by GRO, LRO or TSO"};
  Counter interface_dropped{*this, "interface_dropped_frames",
                            "frames that the interface itself lost (known in promiscuous mode only)"};
  Counter vanished{*this, "vanished_times", "how often the interface went away"};
};

class LiveInterface;

// Belongs to one thread, but for what says otherwise.
class LiveQueue final : public LiveSource {
 public:
  LiveQueue(LiveInterface& owner, std::size_t index) : owner_(owner), index_(index) {}

  // Never fails, and never finishes: while the interface is away it waits for `wait`, and is idle.
  //
  // Each frame is a call of its own: libpcap returns a block of the ring to the kernel as soon as the callback for its
  // last frame has returned, and does not say which frame is the last.
  Result<Poll> poll(FrameSink& sink, Duration wait) override;

  int descriptor() const override;  // -1 while the interface is away
  Duration rest() const override { return Duration::max(); }
  const LiveCounters& counters() const override { return counters_; }
  std::uint64_t overrun() const override { return counters_.kernel_dropped.value(); }

 private:
  friend class LiveInterface;
  using Clock = std::chrono::steady_clock;
  struct Delivery;

  bool open(Clock::time_point now);
  void close();
  void wait_for_frames(Clock::time_point now, Duration wait);
  int dispatch(FrameSink& sink);
  void check(Clock::time_point now);
  void refresh_drops();

  LiveInterface& owner_;
  const std::size_t index_;
  LiveHandle handle_;                                         // null while the interface is away
  std::uint64_t opening_ = 0;                                 // that the handle belongs to
  std::uint32_t kernel_dropped_ = 0, interface_dropped_ = 0;  // as the handle last said
  bool more_ = false;                                         // the last poll left frames in the ring
  Clock::time_point next_check_{}, next_watch_{}, close_at_ = Clock::time_point::max();
  LiveCounters counters_;
};

class LiveInterface {
 public:
  enum class Spread : std::uint8_t { single, fanout };

  struct Setup {
    std::string name;
    const LiveOptions& options;  // these outlive the interface
    const TunnelOptions& tunnels;
    std::size_t queues = 1;
    HashKey key;        // the same for all interfaces, so that a connection seen by two meets in one queue
    NoticeSink notice;  // called by any thread that polls a queue, one at a time
  };

  // Opens the interface; one that is set down is waited for. Fails if there is none of that name, without the right to
  // capture, and for a filter that does not compile. Where the kernel refuses to spread there is one queue, and a
  // notice; but with `spread: fanout` it fails.
  static Result<std::unique_ptr<LiveInterface>> create(Setup setup);

  const std::string& name() const { return setup_.name; }
  Spread spread() const { return queues_.size() > 1 ? Spread::fanout : Spread::single; }
  std::size_t queues() const { return queues_.size(); }
  LiveQueue& queue(std::size_t index) { return *queues_[index]; }
  const LiveQueue& queue(std::size_t index) const { return *queues_[index]; }
  bool up() const { return up_.load(std::memory_order_relaxed); }  // any thread

 private:
  friend class LiveQueue;
  using Clock = std::chrono::steady_clock;

  explicit LiveInterface(Setup setup) : setup_(std::move(setup)) {}
  Result<void> open_first();

  // For queues.
  LiveHandle take(std::size_t index, Clock::time_point now, std::uint64_t& opening);
  void leave(std::uint64_t opening, Clock::time_point now);
  void give_back();
  bool watch(Clock::time_point now);
  bool is_current(std::uint64_t opening) const { return opening_.load(std::memory_order_acquire) == opening; }
  void tell_glued();
  void tell_clipped();

  // With the mutex held.
  void accept(std::vector<LiveHandle> handles);
  void note_size(const InterfaceFacts& facts);
  void reopen(Clock::time_point now);
  void tell_state(Clock::time_point now);
  void tell_offloads(const InterfaceFacts& facts);
  void tell(NoticeLevel level, const std::string& text);

  Setup setup_;
  std::vector<std::unique_ptr<LiveQueue>> queues_;
  std::atomic<bool> up_ = false;
  std::atomic<std::uint64_t> opening_ = 1;          // which one is valid: a queue closes its handle of any other
  std::atomic<std::uint32_t> largest_frame_ = ~0u;  // that the interface sends or receives in one piece
  std::atomic_flag glued_told_, clipped_told_;

  std::mutex mutex_;                 // for all that follows
  std::vector<LiveHandle> handles_;  // opened, but not taken by their queues yet
  std::size_t open_handles_ = 0;     // there, and with the queues
  int index_ = 0;                    // the system's number of the interface
  Clock::time_point next_try_{};
  bool told_up_ = true;
  std::size_t messages_ = 0, untold_changes_ = 0;
  Clock::time_point messages_since_{};
  std::string told_problem_, told_offloads_;
};

}  // namespace specular
