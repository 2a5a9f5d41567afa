// Config: every knob of the program, by section, and the reading of the YAML file that sets them.
//
// An unknown key, a wrong type, a value out of range: the file is refused, with its line and the nearest key.
#pragma once

#include <string>
#include <vector>

#include "analyzers/inspect/client_address.h"
#include "analyzers/observer.h"
#include "capture/base/option.h"
#include "capture/base/result.h"
#include "capture/link/dpdk.h"
#include "capture/link/drop_folder.h"
#include "capture/link/live.h"
#include "capture/receiver.h"

namespace specular {

enum class Program : std::uint8_t { specular, speculard };

struct GeneralOptions : OptionGroup {
  ChoiceOption inspect{*this,
                       "inspect",
                       "full",
                       {"full", "budget"},
                       "full: every body is read; budget: those that no longer teach anything ever more rarely."};
  IntOption shards{*this, "shards", 1, {1, 64}, "shards", "Parts that flows are spread over; the result is the same."};
  IntOption memory{*this, "memory_mb",
                   0,     {0, 16'777'216},
                   "MiB", "Resident memory past which the daemon sheds flows; 0: three quarters of what there is."};
  ChoiceOption log_level{*this,
                         "log_level",
                         "info",
                         {"error", "warning", "info"},
                         "The least severe messages that the daemon writes to its log, standard error."};
};

struct ControlOptions : OptionGroup {
  TextOption listen{*this,    "listen",
                    "",       any_text,
                    "a path", "Unix socket that the command line asks, mode 0660; empty: control.sock in the store."};
};

struct MetricsOptions : OptionGroup {
  TextOption listen{*this,
                    "listen",
                    "127.0.0.1:9470",
                    check_listen,
                    "an address and port",
                    "Where Prometheus finds /metrics; empty: nowhere."};
};

struct HealthOptions : OptionGroup {
  TextOption listen{*this,
                    "listen",
                    "0.0.0.0:9471",
                    check_listen,
                    "an address and port",
                    "Where load balancers ask whether to send traffic; answers 200 or 503; empty: nowhere."};
  IntOption loss_percent{*this,     "loss_percent",
                         5,         {1, 100},
                         "percent", "Frames not analysed for want of speed, past which the sensor is unhealthy."};
  IntOption loss_seconds{*this,     "loss_seconds", 60,
                         {1, 3600}, "seconds",      "For so long in a row that must be, until the sensor says so."};
};

struct StorageOptions : OptionGroup {
  IntOption commit{*this, "commit_seconds", 1, {1, 300}, "seconds", "How often what was learned is made durable."};
};

struct Config {
  // Programs differ in a few defaults: the daemon inspects within its budget, and looks at tunnelled traffic alone.
  explicit Config(Program program = Program::specular);

  GeneralOptions general;
  LiveOptions live;
  FolderOptions folder;
  DpdkOptions dpdk;
  CaptureOptions capture;
  ClientOptions clients;
  InventoryOptions inventory;
  ControlOptions control;
  MetricsOptions metrics;
  HealthOptions health;
  StorageOptions storage;

  struct Section {
    const char* name;  // empty: at the top level; with a point: inside of another; several may have one name
    OptionGroup* group;
  };
  std::vector<Section> sections();

  // Keys of the file that have no effect in this version, with their lines: to be told.
  std::vector<std::string> without_effect;
};

Result<void> load_config(const std::string& path, Config& config);

}  // namespace specular
