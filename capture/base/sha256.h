// SHA-256 (FIPS 180-4), by OpenSSL's libcrypto.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "capture/base/bytes.h"

namespace specular {

using Digest = std::array<std::uint8_t, 32>;

// Over bytes that come in pieces; can be used again after finish().
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void add(Bytes bytes);
  Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

Digest sha256(Bytes bytes);
std::string to_hex(Bytes bytes);  // lower case

}  // namespace specular
