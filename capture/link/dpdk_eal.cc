#include "capture/link/dpdk_eal.h"

#include <algorithm>
#include <cstring>
#include <future>

#include <fcntl.h>
#include <fmt/format.h>
#include <rte_alarm.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>
#include <unistd.h>

#include "capture/base/file_descriptor.h"

namespace specular {
namespace {

constexpr std::size_t kErrors = 3;

// Where a port is no virtual device, it is one of a bus, and the EAL finds it there if it is allowed to.
bool is_virtual(const std::string& port) {
  return port.starts_with("net_") || port.starts_with("eth_");
}

// The EAL binds the thread that starts it to its core, and all threads to come with it.
class KeptAffinity {
 public:
  KeptAffinity() { sched_getaffinity(0, sizeof set_, &set_); }
  KeptAffinity(const KeptAffinity&) = delete;
  KeptAffinity& operator=(const KeptAffinity&) = delete;
  ~KeptAffinity() { sched_setaffinity(0, sizeof set_, &set_); }

  int first() const {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set_)) return cpu;
    }
    return 0;
  }

 private:
  cpu_set_t set_{};
};

// To a wrong argument the EAL answers by a page of usage, which is not ours.
class SilentOutput {
 public:
  SilentOutput() : before_(dup(STDOUT_FILENO)) {
    std::fflush(stdout);
    FileDescriptor nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
    if (before_ && nowhere) dup2(nowhere.get(), STDOUT_FILENO);
  }
  SilentOutput(const SilentOutput&) = delete;
  SilentOutput& operator=(const SilentOutput&) = delete;
  ~SilentOutput() {
    std::fflush(stdout);
    if (before_) dup2(before_.get(), STDOUT_FILENO);
  }

 private:
  FileDescriptor before_;
};

}  // namespace

DpdkEal::DpdkEal(const DpdkOptions& options, NoticeSink notice) : notice_(std::move(notice)) {
  const auto& eal = options.eal.values();
  chatty_ = std::any_of(eal.begin(), eal.end(), [](const auto& text) { return text.starts_with("--log-level"); });
  // Nothing for other processes. The usual way to that is not one for memory of these kinds.
  bool plain = std::any_of(eal.begin(), eal.end(),
                           [](const auto& text) { return text == "--no-huge" || text == "--legacy-mem"; });
  // The first one is what complaints begin with.
  arguments_ = {"speculard: sources.dpdk.eal", fmt::format("--lcores=0@{}", KeptAffinity().first()),
                plain ? "--no-shconf" : "--in-memory", "--no-telemetry"};
  bool any_on_bus = false;
  for (const std::string& port : options.ports.values()) {
    arguments_.push_back(is_virtual(port) ? "--vdev=" + port : "--allow=" + port);
    any_on_bus = any_on_bus || !is_virtual(port);
  }
  if (!any_on_bus) arguments_.emplace_back("--no-pci");
  arguments_.insert(arguments_.end(), eal.begin(), eal.end());
  for (std::string& argument : arguments_) argv_.push_back(argument.data());
  argv_.push_back(nullptr);
}

Result<std::unique_ptr<DpdkEal>> DpdkEal::start(const DpdkOptions& options, NoticeSink notice) {
  std::unique_ptr<DpdkEal> eal(new DpdkEal(options, std::move(notice)));
  cookie_io_functions_t functions{};
  functions.write = &DpdkEal::write_log;
  eal->log_ = fopencookie(eal.get(), "w", functions);
  if (eal->log_ == nullptr) return fail(ErrorKind::io, "DPDK: no memory for its log");
  rte_openlog_stream(eal->log_);
  int status = 0;
  {
    KeptAffinity affinity;
    SilentOutput silence;
    status = rte_eal_init(static_cast<int>(eal->arguments_.size()), eal->argv_.data());
  }
  eal->started_ = status >= 0;
  if (eal->started_) return eal;
  std::string said = eal->take_errors();
  if (said.empty()) said = std::string(": ") + rte_strerror(rte_errno);
  bool pages = said.find("ugepage") != std::string::npos;
  return fail(ErrorKind::io, fmt::format("DPDK does not start{}{}", said,
                                         pages ? "; huge pages are set up by dpdk-hugepages.py --setup 1G, and done "
                                                 "without by eal: [--no-huge]"
                                               : ""));
}

DpdkEal::~DpdkEal() {
  if (started_) rte_eal_cleanup();
  rte_openlog_stream(nullptr);
  if (log_ != nullptr) std::fclose(log_);
}

void DpdkEal::run_in_service_thread(const std::function<void()>& work) {
  struct Job {
    const std::function<void()>& work;
    std::promise<void> done;
  } job{work, {}};
  auto run = [](void* argument) {
    Job& asked = *static_cast<Job*>(argument);
    asked.work();
    asked.done.set_value();
  };
  if (rte_eal_alarm_set(1, run, &job) == 0) job.done.get_future().wait();
}

ssize_t DpdkEal::write_log(void* self, const char* text, std::size_t size) {
  auto& eal = *static_cast<DpdkEal*>(self);
  int level = rte_log_cur_msg_loglevel();
  std::lock_guard lock(eal.mutex_);
  eal.unfinished_.append(text, size);
  for (std::size_t end; (end = eal.unfinished_.find('\n')) != std::string::npos; eal.unfinished_.erase(0, end + 1)) {
    if (end > 0) eal.log_line(level, eal.unfinished_.substr(0, end));
  }
  return static_cast<ssize_t>(size);
}

// With the mutex held. Levels fall as severity rises. Until it has started, what it says is kept for the one message
// that says why not.
void DpdkEal::log_line(int level, const std::string& line) {
  bool is_error = level <= static_cast<int>(RTE_LOG_ERR);
  if (is_error && std::find(errors_.begin(), errors_.end(), line) == errors_.end()) {
    errors_.push_back(line);
    if (errors_.size() > kErrors) errors_.erase(errors_.begin());
  }
  bool is_warning = level <= static_cast<int>(RTE_LOG_WARNING);
  if (!notice_ || !started_ || (!is_warning && !chatty_)) return;
  notice_(is_warning ? NoticeLevel::warning : NoticeLevel::info, "DPDK: " + line);
}

std::string DpdkEal::take_errors() {
  std::lock_guard lock(mutex_);
  std::string text;
  for (const std::string& line : errors_) text += (text.empty() ? ": " : "; ") + line;
  errors_.clear();
  return text;
}

}  // namespace specular
