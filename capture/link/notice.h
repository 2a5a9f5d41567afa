// Notice: what the operator should know though it is no error. One line, without a full stop.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace specular {

enum class NoticeLevel : std::uint8_t { info, warning };

// Whoever takes one says which threads may call it. It must not call back.
using NoticeSink = std::function<void(NoticeLevel level, const std::string& text)>;

}  // namespace specular
