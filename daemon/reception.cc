#include "daemon/reception.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace specular {
namespace {

using std::chrono::milliseconds;

// What is read, and thrown away, behind a head: a body that nobody wants.
constexpr std::size_t kMostDiscarded = 256u << 10;
constexpr auto kToLeave = milliseconds(1000);
constexpr auto kAcceptPause = milliseconds(100);

// While it lives no signal comes to this thread, nor to those it starts.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

bool is_for_later() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

// Heads are text: who sends something else, such as the beginning of TLS, need not be waited for.
bool is_text(std::string_view head) {
  return std::all_of(head.begin(), head.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= ' ' || (c >= '\t' && c <= '\r'); });
}

// Where the empty line ends that ends a head; npos if it did not come.
std::size_t end_of_head(const std::string& head, std::size_t from) {
  for (auto at = head.find('\n', from); at != std::string::npos; at = head.find('\n', at + 1)) {
    if (head.compare(at + 1, 1, "\n") == 0) return at + 2;
    if (head.compare(at + 1, 2, "\r\n") == 0) return at + 3;
  }
  return std::string::npos;
}

}  // namespace

Reception::Reception(ListenSocket socket, const Limits& limits, std::unique_ptr<Answering> answering)
    : socket_(std::move(socket)),
      limits_(limits),
      answering_(std::move(answering)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      asked_(limits.threads) {
  if (!wake_) std::abort();  // nobody could end it
  NoSignals blocked;
  threads_.emplace_back([this] { run(); });
  for (std::size_t i = 0; i < limits_.threads; ++i) threads_.emplace_back([this, i] { answer_jobs(i); });
}

Reception::~Reception() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wanted_.notify_all();
  wake();
  for (std::thread& thread : threads_) thread.join();
}

void Reception::wake() {
  std::uint64_t one = 1;
  // It fails only if the counter is full, and then it wakes already.
  [[maybe_unused]] ssize_t written = write(wake_.get(), &one, sizeof(one));
}

void Reception::answer_jobs(std::size_t thread) {
  for (;;) {
    std::unique_lock lock(mutex_);
    std::deque<Job>& asked = asked_[thread];
    wanted_.wait(lock, [&] { return stopping_ || !asked.empty(); });
    if (stopping_) return;
    Job job = std::move(asked.front());
    asked.pop_front();
    lock.unlock();
    job.text = answering_->answer(job.text);
    lock.lock();
    answered_.push_back(std::move(job));
    lock.unlock();
    wake();
  }
}

void Reception::run() {
  std::vector<pollfd> polled;
  for (;;) {
    auto now = Clock::now();
    auto next = now + std::chrono::hours(1);
    bool full = connections_.size() >= limits_.connections && !can_make_room();
    bool pausing = now < accept_again_;
    if (pausing) next = accept_again_;
    polled.assign({{wake_.get(), POLLIN, 0}, {full || pausing ? -1 : socket_.fd(), POLLIN, 0}});
    for (const Connection& connection : connections_) {
      bool waiting = connection.state == State::waiting;
      short events = connection.state == State::taking ? POLLOUT : POLLIN;
      polled.push_back({waiting ? -1 : connection.fd.get(), events, 0});
      if (!waiting) next = std::min(next, connection.deadline);
    }
    // Rounded up, so that nothing is polled again just before its time.
    auto wait = std::chrono::ceil<milliseconds>(std::max(next - now, Clock::duration(0)));
    if (poll(polled.data(), polled.size(), static_cast<int>(wait.count())) < 0 && errno != EINTR) std::abort();
    if (polled[0].revents != 0 && !take_answers()) return;
    auto at = polled.begin() + 2;
    for (Connection& connection : connections_) {
      if ((at++)->revents != 0) step(connection);
    }
    if (polled[1].revents != 0) accept_all();
    drop_gone();
  }
}

bool Reception::take_answers() {
  std::uint64_t count = 0;
  [[maybe_unused]] ssize_t got = read(wake_.get(), &count, sizeof(count));
  std::deque<Job> answered;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return false;
    answered.swap(answered_);
  }
  for (Job& job : answered) {
    auto found = std::find_if(connections_.begin(), connections_.end(),
                              [&](const Connection& connection) { return connection.number == job.number; });
    if (found != connections_.end()) give(*found, std::move(job.text));
  }
  return true;
}

void Reception::accept_all() {
  // More at once than there may be would only push each other out, and keep this thread from all else.
  for (std::size_t i = 0; i < limits_.connections; ++i) {
    if (connections_.size() >= limits_.connections && !make_room()) return;
    FileDescriptor fd(accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      // With no descriptors left, the socket would stay readable all the time.
      bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
      if (exhausted) accept_again_ = Clock::now() + kAcceptPause;
      if (exhausted) make_room();
      return;
    }
    Connection& connection = connections_.emplace_back();
    connection.number = ++next_number_;
    connection.fd = std::move(fd);
    connection.deadline = Clock::now() + limits_.to_ask;
    read_head(connection);  // it is there already, more often than not
  }
}

bool Reception::can_make_room() const {
  return std::any_of(connections_.begin(), connections_.end(),
                     [](const Connection& connection) { return connection.state != State::waiting; });
}

// Those go first that have their answer, then those that did not ask, then those that do not take it: each time the
// oldest.
bool Reception::make_room() {
  for (State state : {State::gone, State::leaving, State::asking, State::taking}) {
    auto oldest = std::find_if(connections_.begin(), connections_.end(),
                               [&](const Connection& connection) { return connection.state == state; });
    if (oldest == connections_.end()) continue;
    connections_.erase(oldest);
    return true;
  }
  return false;
}

void Reception::drop_gone() {
  auto now = Clock::now();
  connections_.remove_if([&](const Connection& connection) {
    return connection.state == State::gone || (connection.state != State::waiting && connection.deadline <= now);
  });
}

void Reception::step(Connection& connection) {
  switch (connection.state) {
    case State::asking: return read_head(connection);
    case State::taking: return send_answer(connection);
    case State::leaving: return discard(connection);
    case State::waiting:
    case State::gone: return;
  }
}

void Reception::read_head(Connection& connection) {
  std::array<char, 4096> part;
  for (;;) {
    ssize_t got = recv(connection.fd.get(), part.data(), part.size(), 0);
    if (got < 0 && is_for_later()) return;
    if (got <= 0) {
      connection.state = State::gone;
      return;
    }
    // The empty line may have begun before this part.
    std::size_t from = connection.head.size() - std::min<std::size_t>(connection.head.size(), 3);
    connection.head.append(part.data(), static_cast<std::size_t>(got));
    std::size_t size = end_of_head(connection.head, from), known = std::min(size, connection.head.size());
    if (!is_text(std::string_view(connection.head).substr(from, known - from))) {
      connection.state = State::gone;
      return;
    }
    if (known > limits_.head_bytes) return give(connection, answering_->answer_too_large());
    if (size == std::string::npos) continue;
    connection.head.resize(size);
    return ask(connection);
  }
}

void Reception::ask(Connection& connection) {
  if (limits_.threads == 0) return give(connection, answering_->answer(connection.head));
  std::size_t thread = answering_->thread_for(connection.head);
  bool busy = false;
  {
    std::lock_guard lock(mutex_);
    busy = asked_[thread].size() >= limits_.queued;
    if (!busy) asked_[thread].push_back({connection.number, std::move(connection.head)});
  }
  if (busy) return give(connection, answering_->answer_busy());
  connection.state = State::waiting;
  wanted_.notify_all();
}

void Reception::give(Connection& connection, std::string answer) {
  connection.state = answer.empty() ? State::gone : State::taking;
  connection.answer = std::move(answer);
  connection.deadline = Clock::now() + limits_.to_take;
  if (connection.state == State::taking) send_answer(connection);
}

void Reception::send_answer(Connection& connection) {
  while (connection.sent < connection.answer.size()) {
    const char* next = connection.answer.data() + connection.sent;
    ssize_t sent = send(connection.fd.get(), next, connection.answer.size() - connection.sent, MSG_NOSIGNAL);
    if (sent < 0 && is_for_later()) return;
    if (sent < 0) {
      connection.state = State::gone;
      return;
    }
    connection.sent += static_cast<std::size_t>(sent);
  }
  connection.answer = {};
  shutdown(connection.fd.get(), SHUT_WR);
  connection.state = State::leaving;
  connection.deadline = Clock::now() + kToLeave;
  discard(connection);
}

void Reception::discard(Connection& connection) {
  std::array<char, 4096> part;
  while (connection.discarded < kMostDiscarded) {
    ssize_t got = recv(connection.fd.get(), part.data(), part.size(), 0);
    if (got < 0 && is_for_later()) return;
    if (got <= 0) break;
    connection.discarded += static_cast<std::size_t>(got);
  }
  connection.state = State::gone;
}

}  // namespace specular
