// PortGuard: keeps the machine from answering mirrored packets.
//
// Nobody listens at the ports that mirrors send to: the kernel would answer each packet by an ICMP "port unreachable",
// back into the mirrored network. While the guard lives, these ports are held by sockets that drop all they receive.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "capture/base/file_descriptor.h"
#include "capture/base/result.h"
#include "capture/link/notice.h"
#include "capture/link/tunnels.h"

namespace specular {

class PortGuard {
 public:
  // Holds all tunnel ports on all local addresses, IPv4 and IPv6. A port that somebody else holds is left to them (a
  // tunnel device of the kernel does not answer either) and told by a notice. Fails if a port needs a right that the
  // process does not have.
  static Result<PortGuard> create(const TunnelPortsOption& ports, const NoticeSink& notice);

  std::size_t held() const { return sockets_.size(); }  // sockets: up to two for each port

 private:
  PortGuard() = default;
  Result<void> hold(int family, std::uint16_t port, const NoticeSink& notice);

  std::vector<FileDescriptor> sockets_;
};

}  // namespace specular
