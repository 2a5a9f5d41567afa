// A client of the daemon's servers that says exactly what a test wants, byte by byte, or nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/listen_socket.h"

namespace specular::test {

inline constexpr std::chrono::seconds kPatience{20};

class Peer {
 public:
  static Peer tcp(std::uint16_t port, const char* address = "127.0.0.1");
  static Peer unix_path(const std::string& path);

  explicit operator bool() const { return static_cast<bool>(fd_); }
  // False if the other side has hung up.
  bool say(std::string_view text);
  // All that comes until the other side hangs up.
  std::string hear();
  // As hear(), after `text`.
  std::string ask(std::string_view text);
  // Whether the other side has hung up by then.
  bool is_left(std::chrono::milliseconds within);

 private:
  explicit Peer(FileDescriptor fd);

  FileDescriptor fd_;
};

// A GET of HTTP/1.1.
std::string get(const std::string& target);
// Of an answer.
int status_of(const std::string& answer);
std::string body_of(const std::string& answer);

}  // namespace specular::test
