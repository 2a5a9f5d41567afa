// The reference of every benchmark: libpcap reads a capture file, and each packet is looked at once. Nothing else.
#include <cinttypes>
#include <cstdint>
#include <cstdio>

#include <pcap/pcap.h>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  char error[PCAP_ERRBUF_SIZE];
  pcap_t* file = pcap_open_offline(argv[1], error);
  if (file == nullptr) {
    std::fprintf(stderr, "pcap_walk: %s\n", error);
    return 1;
  }
  struct Totals {
    std::uint64_t packets = 0, bytes = 0, first = 0;
  } totals;
  auto look = [](u_char* user, const pcap_pkthdr* header, const u_char* packet) {
    auto& sums = *reinterpret_cast<Totals*>(user);
    ++sums.packets;
    sums.bytes += header->caplen;
    if (header->caplen > 0) sums.first += packet[0];
  };
  pcap_dispatch(file, -1, look, reinterpret_cast<u_char*>(&totals));
  pcap_close(file);
  std::printf("%" PRIu64 " packets, %" PRIu64 " bytes, sum %" PRIu64 "\n", totals.packets, totals.bytes, totals.first);
  return 0;
}
