// AnalysedCapture: which file of the drop folder was analysed, how far, and what came of it. A row in the store, so
// that no file is analysed twice; it goes with what was learned from the file, in one epoch.
#pragma once

#include <cstdint>
#include <string>

namespace specular {

struct AnalysedCapture {
  std::string name;  // in the folder; any bytes

  // The very file, as it was when reading it began.
  std::uint64_t size = 0;        // bytes, as stored
  std::int64_t modified_ns = 0;  // since 1970-01-01 UTC, by the clock of its file system
  std::uint64_t inode = 0;
  std::uint64_t content = 0;  // hash of its first and last bytes, so that it is known again where it grew or moved

  std::uint64_t frames = 0;      // read of it so far
  std::int64_t analysed_ns = 0;  // since 1970-01-01 UTC, by the clock of this machine
  bool failed = false;           // it could not be read to its end
  std::string problem;           // what was wrong with it, failed or not: one line; empty if nothing

  bool operator==(const AnalysedCapture&) const = default;
};

}  // namespace specular
