// What a connection speaks, and which response answers which request.
#include "capture/http/session.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/capture/flow/flow_driver.h"
#include "tests/capture/http/http_driver.h"

namespace specular::test {
namespace {

const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const std::string kClientHello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);

// What a line of told() says of an exchange without anything odd.
std::string line(std::string_view path, std::string_view rest) {
  return fmt::format("GET {0} at h path {0} headers 1 | {1}", path, rest);
}

}  // namespace

TEST_CASE("an exchange is told when its response is whole") {
  HttpDriver http;
  http.client(get("/x"));
  CHECK(http.told().empty());
  http.server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
  CHECK(http.told().empty());
  http.server("lo");
  CHECK(http.told() == line("/x", "200 headers 1 body whole 5 hello | complete 0+5"));
  http.close();
  CHECK(http.told().empty());
  CHECK(http.facts().protocol == Protocol::http1);
  CHECK(http.facts().exchanges == 1);
  CHECK(http.sessions().counters().requests.value() == 1);
  CHECK(http.sessions().counters().responses.value() == 1);
}

TEST_CASE("a conversation reads the same wherever its bytes are cut") {
  std::string there =
      "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: u\r\n\r\n";
  std::string back =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwxyz\r\n0\r\n\r\n";
  std::string expected =
      "POST /a at h path /a headers 2 body whole 5 abcde | 200 headers 1 body whole 4 wxyz | complete 5+4";
  there += get("/b");
  back += ok("b");
  expected += "\n" + line("/b", "200 headers 1 body whole 1 b | complete 0+1");
  for (std::size_t step = 1; step < 200; ++step) {
    HttpDriver http;
    for (std::size_t at = 0; at < there.size(); at += step) http.client(std::string_view(there).substr(at, step));
    for (std::size_t at = 0; at < back.size(); at += step) http.server(std::string_view(back).substr(at, step));
    http.close();
    CAPTURE(step);
    CHECK(http.told() == expected);
  }
}

TEST_CASE("HTTP/2 and TLS are recognised from their first bytes, in whatever parts these come") {
  for (const auto& [begin, protocol] : {std::pair{kPreface, Protocol::http2}, {kClientHello, Protocol::tls}}) {
    for (std::size_t step : {std::size_t{1}, std::size_t{2}, begin.size()}) {
      HttpDriver http;
      for (std::size_t at = 0; at < begin.size(); at += step) http.client(std::string_view(begin).substr(at, step));
      http.client(get("/inside"));
      http.server(ok("inside"));
      http.close();
      CHECK(http.told().empty());
      CHECK(http.facts().protocol == protocol);
      CHECK(http.facts().exchanges == 0);
    }
  }
}

TEST_CASE("TLS is recognised by the server's side alone") {
  HttpDriver http;
  http.server(std::string_view("\x16\x03\x03\x00\x7a\x02", 6));
  http.close();
  CHECK(http.facts().protocol == Protocol::tls);
}

TEST_CASE("a preface that turns out to be none is a request like others") {
  HttpDriver http;
  http.client("PRI * HTTP/2.0 is what we speak\r\n\r\n");
  http.close();
  CHECK(http.facts().protocol != Protocol::http2);
}

TEST_CASE("other protocols are unknown, and soon not looked at any more") {
  HttpDriver http;
  http.client("SSH-2.0-OpenSSH_9.2\r\n");
  http.server("SSH-2.0-OpenSSH_9.2\r\n");
  http.client(std::string(10'000, '\x01'));
  http.client(get("/in/a/file"));
  http.close();
  CHECK(http.told().empty());
  CHECK(http.facts().protocol == Protocol::unknown);
}

TEST_CASE("joined in the middle of a body, the next message is found") {
  HttpDriver http;
  http.handshake_seen = false;
  http.server("...the rest of some image\r\n");
  http.client(get("/next"));
  http.server(ok("next"));
  http.close();
  CHECK(http.told() == line("/next", "200 headers 1 body whole 4 next | complete 0+4"));
}

TEST_CASE("who asks is the client, whoever opened and whatever the ports") {
  HttpDriver http;
  http.send(Side::high, get("/reverse"));
  http.send(Side::low, ok(""));
  http.close();
  REQUIRE(http.recorder.lines().size() == 1);
  CHECK(http.recorder.lines()[0].starts_with("10.0.0.2:80 > 10.0.0.1:40000 | GET /reverse"));
  CHECK(http.facts().connection.client.text() == "10.0.0.2:80");
}

TEST_CASE("pipelined requests are answered in their order") {
  HttpDriver http;
  http.client(get("/1") + get("/2") + get("/3"));
  http.server(ok("a") + ok("b"));
  http.server(ok("c"));
  CHECK(http.told() == line("/1", "200 headers 1 body whole 1 a | complete 0+1") + "\n" +
                           line("/2", "200 headers 1 body whole 1 b | complete 0+1") + "\n" +
                           line("/3", "200 headers 1 body whole 1 c | complete 0+1"));
}

TEST_CASE("past the limit of waiting requests the oldest is told without a response") {
  HttpDriver http;
  set(http.http.max_pipelined, 2);
  http.client(get("/1") + get("/2") + get("/3"));
  CHECK(http.told() == line("/1", "- | request_only 0+0"));
  http.client(get("/4"));
  CHECK(http.told() == line("/2", "- | request_only 0+0"));
  http.close();
  CHECK(http.facts().exchanges == 4);
}

TEST_CASE("a response whose request is past that limit answers no other") {
  HttpDriver http;
  set(http.http.max_pipelined, 2);
  http.client(get("/1") + get("/2") + get("/3"));
  http.told();
  http.server(ok("a") + ok("bb") + ok("ccc"));
  http.close();
  std::string told = http.told();
  CHECK(told.find(line("/2", "200 headers 1 body whole 2 bb")) != std::string::npos);
  CHECK(told.find(line("/3", "200 headers 1 body whole 3 ccc")) != std::string::npos);
}

TEST_CASE("after losses both ways a response answers the request that was lost, not the one before it") {
  HttpDriver http;
  http.client(get("/1"));
  http.lose(Side::high, 40, GapReason::lost);
  http.lose(Side::low, 50, GapReason::lost);
  http.server(ok("2"));
  http.close();
  CHECK(http.told() == line("/1", "- | request_only 0+0") + "\n- | 200 headers 1 body whole 1 2 | response_only 0+1");
}

TEST_CASE("interim responses are no answers") {
  HttpDriver http;
  http.client("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  http.server("HTTP/1.1 100 Continue\r\n\r\n");
  http.client("hi");
  http.server("HTTP/1.1 102 Processing\r\nX: y\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + ok("done"));
  CHECK(http.told() == "POST / at h path / headers 3 body whole 2 hi | 200 headers 1 body whole 4 done | complete 2+4");
}

TEST_CASE("answers to HEAD, and those whose status forbids it, have no body whatever they announce") {
  HttpDriver http;
  http.client("HEAD /h HTTP/1.1\r\nHost: h\r\n\r\n" + get("/204") + get("/304") + get("/last"));
  http.server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
  http.server("HTTP/1.1 204 No Content\r\nContent-Length: 100\r\n\r\n");
  http.server("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n");
  http.server(ok("end"));
  std::string told = http.told();
  CHECK(told.ends_with(line("/last", "200 headers 1 body whole 3 end | complete 0+3")));
  CHECK(std::count(told.begin(), told.end(), '\n') == 3);
}

TEST_CASE("a response may be whole before its request is") {
  HttpDriver http;
  http.client("POST /big HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123");
  http.server("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  CHECK(http.told().empty());
  http.client("456789");
  CHECK(http.told() ==
        "POST /big at h path /big headers 2 body whole 10 0123456789 | 413 headers 1 body whole 2 no | complete 10+2");
  http.client(get("/next"));
  http.server(ok("x"));
  CHECK(http.told() == line("/next", "200 headers 1 body whole 1 x | complete 0+1"));
}

TEST_CASE("a response that comes before its request ends leaves both whole where the connection closes in between") {
  HttpDriver http;
  http.client("POST /big HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123");
  http.server("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  http.close();
  CHECK(http.told() ==
        "POST /big at h path /big headers 2 body clipped 4 0123 | 413 headers 1 body whole 2 no | clipped 4+2");
}

TEST_CASE("what was asked and never answered is told when the connection ends") {
  HttpDriver http;
  http.client(get("/1") + get("/2"));
  http.close(Close::idle);
  CHECK(http.told() == line("/1", "- | request_only 0+0") + "\n" + line("/2", "- | request_only 0+0"));
}

TEST_CASE("responses without requests stand alone") {
  HttpDriver http;
  http.handshake_seen = false;
  http.server(ok("one") + ok("two"));
  http.close();
  CHECK(
      http.told() ==
      "- | 200 headers 1 body whole 3 one | response_only 0+3\n- | 200 headers 1 body whole 3 two | response_only 0+3");
}

TEST_CASE("a server agrees to leave HTTP: what follows is not looked at") {
  HttpDriver http;
  http.client("GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  http.server("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi");
  http.client(get("/not/http"));
  http.server(ok("not http"));
  http.close();
  CHECK(http.told() == "GET /chat at h path /chat headers 3 | 101 headers 1 | complete 0+0");
  CHECK(http.facts().protocol == Protocol::switched);
  CHECK(http.facts().exchanges == 1);
}

TEST_CASE("a server that does not agree stays in HTTP") {
  HttpDriver http;
  http.client("GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n\r\n");
  http.server(ok("no"));
  http.client("CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n");
  http.server("HTTP/1.1 407 Who?\r\nContent-Length: 2\r\n\r\nwe");
  http.client(get("/still"));
  http.server(ok("yes"));
  http.close();
  std::string told = http.told();
  CHECK(told.ends_with("| 407 headers 1 body whole 2 we | complete 0+2\n" +
                       line("/still", "200 headers 1 body whole 3 yes | complete 0+3")));
  CHECK(http.facts().protocol == Protocol::http1);
}

TEST_CASE("inside of a tunnel that CONNECT has opened, HTTP may begin anew, or something else") {
  for (bool secret : {false, true}) {
    HttpDriver http;
    http.client("CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n");
    http.server("HTTP/1.1 200 Connected\r\nContent-Length: 100\r\n\r\n");
    CHECK(http.told() == "CONNECT x:80 at x:80 path - headers 1 | 200 headers 1 | complete 0+0");
    http.client(secret ? kClientHello : get("/inner"));
    if (!secret) http.server(ok("in"));
    http.client(secret ? get("/not") : get("/again"));
    if (!secret) http.server(ok("in"));
    http.close();
    CHECK(http.facts().exchanges == (secret ? 1 : 3));
    if (!secret) CHECK(http.told().starts_with(line("/inner", "200 headers 1 body whole 2 in | complete 0+2")));
  }
}

TEST_CASE("an agreement before the request was whole leaves the exchange told, and its body the client's") {
  for (std::string_view answer : {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 200 Connected\r\n\r\n"}) {
    HttpDriver http;
    bool connect = answer.starts_with("HTTP/1.1 200");
    std::string target = connect ? "CONNECT h:1" : "POST /up";
    http.client(target + " HTTP/1.1\r\nHost: h:1\r\nUpgrade: x\r\nContent-Length: 10\r\n\r\n01234");
    http.server(answer);
    http.client("56789");
    http.close();
    std::string told = http.told();
    CHECK(told.find(" headers 3 body clipped 5 01234 | ") != std::string::npos);
    CHECK(told.find("| " + std::string(connect ? "200" : "101") + " headers 0 | clipped 5+0") != std::string::npos);
  }
}

TEST_CASE("a PROXY header says for whom the balancer asks, in whatever parts it comes") {
  using namespace std::string_literals;
  std::string one = "PROXY TCP4 192.0.2.9 198.51.100.2 34567 443\r\n";
  std::string two = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x09\xc6\x33\x64\x02\x87\x07\x01\xbb"s;
  for (const std::string& header : {one, two}) {
    for (std::size_t step : {1, 5, 1000}) {
      HttpDriver http;
      std::string all = header + get("/x");
      for (std::size_t at = 0; at < all.size(); at += step) http.client(std::string_view(all).substr(at, step));
      http.server(ok(""));
      http.close();
      REQUIRE(http.recorder.lines().size() == 1);
      CHECK(http.recorder.lines()[0].starts_with("10.0.0.1:40000 > 10.0.0.2:80 for 192.0.2.9:34567 | GET /x"));
      REQUIRE(http.facts().connection.proxied_client);
    }
  }
}

TEST_CASE("a PROXY header may stand before what is no HTTP") {
  HttpDriver http;
  http.client("PROXY TCP4 192.0.2.9 198.51.100.2 34567 443\r\n" + kClientHello);
  http.close();
  CHECK(http.facts().protocol == Protocol::tls);
  REQUIRE(http.facts().connection.proxied_client);
  CHECK(http.facts().connection.proxied_client->text() == "192.0.2.9:34567");
}

TEST_CASE("a target may carry its authority, which overrules Host") {
  HttpDriver http;
  http.client("GET http://user:pw@A.example:8080/p?q HTTP/1.1\r\nHost: b\r\n\r\n");
  http.server(ok(""));
  http.client("GET http://a.example HTTP/1.1\r\nHost: a.example\r\n\r\n");
  http.server(ok(""));
  http.client("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
  http.server(ok(""));
  CHECK(http.told() ==
        "GET http://user:pw@A.example:8080/p?q at A.example:8080 path /p?q headers 1 | 200 headers 1 | complete 0+0 "
        "!hosts_differ\n"
        "GET http://a.example at a.example path / headers 1 | 200 headers 1 | complete 0+0\n"
        "OPTIONS * at h path - headers 1 | 200 headers 1 | complete 0+0");
}

TEST_CASE("a Host that spells the target's authority in other letters does not contradict it") {
  HttpDriver http;
  http.client("GET http://API.example/ HTTP/1.1\r\nHost: api.example\r\n\r\n");
  http.server(ok(""));
  CHECK(http.told().find("hosts_differ") == std::string::npos);
}

TEST_CASE("an absolute target without a path has the root's, also before its query") {
  HttpDriver http;
  http.client("GET http://h?a=b HTTP/1.1\r\nHost: h\r\n\r\n");
  http.server(ok(""));
  CHECK(http.told().starts_with("GET http://h?a=b at h path /?a=b headers 1"));
}

TEST_CASE("latency is from the last byte of the request to the first of the response") {
  HttpDriver http;
  http.client("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab");
  http.pass(std::chrono::milliseconds(10));
  http.client("cd");
  http.pass(std::chrono::milliseconds(25));
  http.server("HTTP/1.1 200 OK\r\nContent-Le");
  http.pass(std::chrono::milliseconds(40));
  http.server("ngth: 1\r\n\r\nx");
  CHECK(http.recorder.lines().at(0).ends_with(" 25000 us"));
}

}  // namespace specular::test
