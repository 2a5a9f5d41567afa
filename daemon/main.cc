// speculard: the daemon. Reads its configuration, gives up what it may do beyond capturing, opens everything, starts
// the threads (loops.h), and then waits for signals, once a second looking after health and the watchdog.
#include <algorithm>
#include <csignal>
#include <ctime>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "capture/base/escape.h"
#include "capture/link/live_handle.h"
#include "daemon/control.h"
#include "daemon/control_client.h"
#include "daemon/describe.h"
#include "daemon/health.h"
#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/privileges.h"
#include "daemon/sensor.h"

namespace specular {
namespace {

constexpr int kDone = 0, kFailed = 1, kUsage = 2;

struct Arguments {
  std::string store, config, user;
  bool check = false, describe = false;
};

int complain(int status, const std::string& text) {
  fmt::print(stderr, "speculard: {}\n", escape_terminal(text));
  return status;
}

// All threads inherit that these signals are blocked; they are waited for by the first one alone.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

// Also what no schema tells: with what settings the daemon cannot start anywhere.
// The kernel takes the memory of all rings at once: the machine would come down, or the daemon shed for good.
Result<void> check_rings(const Config& config) {
  std::uint64_t queues = config.live.spread.value() == "dispatch" ? 1 : config.general.shards.size();
  std::uint64_t rings = config.live.interfaces.values().size() * queues * config.live.ring.size();
  std::uint64_t limit = memory_limit(config.general.memory.size() << 20) >> 20;
  if (rings < limit) return {};
  return fail(
      ErrorKind::invalid,
      fmt::format("sources.ring_mb: a ring for each interface and shard, {} MiB in all, leaves nothing of the {} "
                  "MiB that memory_mb allows",
                  rings, limit));
}

Result<void> check_ports(const Config& config) {
  if (config.dpdk.ports.values().empty()) return {};
  if (!Dpdk::is_built_in()) {
    return fail(ErrorKind::invalid, "sources.dpdk.ports: this speculard was built without DPDK");
  }
  if (!config.live.interfaces.values().empty() && config.live.spread.value() == "fanout") {
    return fail(ErrorKind::invalid,
                "sources.spread: the kernel and DPDK ports do not spread alike; with both, only "
                "dispatch finds the two mirrors of a connection");
  }
  if (!config.live.filter.value().empty()) {
    return fail(ErrorKind::invalid, "sources.filter: the kernel does not see what DPDK ports receive");
  }
  return {};
}

// What no option can tell by itself.
Result<void> check(const Config& config) {
  if (config.live.interfaces.values().empty() && config.dpdk.ports.values().empty() &&
      config.folder.folder.value().empty()) {
    return fail(ErrorKind::invalid,
                "nothing to look at: sources.interfaces, sources.dpdk.ports and sources.folder are empty");
  }
  if (auto checked = check_ports(config); !checked) return checked;
  std::string problem = problem_of_filter(config.live.filter.value());
  if (!problem.empty()) return fail(ErrorKind::invalid, "sources.filter: " + problem);
  return check_rings(config);
}

// As it stands in the file, and makes sense.
Result<std::unique_ptr<Config>> read_config(const std::string& path) {
  auto config = std::make_unique<Config>(Program::speculard);
  Result<void> loaded = path.empty() ? Result<void>() : load_config(path, *config);
  if (!loaded) return forward(loaded.error());
  if (auto checked = check(*config); !checked) {
    return fail(checked.error().kind, (path.empty() ? "" : path + ": ") + checked.error().text);
  }
  return config;
}

void reload(const Arguments& arguments, Config& running) {
  auto read = read_config(arguments.config);
  if (!read) return log(LogLevel::error, read.error().text + "; what is in force stays");
  auto old_sections = running.sections(), new_sections = (*read)->sections();
  for (std::size_t i = 0; i < old_sections.size(); ++i) {
    for (std::size_t j = 0; j < old_sections[i].group->options().size(); ++j) {
      Option &before = *old_sections[i].group->options()[j], &after = *new_sections[i].group->options()[j];
      if (before.value_text() == after.value_text()) continue;
      if (&before == &running.general.log_level) {
        (void)before.set(after.value_text());
        set_log_level(after.value_text());
        continue;
      }
      std::string section = old_sections[i].name;
      log(LogLevel::warning, fmt::format("restart needed: {}{}{}", section, section.empty() ? "" : ".", before.name()));
    }
  }
  log(LogLevel::info, "the configuration was read again");
}

// Until the end is asked for.
void attend(const Arguments& arguments, Config& config, Sensor& sensor, const sigset_t& signals) {
  std::uint64_t watchdog = 0;
  bool watched = sd_watchdog_enabled(0, &watchdog) > 0;
  for (;;) {
    constexpr timespec kTick{1, 0};
    switch (sigtimedwait(&signals, nullptr, &kTick)) {
      case SIGTERM:
      case SIGINT: return;
      case SIGHUP: reload(arguments, config); break;
      case SIGUSR1: log(LogLevel::info, sensor.statistics()); break;
      default: break;
    }
    sensor.tick();
    if (watched && sensor.moves()) sd_notify(0, "WATCHDOG=1");
  }
}

// Bound before anything else starts; null where nobody is to listen.
Result<std::optional<ListenSocket>> listen_at(const std::string& address) {
  if (address.empty()) return std::nullopt;
  auto socket = ListenSocket::tcp(address);
  if (!socket) return forward(socket.error());
  return std::optional(std::move(*socket));
}

// Null without ports. Devices and huge pages may take rights that the daemon does not keep: so this comes before.
Result<std::unique_ptr<Dpdk>> start_dpdk(const Config& config) {
  if (config.dpdk.ports.values().empty()) return nullptr;
  return Dpdk::start({config.dpdk, config.capture.tunnels, config.live.promiscuous.value(), Sensor::queues_of(config),
                      config.live.spread.value() == "fanout", log_notice});
}

// Of this thread, and of those that DPDK has started by now.
Result<void> give_up_privileges(const Arguments& arguments, Dpdk* dpdk) {
  Result<void> dropped = drop_privileges(arguments.user, arguments.store);
  if (!dropped || dpdk == nullptr) return dropped;
  dpdk->run_in_threads([&dropped] { dropped = drop_thread_privileges(); });
  return dropped;
}

int serve(const Arguments& arguments, Config& config) {
  set_log_level(config.general.log_level.value());
  for (const auto& text : config.without_effect) log(LogLevel::warning, text);
  sigset_t signals = block_signals();
  umask(0027);  // what is learned is for the daemon's group
  auto health_socket = listen_at(config.health.listen.value());
  auto metrics_socket = listen_at(config.metrics.listen.value());
  if (!health_socket) return complain(kFailed, health_socket.error().text);
  if (!metrics_socket) return complain(kFailed, metrics_socket.error().text);
  auto dpdk = start_dpdk(config);
  if (!dpdk) return complain(kFailed, dpdk.error().text);
  if (auto dropped = give_up_privileges(arguments, dpdk->get()); !dropped) {
    return complain(kFailed, dropped.error().text);
  }

  std::atomic<Running*> running = nullptr;
  std::unique_ptr<Reception> health, metrics, control;
  if (*health_socket) {
    health = serve_health(std::move(**health_socket), [&running] {
      Running* there = running.load();
      return there != nullptr ? there->health() : Health{false, "starting"};
    });
  }
  auto store = Store::open(arguments.store, Store::Mode::write);
  if (!store) return complain(kFailed, store.error().text);
  if (!(*store)->warning().empty()) log(LogLevel::warning, (*store)->warning());
  auto sensor = Sensor::create(config, **store, arguments.store, std::move(*dpdk));
  if (!sensor) return complain(kFailed, sensor.error().text);
  auto control_socket = ListenSocket::unix_path(control_path(config.control, arguments.store));
  if (!control_socket) return complain(kFailed, control_socket.error().text);
  (*sensor)->start();
  running = sensor->get();
  control = serve_control(std::move(*control_socket), **sensor);
  if (*metrics_socket) metrics = serve_metrics(std::move(**metrics_socket), **sensor);

  log(LogLevel::info, fmt::format("speculard {} has started", SPECULAR_VERSION));
  sd_notify(0, "READY=1");
  attend(arguments, config, **sensor, signals);
  sd_notify(0, "STOPPING=1");
  log(LogLevel::info, "ending: " + (*sensor)->statistics());
  bool durable = (*sensor)->stop();
  // They ask the sensor, which would go first.
  control.reset();
  metrics.reset();
  health.reset();
  if (!durable) return complain(kFailed, "what was learned last could not be written, and is lost");
  log(LogLevel::info, "all that was learned is in the store");
  return kDone;
}

int run(int argc, char** argv) {
  CLI::App app("Finds the APIs in traffic that is mirrored to this machine, for as long as it runs.", "speculard");
  Arguments arguments;
  app.set_version_flag("--version", "speculard " SPECULAR_VERSION);
  app.add_option("--store", arguments.store, "Folder for what is learned; made if it is not there")->type_name("DIR");
  app.add_option("--config", arguments.config, "YAML file with settings")->type_name("FILE");
  app.add_option("--user", arguments.user, "Become this user, with CAP_NET_RAW as the only privilege")
      ->type_name("NAME");
  app.add_flag("--check", arguments.check, "Only check the configuration");
  app.add_flag("--describe", arguments.describe, "Print every option, counter and drop reason, as YAML");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  if (arguments.describe) {
    fmt::print("{}", describe());
    return kDone;
  }
  auto config = read_config(arguments.config);
  if (!config) return complain(kUsage, config.error().text);
  if (arguments.check) {
    for (const auto& text : (*config)->without_effect) complain(kDone, "warning: " + text);
    fmt::print("{}: valid\n", arguments.config.empty() ? "defaults" : escape_terminal(arguments.config));
    return kDone;
  }
  if (arguments.store.empty()) return complain(kUsage, "--store DIR is missing: where what is learned is kept");
  return serve(arguments, **config);
}

}  // namespace
}  // namespace specular

int main(int argc, char** argv) {
  return specular::run(argc, argv);
}
