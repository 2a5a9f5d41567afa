#include "daemon/listen_socket.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace specular {
namespace {

constexpr timeval kConnectPatience{10, 0};
constexpr mode_t kMode = 0660;
constexpr int kSocketFlags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

tl::unexpected<Error> failed(const std::string& where) {
  return fail(ErrorKind::io, fmt::format("{}: {}", where, std::strerror(errno)));
}

// The system's calls take every kind of address through a pointer to one.
template <class Address>
const sockaddr* generic(const Address& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

bool bind_to(int fd, const SocketAddress& to) {
  if (to.address.is_v4()) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    std::memcpy(&address.sin_addr, to.address.bytes().data() + 12, 4);
    return bind(fd, generic(address), sizeof(address)) == 0;
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(to.port);
  std::memcpy(&address.sin6_addr, to.address.bytes().data(), 16);
  return bind(fd, generic(address), sizeof(address)) == 0;
}

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return fail(ErrorKind::invalid, fmt::format("{}: a socket's path has 1 to {} bytes; control.listen takes another",
                                                path, sizeof(address.sun_path) - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// Makes room for a socket at a path where one was left behind.
Result<void> remove_stale(const std::string& path) {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) return errno == ENOENT ? Result<void>() : failed(path);
  if (!S_ISSOCK(found.st_mode)) return fail(ErrorKind::invalid, fmt::format("{}: a file that is no socket", path));
  auto connected = connect_unix(path);
  // Who does not refuse is somebody, be it that others are waiting there already.
  if (connected || connected.error().error != ECONNREFUSED) {
    return fail(ErrorKind::unavailable, fmt::format("{}: another daemon answers there", path));
  }
  return unlink(path.c_str()) == 0 || errno == ENOENT ? Result<void>() : failed(path);
}

}  // namespace

tl::expected<FileDescriptor, SystemError> connect_unix(const std::string& path) {
  auto address = unix_address(path);
  if (!address) return tl::make_unexpected(SystemError{ENAMETOOLONG});
  // Where many wait to be accepted, connecting takes a while.
  FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  bool connected = fd &&
                   setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kConnectPatience, sizeof(kConnectPatience)) == 0 &&
                   connect(fd.get(), generic(*address), sizeof(*address)) == 0;
  if (!connected) {
    return tl::make_unexpected(SystemError{errno});
  }
  return fd;
}

Result<ListenSocket> ListenSocket::tcp(const std::string& listen_at) {
  auto to = SocketAddress::parse(listen_at);
  if (!to) return fail(ErrorKind::invalid, fmt::format("'{}' is no address and port", listen_at));
  FileDescriptor fd(socket(to->address.is_v4() ? AF_INET : AF_INET6, kSocketFlags, 0));
  int on = 1;
  // A daemon that starts anew need not wait until the last connections to the former one are forgotten.
  bool open = fd && setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 && bind_to(fd.get(), *to) &&
              listen(fd.get(), SOMAXCONN) == 0;
  return open ? Result<ListenSocket>(ListenSocket(std::move(fd))) : failed(listen_at);
}

Result<ListenSocket> ListenSocket::unix_path(const std::string& path) {
  auto address = unix_address(path);
  if (!address) return forward(address.error());
  if (auto removed = remove_stale(path); !removed) return forward(removed.error());
  FileDescriptor fd(socket(AF_UNIX, kSocketFlags, 0));
  // The mode before binding is the most that the file ever has; the process's mask takes from it until chmod.
  bool open = fd && fchmod(fd.get(), kMode) == 0 && bind(fd.get(), generic(*address), sizeof(*address)) == 0 &&
              chmod(path.c_str(), kMode) == 0 && listen(fd.get(), SOMAXCONN) == 0;
  if (!open) return failed(path);
  ListenSocket made(std::move(fd));
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) return failed(path);
  made.path_ = path;
  made.device_ = found.st_dev;
  made.inode_ = found.st_ino;
  return made;
}

ListenSocket::~ListenSocket() {
  struct stat found {};
  if (!fd_ || path_.empty() || stat(path_.c_str(), &found) != 0) return;
  if (found.st_dev == device_ && found.st_ino == inode_) unlink(path_.c_str());
}

std::uint16_t ListenSocket::port() const {
  sockaddr_in6 address{};
  socklen_t size = sizeof(address);
  auto* generic_address = reinterpret_cast<sockaddr*>(&address);
  if (getsockname(fd(), generic_address, &size) != 0) return 0;
  return ntohs(address.sin6_port);  // which stands where that of IPv4 does
}

}  // namespace specular
