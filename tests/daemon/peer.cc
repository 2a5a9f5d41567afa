#include "tests/daemon/peer.h"

#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace specular::test {

Peer::Peer(FileDescriptor fd) : fd_(std::move(fd)) {}

Peer Peer::tcp(std::uint16_t port, const char* address) {
  if (std::strchr(address, ':') != nullptr) {
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(port);
    inet_pton(AF_INET6, address, &to.sin6_addr);
    FileDescriptor fd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    bool connected = connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
    return Peer(connected ? std::move(fd) : FileDescriptor());
  }
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  inet_pton(AF_INET, address, &to.sin_addr);
  FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  bool connected = connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
  return Peer(connected ? std::move(fd) : FileDescriptor());
}

Peer Peer::unix_path(const std::string& path) {
  auto connected = connect_unix(path);
  return Peer(connected ? std::move(*connected) : FileDescriptor());
}

bool Peer::say(std::string_view text) {
  while (!text.empty()) {
    ssize_t sent = send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      pollfd room{fd_.get(), POLLOUT, 0};
      poll(&room, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count()));
      continue;
    }
    if (sent < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string Peer::hear() {
  std::string heard;
  std::array<char, 65536> part;
  for (;;) {
    pollfd readable{fd_.get(), POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) != 1) return heard;
    ssize_t got = recv(fd_.get(), part.data(), part.size(), 0);
    if (got <= 0) return heard;
    heard.append(part.data(), static_cast<std::size_t>(got));
  }
}

std::string Peer::ask(std::string_view text) {
  return say(text) ? hear() : "";
}

bool Peer::is_left(std::chrono::milliseconds within) {
  pollfd readable{fd_.get(), POLLIN, 0};
  if (poll(&readable, 1, static_cast<int>(within.count())) != 1) return false;
  char byte = 0;
  return recv(fd_.get(), &byte, 1, MSG_PEEK) <= 0;
}

std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: sensor\r\n\r\n";
}

int status_of(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::atoi(answer.c_str() + 9) : 0;
}

std::string body_of(const std::string& answer) {
  auto end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}

}  // namespace specular::test
