#include "capture/link/live.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <sys/socket.h>

namespace specular {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kCheckEvery = milliseconds(100), kWatchEvery = seconds(1), kTryEvery = seconds(1);
// What the ring still holds when the interface went is read for so long: the kernel hands over a block that is not full
// after 10 ms.
constexpr Duration kDrain = milliseconds(40);
constexpr int kFramesPerPoll = 1024;
// So many messages about coming and going in so long a time.
constexpr std::size_t kMessages = 6;
constexpr Duration kMessageTime = seconds(60);

// Clears the socket's error, which else would be told again at once.
void take_error(int descriptor) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
}

}  // namespace

// What libpcap's callback gets.
struct LiveQueue::Delivery {
  FrameSink& sink;
  LiveQueue& queue;
  LinkType link;
  std::uint32_t largest_frame;

  static void on_frame(u_char* user, const pcap_pkthdr* header, const u_char* bytes) {
    auto& delivery = *reinterpret_cast<Delivery*>(user);
    LiveCounters& counters = delivery.queue.counters_;
    if (header->len > delivery.largest_frame) counters.glued.add();
    if (header->caplen < header->len) counters.clipped.add();
    // Asked for nanoseconds, libpcap puts them where microseconds would be.
    Timestamp time(seconds(header->ts.tv_sec) + Duration(header->ts.tv_usec));
    Frame frame{time, Bytes(bytes, header->caplen), header->len, delivery.link};
    delivery.sink.on_frames(std::span(&frame, 1));
  }
};

Result<Poll> LiveQueue::poll(FrameSink& sink, Duration wait) {
  Clock::time_point now = Clock::now();
  if (handle_ && (now >= close_at_ || !owner_.is_current(opening_))) close();
  if (!handle_ && !open(now)) {
    std::this_thread::sleep_for(std::min(wait, kTryEvery));
    return Poll::idle;
  }
  if (now >= next_check_) check(now);
  if (!more_) wait_for_frames(now, wait);
  return dispatch(sink) > 0 ? Poll::frames : Poll::idle;
}

int LiveQueue::descriptor() const {
  return handle_ ? pcap_fileno(handle_.get()) : -1;
}

bool LiveQueue::open(Clock::time_point now) {
  handle_ = owner_.take(index_, now, opening_);
  if (!handle_) return false;
  kernel_dropped_ = interface_dropped_ = 0;
  more_ = false;
  close_at_ = Clock::time_point::max();
  next_check_ = now + kCheckEvery;
  next_watch_ = now + kWatchEvery;
  return true;
}

void LiveQueue::close() {
  owner_.leave(opening_, Clock::now());
  refresh_drops();
  if (index_ == 0) counters_.vanished.add();
  handle_.reset();
  owner_.give_back();
}

void LiveQueue::wait_for_frames(Clock::time_point now, Duration wait) {
  if (close_at_ != Clock::time_point::max()) wait = std::min<Duration>(wait, close_at_ - now);
  pollfd descriptor{pcap_fileno(handle_.get()), POLLIN, 0};
  timespec timeout = to_timespec(std::max(wait, Duration::zero()));
  int ready = ppoll(&descriptor, 1, &timeout, nullptr);
  if (ready <= 0 || (descriptor.revents & ~POLLIN) == 0) return;
  take_error(descriptor.fd);
  close_at_ = std::min(close_at_, now + kDrain);
}

int LiveQueue::dispatch(FrameSink& sink) {
  Delivery delivery{sink, *this, static_cast<LinkType>(pcap_datalink(handle_.get())),
                    owner_.largest_frame_.load(std::memory_order_relaxed)};
  int count = pcap_dispatch(handle_.get(), kFramesPerPoll, &Delivery::on_frame, reinterpret_cast<u_char*>(&delivery));
  more_ = count == kFramesPerPoll;
  if (count > 0) counters_.received.add(static_cast<std::uint64_t>(count));
  // libpcap may have seen before us that the interface went down: then it wants to be called again soon.
  bool gone = count < 0 || pcap_get_required_select_timeout(handle_.get()) != nullptr;
  if (gone) close_at_ = std::min(close_at_, Clock::now() + kDrain);
  return count;
}

void LiveQueue::check(Clock::time_point now) {
  next_check_ = now + kCheckEvery;
  refresh_drops();
  if (counters_.glued.value() > 0) owner_.tell_glued();
  if (counters_.clipped.value() > 0) owner_.tell_clipped();
  if (index_ != 0 || now < next_watch_) return;
  next_watch_ = now + kWatchEvery;
  if (!owner_.watch(now)) close_at_ = std::min(close_at_, now + kDrain);
}

// libpcap's figures have 32 bits and may wrap; differences do not mind.
void LiveQueue::refresh_drops() {
  pcap_stat stat{};
  if (pcap_stats(handle_.get(), &stat) != 0) return;
  counters_.kernel_dropped.add(stat.ps_drop - kernel_dropped_);
  kernel_dropped_ = stat.ps_drop;
  if (index_ == 0) counters_.interface_dropped.add(stat.ps_ifdrop - interface_dropped_);
  interface_dropped_ = stat.ps_ifdrop;
}

Result<std::unique_ptr<LiveInterface>> LiveInterface::create(Setup setup) {
  std::unique_ptr<LiveInterface> interface(new LiveInterface(std::move(setup)));
  auto opened = interface->open_first();
  if (!opened) return forward(opened.error());
  for (auto& queue : interface->queues_) queue->open(Clock::now());
  return interface;
}

Result<void> LiveInterface::open_first() {
  std::lock_guard lock(mutex_);
  std::size_t count = std::max<std::size_t>(setup_.queues, 1);
  auto handles = open_live(setup_.name, setup_.options, setup_.tunnels, setup_.key, count);
  if (!handles && handles.error().problem == OpenProblem::fanout && setup_.options.spread.value() != "fanout") {
    tell(NoticeLevel::warning, handles.error().text + "; one thread reads instead");
    count = 1;
    handles = open_live(setup_.name, setup_.options, setup_.tunnels, setup_.key, count);
  }
  for (std::size_t i = 0; i < count; ++i) queues_.push_back(std::make_unique<LiveQueue>(*this, i));
  handles_.resize(count);
  if (handles) {
    accept(std::move(*handles));
    return {};
  }
  switch (handles.error().problem) {
    case OpenProblem::absent:
    case OpenProblem::filter: return fail(ErrorKind::invalid, handles.error().text);
    case OpenProblem::forbidden:
    case OpenProblem::fanout:
    case OpenProblem::other: return fail(ErrorKind::io, handles.error().text);
    case OpenProblem::down: break;
  }
  std::string problem = problem_of_filter(setup_.options.filter.value());
  if (!problem.empty()) return fail(ErrorKind::invalid, fmt::format("interface {}: {}", setup_.name, problem));
  ++untold_changes_;
  tell_state(Clock::now());
  return {};
}

void LiveInterface::accept(std::vector<LiveHandle> handles) {
  handles_ = std::move(handles);
  open_handles_ = handles_.size();
  if (auto facts = interface_facts(setup_.name)) {
    index_ = facts->index;
    note_size(*facts);
    tell_offloads(*facts);
  }
  up_.store(true, std::memory_order_relaxed);
}

// The handle that waits for a queue. Where there is none, the interface is opened anew once every queue has closed the
// handle it had: the fan-out group is a new one, whose members join in the order of the queues.
LiveHandle LiveInterface::take(std::size_t index, Clock::time_point now, std::uint64_t& opening) {
  std::lock_guard lock(mutex_);
  if (open_handles_ == 0 && now >= next_try_) reopen(now);
  tell_state(now);
  opening = opening_.load(std::memory_order_relaxed);
  return std::move(handles_[index]);
}

void LiveInterface::reopen(Clock::time_point now) {
  next_try_ = now + kTryEvery;
  auto handles = open_live(setup_.name, setup_.options, setup_.tunnels, setup_.key, queues_.size());
  if (handles) {
    accept(std::move(*handles));
    told_problem_.clear();
    ++untold_changes_;
    return;
  }
  bool away = handles.error().problem == OpenProblem::absent || handles.error().problem == OpenProblem::down;
  if (away || handles.error().text == told_problem_) return;
  told_problem_ = handles.error().text;
  tell(NoticeLevel::warning, told_problem_ + "; tried again every second");
}

// A queue found that its handle is dead: so are those of the others.
void LiveInterface::leave(std::uint64_t opening, Clock::time_point now) {
  std::lock_guard lock(mutex_);
  if (!is_current(opening)) return;
  opening_.store(opening + 1, std::memory_order_release);
  up_.store(false, std::memory_order_relaxed);
  for (LiveHandle& handle : handles_) {
    if (handle) --open_handles_;
    handle.reset();
  }
  ++untold_changes_;
  tell_state(now);
}

void LiveInterface::give_back() {
  std::lock_guard lock(mutex_);
  --open_handles_;
}

// Whether the interface is still the one that was opened: neither renaming it nor taking its name says anything to the
// sockets.
bool LiveInterface::watch(Clock::time_point now) {
  auto facts = interface_facts(setup_.name);
  std::lock_guard lock(mutex_);
  tell_state(now);
  if (!facts || facts->index != index_ || !facts->up) return false;
  note_size(*facts);
  return true;
}

// Ethernet with two tags, or the header that libpcap puts before other links.
void LiveInterface::note_size(const InterfaceFacts& facts) {
  constexpr std::uint32_t kLinkHeader = 14 + 2 * 4;
  if (facts.mtu > 0) largest_frame_.store(facts.mtu + kLinkHeader, std::memory_order_relaxed);
}

void LiveInterface::tell(NoticeLevel level, const std::string& text) {
  if (setup_.notice) setup_.notice(level, text);
}

// An interface that flaps is told a few times a minute; what it came to is told when that is over.
void LiveInterface::tell_state(Clock::time_point now) {
  if (up() == told_up_) return;
  if (now - messages_since_ > kMessageTime) {
    messages_since_ = now;
    messages_ = 0;
  }
  if (messages_ == kMessages) return;
  ++messages_;
  told_up_ = up();
  std::string changes = untold_changes_ > 1 ? fmt::format(" ({} changes)", untold_changes_) : "";
  untold_changes_ = 0;
  if (told_up_) {
    tell(NoticeLevel::info, fmt::format("interface {}: up again{}", setup_.name, changes));
  } else {
    tell(NoticeLevel::warning, fmt::format("interface {}: down; waiting for it{}", setup_.name, changes));
  }
}

void LiveInterface::tell_offloads(const InterfaceFacts& facts) {
  std::string which = facts.gro && facts.lro ? "GRO and LRO are" : facts.gro ? "GRO is" : facts.lro ? "LRO is" : "";
  if (which == told_offloads_) return;
  told_offloads_ = which;
  if (which.empty()) return;
  tell(NoticeLevel::warning,
       fmt::format("interface {}: {} on, which glues packets together before they are seen; off by: ethtool -K {} "
                   "gro off lro off",
                   setup_.name, which, setup_.name));
}

void LiveInterface::tell_glued() {
  if (glued_told_.test_and_set()) return;
  std::lock_guard lock(mutex_);
  tell(
      NoticeLevel::warning,
      fmt::format("interface {}: frames larger than its MTU arrive, glued together by GRO, LRO or TSO; off by: ethtool "
                  "-K {} gro off lro off, and tso off where they are sent",
                  setup_.name, setup_.name));
}

void LiveInterface::tell_clipped() {
  if (clipped_told_.test_and_set()) return;
  std::lock_guard lock(mutex_);
  tell(NoticeLevel::warning, fmt::format("interface {}: frames are larger than snap_length {}, and clipped; what they "
                                         "carried is told as incomplete",
                                         setup_.name, setup_.options.snap_length.value()));
}

}  // namespace specular
