// A process that has a store open as the daemon has it, and is asked over its control socket, until its input ends:
//
//   holder STORE
#include <cstdio>
#include <mutex>

#include "analyzers/judge.h"
#include "daemon/control.h"
#include "daemon/control_client.h"
#include "storage/store.h"

namespace specular {
namespace {

class Holder final : public Running {
 public:
  explicit Holder(const Store& store) : judge_(options_, store.hash_key(), false) {}

  Result<void> restore(const Store& store) {
    auto stored = store.read_all();
    return stored ? judge_.restore(*stored) : forward(stored.error());
  }
  void read_inventory(const std::function<void(const Inventory&)>& reader) override {
    std::lock_guard lock(mutex_);
    reader(judge_.inventory());
  }
  // As a daemon with one interface would say it, with what an interface's name could hold.
  Json status() override {
    return {{"version", "1.2.3"},
            {"state", "running"},
            {"healthy", false},
            {"why", "5.1 % of the frames were not analysed"},
            {"started", "2026-01-01T00:00:00.000000000Z"},
            {"uptime_s", 93'784},
            {"packet_time", nullptr},
            {"rates", {{"frames_per_s", 1234.4}, {"bits_per_s", 9.87e8}, {"transactions_per_s", 12.5}}},
            {"totals", {{"frames", 77'777}, {"kernel_dropped_frames", 55}}},
            {"interfaces", {{{"interface", "evil\x1b[31m"}, {"state", "up"}, {"frames", 4711}}}},
            {"shards", {{{"shard", 0}, {"kept_share", 0.5}, {"ring_filled", nullptr}}}},
            {"memory_bytes", 3 << 20},
            {"store", {{"path", "/x"}, {"failing", "no space left"}}}};
  }
  Health health() override { return {}; }
  const Metrics& metrics() const override { return metrics_; }

 private:
  InventoryOptions options_;
  Metrics metrics_;
  std::mutex mutex_;
  Judge judge_;
};

int run(const std::string& directory) {
  auto store = Store::open(directory, Store::Mode::write);
  if (!store) return 1;
  Holder holder(**store);
  if (auto restored = holder.restore(**store); !restored) return 1;
  auto socket = ListenSocket::unix_path(control_path(ControlOptions(), directory));
  if (!socket) return 1;
  auto server = serve_control(std::move(*socket), holder);
  std::puts("ready");
  std::fflush(stdout);
  while (std::getchar() != EOF) continue;
  return 0;
}

}  // namespace
}  // namespace specular

int main(int argc, char** argv) {
  return argc == 2 ? specular::run(argv[1]) : 2;
}
