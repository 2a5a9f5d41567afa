// Who the client is, when proxies stand between: told by trusted hops only, so that nobody can pass for somebody else.
#pragma once

#include <span>
#include <vector>

#include "capture/base/ip.h"
#include "capture/base/option.h"
#include "capture/exchange.h"

namespace specular {

struct ClientOptions : OptionGroup {
  ListOption<Prefix> trusted_proxies{
      *this,
      "trusted_proxies",
      {},
      &Prefix::parse,
      "addresses or prefixes",
      "Load balancers and proxies whose X-Forwarded-For, Forwarded and PROXY headers are "
      "believed."};
};

// The rightmost hop that is not trusted. Hops are, from the right: the TCP peer, the source of its PROXY header, and
// the elements of X-Forwarded-For, or else of Forwarded (RFC 7239). What stands left of an untrusted hop is not looked
// at.
IpAddress client_address(const Connection& connection, std::span<const HeaderField> headers,
                         const std::vector<Prefix>& trusted);

}  // namespace specular
