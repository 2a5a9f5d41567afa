#include "daemon/sensor.h"

#include <fmt/format.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/rows.h"

namespace specular {
namespace {

// Batches of packets that may wait for a lane: about as much as an interface's ring holds.
constexpr std::size_t kQueueBatches = 512;
constexpr std::size_t kReportsPerLane = 4;
constexpr Duration kDurable = std::chrono::seconds(10);  // a change of the user
constexpr Duration kStill = std::chrono::seconds(10), kKeeperStill = std::chrono::seconds(60);

double milliseconds_of(Duration duration) {
  return static_cast<double>(duration.count()) / 1e6;
}

}  // namespace

Sensor::Sensor(const Config& config, Store& store, std::string store_path, std::unique_ptr<Dpdk> dpdk)
    : config_(config),
      store_(store),
      store_path_(std::move(store_path)),
      tunnels_(config.capture.tunnels),
      judge_(config.inventory, store.hash_key(), true),
      mailbox_(kReportsPerLane * (config.general.shards.size() + 1)),
      monitor_(config.health),
      dpdk_(std::move(dpdk)),
      keeper_(store),
      judge_loop_(judge_, inventory_mutex_, mailbox_, keeper_, std::chrono::seconds(config.storage.commit.value())),
      memory_limit_(memory_limit(config.general.memory.size() << 20)),
      started_(wall_now()) {}

Sensor::~Sensor() {
  if (judge_thread_.joinable()) (void)stop();
}

std::size_t Sensor::queues_of(const Config& config) {
  bool both = !config.live.interfaces.values().empty() && !config.dpdk.ports.values().empty();
  return both || config.live.spread.value() == "dispatch" ? 1 : config.general.shards.size();
}

Result<std::unique_ptr<Sensor>> Sensor::create(const Config& config, Store& store, std::string store_path,
                                               std::unique_ptr<Dpdk> dpdk) {
  std::unique_ptr<Sensor> sensor(new Sensor(config, store, std::move(store_path), std::move(dpdk)));
  if (auto restored = sensor->restore(); !restored) return forward(restored.error());
  if (auto opened = sensor->open_sources(); !opened) return forward(opened.error());
  if (auto opened = sensor->open_folder(); !opened) return forward(opened.error());
  sensor->register_metrics();
  return sensor;
}

Result<void> Sensor::restore() {
  auto stored = store_.read_all();
  if (!stored) return forward(stored.error());
  return judge_.restore(*stored);
}

Result<void> Sensor::open_sources() {
  if (config_.live.interfaces.values().empty() && !dpdk_) return {};
  // Some of DPDK's drivers share a port with the kernel, which would answer.
  auto guard = PortGuard::create(config_.capture.tunnels.ports, log_notice);
  if (!guard) return forward(guard.error());
  guard_.emplace(std::move(*guard));
  std::size_t queues = dpdk_ ? dpdk_->queues() : 1;
  if (!config_.live.interfaces.values().empty()) {
    auto opened = open_interfaces();
    if (!opened) return forward(opened.error());
    queues = *opened;
  }
  build_lanes();
  build_intakes(queues);
  return {};
}

// Every interface spreads its frames by itself, or none does: the two mirrors of a connection must meet.
Result<std::size_t> Sensor::open_interfaces() {
  std::size_t queues = queues_of(config_);
  if (auto opened = open_queues(queues); !opened) return forward(opened.error());
  auto refused = [&](const auto& interface) { return interface->queues() < queues; };
  if (std::none_of(interfaces_.begin(), interfaces_.end(), refused)) return queues;
  if (auto opened = open_queues(1); !opened) return forward(opened.error());
  return 1;
}

Result<void> Sensor::open_queues(std::size_t queues) {
  interfaces_.clear();
  for (const std::string& name : config_.live.interfaces.values()) {
    auto opened = LiveInterface::create({name, config_.live, config_.capture.tunnels, queues, spread_key_, log_notice});
    if (!opened) return forward(opened.error());
    interfaces_.push_back(std::move(*opened));
  }
  return {};
}

void Sensor::build_lanes() {
  for (std::size_t i = 0; i < config_.general.shards.size(); ++i) {
    lanes_.push_back(std::make_unique<ReportingLane>(config_, tunnels_, store_.hash_key(), mailbox_));
  }
}

void Sensor::build_intakes(std::size_t queues) {
  if (queues < lanes_.size()) {
    FrameBuffers* buffers = dpdk_ ? &dpdk_->buffers() : nullptr;
    for (auto& lane : lanes_) queued_.push_back(std::make_unique<QueuedLane>(*lane, kQueueBatches, buffers));
  }
  for (std::size_t queue = 0; queue < queues; ++queue) {
    Intake::Wiring wiring;
    for (auto& interface : interfaces_) wiring.sources.push_back(&interface->queue(queue));
    for (const auto& port : ports()) wiring.sources.push_back(&port->queue(queue));
    for (auto& lane : queued_) wiring.lanes.push_back(lane.get());
    if (queued_.empty()) wiring.own = lanes_[queue].get();
    intakes_.push_back(std::make_unique<Intake>(config_, tunnels_, mailbox_, std::move(wiring), memory_share_));
  }
}

Result<void> Sensor::open_folder() {
  if (config_.folder.folder.value().empty()) return {};
  std::vector<AnalysedCapture> known;
  for (const auto& [name, capture] : judge_.inventory().captures) known.push_back(capture.analysed);
  auto opened = DropFolder::open(config_.folder, known, [](const std::string& text) { log(LogLevel::warning, text); });
  if (!opened) return forward(opened.error());
  folder_ = std::make_unique<FolderLoop>(config_, tunnels_, store_.hash_key(), mailbox_, keeper_, std::move(*opened));
  return {};
}

void Sensor::register_metrics() {
  auto lane_metrics = [this](const ReportingLane& lane, const Metrics::Labels& labels) {
    metrics_.add(lane.lane.shard.flows().counters(), labels);
    metrics_.add(lane.lane.shard.sessions().counters(), labels);
    metrics_.add_gauge("flows", "Connections tracked now", labels, [&lane] { return static_cast<double>(lane.flows); });
    metrics_.add_gauge("held_bytes", "Bytes that wait for missing ones", labels,
                       [&lane] { return static_cast<double>(lane.held_bytes); });
  };
  for (std::size_t i = 0; i < lanes_.size(); ++i) lane_metrics(*lanes_[i], {{"shard", std::to_string(i)}});
  for (std::size_t i = 0; i < queued_.size(); ++i) {
    metrics_.add(queued_[i]->queue.counters(), {{"shard", std::to_string(i)}});
  }
  for (std::size_t i = 0; i < intakes_.size(); ++i) {
    const Intake& intake = *intakes_[i];
    Metrics::Labels labels{{"intake", std::to_string(i)}};
    metrics_.add(intake.receiver().counters(), labels);
    metrics_.add(intake.receiver().load(), labels);
    metrics_.add(intake.latencies.capture, "capture", labels);
    metrics_.add(intake.latencies.receive, "receive", labels);
  }
  for (std::size_t shard = 0; shard < lanes_.size(); ++shard) {
    metrics_.add_gauge("kept_share", "Share of the flows that is looked at", {{"shard", std::to_string(shard)}},
                       [this, shard] { return kept_share(shard); });
  }
  for (const auto& interface : interfaces_) {
    for (std::size_t queue = 0; queue < interface->queues(); ++queue) {
      metrics_.add(interface->queue(queue).counters(),
                   {{"interface", interface->name()}, {"queue", std::to_string(queue)}});
    }
  }
  for (const auto& port : ports()) {
    for (std::size_t queue = 0; queue < dpdk_->queues(); ++queue) {
      metrics_.add(port->counters(queue), {{"interface", port->name()}, {"queue", std::to_string(queue)}});
    }
  }
  if (folder_) {
    lane_metrics(folder_->lane(), {{"shard", "folder"}});
    metrics_.add(folder_->receiver().counters(), {{"intake", "folder"}});
  }
  metrics_.add(judge_loop_.queue_latency, "queue", {});
  metrics_.add(judge_loop_.merge_latency, "merge", {});
  metrics_.add(keeper_.commit_latency, "commit", {});
  metrics_.add_gauge("resident_bytes", "Memory in use", {}, [] { return static_cast<double>(resident_bytes()); });
  metrics_.add_gauge("healthy", "1 if the health port answers 200", {},
                     [this] { return health().healthy ? 1.0 : 0.0; });
}

double Sensor::kept_share(std::size_t shard) const {
  return queued_.empty() ? intakes_[shard]->kept_share(0) : intakes_[0]->kept_share(shard);
}

void Sensor::start() {
  monitor_.add(SteadyClock::now(), totals());
  keeper_thread_ = std::thread([this] { keeper_.run(); });
  judge_thread_ = std::thread([this] { judge_loop_.run(producers_ended_); });
  for (auto& lane : queued_) lane_threads_.emplace_back([this, &lane] { lane->run(intakes_ended_); });
  for (auto& intake : intakes_) intake_threads_.emplace_back([this, &intake] { intake->run(stopping_); });
  if (folder_) folder_thread_ = std::thread([this] { folder_->run(stopping_); });
  state_ = State::running;
}

bool Sensor::stop() {
  state_ = State::draining;
  stopping_ = true;
  for (auto& thread : intake_threads_) thread.join();
  intakes_ended_ = true;
  for (auto& thread : lane_threads_) thread.join();
  if (folder_thread_.joinable()) folder_thread_.join();
  producers_ended_ = true;
  judge_thread_.join();
  keeper_thread_.join();
  return !keeper_.state().lost;
}

bool Sensor::moves() const {
  auto all = [](const auto& threads) {
    return std::all_of(threads.begin(), threads.end(), [](const auto& t) { return t->heart.still_for() < kStill; });
  };
  return all(intakes_) && all(queued_) && judge_loop_.heart.still_for() < kStill &&
         keeper_.heart.still_for() < kKeeperStill;
}

Totals Sensor::totals() const {
  Totals totals;
  totals.frames = metrics_.total("frames");
  totals.wire_bytes = metrics_.total("wire_bytes");
  totals.transactions = judge_loop_.transactions();
  for (const auto& intake : intakes_) totals.live_frames += intake->receiver().counters().frames.value();
  totals.lost = metrics_.total("kernel_dropped_frames") + metrics_.total("interface_dropped_frames") +
                metrics_.total("missed_frames") + metrics_.total("ring_dropped_packets");
  totals.shed = metrics_.total("shed_packets");
  return totals;
}

void Sensor::tick() {
  memory_share_ = static_cast<double>(resident_bytes()) / static_cast<double>(memory_limit_);
  monitor_.add(SteadyClock::now(), totals());
}

std::string Sensor::statistics() const {
  Rates rates = monitor_.rates();
  Totals all = totals();
  return fmt::format(
      "{} transactions and {} frames so far, {:.0f} and {:.0f} a second lately; {} frames lost, {} packets shed; {} "
      "MiB "
      "resident",
      all.transactions, all.frames, rates.transactions, rates.frames, all.lost, all.shed, resident_bytes() >> 20);
}

void Sensor::read_inventory(const std::function<void(const Inventory&)>& reader) {
  std::lock_guard lock(inventory_mutex_);
  reader(judge_.inventory());
}

Result<void> Sensor::change(const std::function<bool(Judge&)>& change) {
  if (state_ == State::draining) return fail(ErrorKind::unavailable, "the daemon is ending: nothing was changed");
  bool changed = false;
  std::uint64_t number = judge_loop_.change([&](Judge& judge) { return changed = change(judge); });
  if (!changed || keeper_.wait_for_changes(number, kDurable)) return {};
  std::string why = keeper_.state().failing;
  if (state_ == State::draining) why = "the daemon is ending";
  return fail(ErrorKind::io, fmt::format("in effect, but not stored yet: {}", why.empty() ? "the disk is slow" : why));
}

Health Sensor::health() {
  switch (state_.load()) {
    case State::starting: return {false, "starting"};
    case State::draining: return {false, "draining"};
    case State::running: break;
  }
  if (!moves()) return {false, "a thread does not move"};
  if (folder_ && folder_->heart.still_for() >= kStill) return {false, "the drop folder does not answer"};
  for (const auto& interface : interfaces_) {
    if (!interface->up()) return {false, fmt::format("interface {} is down", interface->name())};
  }
  for (const auto& port : ports()) {
    if (!port->up()) return {false, fmt::format("DPDK port {} is down", port->name())};
  }
  double loss = monitor_.loss_percent();
  if (loss >= static_cast<double>(config_.health.loss_percent.value())) {
    return {false, fmt::format("{:.1f} % of the frames were not analysed in the last {} s", loss,
                               config_.health.loss_seconds.value())};
  }
  return {true, ""};
}

Running::Json Sensor::status() {
  constexpr const char* kStates[] = {"starting", "running", "draining"};
  Health now = health();
  Rates rates = monitor_.rates();
  Totals all = totals();
  Json json;
  json["version"] = SPECULAR_VERSION;
  json["state"] = kStates[static_cast<std::size_t>(state_.load())];
  json["healthy"] = now.healthy;
  json["why"] = text_or_null(now.why);
  json["started"] = to_rfc3339(started_);
  json["uptime_s"] = std::chrono::duration_cast<std::chrono::seconds>(wall_now() - started_).count();
  auto reached = judge_loop_.packet_time();
  json["packet_time"] = reached ? Json(to_rfc3339(*reached)) : Json(nullptr);
  json["rates"] = {{"frames_per_s", rates.frames},
                   {"bits_per_s", rates.bits},
                   {"transactions_per_s", rates.transactions},
                   {"lost_per_s", rates.lost},
                   {"shed_per_s", rates.shed}};
  json["totals"] = {{"frames", all.frames},
                    {"transactions", all.transactions},
                    {"kernel_dropped_frames", metrics_.total("kernel_dropped_frames")},
                    {"interface_dropped_frames", metrics_.total("interface_dropped_frames")},
                    {"missed_frames", metrics_.total("missed_frames")},
                    {"shed_packets", all.shed},
                    {"ring_dropped_packets", metrics_.total("ring_dropped_packets")}};
  json["interfaces"] = interfaces_json();
  json["folder"] = folder_json();
  json["shards"] = shards_json();
  json["judge"] = judge_json();
  json["memory_bytes"] = resident_bytes();
  json["memory_limit_bytes"] = memory_limit_;
  json["store"] = store_json();
  return json;
}

Running::Json Sensor::interfaces_json() const {
  Json list = Json::array();
  for (const auto& interface : interfaces_) {
    Json json;
    json["interface"] = interface->name();
    json["state"] = interface->up() ? "up" : "down";
    json["spread"] = spread(interface->queues());
    json["queues"] = interface->queues();
    json["ring_mb"] = config_.live.ring.value();
    std::uint64_t sums[4] = {0, 0, 0, 0};
    for (std::size_t queue = 0; queue < interface->queues(); ++queue) {
      const LiveCounters& counters = interface->queue(queue).counters();
      const Counter* counted[] = {&counters.received, &counters.kernel_dropped, &counters.glued, &counters.clipped};
      for (std::size_t i = 0; i < std::size(counted); ++i) sums[i] += counted[i]->value();
    }
    json["frames"] = sums[0];
    json["kernel_dropped_frames"] = sums[1];
    json["glued_frames"] = sums[2];
    json["clipped_frames"] = sums[3];
    list.push_back(std::move(json));
  }
  add_ports(list);
  return list;
}

void Sensor::add_ports(Json& list) const {
  for (const auto& port : ports()) {
    Json json;
    json["interface"] = port->name();
    json["state"] = port->up() ? "up" : "down";
    json["spread"] = spread(dpdk_->queues());
    json["queues"] = dpdk_->queues();
    std::uint64_t received = 0;
    for (std::size_t queue = 0; queue < dpdk_->queues(); ++queue) received += port->counters(queue).received.value();
    json["frames"] = received;
    json["missed_frames"] = port->counters(0).missed.value();
    json["unbuffered_frames"] = port->counters(0).unbuffered.value();
    json["broken_frames"] = port->counters(0).broken.value();
    list.push_back(std::move(json));
  }
}

const char* Sensor::spread(std::size_t queues) const {
  return !queued_.empty() ? "dispatch" : queues > 1 ? "fanout" : "single";
}

const std::vector<std::unique_ptr<DpdkPort>>& Sensor::ports() const {
  static const std::vector<std::unique_ptr<DpdkPort>> kNone;
  return dpdk_ ? dpdk_->ports() : kNone;
}

Running::Json Sensor::folder_json() const {
  if (!folder_) return nullptr;
  FolderLoop::State state = folder_->state();
  return {{"path", config_.folder.folder.value()},
          {"waiting", state.progress.waiting},
          {"done", state.progress.done},
          {"failed", state.progress.failed},
          {"current", text_or_null(state.current)}};
}

Running::Json Sensor::shards_json() const {
  Json list = Json::array();
  for (std::size_t shard = 0; shard < lanes_.size(); ++shard) {
    const Intake& intake = *intakes_[queued_.empty() ? shard : 0];
    Json json;
    json["shard"] = shard;
    json["flows"] = lanes_[shard]->flows.load();
    json["held_bytes"] = lanes_[shard]->held_bytes.load();
    json["opened_flows"] = lanes_[shard]->lane.shard.flows().counters().opened.value();
    json["lag_ms"] = milliseconds_of(intake.lag());
    json["kept_share"] = kept_share(shard);
    json["ring_filled"] = queued_.empty() ? Json(nullptr) : Json(queued_[shard]->queue.filled());
    list.push_back(std::move(json));
  }
  return list;
}

Running::Json Sensor::judge_json() const {
  return {{"waiting_reports", mailbox_.size()}, {"endpoints", judge_loop_.endpoints()}, {"hosts", judge_loop_.hosts()}};
}

Running::Json Sensor::store_json() const {
  Keeper::State state = keeper_.state();
  return {{"path", store_path_},
          {"bytes", state.store_bytes},
          {"last_commit", state.last ? Json(to_rfc3339(*state.last)) : Json(nullptr)},
          {"commits", state.commits},
          {"failing", text_or_null(state.failing)}};
}

}  // namespace specular
