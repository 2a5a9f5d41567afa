#include "tests/capture/link/live_bench.h"

#include <algorithm>

namespace specular::test {

void Caught::on_frames(std::span<const Frame> some) {
  for (const Frame& frame : some) {
    frames.push_back({frame.time, Octets(frame.bytes.begin(), frame.bytes.end()), frame.wire_size, frame.link});
  }
}

Result<void> LiveBench::open(std::size_t queues, const std::string& name) {
  auto created = LiveInterface::create({name, options, tunnels, queues, HashKey{},
                                        [this](NoticeLevel, const std::string& text) { notices.push_back(text); }});
  if (!created) return forward(created.error());
  interface = std::move(*created);
  caught = std::vector<Caught>(interface->queues());
  return {};
}

bool LiveBench::until(const std::function<bool()>& so) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!so()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    for (std::size_t i = 0; i < interface->queues(); ++i) {
      if (!interface->queue(i).poll(caught[i], std::chrono::milliseconds(2))) return false;
    }
  }
  return true;
}

bool LiveBench::until_frames(std::size_t count) {
  return until([&] { return total() >= count; });
}

std::size_t LiveBench::total() const {
  std::size_t sum = 0;
  for (const Caught& queue : caught) sum += queue.frames.size();
  return sum;
}

std::size_t LiveBench::noticed(std::string_view what) const {
  return static_cast<std::size_t>(std::count_if(notices.begin(), notices.end(), [&](const std::string& notice) {
    return notice.find(what) != std::string::npos;
  }));
}

}  // namespace specular::test
