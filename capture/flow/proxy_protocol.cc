#include "capture/flow/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "capture/base/reader.h"

namespace specular {
namespace {

using State = ProxyHeader::State;

constexpr std::string_view kVersion1 = "PROXY ";
constexpr std::string_view kVersion2{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kMaxVersion1 = 107;

std::string_view next_word(std::string_view& line) {
  auto end = line.find(' ');
  std::string_view word = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return word;
}

// An IPv6 address may be a mapped IPv4 one, if the two ends are of different families; it is told by its colons.
std::optional<IpAddress> read_address(std::string_view word, bool v6) {
  bool colons = word.find(':') != std::string_view::npos;
  return colons == v6 ? IpAddress::parse(word) : std::nullopt;
}

std::optional<std::uint16_t> read_port(std::string_view word) {
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), port);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return port;
}

// "PROXY TCP4 192.0.2.1 198.51.100.2 34567 443\r\n"
ProxyHeader read_version_1(std::string_view text) {
  auto end = text.substr(0, kMaxVersion1).find("\r\n");
  if (end == std::string_view::npos) return {text.size() < kMaxVersion1 ? State::incomplete : State::absent, 0, {}};
  std::string_view line = text.substr(kVersion1.size(), end - kVersion1.size());
  ProxyHeader header{State::present, end + 2, {}};
  std::string_view protocol = next_word(line);
  if (protocol == "UNKNOWN") return header;
  bool v6 = protocol == "TCP6";
  auto source = read_address(next_word(line), v6), destination = read_address(next_word(line), v6);
  auto source_port = read_port(next_word(line)), destination_port = read_port(line);
  if ((!v6 && protocol != "TCP4") || !source || !destination || !source_port || !destination_port) return {};
  header.source = SocketAddress{*source, *source_port};
  return header;
}

ProxyHeader read_version_2(Bytes bytes) {
  Reader r(bytes);
  r.skip(kVersion2.size());
  std::uint8_t version_and_command = r.u8(), family = r.u8();
  std::size_t length = r.u16();
  if (r.bad()) return {State::incomplete, 0, {}};
  if (version_and_command >> 4 != 2) return {};
  Reader body(r.take(length));
  if (r.bad()) return {State::incomplete, 0, {}};
  ProxyHeader header{State::present, r.offset(), {}};
  bool on_behalf = (version_and_command & 0x0f) == 1;
  std::size_t width = family >> 4 == 1 ? 4 : family >> 4 == 2 ? 16 : 0;
  if (!on_behalf || width == 0) return header;
  Bytes source = body.take(width);
  body.skip(width);
  std::uint16_t port = body.u16();
  if (body.bad()) return {};
  header.source = SocketAddress{width == 4 ? IpAddress::v4(source) : IpAddress::v6(source), port};
  return header;
}

bool begins_alike(std::string_view text, std::string_view with) {
  std::size_t size = std::min(text.size(), with.size());
  return text.substr(0, size) == with.substr(0, size);
}

}  // namespace

ProxyHeader read_proxy_header(Bytes bytes) {
  std::string_view text = as_text(bytes);
  if (begins_alike(text, kVersion1)) {
    return text.size() < kVersion1.size() ? ProxyHeader{State::incomplete, 0, {}} : read_version_1(text);
  }
  if (begins_alike(text, kVersion2)) {
    return text.size() < kVersion2.size() ? ProxyHeader{State::incomplete, 0, {}} : read_version_2(bytes);
  }
  return {};
}

}  // namespace specular
