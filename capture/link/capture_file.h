// CaptureFile: the frames of one capture file; CaptureFiles: those of several, merged by packet time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "capture/link/capture_format.h"

namespace specular {

class CaptureFile {
 public:
  // "-" is standard input. Fails if it cannot be read or is no capture.
  static Result<std::unique_ptr<CaptureFile>> open(const std::string& path);

  // The next frames, at most kBatch; none at the end. Valid until the next call. An error comes after the frames that
  // precede the damage, and ends the file.
  Result<std::span<const Frame>> next();

  // At the end: what the user should know though it is no error. Empty if nothing.
  const std::string& warning() const { return warning_; }
  std::uint64_t file_bytes_read() const { return stream_->file_bytes_read(); }
  // From pcapng, for the decryption of what this file holds.
  const std::vector<DecryptionSecrets>& secrets() const { return format_->secrets; }

 private:
  CaptureFile(std::string path, std::unique_ptr<ByteStream> stream, std::unique_ptr<CaptureFormat> format);
  std::span<const Frame> finish();

  std::string path_;
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<CaptureFormat> format_;
  std::vector<Frame> frames_;
  std::optional<Error> pending_;
  bool finished_ = false;
  std::string warning_;
};

// Several files as one source. Files are held open only while their packets overlap in time, so that thousands of
// rotated captures merge in the memory of a few. A file's own order is kept even where its times run backwards. One
// that is given again comes behind all others, as a capture of its own.
class CaptureFiles final : public Source {
 public:
  // What went wrong with a file: the others are read all the same.
  struct Problem {
    std::string text;  // one line, begins with the path
    bool fatal;        // false: a warning, what could be read was
  };

  // Directories stand for the captures in them, sorted by name. Files are looked at, but not read, here.
  explicit CaptureFiles(const std::vector<std::string>& paths);
  ~CaptureFiles() override;

  Result<Poll> poll(FrameSink& sink, Duration wait) override;

  const std::vector<Problem>& problems() const { return problems_; }
  std::uint64_t total_bytes() const { return total_bytes_; }  // as stored; 0 if unknown
  std::uint64_t bytes_read() const;

 private:
  struct Input;
  void add_directory(const std::string& path);
  void add_file(const std::string& path, bool named);
  void peek_times();
  void activate_due();
  // Frames of `input` that are due before any other input's.
  std::size_t run_length(const Input& input) const;
  void refill(Input& input);

  std::vector<std::unique_ptr<Input>> waiting_;  // by round and first packet time, the earliest last
  std::vector<std::unique_ptr<Input>> active_;
  std::vector<Problem> problems_;
  std::uint64_t total_bytes_ = 0, finished_bytes_ = 0;
  std::size_t round_ = 0;
  bool prepared_ = false;
};

}  // namespace specular
