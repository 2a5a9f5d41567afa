#include "capture/base/ip.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace specular {
namespace {

constexpr std::uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::uint64_t load_big(const std::uint8_t* from) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | from[i];
  return value;
}

bool same_prefix(const IpAddress& a, const IpAddress& b, unsigned bits) {
  if (std::memcmp(a.bytes().data(), b.bytes().data(), bits / 8) != 0) return false;
  if (bits % 8 == 0) return true;
  auto mask = static_cast<std::uint8_t>(0xff00u >> (bits % 8));
  return (a.bytes()[bits / 8] & mask) == (b.bytes()[bits / 8] & mask);
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) {
  std::uint8_t four[4] = {static_cast<std::uint8_t>(host_order >> 24), static_cast<std::uint8_t>(host_order >> 16),
                          static_cast<std::uint8_t>(host_order >> 8), static_cast<std::uint8_t>(host_order)};
  return v4(Bytes(four));
}

IpAddress IpAddress::v4(Bytes four) {
  IpAddress address;
  std::memcpy(address.bytes_.data(), kMappedPrefix, 12);
  std::memcpy(address.bytes_.data() + 12, four.data(), 4);
  return address;
}

IpAddress IpAddress::v6(Bytes sixteen) {
  IpAddress address;
  std::memcpy(address.bytes_.data(), sixteen.data(), 16);
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  bool bracketed = text.size() > 1 && text.front() == '[' && text.back() == ']';
  if (bracketed) text = text.substr(1, text.size() - 2);
  char buffer[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof buffer || text.find('\0') != std::string_view::npos) return std::nullopt;
  text.copy(buffer, text.size());
  buffer[text.size()] = '\0';
  std::uint8_t raw[16];
  if (!bracketed && inet_pton(AF_INET, buffer, raw) == 1) return v4(Bytes(raw, 4));
  if (inet_pton(AF_INET6, buffer, raw) == 1) return v6(Bytes(raw, 16));
  return std::nullopt;
}

bool IpAddress::is_v4() const {
  return std::memcmp(bytes_.data(), kMappedPrefix, 12) == 0;
}

bool IpAddress::is_local() const {
  if (is_v4()) {
    std::uint8_t a = bytes_[12], b = bytes_[13];
    return a == 10 || a == 127 || a == 0 || a >= 224 || (a == 172 && (b & 0xf0) == 16) || (a == 192 && b == 168) ||
           (a == 169 && b == 254) || (a == 100 && (b & 0xc0) == 64);
  }
  bool link_local = bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
  bool unique_local = (bytes_[0] & 0xfe) == 0xfc;
  bool unspecified_or_loopback = high() == 0 && low() <= 1;
  return link_local || unique_local || unspecified_or_loopback || bytes_[0] == 0xff;
}

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN] = "";
  if (is_v4()) {
    inet_ntop(AF_INET, bytes_.data() + 12, buffer, sizeof buffer);
  } else {
    inet_ntop(AF_INET6, bytes_.data(), buffer, sizeof buffer);
  }
  return buffer;
}

std::uint64_t IpAddress::high() const {
  return load_big(bytes_.data());
}
std::uint64_t IpAddress::low() const {
  return load_big(bytes_.data() + 8);
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  SocketAddress parsed;
  std::string_view port = text.substr(colon + 1);
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), parsed.port);
  auto address = IpAddress::parse(text.substr(0, colon));
  bool bracketed = text[colon - 1] == ']';
  if (error != std::errc() || end != port.data() + port.size() || !address || address->is_v4() == bracketed) {
    return std::nullopt;
  }
  parsed.address = *address;
  return parsed;
}

std::string SocketAddress::text() const {
  return address.is_v4() ? fmt::format("{}:{}", address.text(), port) : fmt::format("[{}]:{}", address.text(), port);
}

Result<Prefix> Prefix::parse(std::string_view text) {
  std::string_view address_text = text.substr(0, text.find('/'));
  auto address = IpAddress::parse(address_text);
  if (!address) return fail(ErrorKind::invalid, fmt::format("'{}' is no address or prefix", text));
  unsigned width = address->is_v4() ? 32 : 128, bits = width;
  if (address_text.size() != text.size()) {
    std::string_view length = text.substr(address_text.size() + 1);
    auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
    if (error != std::errc() || end != length.data() + length.size() || bits > width) {
      return fail(ErrorKind::invalid, fmt::format("'{}' has no prefix length from 0 to {}", text, width));
    }
  }
  Prefix prefix;
  prefix.base_ = *address;
  prefix.bits_ = static_cast<std::uint8_t>(128 - width + bits);
  for (unsigned bit = prefix.bits_; bit < 128; ++bit) {
    if ((address->bytes()[bit / 8] >> (7 - bit % 8) & 1) != 0) {
      return fail(ErrorKind::invalid, fmt::format("'{}' has bits set behind its prefix length", text));
    }
  }
  return prefix;
}

bool Prefix::contains(const IpAddress& address) const {
  return base_.is_v4() == address.is_v4() && same_prefix(base_, address, bits_);
}

std::string Prefix::text() const {
  return fmt::format("{}/{}", base_.text(), base_.is_v4() ? bits_ - 96 : static_cast<int>(bits_));
}

}  // namespace specular
