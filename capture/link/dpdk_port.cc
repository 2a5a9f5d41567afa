#include "capture/link/dpdk_port.h"

#include <algorithm>
#include <cstring>
#include <thread>

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_pause.h>

#include "capture/link/dpdk_spread.h"

namespace specular {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kBurstsPerPoll = 32;
constexpr Duration kCheckEvery = milliseconds(100), kWatchEvery = seconds(1);
// Looks without anything there before a thread begins to sleep, and the first sleep.
constexpr unsigned kSpins = 64;
constexpr Duration kFirstSleep = std::chrono::microseconds(5);

// What was received, until the end of the scope; buffers that somebody keeps outlive it.
class Burst {
 public:
  Burst(std::uint16_t port, std::uint16_t queue) : size_(rte_eth_rx_burst(port, queue, mbufs_.data(), kBatch)) {}
  Burst(const Burst&) = delete;
  Burst& operator=(const Burst&) = delete;
  ~Burst() { rte_pktmbuf_free_bulk(mbufs_.data(), size_); }

  std::span<rte_mbuf* const> mbufs() const { return std::span(mbufs_).first(size_); }

 private:
  std::array<rte_mbuf*, kBatch> mbufs_;
  std::uint16_t size_;
};

}  // namespace

Result<Poll> DpdkQueue::poll(FrameSink& sink, Duration wait) {
  // A thread that DPDK knows has a cache of its own in front of each pool.
  if (rte_lcore_id() == LCORE_ID_ANY) rte_thread_register();
  Clock::time_point begin = Clock::now(), now = begin;
  for (;; now = Clock::now()) {
    if (now >= next_check_) check(now);
    if (receive(sink)) return Poll::frames;
    Duration left = wait - (now - begin);
    if (left <= Duration::zero()) return Poll::idle;
    Duration pause = std::min(rest(), left);
    if (pause > Duration::zero()) {
      std::this_thread::sleep_for(pause);
    } else {
      rte_pause();
    }
  }
}

// Ever longer, up to what the option allows: a ring of descriptors must not fill up meanwhile.
Duration DpdkQueue::rest() const {
  if (empty_ < kSpins) return Duration::zero();
  return std::min(idle_, kFirstSleep * (1 << std::min(empty_ - kSpins, 16u)));
}

bool DpdkQueue::receive(FrameSink& sink) {
  for (int i = 0; i < kBurstsPerPoll; ++i) {
    Burst burst(port_.id_, index_);
    std::size_t size = burst.mbufs().size();
    if (size > 0) deliver(burst.mbufs(), sink);
    if (size == kBatch) continue;
    bool any = i > 0 || size > 0;
    empty_ = any ? 0 : empty_ + 1;
    return any;
  }
  empty_ = 0;
  return true;
}

void DpdkQueue::deliver(Mbufs mbufs, FrameSink& sink) {
  Timestamp now = wall_now();
  join_chains(mbufs);
  std::array<Frame, kBatch> frames;
  std::size_t count = 0, joined = 0;
  for (rte_mbuf* mbuf : mbufs) {
    Frame& frame = frames[count++];
    frame.time = port_.stamp_offset_ < 0 ? now : time_of(*mbuf, now);
    frame.wire_size = mbuf->pkt_len;
    frame.link = LinkType::ethernet;
    if (mbuf->nb_segs == 1) {
      frame.bytes = Bytes(rte_pktmbuf_mtod(mbuf, const std::uint8_t*), mbuf->data_len);
      frame.buffer = mbuf;
    } else {
      frame.bytes = Bytes(joined_).subspan(joined, mbuf->pkt_len);
      frame.buffer = nullptr;
      joined += mbuf->pkt_len;
    }
  }
  counters_.received.add(count);
  sink.on_frames(std::span(frames).first(count));
}

// Frames that take several buffers are put together, one behind the other.
void DpdkQueue::join_chains(Mbufs mbufs) {
  joined_.clear();
  for (const rte_mbuf* mbuf : mbufs) {
    if (mbuf->nb_segs == 1) continue;
    counters_.chained.add();
    for (const rte_mbuf* part = mbuf; part != nullptr; part = part->next) {
      const auto* bytes = rte_pktmbuf_mtod(part, const std::uint8_t*);
      joined_.insert(joined_.end(), bytes, bytes + part->data_len);
    }
  }
}

Timestamp DpdkQueue::time_of(const rte_mbuf& mbuf, Timestamp now) const {
  if ((mbuf.ol_flags & port_.stamp_flag_) == 0) return now;
  std::uint64_t ticks = 0;
  std::memcpy(&ticks, reinterpret_cast<const std::uint8_t*>(&mbuf) + port_.stamp_offset_, sizeof ticks);
  return clock_.time_of(ticks, now);
}

void DpdkQueue::check(Clock::time_point now) {
  next_check_ = now + kCheckEvery;
  if (index_ == 0) port_.count(counters_);
  if (now < next_watch_) return;
  next_watch_ = now + kWatchEvery;
  if (index_ == 0) port_.watch();
  std::uint64_t ticks = 0;
  if (port_.stamp_offset_ >= 0 && rte_eth_read_clock(port_.id_, &ticks) == 0) clock_.anchor(ticks, wall_now());
}

DpdkDevice::DpdkDevice(std::string name, std::uint16_t id, const Dpdk::Setup& setup)
    : name_(std::move(name)), id_(id), setup_(setup) {}

DpdkDevice::~DpdkDevice() {
  stop();
  rte_eth_dev_close(id_);
}

Result<std::unique_ptr<DpdkDevice>> DpdkDevice::find(const std::string& device, const Dpdk::Setup& setup) {
  std::string name = device.substr(0, device.find(','));
  std::uint16_t id = 0;
  // A PCI address may be without its domain.
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id) != 0 &&
      rte_eth_dev_get_port_by_name(("0000:" + name).c_str(), &id) != 0) {
    return fail(ErrorKind::invalid,
                fmt::format("DPDK port {}: there is none that a driver takes; see dpdk-devbind.py --status", name));
  }
  std::unique_ptr<DpdkDevice> found(new DpdkDevice(std::move(name), id, setup));
  if (int status = rte_eth_dev_info_get(id, &found->info_); status != 0) {
    return forward(found->refusal("it tells nothing about itself", status));
  }
  std::uint16_t unused = 0;
  found->descriptors_ = static_cast<std::uint16_t>(setup.options.descriptors.value());
  rte_eth_dev_adjust_nb_rx_tx_desc(id, &found->descriptors_, &unused);
  return found;
}

Error DpdkDevice::refusal(const char* what, int status) const {
  return {ErrorKind::io, fmt::format("DPDK port {}: {}: {}", name_, what, rte_strerror(-status))};
}

int DpdkDevice::socket() const {
  return rte_eth_dev_socket_id(id_);
}

// What is wanted, as far as the device can. How much of a frame is not counted into the MTU, drivers tell by the
// difference of two figures, if they do.
std::uint16_t DpdkDevice::largest_mtu() const {
  auto wanted = static_cast<std::uint32_t>(setup_.options.mtu.value());
  std::uint32_t link_header = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
  if (info_.max_mtu != UINT16_MAX && info_.max_rx_pktlen > info_.max_mtu) {
    link_header = info_.max_rx_pktlen - info_.max_mtu;
  }
  std::uint32_t most = std::min<std::uint32_t>(info_.max_mtu, info_.max_rx_pktlen - link_header);
  return static_cast<std::uint16_t>(std::min(wanted, most));
}

// Who can put a frame into several buffers needs none that are large.
std::size_t DpdkDevice::buffer_bytes() const {
  auto wanted = static_cast<std::size_t>(setup_.options.buffer_bytes.value());
  bool scatters = (info_.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0;
  std::size_t whole = largest_mtu() + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN + 2u * RTE_VLAN_HLEN;
  std::size_t needed = scatters ? wanted : std::max(wanted, whole);
  return std::max<std::size_t>(needed, info_.min_rx_bufsize);
}

Result<bool> DpdkDevice::configure(std::size_t queues) {
  if (queues > info_.max_rx_queues) return false;
  rte_eth_conf wanted{};
  std::uint16_t mtu_before = 0;
  rte_eth_dev_get_mtu(id_, &mtu_before);
  wanted.rxmode.mtu = largest_mtu();
  wanted.rxmode.offloads = info_.rx_offload_capa & (RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_TIMESTAMP);
  int status = rte_eth_dev_configure(id_, static_cast<std::uint16_t>(queues), senders(), &wanted);
  if (status != 0) return forward(refusal("it cannot be configured", status));
  // Drivers that share the device with the kernel may refuse, and go by what the kernel has.
  if (mtu_before < largest_mtu()) rte_eth_dev_set_mtu(id_, largest_mtu());
  bool stamps = (wanted.rxmode.offloads & RTE_ETH_RX_OFFLOAD_TIMESTAMP) != 0;
  if (stamps && rte_mbuf_dyn_rx_timestamp_register(&stamp_offset_, &stamp_flag_) != 0) stamp_offset_ = -1;
  return queues == 1 || can_spread(id_);
}

Result<void> DpdkDevice::set_up_queues(std::span<const MbufPool> pools) {
  queues_.clear();
  Duration idle = std::chrono::microseconds(setup_.options.idle.value());
  for (std::uint16_t i = 0; i < pools.size(); ++i) {
    rte_eth_rxconf queue = info_.default_rxconf;
    auto socket_id = static_cast<unsigned>(socket());
    int status = rte_eth_rx_queue_setup(id_, i, descriptors_, socket_id, &queue, pools[i].get());
    if (status != 0) return forward(refusal("a queue cannot be set up", status));
    queues_.push_back(std::make_unique<DpdkQueue>(*this, i, idle));
  }
  return senders() > 0 ? set_up_unused_sender() : Result<void>();
}

// Some drivers do not start without a queue to send from; it stays empty.
Result<void> DpdkDevice::set_up_unused_sender() {
  std::uint16_t unused = 0, descriptors = 0;
  rte_eth_dev_adjust_nb_rx_tx_desc(id_, &unused, &descriptors);
  int status = rte_eth_tx_queue_setup(id_, 0, descriptors, static_cast<unsigned>(socket()), nullptr);
  if (status != 0) return forward(refusal("its queues cannot be set up", status));
  return {};
}

Result<bool> DpdkDevice::start() {
  int status = rte_eth_dev_start(id_);
  if (status != 0) return forward(refusal("it does not start", status));
  started_ = true;
  // A virtual device may have no such thing.
  if (setup_.promiscuous) rte_eth_promiscuous_enable(id_);
  bool is_spread = queues_.size() == 1 || spread_frames(id_, queues_.size(), setup_.tunnels);
  if (!is_spread) stop();
  if (is_spread) watch();
  return is_spread;
}

void DpdkDevice::stop() {
  if (started_) rte_eth_dev_stop(id_);
  started_ = false;
}

void DpdkDevice::watch() {
  rte_eth_link link{};
  if (rte_eth_link_get_nowait(id_, &link) != 0) return;
  bool is_up = link.link_status == RTE_ETH_LINK_UP;
  if (up_.exchange(is_up, std::memory_order_relaxed) == is_up || !setup_.notice) return;
  setup_.notice(is_up ? NoticeLevel::info : NoticeLevel::warning,
                fmt::format("DPDK port {}: {}", name_, is_up ? "up again" : "down; waiting for its link"));
}

void DpdkDevice::count(DpdkCounters& counters) {
  rte_eth_stats now{};
  if (rte_eth_stats_get(id_, &now) != 0) return;
  // A driver that begins to count anew says less than before.
  auto add = [](Counter& counter, std::uint64_t before, std::uint64_t after) {
    if (after > before) counter.add(after - before);
  };
  add(counters.missed, told_.imissed, now.imissed);
  add(counters.unbuffered, told_.rx_nombuf, now.rx_nombuf);
  add(counters.broken, told_.ierrors, now.ierrors);
  told_ = now;
}

}  // namespace specular
