// ListenSocket: where a server is asked, bound and open, so that it can be had before privileges are given up and
// threads are started.
#pragma once

#include <string>
#include <utility>

#include <sys/types.h>

#include "capture/base/file_descriptor.h"
#include "capture/base/ip.h"
#include "capture/base/result.h"

namespace specular {

struct SystemError {
  int error;  // errno
};

// A connection to a Unix socket.
tl::expected<FileDescriptor, SystemError> connect_unix(const std::string& path);

class ListenSocket {
 public:
  // "127.0.0.1:9470", "[::]:9471" (which takes IPv4 too); port 0: any that is free.
  static Result<ListenSocket> tcp(const std::string& listen);
  // A Unix socket, mode 0660. A file that nobody answers at any more is replaced; one that somebody does is refused, as
  // is a file that is no socket.
  static Result<ListenSocket> unix_path(const std::string& path);

  ListenSocket(ListenSocket&&) noexcept = default;
  ListenSocket& operator=(ListenSocket&&) = delete;
  ~ListenSocket();  // removes the file of a Unix socket, if it is still its own

  int fd() const { return fd_.get(); }
  std::uint16_t port() const;  // of a TCP socket

 private:
  explicit ListenSocket(FileDescriptor fd) : fd_(std::move(fd)) {}

  FileDescriptor fd_;
  std::string path_;  // of a Unix socket
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace specular
