// A Running around a real inventory: what is asked of a daemon, without its threads.
#pragma once

#include <mutex>

#include "daemon/running.h"
#include "tests/analyzers/site.h"

namespace specular::test {

class KnownSensor final : public Running {
 public:
  void read_inventory(const std::function<void(const Inventory&)>& reader) override {
    std::lock_guard lock(mutex_);
    reader(site.known());
  }
  Result<void> change(const std::function<bool(Judge&)>& change) override {
    std::lock_guard lock(mutex_);
    (void)site.known();
    return change(site.judge()) ? durable : Result<void>();
  }
  Json status() override { return {{"version", "1"}, {"state", "running"}, {"why", "a\x1b[31m\xff"}}; }
  Health health() override { return {true, ""}; }
  const Metrics& metrics() const override { return counted; }

  // Whoever asks for the inventory waits while this is held.
  std::mutex& inventory_mutex() { return mutex_; }

  Site site;
  Metrics counted;
  Result<void> durable;  // what a change comes to

 private:
  std::mutex mutex_;
};

}  // namespace specular::test
