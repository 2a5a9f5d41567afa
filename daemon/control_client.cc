#include "daemon/control_client.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>
#include <grp.h>
#include <httplib.h>
#include <pwd.h>
#include <sys/stat.h>

#include "daemon/listen_socket.h"

namespace specular {
namespace {

// A large inventory takes the daemon some seconds.
constexpr auto kPatience = std::chrono::seconds(120);

std::string user_name(uid_t id) {
  const passwd* user = getpwuid(id);
  return user == nullptr ? std::to_string(id) : user->pw_name;
}

std::string group_name(gid_t id) {
  const group* found = getgrgid(id);
  return found == nullptr ? std::to_string(id) : found->gr_name;
}

// Who may, where this user may not: the owners of the socket, or of the folder that is closed.
std::string who_may(std::filesystem::path path) {
  struct stat found {};
  while (stat(path.c_str(), &found) != 0) {
    if (!path.has_relative_path()) return "others may";
    path = path.parent_path().empty() ? "." : path.parent_path();
  }
  return fmt::format("user {} and group {} may", user_name(found.st_uid), group_name(found.st_gid));
}

// The library does not tell why it could not connect.
Result<void> knock(const std::string& path) {
  auto connected = connect_unix(path);
  if (connected) return {};
  switch (connected.error().error) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED: return fail(ErrorKind::unavailable, fmt::format("no daemon answers at {}", path));
    case EACCES:
    case EPERM: return fail(ErrorKind::io, fmt::format("you may not ask the daemon at {}: {}", path, who_may(path)));
    default: return fail(ErrorKind::io, fmt::format("{}: {}", path, std::strerror(connected.error().error)));
  }
}

// `method`: one of the client's, which gets the target and the headers.
template <class Method>
Result<ControlReply> talk(const std::string& path, const Query& query, Method method) {
  if (auto there = knock(path); !there) return forward(there.error());
  httplib::ClientImpl client(path);
  client.set_address_family(AF_UNIX);
  client.set_read_timeout(kPatience);
  httplib::Params parameters(query.parameters.begin(), query.parameters.end());
  std::string target = "/v1/" + query.path;
  if (!parameters.empty()) target = httplib::append_query_params(target, parameters);
  auto result = method(client, target, httplib::Headers{{"Host", "specular"}});
  if (result) return ControlReply{result->status, std::move(result->body)};
  return fail(ErrorKind::io, fmt::format("the daemon at {} broke off: {}", path, httplib::to_string(result.error())));
}

}  // namespace

std::string control_path(const ControlOptions& options, const std::string& store) {
  return options.listen.value().empty() ? store + "/control.sock" : options.listen.value();
}

Result<ControlReply> ask_control(const std::string& path, const Query& query) {
  return talk(path, query,
              [](auto& client, const auto& target, const auto& headers) { return client.Get(target, headers); });
}

Result<ControlReply> change_by_control(const std::string& path, const Query& change) {
  return talk(path, change, [](auto& client, const auto& target, const auto& headers) {
    return client.Post(target, headers, "", "text/plain");
  });
}

}  // namespace specular
