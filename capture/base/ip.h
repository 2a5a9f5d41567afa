// Addresses: IPv4 and IPv6 in one 16-byte value (IPv4 as ::ffff:a.b.c.d, RFC 4291 section 2.5.5.2), sockets, prefixes.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "capture/base/bytes.h"
#include "capture/base/result.h"

namespace specular {

class IpAddress {
 public:
  constexpr IpAddress() = default;

  static IpAddress v4(std::uint32_t host_order);
  static IpAddress v4(Bytes four);     // Requires: four.size() == 4.
  static IpAddress v6(Bytes sixteen);  // Requires: sixteen.size() == 16.
  // Dotted or colon form, nothing around it. IPv6 may carry brackets; a zone (%eth0) is refused.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const;
  // Everything that is not globally routed unicast: RFC 1918, 4193, 6598, loopback, link-local, multicast, unspecified.
  bool is_local() const;
  std::string text() const;

  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  std::uint64_t high() const;
  std::uint64_t low() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

struct SocketAddress {
  IpAddress address;
  std::uint16_t port = 0;

  // As text() writes it.
  static std::optional<SocketAddress> parse(std::string_view text);
  std::string text() const;  // 192.0.2.1:80, [2001:db8::1]:80
  auto operator<=>(const SocketAddress&) const = default;
};

class Prefix {
 public:
  // "10.0.0.0/8", "2001:db8::/32", or an address alone. Host bits must be zero.
  static Result<Prefix> parse(std::string_view text);

  bool contains(const IpAddress& address) const;
  std::string text() const;

 private:
  IpAddress base_;
  std::uint8_t bits_ = 0;  // of the 128; an IPv4 /8 is 104
};

}  // namespace specular
