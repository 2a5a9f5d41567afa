#include "daemon/folder_loop.h"

#include <utility>

namespace specular {
namespace {

constexpr Duration kWait = std::chrono::milliseconds(200);

WallTime file_time_now() {
  return WallTime(wall_now().time_since_epoch());
}

}  // namespace

FolderLoop::FolderLoop(const Config& config, TunnelTable& tunnels, const HashKey& key, Mailbox& mailbox,
                       const Keeper& keeper, std::unique_ptr<DropFolder> folder)
    : lane_(config, tunnels, key, mailbox),
      receiver_(
          config.capture.tunnels, tunnels, HashKey::random(), {&lane_.lane.shard},
          config.capture.tunnels.only_tunnelled.given() ? Decoder::Scope::configured : Decoder::Scope::everything),
      keeper_(keeper),
      folder_(std::move(folder)),
      idle_(std::chrono::seconds(config.capture.flows.idle.value())) {
  lane_.reports.hold_back();
  lane_.reports.set_receiver(receiver_);
  lane_.reports.counters().add(receiver_.counters());
}

void FolderLoop::run(const std::atomic<bool>& stopping) {
  while (!stopping.load()) {
    heart.beat();
    auto capture = folder_->next(file_time_now());
    if (!capture) {
      close_idle(SteadyClock::now());
      note("");
      folder_->wait(kWait);
      continue;
    }
    note(capture->path());
    if (!analyse(std::move(capture), stopping)) return;
  }
  receiver_.flush();
  lane_.finish();
}

// False if it was interrupted: what it has taught so far is forgotten with this thread.
bool FolderLoop::analyse(std::unique_ptr<DroppedCapture> capture, const std::atomic<bool>& stopping) {
  for (auto frames = capture->next(); !frames.empty(); frames = capture->next()) {
    if (stopping.load(std::memory_order_relaxed)) return false;
    receiver_.on_frames(frames);
    heart.beat();
  }
  AnalysedCapture row = folder_->finish(std::move(capture), file_time_now());
  lane_.lane.observer.flush();
  lane_.note_gauges();
  lane_.reports.send_capture(row, folder_->take_forgotten(), receiver_.last_time());
  ++captures_;
  open_flows_ = true;
  last_capture_ = SteadyClock::now();
  while (keeper_.wait_for_captures(captures_, kWait) < captures_) {
    heart.beat();
    // The keeper ends after this thread: it is durable then, or read again.
    if (stopping.load()) return true;
  }
  folder_->committed(row);
  return true;
}

void FolderLoop::close_idle(SteadyClock::time_point now) {
  if (!open_flows_ || now - last_capture_ < idle_) return;
  receiver_.flush();
  lane_.finish();
  open_flows_ = false;
}

void FolderLoop::note(const std::string& current) {
  std::lock_guard lock(mutex_);
  state_ = {folder_->progress(), current};
}

FolderLoop::State FolderLoop::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

}  // namespace specular
