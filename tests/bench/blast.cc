// Sends the frames of a capture out of an interface, as fast as asked, again and again.
//
//   blast INTERFACE FILE PACKETS_PER_SECOND SECONDS     packets per second 0: as fast as it goes
//
// FILE is a little-endian pcap file of Ethernet frames, read into memory first. Each round through the file is other
// clients' traffic: the third byte of inner client addresses, 10.0.x.y in VXLAN over IPv4, is the number of the round,
// so that no round looks like a repetition of the one before. Prints one line of JSON: what was sent, and how long it
// took. Ends with 1 where something fails. Needs CAP_NET_RAW.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;
using Octets = std::vector<std::uint8_t>;

constexpr std::size_t kBatch = 64;
// Ethernet, IPv4, UDP, VXLAN, Ethernet, and the addresses in the inner IPv4 header.
constexpr std::size_t kInnerAddresses = 14 + 20 + 8 + 8 + 14 + 12;

struct Record {
  std::uint32_t seconds, fraction, captured, wire;
};

std::vector<Octets> read_capture(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<Octets> frames;
  Record record;
  file.ignore(24);
  while (file.read(reinterpret_cast<char*>(&record), sizeof record) && record.captured <= 0x40000) {
    Octets frame(record.captured);
    if (!file.read(reinterpret_cast<char*>(frame.data()), record.captured)) break;
    frames.push_back(std::move(frame));
  }
  return frames;
}

int open_socket(const char* interface) {
  int handle = socket(AF_PACKET, SOCK_RAW, 0);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(if_nametoindex(interface));
  int on = 1, buffer = 8 << 20;
  if (handle < 0 || address.sll_ifindex == 0 || bind(handle, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
    return -1;
  setsockopt(handle, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
  setsockopt(handle, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
  return handle;
}

// A checksum over 16-bit words of which one changes (RFC 1624).
void update_checksum(std::uint8_t* checksum, unsigned before, unsigned after) {
  unsigned sum = (~(checksum[0] << 8 | checksum[1]) & 0xffffu) + (~before & 0xffffu) + after;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = ~((sum & 0xffff) + (sum >> 16));
  checksum[0] = static_cast<std::uint8_t>(sum >> 8);
  checksum[1] = static_cast<std::uint8_t>(sum);
}

// The client's address, 10.0.x.y, gets the number of the round; the server's stays.
void mark_round(std::vector<Octets>& frames, std::uint8_t round) {
  constexpr std::size_t kIpChecksum = kInnerAddresses - 2, kTcpChecksum = kInnerAddresses + 8 + 16;
  for (Octets& frame : frames) {
    for (std::size_t at : {kInnerAddresses, kInnerAddresses + 4}) {
      if (frame.size() < kTcpChecksum + 2 || frame[at] != 10 || frame[at + 1] != 0) continue;
      unsigned before = static_cast<unsigned>(frame[at + 2] << 8 | frame[at + 3]);
      frame[at + 2] = round;
      unsigned after = static_cast<unsigned>(frame[at + 2] << 8 | frame[at + 3]);
      update_checksum(&frame[kIpChecksum], before, after);
      update_checksum(&frame[kTcpChecksum], before, after);
    }
  }
}

class Blaster {
 public:
  Blaster(int socket, double rate, double seconds)
      : socket_(socket), rate_(rate), start_(Clock::now()), seconds_(seconds) {}

  // False once the time is over, or sending failed.
  bool send(std::vector<Octets>& frames) {
    for (std::size_t at = 0; at < frames.size(); at += kBatch) {
      if (!wait_for_turn()) return false;
      if (!send_batch(&frames[at], std::min(kBatch, frames.size() - at))) return false;
    }
    return true;
  }

  double elapsed() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  std::uint64_t packets() const { return packets_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t refused() const { return refused_; }
  int error() const { return error_; }

 private:
  // Packets are due at an even pace, batch by batch; who is late catches up.
  bool wait_for_turn() const {
    double due = rate_ > 0 ? static_cast<double>(packets_) / rate_ : 0;
    double now = elapsed();
    for (; now < due && now < seconds_; now = elapsed()) {
      if (due - now > 0.0001) usleep(50);
    }
    return now < seconds_;
  }

  bool send_batch(Octets* frames, std::size_t count) {
    mmsghdr messages[kBatch] = {};
    iovec parts[kBatch];
    for (std::size_t i = 0; i < count; ++i) {
      parts[i] = {frames[i].data(), frames[i].size()};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    for (std::size_t done = 0; done < count;) {
      int sent = sendmmsg(socket_, messages + done, static_cast<unsigned>(count - done), 0);
      if (sent > 0) {
        for (std::size_t i = done; i < done + static_cast<std::size_t>(sent); ++i) bytes_ += frames[i].size();
        packets_ += static_cast<std::uint64_t>(sent);
        done += static_cast<std::size_t>(sent);
      } else if (errno == ENOBUFS || errno == EAGAIN) {
        ++refused_;
        if (elapsed() >= seconds_) return false;
      } else if (errno != EINTR) {
        error_ = errno;
        return false;
      }
    }
    return true;
  }

  int socket_;
  double rate_;
  Clock::time_point start_;
  double seconds_;
  std::uint64_t packets_ = 0, bytes_ = 0, refused_ = 0;
  int error_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  std::vector<Octets> frames = read_capture(argv[2]);
  int socket = open_socket(argv[1]);
  if (frames.empty() || socket < 0) {
    std::fprintf(stderr, "%s: %s\n", frames.empty() ? argv[2] : argv[1],
                 frames.empty() ? "no frames" : std::strerror(errno));
    return 1;
  }
  prctl(PR_SET_TIMERSLACK, 1000);  // nanoseconds: sleep no longer than asked
  Blaster blaster(socket, std::atof(argv[3]), std::atof(argv[4]));
  int rounds = 0;
  do {
    mark_round(frames, static_cast<std::uint8_t>(rounds++));
  } while (blaster.send(frames));
  std::printf("{\"packets\": %llu, \"bytes\": %llu, \"seconds\": %.3f, \"rounds\": %d, \"refused\": %llu}\n",
              static_cast<unsigned long long>(blaster.packets()), static_cast<unsigned long long>(blaster.bytes()),
              blaster.elapsed(), rounds, static_cast<unsigned long long>(blaster.refused()));
  if (blaster.error() != 0) std::fprintf(stderr, "%s: %s\n", argv[1], std::strerror(blaster.error()));
  return blaster.error() == 0 ? 0 : 1;
}
