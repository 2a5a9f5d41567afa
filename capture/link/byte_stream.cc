#include "capture/link/byte_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace specular {
namespace {

// Large enough that a system call costs nothing per packet, small enough to stay in the second-level cache.
constexpr std::size_t kBlock = 256 * 1024;

Error system_error(const std::string& path) {
  return {ErrorKind::io, fmt::format("{}: {}", path, std::strerror(errno))};
}

}  // namespace

Result<std::unique_ptr<ByteStream>> ByteStream::open(const std::string& path) {
  FileDescriptor fd(path == "-" ? dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return forward(system_error(path));
  (void)posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return std::unique_ptr<ByteStream>(new ByteStream(std::move(fd), path == "-" ? "standard input" : path));
}

Result<std::size_t> ByteStream::read_some(std::span<std::uint8_t> into) {
  for (;;) {
    ssize_t count = read(fd_.get(), into.data(), into.size());
    if (count >= 0) {
      read_ += static_cast<std::size_t>(count);
      return static_cast<std::size_t>(count);
    }
    if (errno != EINTR) return forward(system_error(path_));
  }
}

Result<void> ByteStream::detect() {
  detected_ = true;
  compressed_.resize(kBlock);
  while (compressed_end_ < 4) {
    auto count = read_some(std::span(compressed_).subspan(compressed_end_));
    if (!count) return forward(count.error());
    if (*count == 0) break;
    compressed_end_ += *count;
  }
  if (auto coding = file_coding(Bytes(compressed_).first(compressed_end_))) {
    decompressor_ = make_decompressor(*coding, kFileWindowLog);
  } else {
    buffer_ = std::move(compressed_);
    end_ = compressed_end_;
    ended_ = end_ == 0;
  }
  return {};
}

// What precedes a damage is used: the damage is told when more is asked for.
Result<void> ByteStream::decompress_some() {
  if (damaged_) {
    ended_ = true;
    return fail(ErrorKind::corrupt, fmt::format("{}: the compressed data are damaged", path_));
  }
  if (compressed_begin_ == compressed_end_) {
    auto count = read_some(compressed_);
    if (!count) return forward(count.error());
    compressed_begin_ = 0;
    compressed_end_ = *count;
  }
  bool input_ended = compressed_begin_ == compressed_end_;
  auto step = decompressor_->decode(Bytes(compressed_).subspan(compressed_begin_, compressed_end_ - compressed_begin_),
                                    std::span(buffer_).subspan(end_));
  compressed_begin_ += step.consumed;
  end_ += step.produced;
  damaged_ = step.state == Decompressor::State::malformed;
  if (damaged_ || step.consumed > 0 || step.produced > 0) return {};
  // Nothing goes on: what follows the last member is nobody's.
  bool finished = step.state == Decompressor::State::finished;
  ended_ = finished || input_ended;
  cut_ = ended_ && !finished;
  return {};
}

Result<void> ByteStream::fill(std::size_t wanted) {
  if (!detected_) {
    if (auto detected = detect(); !detected) return detected;
  }
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    dropped_ += begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  std::size_t capacity = std::max(wanted, kBlock);
  if (buffer_.size() < capacity) buffer_.resize(capacity);
  while (end_ < wanted && !ended_) {
    if (decompressor_) {
      if (auto done = decompress_some(); !done) return done;
      continue;
    }
    auto count = read_some(std::span(buffer_).subspan(end_));
    if (!count) return forward(count.error());
    ended_ = *count == 0;
    end_ += *count;
  }
  return {};
}

}  // namespace specular
