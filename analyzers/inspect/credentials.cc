#include "analyzers/inspect/credentials.h"

#include <algorithm>
#include <array>
#include <span>

#include "capture/base/text.h"

namespace specular::credentials {
namespace {

// The registry of HTTP authentication schemes, and others that are in use.
constexpr std::string_view kSchemes[] = {
    "apikey",      "aws4-hmac-sha256", "basic",     "bearer",        "concealed", "digest",      "dpop",
    "gnap",        "googlelogin",      "hawk",      "hoba",          "jwt",       "kerberos",    "key",
    "mac",         "mutual",           "negotiate", "ntlm",          "oauth",     "passport1.4", "privatetoken",
    "scram-sha-1", "scram-sha-256",    "sharedkey", "sharedkeylite", "signature", "token",       "vapid",
    "wsse"};
constexpr std::size_t kMaxScheme = 16;

// A name without case and separators: X-Api-Key, x_api_key and xApiKey are one. Too long ones are nobody's key.
class BareName {
 public:
  explicit BareName(std::string_view name) {
    for (char c : name) {
      if (c == '-' || c == '_' || c == '.') continue;
      if (size_ == text_.size()) {
        size_ = 0;
        return;
      }
      text_[size_++] = to_lower(c);
    }
  }
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 48> text_;
  std::size_t size_ = 0;
};

bool is_one_of(std::string_view text, std::span<const std::string_view> names) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

bool ends_with_any(std::string_view text, std::span<const std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) { return text.ends_with(ending); });
}

}  // namespace

// RFC 9110 section 11.4: a scheme, then what belongs to it. A bare token is a key of somebody's own; so is what begins
// with no known scheme, since that may be the secret.
std::string_view way_of_authorization(std::string_view value, std::string& buffer) {
  auto end = value.find_first_of(" \t");
  buffer.clear();
  if (end != std::string_view::npos && end <= kMaxScheme) append_lower(value.substr(0, end), buffer);
  return is_one_of(buffer, kSchemes) ? std::string_view(buffer) : "apiKey:header:authorization";
}

bool is_key_header(std::string_view name) {
  static constexpr std::string_view kEndings[] = {"apikey",          "authtoken", "accesstoken",  "apitoken",
                                                  "accesskey",       "appkey",    "sessiontoken", "secretkey",
                                                  "subscriptionkey", "authkey",   "clientsecret", "idtoken"};
  static constexpr std::string_view kNames[] = {"xauth",          "xtoken",           "token",    "key",
                                                "xkey",           "xaccess",          "xsession", "xsessionid",
                                                "xauthorization", "xamzsecuritytoken"};
  if (name.size() < 3 || name.size() > 40) return false;
  BareName bare(name);
  return ends_with_any(bare.text(), kEndings) || is_one_of(bare.text(), kNames);
}

bool is_key_parameter(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "apikey", "key",     "accesstoken",     "token",        "authtoken", "apitoken", "accesskey",    "appkey",
      "appid",  "auth",    "sessionid",       "sessiontoken", "sid",       "secret",   "clientsecret", "signature",
      "sig",    "authkey", "subscriptionkey", "jwt",          "idtoken",   "xapikey"};
  if (name.size() < 3 || name.size() > 24) return false;
  BareName bare(name);
  return is_one_of(bare.text(), kNames);
}

bool is_session_cookie(std::string_view name) {
  static constexpr std::string_view kNames[] = {"sid",  "session",    "token",         "jwt",
                                                "auth", "connectsid", "laravelsession"};
  static constexpr std::string_view kEndings[] = {"sessionid",  "sessid", "session", "authtoken", "accesstoken",
                                                  "jsessionid", "apikey", "token",   "sid"};
  if (name.size() < 3 || name.size() > 40) return false;
  BareName bare(name);
  bool csrf = bare.text().find("csrf") != std::string_view::npos || bare.text().find("xsrf") != std::string_view::npos;
  return !csrf && (is_one_of(bare.text(), kNames) || ends_with_any(bare.text(), kEndings));
}

bool may_be_key(std::string_view name) {
  static constexpr std::string_view kWords[] = {"token",      "secret",   "apikey",  "auth",
                                                "credential", "password", "session", "signature"};
  static constexpr std::string_view kOthers[] = {"csrf",   "xsrf",     "idempot",   "cache", "sort",    "page",
                                                 "cursor", "continu",  "next",      "sync",  "request", "partition",
                                                 "author", "verifier", "surrogate", "trace", "device",  "public"};
  if (name.size() < 3 || name.size() > 40) return false;
  BareName bare(name);
  auto has = [&](std::string_view word) { return bare.text().find(word) != std::string_view::npos; };
  bool named = bare.text().ends_with("key") || std::any_of(std::begin(kWords), std::end(kWords), has);
  if (!named || has("authoriz")) return named;
  return std::none_of(std::begin(kOthers), std::end(kOthers), has);
}

bool looks_like_secret(std::string_view value) {
  constexpr std::size_t kShortest = 16, kLongest = 4096;
  if (value.size() < kShortest || value.size() > kLongest) return false;
  std::size_t letters = 0, digits = 0;
  std::array<bool, 128> seen{};
  for (char c : value) {
    bool letter = to_lower(c) >= 'a' && to_lower(c) <= 'z', digit = c >= '0' && c <= '9';
    if (!letter && !digit && std::string_view("-_.~+/=:%").find(c) == std::string_view::npos) return false;
    letters += letter ? 1 : 0;
    digits += digit ? 1 : 0;
    seen[static_cast<unsigned char>(c)] = true;
  }
  constexpr std::ptrdiff_t kFewest = 8;  // different characters
  return letters >= 2 && digits >= 2 && std::count(seen.begin(), seen.end(), true) >= kFewest;
}

bool is_query_key(std::string_view name, std::string_view value) {
  return is_key_parameter(name) || (looks_like_secret(value) && may_be_key(name));
}

bool is_jwt(std::string_view token) {
  // The first part begins with `{"`, as base64url has it. Signed: three parts; encrypted: five.
  auto dots = std::count(token.begin(), token.end(), '.');
  auto plain = [](char c) {
    return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return token.starts_with("ey") && (dots == 2 || dots == 4) && std::all_of(token.begin(), token.end(), plain);
}

}  // namespace specular::credentials
