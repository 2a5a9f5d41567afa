// DpdkEal: DPDK's environment abstraction layer (EAL), of which a process has one, once. Internal to dpdk.cc.
//
// What it is given beside the user's arguments: one logical core, which is the thread that starts it (all threads that
// poll are the daemon's own); memory that leaves no files behind, for no other process; no telemetry
// socket; and of all devices only the ports that the options name.
#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "capture/base/result.h"
#include "capture/link/dpdk.h"
#include "capture/link/notice.h"

namespace specular {

class DpdkEal {
 public:
  // Fails with what the EAL said about it; then, and also after the end of this object, it cannot be started again.
  // Requires: the process has one thread that runs.
  static Result<std::unique_ptr<DpdkEal>> start(const DpdkOptions& options, NoticeSink notice);
  DpdkEal(const DpdkEal&) = delete;
  DpdkEal& operator=(const DpdkEal&) = delete;
  ~DpdkEal();

  // Runs it in the thread that DPDK has started for interrupts, and returns when that is done.
  void run_in_service_thread(const std::function<void()>& work);
  // The errors that were logged since the last call, in one line; ": " before them, or empty.
  std::string take_errors();

 private:
  DpdkEal(const DpdkOptions& options, NoticeSink notice);
  static ssize_t write_log(void* self, const char* text, std::size_t size);
  void log_line(int level, const std::string& line);

  std::vector<std::string> arguments_;  // the EAL keeps pointers to them
  std::vector<char*> argv_;
  bool chatty_;  // the user asked for more than warnings
  bool started_ = false;
  NoticeSink notice_;
  std::FILE* log_ = nullptr;
  std::mutex mutex_;  // for what follows: any thread of DPDK may log
  std::string unfinished_;
  std::vector<std::string> errors_;
};

}  // namespace specular
