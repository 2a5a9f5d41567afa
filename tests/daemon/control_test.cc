#include "daemon/control.h"

#include <algorithm>
#include <fstream>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/control_client.h"
#include "tests/analyzers/survives.h"
#include "tests/daemon/known_sensor.h"
#include "tests/daemon/peer.h"
#include "tests/storage/helper.h"

namespace specular::test {
namespace {

using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

class ControlSocket {
 public:
  ControlSocket() {
    auto socket = ListenSocket::unix_path(path());
    REQUIRE(socket);
    server_ = serve_control(std::move(*socket), sensor);
  }
  std::string path() const { return folder_.path("control.sock"); }
  Peer peer() const { return Peer::unix_path(path()); }
  std::string ask(const std::string& target) const { return peer().ask(get(target)); }
  // What is told there, which must be JSON in ASCII.
  Json told(const std::string& target, int status = 200) const {
    std::string answer = ask(target);
    CAPTURE(target);
    CHECK(status_of(answer) == status);
    CHECK(answer.find("Content-Type: application/json\r\n") != std::string::npos);
    CHECK(answer.find(fmt::format("Content-Length: {}\r\n", body_of(answer).size())) != std::string::npos);
    auto plain = [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); };
    CHECK(std::all_of(answer.begin() + static_cast<std::ptrdiff_t>(answer.find("\r\n\r\n") + 4), answer.end(), plain));
    Json json = Json::parse(body_of(answer), nullptr, false);
    CHECK_FALSE(json.is_discarded());
    return json;
  }
  std::string error(const std::string& target, int status) const {
    Json json = told(target, status);
    REQUIRE(json.contains("error"));
    return json["error"].get<std::string>();
  }
  void stop() { server_.reset(); }

  KnownSensor sensor;

 private:
  Folder folder_;
  std::unique_ptr<Reception> server_;
};

// Endpoints whose rows are so many bytes at least.
void play_much(KnownSensor& sensor, std::size_t bytes) {
  REQUIRE(sensor.site.inventory.max_hosts_per_server.set("20000"));
  for (std::size_t i = 0; i * 300 < bytes; ++i) {
    sensor.site.get({"/users/list"},
                    {.host = fmt::format("h{}.{}.example", i, std::string(60, 'n')), .body = std::to_string(i)});
  }
}

TEST_CASE("control: queries, decoded, answered as the command line is") {
  ControlSocket control;
  control.sensor.site.get({"/users/1", "/users/2"});
  control.sensor.site.get({"/logo.png"}, {.type = "image/png"});
  CHECK(control.told("/v1/endpoints").size() == 1);
  CHECK(control.told("/v1/endpoints?all=1").size() == 2);
  CHECK(control.told("/v1/endpoints?all=1&host=none") == Json::array());
  CHECK(control.told("/v1/endpoints?host=%41pi.exampl%65")[0]["path"] == "/users/{userId}");
  Json shown = control.told("/v1/endpoints/show?host=api.example&method=GET&path=%2Fusers%2F%7Bx%7D");
  CHECK(shown[0]["path_parameters"][0]["distinct"] == 2);
  CHECK(control.told("/v1/coverage")[0]["transactions"] == 3);
  CHECK(control.told("/v1/openapi?format=json")["openapi"] == "3.1.0");
  CHECK(control.told("/v1/openapi/documents")[0]["host"] == "api.example");
  std::string yaml = control.ask("/v1/openapi?host=api.example");
  CHECK(yaml.find("Content-Type: application/yaml\r\n") != std::string::npos);
  CHECK(body_of(yaml).starts_with("openapi: "));
  CHECK(control.told("/v1/status")["state"] == "running");
}

TEST_CASE("control: what cannot be answered is told as JSON, with a fitting status") {
  ControlSocket control;
  control.sensor.site.get({"/a"}, {.host = "a.example"});
  control.sensor.site.get({"/b"}, {.host = "b.example"});
  CHECK(control.error("/", 404) == "there is no /");
  CHECK(control.error("/v1", 404) == "there is no /v1");
  CHECK(control.error("/v1/", 404) == "no query ''");
  CHECK(control.error("/v1/../v1/endpoints", 404).find("no query") == 0);
  CHECK(control.error("/metrics", 404) == "there is no /metrics");
  CHECK(control.error("/v1/endpoints?all=maybe", 400).find("'maybe'") != std::string::npos);
  CHECK(control.error("/v1/endpoints?nonsense=1", 400).find("'nonsense'") != std::string::npos);
  CHECK(control.error("/v1/endpoints?host=a&host=b", 400) == "the parameter 'host' comes twice");
  CHECK(control.error("/v1/endpoints/show?host=a.example", 400).find("'method'") != std::string::npos);
  CHECK(control.error("/v1/status?x", 400) == "status has no parameters");
  CHECK(control.error("/v1/endpoints/show?host=a.example&method=GET&path=/b", 404) ==
        "no endpoint GET /b on a.example");
  CHECK(control.error("/v1/openapi", 409) == "2 hosts do not fit into one document");
}

TEST_CASE("control: only reading is understood, and only HTTP") {
  ControlSocket control;
  std::string posted = control.peer().ask("POST /v1/endpoints HTTP/1.1\r\nContent-Length: 3\r\n\r\n\x01\x02\x03");
  CHECK(status_of(posted) == 405);
  CHECK(posted.find("Allow: GET, HEAD\r\n") != std::string::npos);
  std::string head = control.peer().ask("HEAD /v1/endpoints HTTP/1.1\r\n\r\n");
  CHECK(status_of(head) == 200);
  CHECK(body_of(head).empty());
  CHECK(status_of(control.peer().ask("BREW /v1/endpoints HTTP/1.1\r\n\r\n")) == 400);
  CHECK(status_of(control.peer().ask("GET /v1/endpoints\r\n\r\n")) == 400);
  CHECK(status_of(control.peer().ask("GET  /v1/endpoints HTTP/9\r\n\r\n")) == 400);
  CHECK(control.peer().ask("\x16\x03\x01").empty());
  CHECK(status_of(control.ask("/" + std::string(8100, 'a'))) == 404);
  std::string large = control.peer().ask("GET / HTTP/1.1\r\nX: " + std::string(9000, 'a') + "\r\n\r\n");
  CHECK(status_of(large) == 431);
  CHECK(Json::parse(body_of(large)).contains("error"));
}

TEST_CASE("control: changes want POST, are made, and are told if they are not durable") {
  ControlSocket control;
  control.sensor.site.get({"/users/alice", "/users/bob/x"});
  auto post = [&](const std::string& target) { return control.peer().ask("POST " + target + " HTTP/1.1\r\n\r\n"); };
  std::string pin = "/v1/routes/pin?host=API.example&path=%2Fusers%2F%7Blogin%7D";
  CHECK(control.error(pin, 405) == "routes/pin wants POST");
  CHECK(control.told("/v1/routes") == Json::array());
  CHECK(status_of(post("/v1/routes")) == 405);
  CHECK(status_of(post("/v1/routes/pin?host=api.example")) == 400);
  CHECK(status_of(post("/v1/routes/remove?id=x")) == 404);
  std::string answer = post(pin);
  CHECK(status_of(answer) == 200);
  Json given = Json::parse(body_of(answer));
  CHECK(given == control.told("/v1/routes"));
  CHECK(control.told("/v1/endpoints")[0]["path"] == "/users/bob/x");
  CHECK(control.told("/v1/endpoints")[1]["path"] == "/users/{login}");
  control.sensor.durable = fail(ErrorKind::io, "in effect, but not stored yet: the disk is full");
  std::string late = post("/v1/routes/ignore?host=api.example&path=/users/bob/x");
  CHECK(status_of(late) == 503);
  CHECK(Json::parse(body_of(late))["error"] == "in effect, but not stored yet: the disk is full");
  CHECK(control.told("/v1/endpoints").size() == 1);
}

TEST_CASE("control: ranges, codings and lengths that are asked for are passed over") {
  ControlSocket control;
  control.sensor.site.get({"/users/1"});
  std::string plain = control.ask("/v1/endpoints"), ranges = "0-";
  for (int i = 0; i < 1000; ++i) ranges += ",0-";
  for (const std::string& header :
       {"Range: bytes=" + ranges, std::string("Accept-Encoding: gzip"), std::string("Expect: 100-continue"),
        std::string("Transfer-Encoding: chunked"), std::string("Upgrade: h2c\r\nConnection: upgrade")}) {
    CHECK(control.peer().ask("GET /v1/endpoints HTTP/1.1\r\n" + header + "\r\n\r\n") == plain);
  }
}

TEST_CASE("control: what the wire named oddly leaves as ASCII, and what is asked oddly comes back so") {
  ControlSocket control;
  control.sensor.site.get({"/a\x1b]0;x\x07/\xff\xfe", "/\xe2\x80\xae/b"}, {.host = "evil\x9b.example"});
  control.sensor.site.get({"/plain"}, {.headers = {{"authorization", "Bearer x"}}});
  CHECK(control.told("/v1/endpoints?all=1").size() >= 2);
  CHECK(control.told("/v1/coverage").size() >= 3);
  CHECK(control.told("/v1/openapi/documents").size() >= 1);
  CHECK(control.told("/v1/status")["why"].get<std::string>().starts_with("a\x1b[31m"));
  CHECK(control.error("/v1/openapi?host=%1b%5b31m%ff%00x", 404).find("\x1b[31m") != std::string::npos);
  (void)control.error("/v1/endpoints?%ff%0d%0aX:%20y=1", 400);
  (void)control.error("/%0d%0aX-Injected:%20yes%0d%0a%0d%0a", 404);
  CHECK(control.ask("/%0d%0aX-Injected:%20yes").find("\r\nX-Injected") == std::string::npos);
}

TEST_CASE("control: who is silent, or takes no answer, holds up nobody") {
  ControlSocket control;
  play_much(control.sensor, 1u << 20);
  std::vector<Peer> idle;
  for (int i = 0; i < 5; ++i) {
    // More than the socket's buffers hold, so that it waits to be taken.
    idle.push_back(control.peer());
    idle.back().say(get("/v1/endpoints?all=1"));
  }
  for (int i = 0; i < 200; ++i) idle.push_back(control.peer());
  auto begin = Clock::now();
  CHECK(control.told("/v1/status")["state"] == "running");
  CHECK(control.told("/v1/endpoints?host=none") == Json::array());
  CHECK(Clock::now() - begin < seconds(15));
  CHECK(idle.back().is_left(seconds(5)));
}

TEST_CASE("control: a slow taker gets all of a large answer") {
  ControlSocket control;
  play_much(control.sensor, 2u << 20);
  Peer slow = control.peer();
  slow.say(get("/v1/endpoints?all=1"));
  CHECK(control.told("/v1/status")["state"] == "running");
  std::string answer = slow.hear();
  CHECK(answer.size() > (2u << 20));
  CHECK(Json::parse(body_of(answer), nullptr, false).size() == control.sensor.site.all_endpoints().size());
}

TEST_CASE("control: while the inventory is busy the status is told, and the end waits for answers in the making") {
  ControlSocket control;
  control.sensor.site.get({"/users/1"});
  std::unique_lock busy(control.sensor.inventory_mutex());
  Peer waiting = control.peer();
  waiting.say(get("/v1/endpoints"));
  std::vector<Peer> others;
  for (int i = 0; i < 10; ++i) {
    others.push_back(control.peer());
    others.back().say(get("/v1/coverage"));
  }
  std::string refused = others.back().hear();
  CHECK(status_of(refused) == 503);
  CHECK(Json::parse(body_of(refused)).contains("error"));
  CHECK(control.told("/v1/status")["state"] == "running");
  std::thread end([&] { control.stop(); });
  CHECK_FALSE(waiting.is_left(std::chrono::milliseconds(50)));
  busy.unlock();
  end.join();
  CHECK(waiting.is_left(seconds(1)));
  CHECK_FALSE(control.peer());
}

TEST_CASE("control: many at once") {
  ControlSocket control;
  for (int i = 0; i < 50; ++i) control.sensor.site.get({fmt::format("/name{}/x", i)});
  (void)control.sensor.site.known();
  std::string expected = control.ask("/v1/endpoints?all=1");
  std::atomic<int> right = 0;
  std::vector<std::thread> askers;
  for (int i = 0; i < 8; ++i) {
    askers.emplace_back([&] {
      for (int j = 0; j < 20; ++j) right += control.ask("/v1/endpoints?all=1") == expected ? 1 : 0;
    });
  }
  for (auto& asker : askers) asker.join();
  CHECK(right == 160);
}

TEST_CASE("control client: asks, and is told what a query comes to") {
  ControlSocket control;
  control.sensor.site.get({"/users/1"}, {.host = "a&b=c d.example"});
  auto reply = ask_control(control.path(), {"endpoints", {{"host", "a&b=c d.example"}, {"all", "1"}}});
  REQUIRE_MESSAGE(reply, reply.error().text);
  CHECK(reply->status == 200);
  CHECK(Json::parse(reply->body).size() == 1);
  CHECK(ask_control(control.path(), {"openapi", {{"host", "none"}}})->status == 404);
  play_much(control.sensor, 3u << 20);
  CHECK(ask_control(control.path(), {"endpoints", {{"all", "1"}}})->body.size() > (3u << 20));
}

TEST_CASE("control client: nobody there, and somebody else there") {
  Folder folder;
  for (const std::string& path : {folder.path("none.sock"), folder.path("a/b/none.sock"), folder.path("left.sock")}) {
    auto reply = ask_control(path, {"status", {}});
    REQUIRE_FALSE(reply);
    CHECK(reply.error().kind == ErrorKind::unavailable);
    CHECK(reply.error().text == "no daemon answers at " + path);
    auto left = ListenSocket::unix_path(folder.path("bound.sock"));
    if (path.ends_with("none.sock")) continue;
  }
  std::ofstream(folder.path("file")) << "x";
  CHECK_FALSE(ask_control(folder.path("file"), {"status", {}}));
}

TEST_CASE("control client: a socket that is closed to the user names those who may") {
  ControlSocket control;
  REQUIRE(chmod(control.path().c_str(), geteuid() == 0 ? 0600 : 0000) == 0);
  auto closed = [&] {
    auto reply = ask_control(control.path(), {"status", {}});
    return !reply && reply.error().kind == ErrorKind::io &&
           reply.error().text.find("you may not ask the daemon at " + control.path()) == 0 &&
           reply.error().text.ends_with(" may");
  };
  if (geteuid() != 0) {
    CHECK(closed());
    return;
  }
  constexpr uid_t kNobody = 65534;
  CHECK(survives([&] { return setegid(kNobody) == 0 && seteuid(kNobody) == 0 && closed(); }));
}

TEST_CASE("metrics server: /metrics and nothing else") {
  KnownSensor sensor;
  LatencyHistogram histogram;
  sensor.counted.add(histogram, "queue", {});
  auto socket = ListenSocket::tcp("127.0.0.1:0");
  REQUIRE(socket);
  std::uint16_t port = socket->port();
  auto server = serve_metrics(std::move(*socket), sensor);
  auto ask = [&](const std::string& target) { return Peer::tcp(port).ask(get(target)); };
  CHECK(body_of(ask("/metrics")) == sensor.counted.prometheus_text());
  CHECK(ask("/metrics").find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n") != std::string::npos);
  CHECK(status_of(ask("/metrics?name[]=x")) == 200);
  for (const char* other : {"/", "/metrics/", "/v1/status", "/v1/endpoints", "//metrics"})
    CHECK(status_of(ask(other)) == 404);
  std::vector<Peer> silent;
  for (int i = 0; i < 100; ++i) silent.push_back(Peer::tcp(port));
  CHECK(status_of(ask("/metrics")) == 200);
}

}  // namespace
}  // namespace specular::test
