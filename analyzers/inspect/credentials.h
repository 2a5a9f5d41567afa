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

// Calls `found` with the way for each cookie that looks like one; `buffer` holds it.
template <class Found>
void find_in_cookies(std::string_view value, std::string& buffer, Found found) {
  while (!value.empty()) {
    auto end = value.find(';');
    std::string_view pair = value.substr(0, end);
    value.remove_prefix(end == std::string_view::npos ? value.size() : end + 1);
    pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
    std::string_view name = pair.substr(0, pair.find('='));
    if (!is_session_cookie(name)) continue;
    buffer.assign("apiKey:cookie:").append(name);
    found(std::string_view(buffer));
  }
}

}  // namespace specular::credentials
