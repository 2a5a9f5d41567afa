// Headers for tests of the decoder, and the decoder behind one call.
#pragma once

#include <memory>
#include <string>

#include "capture/link/decode.h"
#include "tests/support/packet_builder.h"

namespace specular::test {

Octets big16(std::uint32_t value);
Octets big32(std::uint32_t value);
Octets zeros(std::size_t count);
Octets text_octets(std::string_view text);
inline Octets drop_front(const Octets& bytes, std::size_t count) {
  return Octets(bytes.begin() + static_cast<std::ptrdiff_t>(count), bytes.end());
}

// 10.0.0.1:40000 > 10.0.0.2:80, or the same in 2001:db8::/32, with sequence numbers 100 and 200.
TcpSegment sample_v4(std::string payload = "hello");
TcpSegment sample_v6(std::string payload = "hello");
Octets tcp_of(const TcpSegment& segment);  // without the IP header

Octets ether(std::uint16_t type, const Octets& payload);
// The IPv4 packet with another protocol field, or with options in its header; checksums are nobody's business.
Octets ipv4(std::uint8_t protocol, const Octets& payload, const Octets& options = {});
Octets ipv6(std::uint8_t next, const Octets& payload);

struct Decoded {
  Drop drop = Drop::none;
  Packet packet;
  std::string payload, tunnel, network;

  // "10.0.0.1:40000 > 10.0.0.2:80 hello", then " of 9" if more was sent, then " in vxlan:7"; or why there is none.
  std::string text() const;
};

inline const std::string kSample = "10.0.0.1:40000 > 10.0.0.2:80 hello";
inline const std::string kSample6 = "[2001:db8::1]:40000 > [2001:db8::2]:80 hello";

// Options are to be set before the first frame.
class Decoding {
 public:
  TunnelOptions options;

  Decoded operator()(LinkType link, const Octets& bytes, std::size_t cut = 0, Timestamp time = kStart);
  Decoded operator()(const Octets& ethernet) { return (*this)(LinkType::ethernet, ethernet); }
  std::string text(LinkType link, const Octets& bytes) { return (*this)(link, bytes).text(); }
  std::string text(const Octets& ethernet) { return (*this)(ethernet).text(); }
  Decoder& decoder();

  static constexpr Timestamp kStart{std::chrono::seconds(1'700'000'000)};

 private:
  std::unique_ptr<TunnelTable> tunnels_;
  std::unique_ptr<Decoder> decoder_;
};

}  // namespace specular::test
