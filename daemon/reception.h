// Reception: reads what the connections to one socket ask, and sends what they are answered.
//
// One thread does all reading and sending and waits for nobody: who asks slowly, asks nothing or does not take his
// answer loses his connection after a while, or sooner if there are too many, and holds up nobody else. A connection is
// one request, a head without a body, and one answer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemon/listen_socket.h"

namespace specular {

class Answering {
 public:
  virtual ~Answering() = default;
  // The whole answer to a request whose head this is, up to its empty line; empty to hang up. Called by several threads
  // if there are several.
  virtual std::string answer(const std::string& head) = 0;
  // The same if the head is larger than is read, or if too many wait already.
  virtual std::string answer_too_large() { return {}; }
  virtual std::string answer_busy() { return {}; }
  // Which of the answering threads it is for: what takes long must not stand before what does not.
  virtual std::size_t thread_for(const std::string& /*head*/) const { return 0; }
};

class Reception {
 public:
  using Clock = std::chrono::steady_clock;

  struct Limits {
    std::size_t connections = 64;
    std::size_t head_bytes = 8192;
    Clock::duration to_ask = std::chrono::seconds(3);    // from the connection to the end of the head
    Clock::duration to_take = std::chrono::seconds(30);  // the whole answer
    std::size_t threads = 0;  // that answer; 0: the one that reads, for answers that take no time
    std::size_t queued = 8;   // requests that may wait for one of them
  };

  // Starts. Its threads take no signals.
  Reception(ListenSocket socket, const Limits& limits, std::unique_ptr<Answering> answering);
  // Hangs up on everybody; an answer that is being made is waited for.
  ~Reception();
  Reception(const Reception&) = delete;
  Reception& operator=(const Reception&) = delete;

 private:
  enum class State : std::uint8_t {
    asking,   // its head comes
    waiting,  // for its answer
    taking,   // the answer
    leaving,  // has it all, and hangs up: closing first could destroy what is under way
    gone,
  };
  struct Connection {
    std::uint64_t number = 0;
    FileDescriptor fd;
    State state = State::asking;
    std::string head, answer;
    std::size_t sent = 0, discarded = 0;
    Clock::time_point deadline;
  };
  struct Job {
    std::uint64_t number;  // of the connection
    std::string text;      // its head, then its answer
  };

  void run();
  void answer_jobs(std::size_t thread);
  bool take_answers();
  void accept_all();
  bool can_make_room() const;
  bool make_room();
  void drop_gone();
  void step(Connection& connection);
  void read_head(Connection& connection);
  void ask(Connection& connection);
  void give(Connection& connection, std::string answer);
  void send_answer(Connection& connection);
  void discard(Connection& connection);
  void wake();

  ListenSocket socket_;
  Limits limits_;
  std::unique_ptr<Answering> answering_;
  FileDescriptor wake_;
  std::list<Connection> connections_;  // the oldest first
  std::uint64_t next_number_ = 0;
  Clock::time_point accept_again_;  // after the system had no more descriptors

  std::mutex mutex_;  // of what follows
  std::condition_variable wanted_;
  std::vector<std::deque<Job>> asked_;  // by thread
  std::deque<Job> answered_;
  bool stopping_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace specular
