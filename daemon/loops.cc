#include "daemon/loops.h"

#include <fmt/format.h>

#include "daemon/log.h"

namespace specular {
namespace {

constexpr Duration kWait = std::chrono::milliseconds(100);
// A quiet link's time follows the wall clock so far behind that nothing of the kernel's is overtaken.
constexpr Duration kQuiet = std::chrono::seconds(1);
// How long an intake reads on after the end was announced: at least until the kernel has handed over what came before,
// which for a block of the ring that is not full takes 10 ms, and at most so long.
constexpr Duration kLeastDrain = std::chrono::milliseconds(40), kDrain = std::chrono::seconds(5);
// How long the judge waits at the end for a keeper that has trouble with its disk.
constexpr Duration kLastHandOver = std::chrono::seconds(10);
constexpr Duration kBackwardStep = std::chrono::seconds(2);
constexpr Duration kAnnounceAgain = std::chrono::seconds(10);

}  // namespace

ReportingLane::ReportingLane(const Config& config, const TunnelTable& tunnels, const HashKey& key, Mailbox& mailbox)
    : reports(mailbox, tunnels), lane(config, tunnels, key, reports) {
  reports.counters().add(lane.shard.flows().counters());
  reports.counters().add(lane.shard.sessions().counters());
}

void ReportingLane::note_gauges() {
  flows.store(lane.shard.flows().size(), std::memory_order_relaxed);
  held_bytes.store(lane.shard.flows().bytes_held(), std::memory_order_relaxed);
}

void ReportingLane::finish() {
  lane.observer.flush();
  reports.send(std::nullopt);
  note_gauges();
}

void QueuedLane::run(const std::atomic<bool>& intakes_ended) {
  for (auto looked = SteadyClock::time_point{};;) {
    bool last = intakes_ended.load();
    bool any = queue.take(lane_.lane.shard);
    if (!any && last) break;
    if (!any) queue.wait(kWait);
    auto now = SteadyClock::now();
    if (now - looked < kWait) continue;
    looked = now;
    lane_.note_gauges();
    heart.beat();
  }
  lane_.finish();
}

std::vector<PacketSink*> Intake::sinks_of(const Wiring& wiring) {
  if (wiring.own != nullptr) return {&wiring.own->lane.shard};
  std::vector<PacketSink*> sinks;
  for (QueuedLane* lane : wiring.lanes) sinks.push_back(&lane->queue);
  return sinks;
}

Intake::Intake(const Config& config, TunnelTable& tunnels, Mailbox& mailbox, Wiring wiring,
               const std::atomic<double>& memory_share)
    : wiring_(std::move(wiring)),
      receiver_(config.capture.tunnels, tunnels, HashKey::random(), sinks_of(wiring_)),
      memory_share_(memory_share),
      governors_(sinks_of(wiring_).size()),
      kept_(governors_.size()),
      queue_drops_(governors_.size()) {
  for (auto& kept : kept_) kept = 1;
  if (wiring_.own == nullptr) own_reports_.emplace(mailbox, tunnels);
  ReportWriter& reports = wiring_.own != nullptr ? wiring_.own->reports : *own_reports_;
  reports.set_receiver(receiver_);
  reports.counters().add(receiver_.counters());
  for (LiveSource* source : wiring_.sources) reports.counters().add(source->counters());
  for (QueuedLane* lane : wiring_.lanes) reports.counters().add(lane->queue.counters());
}

bool Intake::poll(Duration wait) {
  auto has_frames = [this](LiveSource* source, Duration most) {
    auto polled = source->poll(receiver_, most);
    return polled && *polled == Poll::frames;
  };
  if (wiring_.sources.size() == 1) return has_frames(wiring_.sources[0], wait);
  bool any = false;
  for (LiveSource* source : wiring_.sources) any = has_frames(source, Duration(0)) || any;
  if (any || wait == Duration(0)) return any;
  waited_.clear();
  for (LiveSource* source : wiring_.sources) {
    waited_.push_back({source->descriptor(), POLLIN, 0});
    wait = std::min(wait, source->rest());
  }
  timespec most = to_timespec(wait);
  ppoll(waited_.data(), waited_.size(), &most, nullptr);
  return false;
}

void Intake::step(Duration wait) {
  auto begin = SteadyClock::now();
  bool any = poll(wait);
  for (QueuedLane* lane : wiring_.lanes) lane->queue.publish();
  auto now = SteadyClock::now();
  if (any) {
    Duration lag = std::max(Duration(0), wall_now() - receiver_.last_time());
    longest_lag_ = std::max(longest_lag_, lag);
    latencies.capture.add(lag);
    latencies.receive.add(now - begin);
  } else {
    receiver_.advance(wall_now() - kQuiet);
  }
  if (now - looked_ >= LoadGovernor::kInterval) look(now);
}

void Intake::run(const std::atomic<bool>& stopping) {
  while (!stopping.load(std::memory_order_relaxed)) step(kWait);
  for (auto begin = SteadyClock::now(), now = begin; now - begin < kDrain; now = SteadyClock::now()) {
    bool any = poll(std::max(Duration(0), kLeastDrain - (now - begin)));
    if (!any && now - begin >= kLeastDrain) break;
    for (QueuedLane* lane : wiring_.lanes) lane->queue.publish();
  }
  receiver_.flush();
  for (QueuedLane* lane : wiring_.lanes) lane->queue.publish();
  if (wiring_.own != nullptr) wiring_.own->finish();
  if (own_reports_) own_reports_->send(std::nullopt);
}

void Intake::look(SteadyClock::time_point now) {
  looked_ = now;
  heart.beat();
  watch_clock(now);
  Pressure pressure;
  pressure.lag = std::exchange(longest_lag_, Duration(0));
  lag_ns_.store(pressure.lag.count(), std::memory_order_relaxed);
  pressure.memory = memory_share_.load(std::memory_order_relaxed);
  std::uint64_t drops = 0;
  for (LiveSource* source : wiring_.sources) drops += source->overrun();
  std::uint64_t new_drops = drops - std::exchange(source_drops_, drops);
  for (std::size_t i = 0; i < governors_.size(); ++i) {
    pressure.dropped = new_drops;
    if (!wiring_.lanes.empty()) {
      std::uint64_t queue_drops = wiring_.lanes[i]->queue.counters().dropped.value();
      pressure.dropped += queue_drops - std::exchange(queue_drops_[i], queue_drops);
      pressure.filled = wiring_.lanes[i]->queue.filled();
    }
    govern(i, now, pressure);
  }
  tell_clipped();
  if (wiring_.own != nullptr) wiring_.own->note_gauges();
  if (own_reports_ && now - reported_ >= kEpoch && own_reports_->is_ready()) {
    reported_ = now;
    own_reports_->send(receiver_.last_time());
  }
}

// Whole frames with cut packets inside: that was the mirror.
void Intake::tell_clipped() {
  std::uint64_t here = 0;
  for (LiveSource* source : wiring_.sources) here += source->counters().clipped.value();
  if (clipped_told_ || receiver_.counters().clipped.value() <= here) return;
  clipped_told_ = true;
  log(LogLevel::warning,
      "packets arrive clipped: the mirror's packet length, or the MTU on the way here less its tunnel, cuts them off");
}

// Announced when it begins, every ten seconds while it lasts, and when it ends.
void Intake::govern(std::size_t sink, SteadyClock::time_point now, const Pressure& pressure) {
  double before = governors_[sink].share(), share = governors_[sink].look(now, pressure);
  receiver_.keep(sink, share);
  kept_[sink].store(share, std::memory_order_relaxed);
  if (share == 1 && before < 1) log(LogLevel::info, "overload has ended: all flows are looked at again");
  if (share >= before || (before < 1 && now - announced_ < kAnnounceAgain)) return;
  announced_ = now;
  log(LogLevel::warning,
      fmt::format("overload: {:.0f} % of the flows are looked at; lag {} ms, {} frames dropped, memory at {:.0f} %",
                  share * 100, std::chrono::duration_cast<std::chrono::milliseconds>(pressure.lag).count(),
                  pressure.dropped, pressure.memory * 100));
}

// Packet time that was set back would stand still until it is reached again.
void Intake::watch_clock(SteadyClock::time_point now) {
  Duration ahead = wall_now().time_since_epoch() - now.time_since_epoch();
  bool back = wall_ahead_ && ahead < *wall_ahead_ - kBackwardStep;
  wall_ahead_ = ahead;
  if (!back) return;
  log(LogLevel::warning, "the clock was set back: all connections are taken up anew");
  receiver_.flush();
}

bool Keeper::wait_until_idle(Duration most) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, most, [this] { return !held_; });
}

void Keeper::take(Epoch epoch, const Reached& reached) {
  std::lock_guard lock(mutex_);
  held_ = std::move(epoch);
  held_reached_ = reached;
  changed_.notify_all();
}

void Keeper::close(bool lost) {
  std::lock_guard lock(mutex_);
  closed_ = true;
  state_.lost = lost;
  changed_.notify_all();
}

void Keeper::run() {
  int last_tries = 0;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      heart.beat();
      changed_.wait_for(lock, kWait, [this] { return held_ || closed_; });
      if (!held_ && closed_) return;
      if (!held_) continue;
    }
    if (commit(*held_)) {
      last_tries = 0;
      continue;
    }
    std::unique_lock lock(mutex_);
    if (closed_ && ++last_tries == kLastTries) {
      state_.lost = true;
      return;
    }
    changed_.wait_for(lock, kRetry, [&, was = closed_] { return closed_ != was; });
  }
}

// Only this thread takes away what is held, so it may be read without the mutex.
Result<void> Keeper::commit(const Epoch& epoch) {
  auto begin = SteadyClock::now();
  Result<void> committed = store_.commit(epoch);
  commit_latency.add(SteadyClock::now() - begin);
  std::uint64_t bytes = store_.bytes();
  std::lock_guard lock(mutex_);
  state_.store_bytes = bytes;
  if (!committed) {
    if (state_.failing != committed.error().text) log(LogLevel::error, committed.error().text + "; it is tried again");
    state_.failing = committed.error().text;
    return committed;
  }
  if (!state_.failing.empty()) log(LogLevel::info, "the store takes what was learned again");
  state_.failing.clear();
  state_.last = wall_now();
  ++state_.commits;
  durable_ = held_reached_;
  held_.reset();
  changed_.notify_all();
  return {};
}

std::uint64_t Keeper::wait_for_captures(std::uint64_t wanted, Duration most) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, most, [&] { return durable_.captures >= wanted; });
  return durable_.captures;
}

bool Keeper::wait_for_changes(std::uint64_t wanted, Duration most) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, most, [&] { return durable_.changes >= wanted || (closed_ && !held_); });
  return durable_.changes >= wanted;
}

Keeper::State Keeper::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

void JudgeLoop::count_inventory() {
  endpoints_ = judge_.inventory().leaves();
  hosts_ = judge_.inventory().hosts().size();
}

void JudgeLoop::run(const std::atomic<bool>& producers_ended) {
  count_inventory();
  for (;;) {
    bool last = producers_ended.load();
    auto report = mailbox_.take(kWait);
    heart.beat();
    if (report) merge(*report);
    if (changes_.load() != changes_handed_over_) changed_ = hurry_ = true;
    bool due = hurry_ || SteadyClock::now() - handed_over_ >= commit_interval_;
    if (changed_ && due && keeper_.wait_until_idle(Duration(0))) hand_over();
    if (last && !report) break;
  }
  if (changes_.load() != changes_handed_over_) changed_ = true;
  if (changed_ && keeper_.wait_until_idle(kLastHandOver)) hand_over();
  keeper_.close(changed_);
}

void JudgeLoop::merge(const Report& report) {
  auto begin = SteadyClock::now();
  queue_latency.add(begin - report.sent);
  {
    std::lock_guard lock(inventory_mutex_);
    report.apply_to(judge_);
    count_inventory();
  }
  merge_latency.add(SteadyClock::now() - begin);
  transactions_.store(transactions_.load(std::memory_order_relaxed) + report.transactions, std::memory_order_relaxed);
  if (report.time) packet_time_ns_.store(report.time->time_since_epoch().count(), std::memory_order_relaxed);
  changed_ = true;
  if (report.capture) {
    ++captures_;
    hurry_ = true;
  }
}

std::uint64_t JudgeLoop::change(const std::function<bool(Judge&)>& change) {
  std::lock_guard lock(inventory_mutex_);
  if (change(judge_)) ++changes_;
  return changes_;
}

void JudgeLoop::hand_over() {
  std::unique_lock lock(inventory_mutex_);
  Epoch epoch = judge_.take_changes(epoch_of(packet_time().value_or(Timestamp{})));
  changes_handed_over_ = changes_;
  lock.unlock();
  changed_ = hurry_ = false;
  handed_over_ = SteadyClock::now();
  if (!epoch.put.empty() || !epoch.removed.empty()) keeper_.take(std::move(epoch), {captures_, changes_handed_over_});
}

std::optional<Timestamp> JudgeLoop::packet_time() const {
  std::int64_t ns = packet_time_ns_.load(std::memory_order_relaxed);
  return ns == 0 ? std::nullopt : std::optional(Timestamp(Duration(ns)));
}

}  // namespace specular
