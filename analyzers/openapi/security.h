// Security: what an operation demands, as Security Requirement Objects, and the schemes they name. Credentials that
// were sent together stand in one requirement, those that were sent instead of each other in several; `{}` says that it
// answers without any.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include "analyzers/discovery/endpoints.h"

namespace specular {

class SecurityWriter {
 public:
  // Requires: all endpoints are of one host, whose address is `server`; they outlive the writer.
  SecurityWriter(std::span<const Endpoint> endpoints, std::string server);

  // An array; empty if nothing was ever demanded.
  nlohmann::ordered_json requirements_of(const Endpoint& endpoint);
  // Those that were named so far: an object.
  const nlohmann::ordered_json& schemes() const { return schemes_; }

 private:
  using Json = nlohmann::ordered_json;

  std::string scheme_for(const std::string& way);
  Json describe(const std::string& way, std::string& name) const;
  Json flows_of(const Endpoint& token) const;
  std::string address_of(const Endpoint& endpoint) const;

  std::span<const Endpoint> endpoints_;
  std::string server_;
  Json oauth_;                     // the scheme of the host's token endpoint; null if there is none
  std::set<std::string> granted_;  // ways that the host accepts somewhere
  bool has_jwts_ = false;          // nearly all bearer tokens that were granted are JSON Web Tokens
  Json schemes_ = Json::object();
  std::map<std::string, std::string> names_;  // by the way to authenticate
};

}  // namespace specular
