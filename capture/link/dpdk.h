// Dpdk: ports that are read past the kernel, by DPDK's drivers.
//
// Everything of DPDK in the process: its environment, the ports, the buffers their drivers fill. Frames stay where the
// driver put them: who reads them in the callback, or keeps their buffers (FrameBuffers), copies nothing. Nothing is
// ever sent.
//
// A program built without DPDK has this header, too; then start() fails, saying so.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "capture/base/option.h"
#include "capture/link/live_source.h"
#include "capture/link/notice.h"
#include "capture/link/tunnels.h"

namespace specular {

// The section `sources.dpdk`.
struct DpdkOptions : OptionGroup {
  ListOption<std::string> ports{
      *this,
      "ports",
      {},
      parse_text,
      "devices, each with its driver's arguments",
      "What DPDK reads: PCI addresses (\"0000:00:06.0\") or virtual devices (\"net_af_packet0,iface=eth1\")."};
  ListOption<std::string> eal{*this,      "eal",       {},
                              parse_text, "arguments", "Further arguments of DPDK's environment (EAL)."};
  IntOption descriptors{*this,        "descriptors", 2'048,
                        {32, 32'768}, "frames",      "What the card may hold for each queue, as far as it can."};
  IntOption buffers{*this,
                    "buffers",
                    8'192,
                    {1'024, 4'194'304},
                    "frames",
                    "Buffers for each reading thread beyond the descriptors; those that wait for their shard are of "
                    "these, and more are copied."};
  IntOption buffer_bytes{*this,   "buffer_bytes",
                         2'048,   {1'024, 32'768},
                         "bytes", "Size of a buffer; larger frames take several, and are copied."};
  IntOption mtu{*this,        "mtu",   9'001,
                {68, 65'000}, "bytes", "Packets up to so much are received, as far as the card can."};
  IntOption idle{*this,
                 "idle_us",
                 200,
                 {0, 10'000},
                 "microseconds",
                 "How long a thread sleeps at most while nothing comes; 0: never, which takes a whole core each."};
};

// One queue's own, but for missed, unbuffered and broken: a port has these once, and its queue 0 counts them.
struct DpdkCounters : SourceCounters {
  Counter missed{*this, "missed_frames", "frames the network card had no descriptor for (imissed): read too slowly"};
  Counter unbuffered{*this, "unbuffered_frames", "times that the card got no buffer (rx_nombuf): too few of them"};
  Counter broken{*this, "broken_frames", "frames the network card gave up (ierrors): damaged, or too large"};
  Counter chained{*this, "chained_frames", "frames larger than a buffer, which were copied together"};
};

class DpdkPort;

class Dpdk {
 public:
  struct Setup {
    const DpdkOptions& options;  // these outlive it
    const TunnelOptions& tunnels;
    bool promiscuous = true;
    std::size_t queues = 1;  // wanted of each port
    bool must_spread = false;
    NoticeSink notice;  // called by any thread
  };

  static bool is_built_in();
  // Starts DPDK and opens all ports. Where a port cannot spread frames by inner addresses, alike in both directions,
  // every port has one queue, and a notice says why; but with `must_spread` it fails. Also fails without the rights
  // to a device, huge pages, or a device of that name. To be called once in a process, before other threads run.
  static Result<std::unique_ptr<Dpdk>> start(Setup setup);
  virtual ~Dpdk() = default;

  std::size_t queues() const { return queues_; }  // of each port
  const std::vector<std::unique_ptr<DpdkPort>>& ports() const { return ports_; }
  // Of the frames of all ports, while there is one queue, whose thread alone uses it.
  virtual FrameBuffers& buffers() = 0;
  // Runs it in each thread that DPDK started, and returns when that is done. For what belongs to threads.
  virtual void run_in_threads(const std::function<void()>& work) = 0;

 protected:
  std::size_t queues_ = 1;
  std::vector<std::unique_ptr<DpdkPort>> ports_;
};

// Queues are read by one thread each; the rest may be asked by any.
class DpdkPort {
 public:
  virtual ~DpdkPort() = default;

  virtual const std::string& name() const = 0;
  virtual bool up() const = 0;  // whether it has a link
  virtual LiveSource& queue(std::size_t index) = 0;
  virtual const DpdkCounters& counters(std::size_t queue) const = 0;
};

}  // namespace specular
