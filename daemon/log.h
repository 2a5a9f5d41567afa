// The daemon's log: one line a message on standard error, which is where systemd and containers look.
//
// What stands in it are names, paths and counts; nothing of a payload. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "capture/link/notice.h"

namespace specular {

enum class LogLevel : std::uint8_t { error, warning, info };

// Requires: one of the words that the option log_level knows.
void set_log_level(std::string_view word);
// `text` is one line without a full stop; control characters are escaped.
void log(LogLevel level, std::string_view text);
// A NoticeSink that writes to the log.
void log_notice(NoticeLevel level, const std::string& text);

}  // namespace specular
