// Reading captures, as the commands that take FILE… do it: the options --since, --until and --filter, the progress bar,
// and what is said about files that could not be read.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "capture/link/capture_file.h"
#include "tools/specular/command.h"

namespace specular {

struct ReadingOptions {
  std::vector<std::string> files;
  std::string since, until, filter;

  void add_to(CLI::App& command);
  // The names of those options given that leave packets out.
  std::vector<std::string> leave_out() const;
};

struct ReadingResult {
  // To end with: kDone, kFailed if a file could not be read (the others were), or kUsage for a wrong option.
  int status = kDone;
  std::uint64_t packets = 0;  // read, those that the options leave out too
};

// kUsage if an option is wrong, which has been said, else kDone.
int check_usage(const ReadingOptions& options);
// Pushes all frames to `sink`. What is wrong has been said.
ReadingResult read_captures(const ReadingOptions& options, FrameSink& sink);

}  // namespace specular
