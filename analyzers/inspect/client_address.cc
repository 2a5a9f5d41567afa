#include "analyzers/inspect/client_address.h"

#include <algorithm>
#include <optional>

#include "capture/base/text.h"

namespace specular {
namespace {

// "192.0.2.1", "192.0.2.1:4711", "[2001:db8::1]:4711", "2001:db8::1"
std::optional<IpAddress> parse_hop(std::string_view text) {
  text = trim(trim(text), "\"");
  if (auto plain = IpAddress::parse(text)) return plain;
  if (text.starts_with('[')) return IpAddress::parse(text.substr(0, text.find(']') + 1));
  auto colon = text.rfind(':');
  return colon == std::string_view::npos ? std::nullopt : IpAddress::parse(text.substr(0, colon));
}

// Where `wanted` stands first outside of quotes, or the end.
std::size_t find_unquoted(std::string_view text, char wanted) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      quoted = !quoted;
    else if (text[i] == wanted && !quoted)
      return i;
  }
  return text.size();
}

// The for= parameter of one element of Forwarded (RFC 7239 section 4).
std::string_view forwarded_for(std::string_view element) {
  while (!element.empty()) {
    auto end = find_unquoted(element, ';');
    std::string_view pair = trim(element.substr(0, end));
    element.remove_prefix(std::min(end + 1, element.size()));
    if (pair.size() > 4 && equals_ignoring_case(pair.substr(0, 4), "for=")) return pair.substr(4);
  }
  return {};
}

// Where the last comma outside of quotes stands.
std::size_t find_last_comma(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = text.size(); i-- > 0;) {
    if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
    if (text[i] == ',' && !quoted) return i;
  }
  return std::string_view::npos;
}

// The elements of a list header from the right, over all its fields.
class HopsFromRight {
 public:
  HopsFromRight(std::span<const HeaderField> headers, std::string_view name) : headers_(headers), name_(name) {}

  bool next(std::string_view& element) {
    while (!in_field_) {
      if (headers_.empty()) return false;
      const HeaderField& field = headers_.back();
      headers_ = headers_.first(headers_.size() - 1);
      if (!equals_ignoring_case(field.name, name_)) continue;
      rest_ = field.value;
      in_field_ = true;
    }
    auto comma = find_last_comma(rest_);
    in_field_ = comma != std::string_view::npos;
    element = trim(in_field_ ? rest_.substr(comma + 1) : rest_);
    rest_ = in_field_ ? rest_.substr(0, comma) : std::string_view();
    return true;
  }

 private:
  std::span<const HeaderField> headers_;
  std::string_view name_, rest_;
  bool in_field_ = false;
};

}  // namespace

IpAddress client_address(const Connection& connection, std::span<const HeaderField> headers,
                         const std::vector<Prefix>& trusted) {
  auto is_trusted = [&](const IpAddress& address) {
    return std::any_of(trusted.begin(), trusted.end(), [&](const Prefix& prefix) { return prefix.contains(address); });
  };
  IpAddress client = connection.client.address;
  if (trusted.empty() || !is_trusted(client)) return client;
  if (connection.proxied_client) {
    client = connection.proxied_client->address;
    if (!is_trusted(client)) return client;
  }
  // Whoever writes one of them may let a forged other one pass; most write X-Forwarded-For.
  bool forwarded = !find_header(headers, "x-forwarded-for");
  HopsFromRight hops(headers, forwarded ? "forwarded" : "x-forwarded-for");
  for (std::string_view element; hops.next(element);) {
    if (element.empty()) continue;
    auto hop = parse_hop(forwarded ? forwarded_for(element) : element);
    // "unknown", an obfuscated name, or nonsense: the last trusted hop is all that can be said.
    if (!hop) return client;
    client = *hop;
    if (!is_trusted(client)) return client;
  }
  return client;
}

}  // namespace specular
