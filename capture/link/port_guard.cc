#include "capture/link/port_guard.h"

#include <cerrno>
#include <cstring>
#include <set>

#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace specular {
namespace {

// Binds the socket, which drops everything before it is queued; false with errno if that fails.
bool drop_all_at(int descriptor, int family, std::uint16_t port) {
  sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  sock_fprog program{1, nothing};
  int least = 0, only_v6 = 1;
  if (setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) return false;
  setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);  // the kernel makes it the smallest it allows
  if (family == AF_INET) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    return bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  return setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6) == 0 &&
         bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

Result<PortGuard> PortGuard::create(const TunnelPortsOption& ports, const NoticeSink& notice) {
  PortGuard guard;
  std::set<std::uint16_t> all(ports.vxlan().begin(), ports.vxlan().end());
  all.insert(ports.geneve().begin(), ports.geneve().end());
  for (std::uint16_t port : all) {
    for (int family : {AF_INET, AF_INET6}) {
      if (auto held = guard.hold(family, port, notice); !held) return forward(held.error());
    }
  }
  return guard;
}

Result<void> PortGuard::hold(int family, std::uint16_t port, const NoticeSink& notice) {
  FileDescriptor descriptor(socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  // A machine without IPv6 does not answer by it.
  if (!descriptor && errno == EAFNOSUPPORT) return {};
  if (descriptor && drop_all_at(descriptor.get(), family, port)) {
    sockets_.push_back(std::move(descriptor));
    return {};
  }
  int problem = errno;
  std::string where = fmt::format("UDP port {} ({})", port, family == AF_INET ? "IPv4" : "IPv6");
  if (problem != EADDRINUSE) return fail(ErrorKind::io, fmt::format("{}: {}", where, std::strerror(problem)));
  if (notice) notice(NoticeLevel::info, where + " is held by somebody else, who may answer what is mirrored to it");
  return {};
}

}  // namespace specular
