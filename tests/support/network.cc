#include "tests/support/network.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace specular::test {
namespace {

[[noreturn]] void give_up(const std::string& what) {
  std::perror(what.c_str());
  std::abort();
}

int open_socket(const std::string& interface, bool with_offload_header) {
  int descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  if (bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up(interface);
  int on = with_offload_header ? 1 : 0;
  if (setsockopt(descriptor, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) != 0) give_up("PACKET_VNET_HDR");
  return descriptor;
}

void ask_interface(const std::string& interface, unsigned long what, ifreq& request) {
  int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  if (ioctl(descriptor, what, &request) != 0) give_up(interface);
  close(descriptor);
}

// What the other end of the cable does not take, being down, is lost as on any cable.
void send_by(int descriptor, const Octets& message) {
  if (send(descriptor, message.data(), message.size(), 0) < 0 && errno != ENOBUFS) give_up("send");
}

void write_kernel_file(const char* path, const char* text) {
  std::ofstream(path) << text;
}

}  // namespace

bool may_make_networks() {
  static const bool allowed = [] {
    pid_t child = fork();
    if (child == 0) _exit(unshare(CLONE_NEWNET) == 0 ? 0 : 1);
    int status = 1;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
  }();
  return allowed;
}

OwnNetwork::OwnNetwork() : before_(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
  if (before_ < 0 || unshare(CLONE_NEWNET) != 0) give_up("a network namespace");
  write_kernel_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
  write_kernel_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
  run("ip link set lo up");
}

OwnNetwork::~OwnNetwork() {
  if (setns(before_, CLONE_NEWNET) != 0) give_up("back to the network namespace");
  close(before_);
}

void run(const std::string& command) {
  if (std::system(command.c_str()) != 0) give_up(command);
}

void make_cable(const std::string& one, const std::string& other) {
  run("ip link add " + one + " type veth peer name " + other);
  for (const std::string& end : {one, other}) run("ip link set " + end + " up");
}

void set_down(const std::string& interface) {
  ifreq request{};
  request.ifr_flags = 0;
  ask_interface(interface, SIOCSIFFLAGS, request);
}

void switch_offload(const std::string& interface, std::uint32_t feature, bool on) {
  ethtool_value value{feature, on ? 1u : 0u};
  ifreq request{};
  request.ifr_data = reinterpret_cast<char*>(&value);
  ask_interface(interface, SIOCETHTOOL, request);
}

FrameSender::FrameSender(const std::string& interface)
    : plain_(open_socket(interface, false)), offloading_(open_socket(interface, true)) {}

FrameSender::~FrameSender() {
  close(plain_);
  close(offloading_);
}

void FrameSender::send(const Octets& frame) {
  send_by(plain_, frame);
}

// struct virtio_net_hdr, little-endian: flags, kind of segments, size of the headers and of the segments, where the
// checksum begins and where behind that it stands.
void FrameSender::send_scattered(const Octets& frame) {
  send_with_header({0, 0, 14, 0, 0, 0, 0, 0, 0, 0}, frame);
}

void FrameSender::send_glued(const Octets& frame, std::uint16_t segment) {
  auto low = static_cast<std::uint8_t>(segment), high = static_cast<std::uint8_t>(segment >> 8);
  send_with_header({1, 1, 54, 0, low, high, 34, 0, 16, 0}, frame);
}

void FrameSender::send_with_header(const Octets& header, const Octets& frame) {
  send_by(offloading_, join({header, frame}));
}

}  // namespace specular::test
