#include "daemon/health.h"

#include <atomic>
#include <csignal>
#include <vector>

#include <doctest/doctest.h>

#include "tests/daemon/peer.h"

namespace specular::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kWell[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
constexpr char kIll[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

class HealthPort {
 public:
  HealthPort() {
    auto socket = ListenSocket::tcp("127.0.0.1:0");
    REQUIRE(socket);
    port_ = socket->port();
    server_ = serve_health(std::move(*socket), [this] { return Health{healthy, healthy ? "" : "not well"}; });
  }
  Peer peer() const { return Peer::tcp(port_); }
  std::string ask(std::string_view text) const { return peer().ask(text); }
  void stop() { server_.reset(); }

  std::atomic<bool> healthy = true;

 private:
  std::uint16_t port_ = 0;
  std::unique_ptr<Reception> server_;
};

TEST_CASE("health: 200 or 503, nothing else, whatever is asked") {
  HealthPort health;
  for (const char* request :
       {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD /healthz HTTP/1.1\r\n\r\n", "GET /../../etc/passwd HTTP/1.0\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: www\r\n\r\n", "BREW /pot?a=b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"}) {
    health.healthy = true;
    CHECK(health.ask(request) == kWell);
    health.healthy = false;
    CHECK(health.ask(request) == kIll);
  }
}

TEST_CASE("health: a request may come byte by byte, and with a body that nobody reads") {
  HealthPort health;
  Peer slow = health.peer();
  for (char byte : get("/")) REQUIRE(slow.say({&byte, 1}));
  CHECK(slow.hear() == kWell);

  // What lies unread when a socket is closed would destroy the answer.
  std::string body(100'000, '\x01');
  CHECK(health.ask("POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + body) == kWell);
}

TEST_CASE("health: what is no request of HTTP/1 is hung up on, at once where that shows") {
  HealthPort health;
  for (std::string_view garbage : {std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
                                   std::string_view("\0\0\0\0", 4), std::string_view("GET /\x01")}) {
    Peer peer = health.peer();
    REQUIRE(peer.say(garbage));
    CHECK(peer.is_left(seconds(2)));
    CHECK(peer.hear().empty());
  }
  for (const char* other : {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /\r\n\r\n", "\r\n\r\n", "HTTP/1.1\r\n\r\n",
                            "GET / HTTP/1.1x\r\n\r\n", "GET /\r\nX: HTTP/1.1\r\n\r\n"}) {
    CHECK(health.ask(other).empty());
  }
  CHECK(health.ask(get("/")) == kWell);
}

TEST_CASE("health: a request that is too large is hung up on") {
  HealthPort health;
  CHECK(health.ask("GET /" + std::string(3000, 'a') + " HTTP/1.1\r\n\r\n") == kWell);
  CHECK(health.ask("GET /" + std::string(5000, 'a') + " HTTP/1.1\r\n\r\n").empty());
  Peer endless = health.peer();
  std::string part(1000, 'a');
  int said = 0;
  while (said < 100'000 && endless.say(part)) ++said;
  CHECK(said < 100'000);
}

TEST_CASE("health: to connect is enough for a check of the port, and does no harm") {
  HealthPort health;
  for (int i = 0; i < 2000; ++i) REQUIRE(health.peer());
  CHECK(health.ask(get("/")) == kWell);
}

TEST_CASE("health: those who say nothing, or not all of it, are no hindrance, and lose their connection") {
  HealthPort health;
  auto begin = std::chrono::steady_clock::now();
  std::vector<Peer> silent;
  for (int i = 0; i < 600; ++i) {
    silent.push_back(health.peer());
    REQUIRE(silent.back());
    if (i % 2 == 0) silent.back().say("GET / HTTP/1.1\r\nX:");
    if (i % 50 == 0) CHECK(health.ask(get("/")) == kWell);
  }
  CHECK(std::chrono::steady_clock::now() - begin < seconds(3));
  // There is room for 256: the oldest had to go at once, the others when their time was over.
  CHECK(silent.front().is_left(milliseconds(0)));
  for (Peer& peer : silent) CHECK(peer.is_left(seconds(5)));
}

TEST_CASE("health: who dribbles is cut off in time, however busy he is") {
  HealthPort health;
  Peer dribbler = health.peer();
  auto begin = std::chrono::steady_clock::now();
  while (!dribbler.is_left(milliseconds(50)) && std::chrono::steady_clock::now() - begin < seconds(10)) {
    dribbler.say("a");
  }
  auto lasted = std::chrono::steady_clock::now() - begin;
  CHECK(lasted > seconds(2));
  CHECK(lasted < seconds(5));
}

TEST_CASE("health: who leaves before the answer does no harm, and signals stay with the main thread") {
  HealthPort health;
  static std::atomic<bool> here;
  here = false;
  auto before = std::signal(SIGUSR2, [](int) { here = true; });
  sigset_t usr2, old;
  sigemptyset(&usr2);
  sigaddset(&usr2, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &usr2, &old);
  // It waits for the main thread, since no other takes it.
  kill(getpid(), SIGUSR2);
  for (int i = 0; i < 200; ++i) health.peer().say(get("/"));
  CHECK(health.ask(get("/")) == kWell);
  CHECK_FALSE(here);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  CHECK(here);
  std::signal(SIGUSR2, before);
}

TEST_CASE("health: the end does not wait for anybody") {
  HealthPort health;
  std::vector<Peer> silent;
  for (int i = 0; i < 20; ++i) silent.push_back(health.peer());
  auto begin = std::chrono::steady_clock::now();
  health.stop();
  CHECK(std::chrono::steady_clock::now() - begin < seconds(1));
  for (Peer& peer : silent) CHECK(peer.is_left(seconds(1)));
  CHECK_FALSE(health.peer());
}

}  // namespace
}  // namespace specular::test
