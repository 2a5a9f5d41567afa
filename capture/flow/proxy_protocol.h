// PROXY protocol, versions 1 and 2 (HAProxy, proxy-protocol.txt): the header that a load balancer puts in front of a
// connection to say whose it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "capture/base/bytes.h"
#include "capture/base/ip.h"

namespace specular {

struct ProxyHeader {
  enum class State : std::uint8_t { absent, incomplete, present };
  State state = State::absent;
  std::size_t size = 0;                 // if present: bytes to skip
  std::optional<SocketAddress> source;  // nothing for LOCAL and UNKNOWN: the balancer's own health checks
};

// Looks at the first bytes of a stream. No header is larger than kMaxProxyHeader.
ProxyHeader read_proxy_header(Bytes bytes);
inline constexpr std::size_t kMaxProxyHeader = 16 + 65535;

}  // namespace specular
