// DropFolder: finds the captures that appear in a folder, each once, across restarts too.
//
// A file is complete when it was renamed into the folder, when its writer closed it, or when it has not changed for
// settle_seconds. Hidden files, *.part, *.tmp, empty files and everything that is no regular file are left alone.
// A file is told by size, time of change, inode and a hash of its first and last bytes: another content under the same
// name is a new capture; one that only grew, was renamed or touched is read on from where reading ended.
//
// The folder may vanish and come back. One thread calls all of this; nothing here waits but wait().
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "capture/base/analysed_capture.h"
#include "capture/base/option.h"
#include "capture/base/time.h"
#include "capture/link/capture_file.h"

namespace specular {

struct FolderOptions : OptionGroup {
  TextOption folder{*this, "folder", "", any_text, "a path", "Captures that appear here are analysed, each once."};
  IntOption settle{*this,       "settle_seconds", 5,
                   {0, 86'400}, "seconds",        "A capture is complete once it has not changed for so long."};
  ChoiceOption after{*this, "after", "keep", {"keep", "delete"}, "What becomes of a capture that was analysed."};
};

using WallTime = std::chrono::sys_time<Duration>;

// A capture of the folder, to be read behind what was read of it before.
class DroppedCapture {
 public:
  const std::string& path() const { return path_; }
  std::uint64_t size() const { return row_.size; }  // bytes, as stored, when it was opened
  // The next frames that were not analysed before, at most kBatch; none at the end, and where it cannot be read on.
  // Valid until the next call.
  std::span<const Frame> next();

 private:
  friend class DropFolder;
  void end(std::string problem, bool failed);

  std::string path_;
  AnalysedCapture row_;                // `frames` grows; `problem` is what was met
  std::unique_ptr<CaptureFile> file_;  // null at the end
  std::uint64_t skip_ = 0;             // frames that were analysed before
};

class DropFolder {
 public:
  // What the user should know: one line that begins with a path.
  using Notice = std::function<void(const std::string& text)>;

  struct Progress {
    std::uint64_t waiting = 0;           // complete and not analysed yet, or not complete yet
    std::uint64_t done = 0, failed = 0;  // of this run; what failed is not among `done`
  };

  // `known`: the rows of the store. The folder need not be there yet, but must not be something else. Requires:
  // `options` outlive it, with a folder set.
  static Result<std::unique_ptr<DropFolder>> open(const FolderOptions& options,
                                                  const std::vector<AnalysedCapture>& known, Notice notice);
  ~DropFolder();
  DropFolder(const DropFolder&) = delete;
  DropFolder& operator=(const DropFolder&) = delete;

  // The next complete capture that was not analysed yet: of several the one that begins first by packet time, then by
  // name. Null if there is none now. To be given up without finish() only when the program ends.
  std::unique_ptr<DroppedCapture> next(WallTime now);
  // `capture` was read to where next() gave no more frames. The row goes into the store in one epoch with what the
  // frames taught.
  AnalysedCapture finish(std::unique_ptr<DroppedCapture> capture, WallTime now);
  // That row is in the store for sure: with `after: delete` the file goes now, unless it failed or has changed.
  void committed(const AnalysedCapture& row);
  // Names whose rows are no longer needed: of files that vanished only the latest kMaxVanished are remembered.
  std::vector<std::string> take_forgotten();

  // Until next() may have something else to say, at most so long.
  void wait(Duration at_most);
  Progress progress() const;

  static constexpr std::size_t kMaxVanished = 20'000;

 private:
  struct Files;
  explicit DropFolder(std::unique_ptr<Files> files);

  std::unique_ptr<Files> files_;
};

}  // namespace specular
