#include "tools/specular/reading.h"

#include <chrono>

#include <fmt/format.h>
#include <unistd.h>

#include "capture/link/frame_filter.h"

namespace specular {
namespace {

class ProgressBar {
 public:
  explicit ProgressBar(const CaptureFiles& files) : files_(files) {
    shown_ = isatty(STDERR_FILENO) != 0 && isatty(STDOUT_FILENO) == 0 && files.total_bytes() > 0;
  }
  ~ProgressBar() {
    if (drawn_) fmt::print(stderr, "\r{:60}\r", "");
  }

  void update() {
    // The clock is read rarely: reading captures must not wait for it.
    if (!shown_ || ++calls_ % 1024 != 0) return;
    auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(200)) return;
    last_ = now;
    drawn_ = true;
    double share = static_cast<double>(files_.bytes_read()) / static_cast<double>(files_.total_bytes());
    auto filled = static_cast<std::size_t>(share * 40);
    fmt::print(stderr, "\r[{:<40}] {:3.0f} %", std::string(std::min<std::size_t>(filled, 40), '='), share * 100);
  }

 private:
  const CaptureFiles& files_;
  bool shown_ = false, drawn_ = false;
  std::uint64_t calls_ = 0;
  std::chrono::steady_clock::time_point last_{};
};

class PacketCount final : public FrameSink {
 public:
  explicit PacketCount(FrameSink& next) : next_(next) {}
  void on_frames(std::span<const Frame> frames) override {
    packets_ += frames.size();
    next_.on_frames(frames);
  }
  void flush() override { next_.flush(); }
  std::uint64_t packets() const { return packets_; }

 private:
  FrameSink& next_;
  std::uint64_t packets_ = 0;
};

Result<Timestamp> time_or(const std::string& text, Timestamp otherwise) {
  return text.empty() ? Result<Timestamp>(otherwise) : parse_rfc3339(text);
}

class Ignored final : public FrameSink {
 public:
  void on_frames(std::span<const Frame>) override {}
};

Result<std::unique_ptr<FrameFilter>> make_filter(const ReadingOptions& options, FrameSink& sink) {
  auto since = time_or(options.since, Timestamp::min());
  auto until = time_or(options.until, Timestamp::max());
  if (!since) return fail(ErrorKind::invalid, "--since: " + since.error().text);
  if (!until) return fail(ErrorKind::invalid, "--until: " + until.error().text);
  return FrameFilter::create(options.filter, *since, *until, sink);
}

}  // namespace

void ReadingOptions::add_to(CLI::App& command) {
  command.add_option("FILE", files, "Captures, folders of captures, or - for standard input")->required();
  command.add_option("--since", since, "Leave out packets before this time (RFC 3339)")->type_name("TIME");
  command.add_option("--until", until, "Leave out packets from this time on")->type_name("TIME");
  command.add_option("--filter", filter, "Look only at packets that match, in pcap-filter(7) language")
      ->type_name("BPF");
}

std::vector<std::string> ReadingOptions::leave_out() const {
  std::vector<std::string> names;
  if (!filter.empty()) names.push_back("--filter");
  if (!since.empty()) names.push_back("--since");
  if (!until.empty()) names.push_back("--until");
  return names;
}

int check_usage(const ReadingOptions& options) {
  Ignored ignored;
  auto filter = make_filter(options, ignored);
  return filter ? kDone : complain(kUsage, filter.error().text);
}

ReadingResult read_captures(const ReadingOptions& options, FrameSink& sink) {
  auto filter = make_filter(options, sink);
  if (!filter) return {complain(kUsage, filter.error().text)};
  PacketCount count(options.leave_out().empty() ? sink : **filter);

  CaptureFiles files(options.files);
  int status = kDone;
  {
    ProgressBar progress(files);
    for (;;) {
      auto polled = files.poll(count, Duration(0));
      if (!polled) status = complain(kFailed, polled.error().text);
      if (!polled || *polled == Poll::finished) break;
      progress.update();
    }
  }
  for (const auto& problem : files.problems()) {
    if (problem.fatal) {
      status = complain(kFailed, problem.text);
    } else {
      warn(problem.text);
    }
  }
  return {status, count.packets()};
}

}  // namespace specular
