// DpdkDevice: one port of DPDK, and its queues. Internal to dpdk.cc.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <rte_ethdev.h>

#include "capture/link/dpdk.h"
#include "capture/link/rx_clock.h"

namespace specular {

class DpdkDevice;

// What drivers fill, for one reading thread.
struct FreePool {
  void operator()(rte_mempool* pool) const { rte_mempool_free(pool); }
};
using MbufPool = std::unique_ptr<rte_mempool, FreePool>;

class DpdkQueue final : public LiveSource {
 public:
  DpdkQueue(DpdkDevice& port, std::uint16_t index, Duration idle) : port_(port), index_(index), idle_(idle) {}

  // Never fails, and never finishes. While nothing comes it looks again and again, after ever longer sleeps.
  Result<Poll> poll(FrameSink& sink, Duration wait) override;
  int descriptor() const override { return -1; }
  Duration rest() const override;
  const DpdkCounters& counters() const override { return counters_; }
  std::uint64_t overrun() const override { return counters_.missed.value() + counters_.unbuffered.value(); }

 private:
  friend class DpdkDevice;
  using Clock = std::chrono::steady_clock;
  using Mbufs = std::span<rte_mbuf* const>;

  bool receive(FrameSink& sink);
  void deliver(Mbufs mbufs, FrameSink& sink);
  void join_chains(Mbufs mbufs);
  Timestamp time_of(const rte_mbuf& mbuf, Timestamp now) const;
  void check(Clock::time_point now);

  DpdkDevice& port_;
  const std::uint16_t index_;
  const Duration idle_;
  unsigned empty_ = 0;  // polls in a row
  std::vector<std::uint8_t> joined_;
  RxClock clock_;
  Clock::time_point next_check_{}, next_watch_{};
  DpdkCounters counters_;
};

class DpdkDevice final : public DpdkPort {
 public:
  // `device`: of the option `ports`. Requires: the environment has started; options and notice outlive it.
  static Result<std::unique_ptr<DpdkDevice>> find(const std::string& device, const Dpdk::Setup& setup);
  DpdkDevice(const DpdkDevice&) = delete;
  DpdkDevice& operator=(const DpdkDevice&) = delete;
  ~DpdkDevice() override;

  // So many bytes a buffer must have for this port.
  std::size_t buffer_bytes() const;
  std::size_t descriptors() const { return descriptors_; }
  int socket() const;
  // May be called again when it is stopped. False if it cannot have so many queues, or not spread frames over them.
  Result<bool> configure(std::size_t queues);
  // Makes its queues ready, each to fill buffers of one pool. Requires: it is configured for so many.
  Result<void> set_up_queues(std::span<const MbufPool> pools);
  // Frames come from now on. False if the card will not spread them after all; then it is stopped.
  Result<bool> start();
  void stop();

  const std::string& name() const override { return name_; }
  bool up() const override { return up_.load(std::memory_order_relaxed); }
  LiveSource& queue(std::size_t index) override { return *queues_[index]; }
  const DpdkCounters& counters(std::size_t queue) const override { return queues_[queue]->counters_; }

 private:
  friend class DpdkQueue;

  DpdkDevice(std::string name, std::uint16_t id, const Dpdk::Setup& setup);
  Error refusal(const char* what, int status) const;
  std::uint16_t largest_mtu() const;
  std::uint16_t senders() const { return info_.max_tx_queues > 0 ? 1 : 0; }
  Result<void> set_up_unused_sender();
  void watch();
  void count(DpdkCounters& counters);

  const std::string name_;
  const std::uint16_t id_;
  const Dpdk::Setup& setup_;
  rte_eth_dev_info info_{};
  std::uint16_t descriptors_ = 0;
  bool started_ = false;
  int stamp_offset_ = -1;  // of the card's time in a buffer, if it has one
  std::uint64_t stamp_flag_ = 0;
  std::vector<std::unique_ptr<DpdkQueue>> queues_;
  std::atomic<bool> up_ = true;
  rte_eth_stats told_{};
};

}  // namespace specular
