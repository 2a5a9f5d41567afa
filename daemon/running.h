// Running: what a daemon at work lets be asked. The control, metrics and health servers know nothing else of it.
#pragma once

#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include "analyzers/judge.h"
#include "daemon/metrics.h"

namespace specular {

struct Health {
  bool healthy = false;
  std::string why;  // if not: starting, draining, a thread that does not move, loss; one line
};

// All of it may be called by any thread.
class Running {
 public:
  using Json = nlohmann::ordered_json;

  // Calls `reader` with the inventory, which stands still meanwhile; it should not take long.
  virtual void read_inventory(const std::function<void(const Inventory&)>& reader) = 0;
  // The same with the judge, for what the user says; where `change` returns true, returns when that is durable. An
  // error says that it is in effect, but not durable, or that the daemon is ending.
  virtual Result<void> change(const std::function<bool(Judge&)>& change) = 0;
  // As `specular status --json` prints it.
  virtual Json status() = 0;
  virtual Health health() = 0;
  virtual const Metrics& metrics() const = 0;

 protected:
  ~Running() = default;
};

}  // namespace specular
