#include "daemon/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "capture/base/escape.h"

namespace specular {
namespace {

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::info: return spdlog::level::info;
  }
  return spdlog::level::info;
}

// Standard error is one for the whole process, and so is this.
spdlog::logger& logger() {
  static const auto kLogger = [] {
    auto made = std::make_unique<spdlog::logger>("speculard", std::make_unique<spdlog::sinks::stderr_sink_mt>());
    // The journal has times of its own.
    bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
    made->set_pattern(journal ? "%l: %v" : "%Y-%m-%dT%H:%M:%S.%eZ %l: %v", spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *kLogger;
}

}  // namespace

void set_log_level(std::string_view word) {
  for (LogLevel level : {LogLevel::error, LogLevel::warning, LogLevel::info}) {
    constexpr std::string_view kWords[] = {"error", "warning", "info"};
    if (kWords[static_cast<std::size_t>(level)] == word) logger().set_level(level_of(level));
  }
}

void log(LogLevel level, std::string_view text) {
  logger().log(level_of(level), "{}", escape_terminal(text));
}

void log_notice(NoticeLevel level, const std::string& text) {
  log(level == NoticeLevel::warning ? LogLevel::warning : LogLevel::info, text);
}

}  // namespace specular
