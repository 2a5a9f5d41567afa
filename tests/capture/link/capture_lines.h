// What comes out of a capture file, as lines.
#pragma once

#include <string>

#include <fmt/format.h>

#include "capture/link/capture_file.h"
#include "tests/capture/link/capture_writer.h"

namespace specular::test {

// "1.000000002 1 5 hello": time, link type, size on the wire, bytes.
inline std::string frame_line(const Frame& frame) {
  std::int64_t ns = frame.time.time_since_epoch().count(), second = 1'000'000'000;
  std::int64_t seconds = ns >= 0 ? ns / second : -((second - 1 - ns) / second);
  return fmt::format("{}.{:09} {} {} {}\n", seconds, ns - seconds * second, static_cast<unsigned>(frame.link),
                     frame.wire_size, as_text(frame.bytes));
}

// The frames of a file up to its end; then its error or warning, without the path that it must begin with.
inline std::string read_file(const std::string& path) {
  auto last_words = [&](const char* kind, const std::string& text) {
    bool good = text.starts_with(path + ": ") && text.find('\n') == std::string::npos;
    return kind + (good ? text.substr(path.size() + 2) : "(without path, or not one line) " + text) + "\n";
  };
  auto file = CaptureFile::open(path);
  if (!file) return last_words("refused: ", file.error().text);
  std::string lines;
  for (;;) {
    auto frames = (*file)->next();
    if (!frames) {
      lines += last_words("error: ", frames.error().text);
      break;
    }
    if (frames->empty()) break;
    if (frames->size() > kBatch) lines += "too many at once\n";
    for (const Frame& frame : *frames) lines += frame_line(frame);
  }
  if (!(*file)->warning().empty()) lines += last_words("warning: ", (*file)->warning());
  auto after = (*file)->next();
  if (!after || !after->empty()) lines += "no end\n";
  return lines;
}

inline std::string read_capture(std::string_view content) {
  Folder folder;
  return read_file(folder.write("capture", content));
}

}  // namespace specular::test
