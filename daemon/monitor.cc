#include "daemon/monitor.h"

namespace specular {

void Monitor::add(Clock::time_point now, const Totals& totals) {
  std::lock_guard lock(mutex_);
  samples_.push_back({now, totals});
  Duration kept = std::max<Duration>(kRateWindow, std::chrono::seconds(options_.loss_seconds.value()));
  while (samples_.size() > 2 && samples_[1].time + kept < now) samples_.pop_front();
}

const Monitor::Sample* Monitor::oldest_within(Duration window) const {
  for (const Sample& sample : samples_) {
    if (samples_.back().time - sample.time <= window) return &sample;
  }
  return nullptr;
}

Rates Monitor::rates() const {
  std::lock_guard lock(mutex_);
  const Sample* from = oldest_within(kRateWindow);
  if (from == nullptr || from == &samples_.back()) return {};
  const Sample& to = samples_.back();
  double seconds = std::chrono::duration<double>(to.time - from->time).count();
  auto rate = [&](std::uint64_t Totals::*item) {
    return static_cast<double>(to.totals.*item - from->totals.*item) / seconds;
  };
  return {rate(&Totals::frames), rate(&Totals::wire_bytes) * 8, rate(&Totals::transactions), rate(&Totals::lost),
          rate(&Totals::shed)};
}

double Monitor::loss_percent() const {
  std::lock_guard lock(mutex_);
  Duration window = std::chrono::seconds(options_.loss_seconds.value());
  if (samples_.empty() || samples_.back().time - samples_.front().time < window) return 0;
  const Sample* from = oldest_within(window + std::chrono::seconds(1));
  const Totals& to = samples_.back().totals;
  auto missing = static_cast<double>(to.lost - from->totals.lost + to.shed - from->totals.shed);
  auto all = static_cast<double>(to.live_frames - from->totals.live_frames + to.lost - from->totals.lost);
  return all == 0 ? 0 : 100 * missing / all;
}

}  // namespace specular
