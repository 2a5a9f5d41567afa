// FolderLoop: the thread that analyses what appears in the drop folder, on packet time of its own.
//
// All that a capture teaches is told to the judge at once, with the row that says that it was analysed: a capture that
// is interrupted leaves no trace and is read again. Connections go on from one capture to the next, as in captures that
// are rotated.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "capture/link/drop_folder.h"
#include "daemon/loops.h"

namespace specular {

class FolderLoop {
 public:
  // For whoever asks.
  struct State {
    DropFolder::Progress progress;
    std::string current;  // the capture that is being read; empty for none
  };

  // Requires: all outlive it.
  FolderLoop(const Config& config, TunnelTable& tunnels, const HashKey& key, Mailbox& mailbox, const Keeper& keeper,
             std::unique_ptr<DropFolder> folder);

  void run(const std::atomic<bool>& stopping);

  State state() const;
  const Receiver& receiver() const { return receiver_; }
  const ReportingLane& lane() const { return lane_; }

  Heart heart;

 private:
  bool analyse(std::unique_ptr<DroppedCapture> capture, const std::atomic<bool>& stopping);
  // Nothing came for as long as a flow may be idle: all are closed.
  void close_idle(SteadyClock::time_point now);
  void note(const std::string& current);

  ReportingLane lane_;
  Receiver receiver_;
  const Keeper& keeper_;
  std::unique_ptr<DropFolder> folder_;
  Duration idle_;
  bool open_flows_ = false;
  SteadyClock::time_point last_capture_{};
  std::uint64_t captures_ = 0;  // sent to the judge
  mutable std::mutex mutex_;
  State state_;
};

}  // namespace specular
