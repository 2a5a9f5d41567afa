#include "daemon/describe.h"

#include <map>
#include <set>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "analyzers/coverage.h"
#include "capture/flow/flow_table.h"
#include "capture/http/session.h"
#include "capture/link/decode.h"
#include "capture/link/dpdk.h"
#include "capture/link/live.h"
#include "capture/packet_queue.h"
#include "capture/receiver.h"
#include "daemon/config.h"

namespace specular {
namespace {

constexpr std::size_t kWidth = 100;

// The text as comments, broken at blanks.
std::string comment(std::string_view text, const std::string& indent) {
  std::string lines;
  while (!text.empty()) {
    std::size_t end = text.size();
    if (text.size() > kWidth) {
      end = text.rfind(' ', kWidth);
      if (end == std::string_view::npos) end = std::min(text.find(' '), text.size());
    }
    lines += fmt::format("{}# {}\n", indent, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string option_text(const Option& option, const std::string& indent) {
  std::string unit = *option.unit() == '\0' ? "" : fmt::format(" {}", option.unit());
  return fmt::format("{}{}{}{}: {}\n", comment(option.help(), indent),
                     comment(fmt::format("({}{})", option.range_text(), unit), indent), indent, option.name(),
                     option.default_text());
}

std::string settings_text() {
  Config config(Program::speculard);
  std::string text, open;
  for (const auto& [name, group] : config.sections()) {
    std::string_view path = name;
    std::size_t point = path.find('.');  // that of a section inside of the one before
    std::string indent = path.empty() ? "" : point == std::string_view::npos ? "  " : "    ";
    if (path != open && point == std::string_view::npos) text += fmt::format("\n{}:\n", path);
    if (path != open && point != std::string_view::npos) text += fmt::format("  {}:\n", path.substr(point + 1));
    open = name;
    for (const Option* option : group->options()) text += option_text(*option, indent);
  }
  return text;
}

std::string quoted(std::string_view text) {
  std::string all = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') all += '\\';
    all += c;
  }
  return all + '"';
}

std::string entry(std::string_view name, std::string_view help) {
  return fmt::format("  {}: {}\n", name, quoted(help));
}

// What a counter counts is the last word of its name.
std::string unit_of(std::string_view name) {
  return std::string(name.substr(name.rfind('_') + 1));
}

std::string counters_text() {
  LiveCounters live;
  DpdkCounters dpdk;
  DecodeCounters decode;
  LoadCounters load;
  QueueCounters queue;
  FlowCounters flow;
  HttpCounters http;
  std::string text = "counters:\n";
  std::set<std::string_view> told;  // all kinds of live sources have a few in common
  for (const CounterGroup* group :
       std::initializer_list<const CounterGroup*>{&live, &dpdk, &decode, &load, &queue, &flow, &http}) {
    for (const Counter* counter : group->counters()) {
      if (!told.insert(counter->name()).second) continue;
      text += fmt::format("  {}: {{unit: {}, metric: specular_{}_total, help: {}}}\n", counter->name(),
                          unit_of(counter->name()), counter->name(), quoted(counter->help()));
    }
  }
  return text;
}

std::string coverage_text() {
  std::string text = "coverage:\n";
  for (std::size_t i = 0; i < kCoverageItems; ++i) {
    auto item = static_cast<CoverageItem>(i);
    text += entry(to_text(item), help_of(item));
  }
  return text;
}

std::string anomalies_text() {
  std::string text = "anomalies:\n";
#define ANOMALY(name, help) text += entry(#name, help);
#include "capture/http/anomalies.def"
#undef ANOMALY
  return text;
}

std::string drops_text() {
  std::string text = "drops:\n";
#define DROP(name, help) text += entry(#name, help);
#include "capture/link/drops.def"
#undef DROP
  return text;
}

}  // namespace

std::string describe() {
  return "# Every setting of speculard, at its default. This is a configuration.\n" + settings_text() +
         "---\n# What is counted, by `specular coverage` and at /metrics.\n" + counters_text() + coverage_text() +
         anomalies_text() + drops_text();
}

}  // namespace specular
