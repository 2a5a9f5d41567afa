#include "analyzers/openapi/server.h"

#include <nlohmann/json.hpp>

#include "capture/base/escape.h"

namespace specular {

nlohmann::ordered_json server_of(const Endpoint& endpoint) {
  nlohmann::ordered_json server, variables;
  std::string_view host = endpoint.host.host, member = endpoint.member;
  std::string url = "http://";
  for (int number = 1; !member.empty() && host.starts_with("*."); ++number) {
    std::string name = number == 1 ? "host" : "host" + std::to_string(number);
    auto dot = member.find('.');
    variables[name]["default"] = make_utf8(std::string(member.substr(0, dot)));
    url += "{" + name + "}.";
    host.remove_prefix(2);
    member.remove_prefix(dot + 1);
  }
  server["url"] = url + make_utf8(std::string(host));
  if (!variables.empty()) server["variables"] = variables;
  return server;
}

std::string example_server(const Endpoint& endpoint) {
  return "http://" + make_utf8(endpoint.member.empty() ? endpoint.host.host : endpoint.member);
}

}  // namespace specular
