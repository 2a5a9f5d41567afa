// What DPDK's way costs beside libpcap's: frames of a capture that stands in memory (net_pcap with infinite_rx) are
// polled, looked at once, and given back; and a bare libpcap walk of the same file. Interleaved; medians.
//
//   dpdk_walk FILE [ROUNDS]      a small FILE: all of its frames are held in buffers
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <pcap/pcap.h>

#include "capture/link/dpdk.h"

namespace specular::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Looked final : FrameSink {
  std::uint64_t frames = 0, sum = 0;
  void on_frames(std::span<const Frame> some) override {
    for (const Frame& frame : some) sum += frame.bytes.size() + frame.bytes[0];
    frames += some.size();
  }
};

double ns_per_frame(Clock::time_point begin, std::uint64_t frames) {
  return std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / static_cast<double>(frames);
}

std::uint64_t walk(const char* path, Looked& looked) {
  char error[PCAP_ERRBUF_SIZE];
  pcap_t* file = pcap_open_offline(path, error);
  if (file == nullptr) {
    std::fprintf(stderr, "dpdk_walk: %s\n", error);
    std::exit(1);
  }
  auto look = [](u_char* user, const pcap_pkthdr* header, const u_char* bytes) {
    auto& all = *reinterpret_cast<Looked*>(user);
    ++all.frames;
    all.sum += header->caplen + bytes[0];
  };
  std::uint64_t before = looked.frames;
  pcap_dispatch(file, -1, look, reinterpret_cast<u_char*>(&looked));
  pcap_close(file);
  return looked.frames - before;
}

int run(const char* path, int rounds) {
  Looked looked;
  std::uint64_t frames = walk(path, looked);  // which also brings it into the page cache
  DpdkOptions options;
  TunnelOptions tunnels;
  bool set = options.ports.set_list({std::string("net_pcap0,infinite_rx=1,rx_pcap=") + path}) &&
             options.eal.set_list({"--no-huge", "-m", "1024"}) &&
             options.buffers.set(std::to_string(2 * frames + 8'192)) && options.mtu.set("1500");
  auto dpdk = Dpdk::start({options, tunnels, true, 1, false, {}});
  if (!set || !dpdk) {
    std::fprintf(stderr, "dpdk_walk: %s\n", dpdk ? "too many frames" : dpdk.error().text.c_str());
    return 1;
  }
  LiveSource& queue = (*dpdk)->ports().front()->queue(0);
  std::vector<double> walked, polled;
  for (int round = 0; round < rounds; ++round) {
    auto begin = Clock::now();
    walked.push_back(ns_per_frame(begin, walk(path, looked)));
    std::uint64_t before = looked.frames;
    begin = Clock::now();
    while (looked.frames - before < frames) (void)queue.poll(looked, Duration(0));
    polled.push_back(ns_per_frame(begin, looked.frames - before));
  }
  auto median = [](std::vector<double>& all) {
    std::sort(all.begin(), all.end());
    return all[all.size() / 2];
  };
  double file = median(walked), port = median(polled);
  std::printf("libpcap walk %.1f ns a frame; net_pcap port %.1f ns a frame, %.2f of it; %" PRIu64 " frames\n", file,
              port, port / file, frames);
  return 0;
}

}  // namespace
}  // namespace specular::bench

int main(int argc, char** argv) {
  return argc < 2 ? 2 : specular::bench::run(argv[1], argc > 2 ? std::atoi(argv[2]) : 9);
}
