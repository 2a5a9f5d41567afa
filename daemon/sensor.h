// Sensor: everything that a running daemon consists of, built, connected, and asked from outside.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "capture/link/dpdk.h"
#include "capture/link/live.h"
#include "capture/link/port_guard.h"
#include "daemon/folder_loop.h"
#include "daemon/loops.h"
#include "daemon/monitor.h"
#include "daemon/running.h"

namespace specular {

class Sensor final : public Running {
 public:
  // Opens interfaces and the folder, and takes in what the store holds; no thread is started. `dpdk` (or null) has
  // started before, with as many queues as queues_of() says. Requires: config and store outlive it.
  static Result<std::unique_ptr<Sensor>> create(const Config& config, Store& store, std::string store_path,
                                                std::unique_ptr<Dpdk> dpdk = nullptr);
  ~Sensor();

  // How many queues interfaces and ports should have each. One, where a receiver must spread: as asked for, or because
  // the kernel and network cards each spread in their own way, and the mirrors of a connection must meet.
  static std::size_t queues_of(const Config& config);

  void start();
  // Each second: memory, rates, health.
  void tick();
  // Reads what waits, closes all flows, commits, and ends all threads. False if something could not be made durable.
  bool stop();
  // Whether every thread has moved lately that live traffic needs; the keeper may wait for its disk longer than others.
  bool moves() const;

  // One line of what is going on, for the log.
  std::string statistics() const;

  void read_inventory(const std::function<void(const Inventory&)>& reader) override;
  Result<void> change(const std::function<bool(Judge&)>& change) override;
  Json status() override;
  Health health() override;
  const Metrics& metrics() const override { return metrics_; }

 private:
  enum class State : std::uint8_t { starting, running, draining };

  Sensor(const Config& config, Store& store, std::string store_path, std::unique_ptr<Dpdk> dpdk);
  Result<void> restore();
  Result<void> open_sources();
  Result<std::size_t> open_interfaces();
  Result<void> open_queues(std::size_t queues);
  Result<void> open_folder();
  void build_lanes();
  void build_intakes(std::size_t queues);
  void register_metrics();
  Totals totals() const;
  Json interfaces_json() const;
  void add_ports(Json& list) const;
  const char* spread(std::size_t queues) const;
  const std::vector<std::unique_ptr<DpdkPort>>& ports() const;
  Json shards_json() const;
  Json store_json() const;
  Json folder_json() const;
  Json judge_json() const;
  double kept_share(std::size_t shard) const;

  const Config& config_;
  Store& store_;
  std::string store_path_;
  TunnelTable tunnels_;
  Judge judge_;
  std::mutex inventory_mutex_;
  Mailbox mailbox_;
  Metrics metrics_;
  Monitor monitor_;
  std::unique_ptr<Dpdk> dpdk_;  // null without ports
  std::vector<std::unique_ptr<LiveInterface>> interfaces_;
  HashKey spread_key_ = HashKey::random();
  std::optional<PortGuard> guard_;
  std::vector<std::unique_ptr<ReportingLane>> lanes_;  // by shard
  std::vector<std::unique_ptr<QueuedLane>> queued_;    // by shard, in dispatch mode
  std::vector<std::unique_ptr<Intake>> intakes_;       // by shard, or one
  std::unique_ptr<FolderLoop> folder_;
  Keeper keeper_;
  JudgeLoop judge_loop_;

  std::atomic<State> state_ = State::starting;
  std::atomic<bool> stopping_ = false, intakes_ended_ = false, producers_ended_ = false;
  std::atomic<double> memory_share_ = 0;
  std::uint64_t memory_limit_;
  Timestamp started_;
  std::vector<std::thread> intake_threads_, lane_threads_;
  std::thread folder_thread_, judge_thread_, keeper_thread_;
};

}  // namespace specular
