#include "daemon/listen_socket.h"

#include <fstream>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/daemon/peer.h"
#include "tests/storage/helper.h"

namespace specular::test {
namespace {

bool is_socket(const std::string& path) {
  struct stat found {};
  return lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode);
}

TEST_CASE("a Unix socket is open to owner and group alone, whatever the process's mask, and is removed at the end") {
  Folder folder;
  std::string path = folder.path("control.sock");
  for (mode_t mask : {0000, 0022, 0077}) {
    mode_t before = umask(mask);
    {
      auto socket = ListenSocket::unix_path(path);
      umask(before);
      REQUIRE(socket);
      struct stat found {};
      REQUIRE(stat(path.c_str(), &found) == 0);
      CHECK((found.st_mode & 07777) == 0660);
      CHECK(Peer::unix_path(path));
    }
    CHECK_FALSE(is_socket(path));
  }
}

TEST_CASE("a socket that a dead daemon left behind is replaced") {
  Folder folder;
  std::string path = folder.path("control.sock");
  {
    auto left = ListenSocket::unix_path(folder.path("other.sock"));
    REQUIRE(left);
    REQUIRE(link(folder.path("other.sock").c_str(), path.c_str()) == 0);
  }
  REQUIRE(is_socket(path));
  CHECK_FALSE(Peer::unix_path(path));
  auto socket = ListenSocket::unix_path(path);
  REQUIRE(socket);
  CHECK(Peer::unix_path(path));
}

TEST_CASE("a socket that somebody answers at is refused, and left alone") {
  Folder folder;
  std::string path = folder.path("control.sock");
  auto first = ListenSocket::unix_path(path);
  REQUIRE(first);
  auto second = ListenSocket::unix_path(path);
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == ErrorKind::unavailable);
  CHECK(second.error().text.starts_with(path));
  CHECK(Peer::unix_path(path));
}

TEST_CASE("a file that is no socket is refused, and left alone") {
  Folder folder;
  std::string path = folder.path("control.sock");
  std::ofstream(path) << "precious";
  auto socket = ListenSocket::unix_path(path);
  REQUIRE_FALSE(socket);
  CHECK(socket.error().kind == ErrorKind::invalid);
  std::string text;
  std::ifstream(path) >> text;
  CHECK(text == "precious");
}

TEST_CASE("what another made at the same path is not removed") {
  Folder folder;
  std::string path = folder.path("control.sock");
  {
    auto socket = ListenSocket::unix_path(path);
    REQUIRE(socket);
    REQUIRE(unlink(path.c_str()) == 0);
    std::ofstream(path) << "other";
  }
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("paths that no socket can have are refused in words") {
  Folder folder;
  CHECK(ListenSocket::unix_path("").error().kind == ErrorKind::invalid);
  auto long_one = ListenSocket::unix_path(folder.path(std::string(120, 'x')));
  REQUIRE_FALSE(long_one);
  CHECK(long_one.error().kind == ErrorKind::invalid);
  CHECK(long_one.error().text.find("107") != std::string::npos);
  auto nowhere = ListenSocket::unix_path(folder.path("none/control.sock"));
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().kind == ErrorKind::io);
}

TEST_CASE("TCP: IPv4, IPv6, both, and a port that is taken") {
  auto v4 = ListenSocket::tcp("127.0.0.1:0");
  REQUIRE(v4);
  CHECK(Peer::tcp(v4->port()));
  CHECK_FALSE(Peer::tcp(v4->port(), "127.0.0.2"));
  auto taken = ListenSocket::tcp("127.0.0.1:" + std::to_string(v4->port()));
  REQUIRE_FALSE(taken);
  CHECK(taken.error().kind == ErrorKind::io);
  CHECK(taken.error().text.find("127.0.0.1:") == 0);
  CHECK(ListenSocket::tcp("localhost:1").error().kind == ErrorKind::invalid);

  auto v6 = ListenSocket::tcp("[::]:0");
  if (!v6) return;  // a machine without IPv6
  CHECK(Peer::tcp(v6->port(), "::1"));
  CHECK(Peer::tcp(v6->port()));
}

}  // namespace
}  // namespace specular::test
