#include "analyzers/names.h"

#include <algorithm>

#include <fmt/format.h>

#include "capture/base/text.h"

namespace specular {
namespace {

std::string address_as_host(const SocketAddress& server, std::uint16_t default_port) {
  std::string host = server.address.is_v4() ? server.address.text() : "[" + server.address.text() + "]";
  return server.port == default_port ? host : fmt::format("{}:{}", host, server.port);
}

// What no host name has (RFC 3986 section 3.2.2) is escaped, and the whole cut: it comes from anybody.
std::string escape_host(std::string_view host) {
  constexpr std::size_t kMaxHost = 255;
  std::string out;
  for (char c : host.substr(0, kMaxHost)) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                 std::string_view("-._~:[]!$&'()*+,;=").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

// With brackets, which may be missing, and in one spelling (RFC 5952); what is no address stays as it is.
std::string spell_ipv6(const std::string& host) {
  bool brackets = host.front() == '[' && host.back() == ']';
  auto address = IpAddress::parse(brackets ? host.substr(1, host.size() - 2) : host);
  return address ? "[" + address->text() + "]" : host;
}

}  // namespace

std::string normalise_host(std::string_view authority, const SocketAddress& server, std::uint16_t default_port) {
  std::string host(trim(authority));
  host.erase(0, host.rfind('@') + 1);  // whoever it names is no part of the host (RFC 3986 section 3.2.1)
  make_lower(host);
  auto colon = host.rfind(':');
  bool has_port = colon != std::string::npos && host.find(']', colon) == std::string::npos &&
                  (host.find(':') == colon || host.front() == '[') &&
                  std::all_of(host.begin() + static_cast<std::ptrdiff_t>(colon) + 1, host.end(),
                              [](char c) { return c >= '0' && c <= '9'; });
  std::string port = has_port ? host.substr(colon + 1) : "";
  port.erase(0, std::min(port.find_first_not_of('0'), port.size()));
  if (has_port) host.resize(colon);
  if (!host.empty() && host.back() == '.') host.pop_back();
  if (host.empty()) return address_as_host(server, default_port);
  host = escape_host(host);
  if (std::count(host.begin(), host.end(), ':') > 1) host = spell_ipv6(host);
  if (!port.empty() && port != std::to_string(default_port)) host += ":" + port;
  return host;
}

std::string normalise_content_type(std::string_view value) {
  std::string type;
  normalise_content_type(value, type);
  return type;
}

void normalise_content_type(std::string_view value, std::string& type) {
  type.assign(trim(value.substr(0, value.find_first_of(";,"))));
  make_lower(type);
  // RFC 9110 section 8.3.1: two tokens. Anything else may be anything, and is not kept.
  constexpr std::size_t kMaxType = 127;  // RFC 6838 section 4.2, of each; more than any type has
  bool fits = type.size() <= kMaxType && std::count(type.begin(), type.end(), '/') <= 1;
  fits = fits && std::all_of(type.begin(), type.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!fits) type = "malformed";
}

}  // namespace specular
