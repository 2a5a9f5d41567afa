#include "tests/capture/link/frames.h"

#include <fmt/format.h>

namespace specular::test {

Octets big16(std::uint32_t value) {
  return {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}
Octets big32(std::uint32_t value) {
  return join({big16(value >> 16), big16(value & 0xffff)});
}
Octets zeros(std::size_t count) {
  return Octets(count, 0);
}
Octets text_octets(std::string_view text) {
  return Octets(text.begin(), text.end());
}

TcpSegment sample_v4(std::string payload) {
  TcpSegment segment{socket_address("10.0.0.1:40000"), socket_address("10.0.0.2:80"), 100, 200};
  segment.payload = std::move(payload);
  return segment;
}

TcpSegment sample_v6(std::string payload) {
  TcpSegment segment{socket_address("[2001:db8::1]:40000"), socket_address("[2001:db8::2]:80"), 100, 200};
  segment.payload = std::move(payload);
  return segment;
}

Octets tcp_of(const TcpSegment& segment) {
  return drop_front(ip_packet(segment), segment.from.address.is_v4() ? 20 : 40);
}

Octets ether(std::uint16_t type, const Octets& payload) {
  return join({{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}, big16(type), payload});
}

Octets ipv4(std::uint8_t protocol, const Octets& payload, const Octets& options) {
  TcpSegment sample = sample_v4();
  Octets header = ip_header(sample.from.address, sample.to.address, protocol, options.size() + payload.size());
  header[0] = static_cast<std::uint8_t>(0x40 | (20 + options.size()) / 4);
  return join({header, options, payload});
}

Octets ipv6(std::uint8_t next, const Octets& payload) {
  TcpSegment sample = sample_v6();
  return join({ip_header(sample.from.address, sample.to.address, next, payload.size()), payload});
}

std::string Decoded::text() const {
  if (drop != Drop::none) return to_text(drop);
  bool from_low = packet.from == Side::low;
  SocketAddress source = from_low ? packet.flow.low() : packet.flow.high();
  SocketAddress destination = from_low ? packet.flow.high() : packet.flow.low();
  std::string line = fmt::format("{} > {} {}", source.text(), destination.text(), payload);
  if (packet.payload_size != payload.size()) line += fmt::format(" of {}", packet.payload_size);
  if (!tunnel.empty()) line += " in " + tunnel;
  return line;
}

Decoder& Decoding::decoder() {
  if (!decoder_) {
    tunnels_ = std::make_unique<TunnelTable>(options);
    decoder_ = std::make_unique<Decoder>(options, *tunnels_);
  }
  return *decoder_;
}

Decoded Decoding::operator()(LinkType link, const Octets& bytes, std::size_t cut, Timestamp time) {
  // A buffer of exactly the captured size, so that a sanitizer sees every read beyond it.
  Octets captured(bytes.begin(), bytes.end() - static_cast<std::ptrdiff_t>(cut));
  Frame frame{time, captured, static_cast<std::uint32_t>(bytes.size()), link};
  decoder().begin_batch();
  Decoded decoded;
  decoded.drop = decoder().decode(frame, decoded.packet);
  if (decoded.drop != Drop::none) return decoded;
  decoded.payload = as_text(decoded.packet.payload);
  decoded.packet.payload = {};
  decoded.tunnel = tunnels_->tunnel_name(decoded.packet.tunnel);
  decoded.network = tunnels_->network_name(decoded.packet.flow.network);
  return decoded;
}

}  // namespace specular::test
