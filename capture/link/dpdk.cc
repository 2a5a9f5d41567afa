#include "capture/link/dpdk.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include "capture/link/dpdk_eal.h"
#include "capture/link/dpdk_port.h"

namespace specular {
namespace {

constexpr unsigned kCache = 256;

// Buffers that are kept have one more owner: whoever releases last frees. No more are kept than the pool can spare: its
// driver always finds some to fill.
class KeptMbufs final : public FrameBuffers {
 public:
  explicit KeptMbufs(std::size_t most) : most_(most) {}

  bool keep(void* buffer) override {
    if (kept_ == most_) return false;
    ++kept_;
    rte_mbuf_refcnt_update(static_cast<rte_mbuf*>(buffer), 1);
    return true;
  }

  void release(std::span<void* const> buffers) override {
    kept_ -= buffers.size();
    std::array<rte_mbuf*, kBatch> mbufs;
    for (std::size_t done = 0; done < buffers.size();) {
      std::size_t count = std::min(kBatch, buffers.size() - done);
      for (std::size_t i = 0; i < count; ++i) mbufs[i] = static_cast<rte_mbuf*>(buffers[done + i]);
      rte_pktmbuf_free_bulk(mbufs.data(), static_cast<unsigned>(count));
      done += count;
    }
  }

 private:
  const std::size_t most_;
  std::size_t kept_ = 0;
};

class Running final : public Dpdk {
 public:
  explicit Running(Setup setup)
      : setup_(std::move(setup)), kept_(setup_.options.buffers.size() - 2 * kCache - 2 * kBatch) {}
  // Ports go before the pools that they fill, and these before what they stand in.
  ~Running() override { ports_.clear(); }

  Result<void> open();
  FrameBuffers& buffers() override { return kept_; }
  void run_in_threads(const std::function<void()>& work) override { eal_->run_in_service_thread(work); }

 private:
  Result<bool> start_with(std::size_t queues);
  Result<void> make_pools(std::size_t queues);
  template <class Step>
  Result<bool> for_each_device(Step step);

  const Setup setup_;
  std::unique_ptr<DpdkEal> eal_;
  std::vector<MbufPool> pools_;       // by queue: of that queue of every port
  std::vector<DpdkDevice*> devices_;  // the ports
  KeptMbufs kept_;
};

Result<void> Running::open() {
  auto eal = DpdkEal::start(setup_.options, setup_.notice);
  if (!eal) return forward(eal.error());
  eal_ = std::move(*eal);
  for (const std::string& device : setup_.options.ports.values()) {
    auto found = DpdkDevice::find(device, setup_);
    if (!found) return fail(found.error().kind, found.error().text + eal_->take_errors());
    devices_.push_back(found->get());
    ports_.push_back(std::move(*found));
  }
  auto started = start_with(setup_.queues);
  if (started && !*started) {
    std::string text = "DPDK: not every port can spread frames by inner addresses, in both directions alike";
    if (setup_.must_spread) return fail(ErrorKind::unavailable, text);
    if (setup_.notice) setup_.notice(NoticeLevel::warning, text + "; one thread reads instead");
    started = start_with(1);
  }
  if (!started) return fail(started.error().kind, started.error().text + eal_->take_errors());
  return {};
}

// True for all, or false from the first that is not so.
template <class Step>
Result<bool> Running::for_each_device(Step step) {
  for (DpdkDevice* device : devices_) {
    Result<bool> so = step(*device);
    if (!so || !*so) return so;
  }
  return true;
}

// False, with all of them stopped, if they cannot all have so many queues.
Result<bool> Running::start_with(std::size_t queues) {
  auto so = for_each_device([&](DpdkDevice& device) { return device.configure(queues); });
  if (!so || !*so) return so;
  if (auto made = make_pools(queues); !made) return forward(made.error());
  so = for_each_device([&](DpdkDevice& device) -> Result<bool> {
    auto set = device.set_up_queues(std::span(pools_).first(queues));
    return set ? Result<bool>(true) : forward(set.error());
  });
  if (so && *so) so = for_each_device([](DpdkDevice& device) { return device.start(); });
  if (so && *so) {
    queues_ = queues;
    pools_.resize(queues);
  } else {
    for (DpdkDevice* device : devices_) device->stop();
  }
  return so;
}

// One for each thread: where it allocates and frees, no other does.
Result<void> Running::make_pools(std::size_t queues) {
  std::size_t count = setup_.options.buffers.size(), bytes = 0;
  for (const DpdkDevice* device : devices_) {
    count += device->descriptors();
    bytes = std::max(bytes, device->buffer_bytes());
  }
  bytes = std::min<std::size_t>(bytes + RTE_PKTMBUF_HEADROOM, UINT16_MAX);
  while (pools_.size() < queues) {
    std::string name = fmt::format("specular-{}", pools_.size());
    MbufPool pool(rte_pktmbuf_pool_create(name.c_str(), static_cast<unsigned>(count), kCache, 0,
                                          static_cast<std::uint16_t>(bytes), devices_.front()->socket()));
    if (!pool) {
      return fail(ErrorKind::io,
                  fmt::format("DPDK: no memory for {} times {} buffers of {} bytes ({}): more huge pages, or less of "
                              "buffers, descriptors, buffer_bytes or mtu; with --no-huge, -m says how much there is",
                              queues, count, bytes, rte_strerror(rte_errno)));
    }
    pools_.push_back(std::move(pool));
  }
  return {};
}

}  // namespace

bool Dpdk::is_built_in() {
  return true;
}

Result<std::unique_ptr<Dpdk>> Dpdk::start(Setup setup) {
  auto running = std::make_unique<Running>(std::move(setup));
  if (auto opened = running->open(); !opened) return forward(opened.error());
  return running;
}

}  // namespace specular
