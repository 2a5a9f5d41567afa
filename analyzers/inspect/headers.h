// Headers: which request headers say what, by their names. Learned names are cached, since they repeat.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "capture/base/hash.h"

namespace specular {

enum class HeaderKind : std::uint8_t {
  common,     // of HTTP itself, of browsers, proxies and tracing
  parameter,  // of the API: anything else
  authorization,
  cookie,
  api_key,    // carries a key or token
  maybe_key,  // does if its value looks like one
  content_type,
  content_encoding,
  preflight,  // Access-Control-Request-Method
};

class HeaderKinds {
 public:
  explicit HeaderKinds(const HashKey& key) : key_(key) {}

  HeaderKind of(std::string_view name);

 private:
  struct Entry {
    std::string name;
    HeaderKind kind = HeaderKind::common;
  };

  HashKey key_;
  std::array<Entry, 1024> entries_;
};

}  // namespace specular
