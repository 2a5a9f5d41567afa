// AccessLearner: the credentials of one request after the other, and whether what they asked for was granted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analyzers/discovery/summary.h"
#include "capture/base/hash.h"

namespace specular {

class AccessLearner {
 public:
  // What an exchange under way came with.
  struct Pending {
    std::string set;  // of ways to authenticate (AccessSummary)
    enum class Bearer : std::uint8_t { none, opaque, jwt } bearer = Bearer::none;
  };

  explicit AccessLearner(const HashKey& key) : key_(key) {}

  void begin();
  // `way`: as inspect/credentials.h names it; `value`: what is not kept.
  void found(std::string_view way, std::string_view value, EndpointSummary& summary);
  void end(EndpointSummary& summary, Pending& pending);
  // The answer's status is known.
  static void finish(const Pending& pending, std::uint16_t status, EndpointSummary& summary);

 private:
  HashKey key_;
  std::vector<std::string> ways_;
  Pending::Bearer bearer_ = Pending::Bearer::none;
};

}  // namespace specular
