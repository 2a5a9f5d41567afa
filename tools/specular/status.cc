// specular status: how the daemon of a store is doing.
#include <chrono>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "capture/base/escape.h"
#include "daemon/control_client.h"
#include "tools/specular/command.h"
#include "tools/specular/stored.h"

namespace specular {
namespace {

constexpr auto kWatchInterval = std::chrono::seconds(2);
constexpr char kClearScreen[] = "\x1b[H\x1b[2J";

// What stands at "/a/b" in the status; null if the daemon, of another version, does not tell it.
Json at(const Json& status, const char* pointer) {
  Json::json_pointer where(pointer);
  return status.contains(where) ? status.at(where) : Json(nullptr);
}

std::string text_at(const Json& status, const char* pointer) {
  Json value = at(status, pointer);
  if (value.is_null()) return "-";
  return value.is_string() ? escape_terminal(value.get<std::string>()) : to_text(value);
}

double number_at(const Json& status, const char* pointer) {
  Json value = at(status, pointer);
  return value.is_number() ? value.get<double>() : 0;
}

// 1.5 M, 320 k, 12.
std::string scaled(double value, double step, std::initializer_list<const char*> units) {
  auto unit = units.begin();
  for (; value >= step && unit + 1 != units.end(); ++unit) value /= step;
  return fmt::format("{:.{}f} {}", value, value < 10 && unit != units.begin() ? 1 : 0, *unit);
}

std::string bytes_at(const Json& status, const char* pointer) {
  if (at(status, pointer).is_null()) return "-";
  return scaled(number_at(status, pointer), 1024, {"B", "KiB", "MiB", "GiB", "TiB"});
}

std::string uptime_text(const Json& status) {
  auto seconds = static_cast<std::int64_t>(number_at(status, "/uptime_s"));
  std::string days = seconds >= 86'400 ? fmt::format("{} d ", seconds / 86'400) : "";
  return fmt::format("{}{:02}:{:02}:{:02}", days, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
}

void print_facts(const Json& status) {
  auto line = [](const char* name, const std::string& text) { print(fmt::format("{:<14}{}\n", name, text)); };
  bool healthy = at(status, "/healthy") == true;
  line("speculard", fmt::format("{}, {}, {}{}", text_at(status, "/version"), text_at(status, "/state"),
                                healthy ? "healthy" : "not healthy: ", healthy ? "" : text_at(status, "/why")));
  line("started", fmt::format("{}, up {}", text_at(status, "/started"), uptime_text(status)));
  line("packet time", text_at(status, "/packet_time"));
  line("now", fmt::format("{:.0f} frames/s, {}, {:.1f} transactions/s, {:.0f} lost/s, {:.0f} shed/s",
                          number_at(status, "/rates/frames_per_s"),
                          scaled(number_at(status, "/rates/bits_per_s"), 1000, {"bit/s", "kbit/s", "Mbit/s", "Gbit/s"}),
                          number_at(status, "/rates/transactions_per_s"), number_at(status, "/rates/lost_per_s"),
                          number_at(status, "/rates/shed_per_s")));
  line("so far", fmt::format("{} frames, {} transactions", text_at(status, "/totals/frames"),
                             text_at(status, "/totals/transactions")));
  line("not seen",
       fmt::format(
           "{} frames dropped by the kernel, {} by interfaces, {} missed by DPDK; {} packets shed, {} dropped inside",
           text_at(status, "/totals/kernel_dropped_frames"), text_at(status, "/totals/interface_dropped_frames"),
           text_at(status, "/totals/missed_frames"), text_at(status, "/totals/shed_packets"),
           text_at(status, "/totals/ring_dropped_packets")));
  line("inventory",
       fmt::format("paths with methods {}, hosts {}; reports waiting {}", text_at(status, "/judge/endpoints"),
                   text_at(status, "/judge/hosts"), text_at(status, "/judge/waiting_reports")));
  line("memory", fmt::format("{} of {}", bytes_at(status, "/memory_bytes"), bytes_at(status, "/memory_limit_bytes")));
  line("store", fmt::format("{}: {}, {} commits, the last at {}", text_at(status, "/store/path"),
                            bytes_at(status, "/store/bytes"), text_at(status, "/store/commits"),
                            text_at(status, "/store/last_commit")));
  if (!at(status, "/store/failing").is_null()) line("", "not durable: " + text_at(status, "/store/failing"));
  if (at(status, "/folder").is_null()) return;
  line("folder", fmt::format("{}: {} wait, {} done, {} failed; now {}", text_at(status, "/folder/path"),
                             text_at(status, "/folder/waiting"), text_at(status, "/folder/done"),
                             text_at(status, "/folder/failed"), text_at(status, "/folder/current")));
}

// Nothing where there are no rows.
void print_table(const Json& rows, const std::vector<Column>& columns) {
  if (!rows.is_array() || rows.empty()) return;
  print("\n");
  Listing listing(Format::table, columns);
  for (const Json& given : rows) {
    Json row = Json::object();
    for (const Column& column : columns)
      row[column.key] = given.is_object() ? given.value(column.key, Json(nullptr)) : Json();
    listing.add(row);
  }
  listing.finish();
}

void print_status(const Json& status) {
  print_facts(status);
  print_table(at(status, "/interfaces"), {{"INTERFACE", "interface"},
                                          {"STATE", "state"},
                                          {"SPREAD", "spread"},
                                          {"QUEUES", "queues", true},
                                          {"RING MB", "ring_mb", true},
                                          {"FRAMES", "frames", true},
                                          {"KERNEL DROPPED", "kernel_dropped_frames", true},
                                          {"MISSED", "missed_frames", true},
                                          {"GLUED", "glued_frames", true},
                                          {"CLIPPED", "clipped_frames", true}});
  print_table(at(status, "/shards"), {{"SHARD", "shard"},
                                      {"FLOWS", "flows", true},
                                      {"HELD BYTES", "held_bytes", true},
                                      {"OPENED", "opened_flows", true},
                                      {"LAG MS", "lag_ms", true},
                                      {"KEPT", "kept_share", true},
                                      {"RING FILLED", "ring_filled", true}});
}

// `before` is printed once there is something to follow it, so that nothing flickers.
int run_once(const std::string& socket, Format format, const char* before) {
  auto answer = ask_daemon(socket, {"status", {}});
  if (!answer) return complain(answer.error().status, answer.error().text);
  if (answer->rows.size() != 1) return complain(kFailed, "what answers at " + socket + " tells no status");
  const Json& status = answer->rows.front();
  print(before);
  if (format == Format::table) {
    print_status(status);
  } else {
    print(to_text(status, format == Format::json ? 2 : -1) + "\n");
  }
  return kDone;
}

int run_status(const Invocation& invocation, bool watch) {
  if (invocation.store.empty() && invocation.config.control.listen.value().empty()) {
    return complain(kUsage, "--store DIR is missing: the folder that speculard was given");
  }
  std::string socket = control_path(invocation.config.control, invocation.store);
  bool table = invocation.format == Format::table;
  const char* anew = !table ? "" : isatty(STDOUT_FILENO) != 0 ? kClearScreen : "\n";
  for (bool first = true;; first = false) {
    int status = run_once(socket, invocation.format, watch && !first ? anew : "");
    if (status != kDone || !watch || !flush_output()) return status;
    std::this_thread::sleep_for(kWatchInterval);
  }
}

}  // namespace

void add_status(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand("status", "How the daemon that has the store open is doing");
  auto watch = std::make_shared<bool>(false);
  command->add_flag("--watch", *watch, "Again every two seconds, until interrupted");
  command->callback(
      [=, &invocation] { invocation.command = [=](Invocation& with) { return run_status(with, *watch); }; });
}

}  // namespace specular
