// ByteStream: the plain bytes of a file or of standard input, decompressed if they are gzip or zstd, in large blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "capture/base/bytes.h"
#include "capture/base/decompress.h"
#include "capture/base/file_descriptor.h"
#include "capture/base/result.h"

namespace specular {

class ByteStream {
 public:
  // "-" is standard input. Nothing is read yet.
  static Result<std::unique_ptr<ByteStream>> open(const std::string& path);

  // What is buffered and not consumed. Valid until the next fill().
  Bytes buffered() const { return Bytes(buffer_).subspan(begin_, end_ - begin_); }
  void consume(std::size_t count) { begin_ += count; }

  // Reads until at least `wanted` bytes are buffered or the stream has ended; moves what is buffered.
  Result<void> fill(std::size_t wanted);
  bool ended() const { return ended_; }
  // Whether the compressed form stops before its end.
  bool cut() const { return cut_; }
  const std::string& name() const { return path_; }           // the path, or "standard input"
  std::uint64_t offset() const { return dropped_ + begin_; }  // of buffered(), in the plain bytes
  std::uint64_t file_bytes_read() const { return read_; }     // as stored, for progress

 private:
  ByteStream(FileDescriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Result<std::size_t> read_some(std::span<std::uint8_t> into);
  Result<void> decompress_some();
  Result<void> detect();

  FileDescriptor fd_;
  std::string path_;
  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::uint64_t dropped_ = 0, read_ = 0;
  bool ended_ = false, cut_ = false, detected_ = false, damaged_ = false;

  std::unique_ptr<Decompressor> decompressor_;
  std::vector<std::uint8_t> compressed_;
  std::size_t compressed_begin_ = 0, compressed_end_ = 0;
};

}  // namespace specular
