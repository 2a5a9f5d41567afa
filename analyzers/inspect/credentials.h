// Credentials: how a request authenticates, by the names of what it carries. Values are looked at, never kept.
//
// Ways are named as OpenAPI has them: "bearer", "basic" and other Authorization schemes in lower case,
// "apiKey:header:x-api-key", "apiKey:query:api_key", "apiKey:cookie:session".
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace specular::credentials {

// The way an Authorization header names; in `buffer`, or a literal.
std::string_view way_of_authorization(std::string_view value, std::string& buffer);

// Whether a header, query parameter or cookie of that name carries a key or token. The name may have any case.
bool is_key_header(std::string_view name);
bool is_key_parameter(std::string_view name);
bool is_session_cookie(std::string_view name);

// Whether a header or query parameter of that name may carry one, as its value tells: x-acme-token. Names of what
// protects from forgery, of places in lists and of requests do not count.
bool may_be_key(std::string_view name);
// Whether a value looks like one that was drawn at random: long enough, letters and digits mixed.
bool looks_like_secret(std::string_view value);
// By name, or else by name and value.
bool is_query_key(std::string_view name, std::string_view value);
// A JSON Web Token (RFC 7519) by its outer form: parts of base64url, the first a JSON object.
bool is_jwt(std::string_view token);

// Calls `found` with way and value for each cookie that looks like one; `buffer` holds the way.
template <class Found>
void find_in_cookies(std::string_view value, std::string& buffer, Found found) {
  while (!value.empty()) {
    auto end = value.find(';');
    std::string_view pair = value.substr(0, end);
    value.remove_prefix(end == std::string_view::npos ? value.size() : end + 1);
    pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
    auto equals = std::min(pair.find('='), pair.size());
    std::string_view name = pair.substr(0, equals);
    if (!is_session_cookie(name)) continue;
    buffer.assign("apiKey:cookie:").append(name);
    found(std::string_view(buffer), pair.substr(std::min(equals + 1, pair.size())));
  }
}

// The same for each key in a query.
template <class Found>
void find_in_query(std::string_view query, std::string& buffer, Found found) {
  while (!query.empty()) {
    auto end = std::min(query.find('&'), query.size());
    std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    auto equals = std::min(pair.find('='), pair.size());
    std::string_view name = pair.substr(0, equals), value = pair.substr(std::min(equals + 1, pair.size()));
    if (!is_query_key(name, value)) continue;
    buffer.assign("apiKey:query:").append(name);
    found(std::string_view(buffer), value);
  }
}

}  // namespace specular::credentials
