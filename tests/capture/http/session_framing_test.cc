// Where messages end: lengths, chunks, closes, and everything that contradicts itself.
#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/capture/flow/flow_driver.h"
#include "tests/capture/http/http_driver.h"

namespace specular::test {
namespace {

// What a server's bytes are told as, behind a plain request, once the connection has closed.
std::string answered(std::string_view bytes, Close close = Close::finished) {
  HttpDriver http;
  http.client(get("/x"));
  http.server(bytes);
  http.close(close);
  std::string told = http.told();
  std::string_view request = "GET /x at h path /x headers 1 | ";
  return told.starts_with(request) ? told.substr(request.size()) : "?? " + told;
}

std::string chunked(std::string_view chunks) {
  return answered(fmt::format("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}", chunks));
}

// The same of a client's bytes; what follows them must be read as a request again.
std::string asked(std::string_view bytes) {
  HttpDriver http;
  http.client(bytes);
  http.client(get("/next"));
  http.server(ok("") + ok(""));
  http.close();
  std::string told = http.told();
  std::string_view next = "\nGET /next at h path /next headers 1 | 200 headers 1 | complete 0+0";
  return told.ends_with(next) ? told.substr(0, told.size() - next.size()) : "?? " + told;
}

}  // namespace

TEST_CASE("a body ends where its length says, and not a byte later") {
  CHECK(answered(ok("hello")) == "200 headers 1 body whole 5 hello | complete 0+5");
  CHECK(answered(ok("")) == "200 headers 1 | complete 0+0");
  CHECK(answered("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello") ==
        "200 headers 1 body clipped 5 hello | clipped 0+5");
  CHECK(asked("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc") ==
        "POST / at h path / headers 2 body whole 3 abc | 200 headers 1 | complete 3+0");
}

TEST_CASE("chunks are joined, whatever their sizes look like") {
  CHECK(chunked("5\r\nhello\r\n0\r\n\r\n") == "200 headers 1 body whole 5 hello | complete 0+5");
  CHECK(chunked("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n") == "200 headers 1 body whole 5 hello | complete 0+5");
  CHECK(chunked("A\r\n0123456789\r\na\r\nabcdefghij\r\n00\r\n\r\n") ==
        "200 headers 1 body whole 20 0123456789abcdefghij | complete 0+20");
  CHECK(chunked("0005;ext=\"a;b\"\r\nhello\r\n0;last\r\n\r\n") == "200 headers 1 body whole 5 hello | complete 0+5");
  CHECK(chunked("5 \r\nhello\r\n0\r\n\r\n") == "200 headers 1 body whole 5 hello | complete 0+5");
  CHECK(chunked("5\nhello\n0\n\n") == "200 headers 1 body whole 5 hello | complete 0+5");
  CHECK(chunked("0\r\n\r\n") == "200 headers 1 body absent 0  | complete 0+0");
}

TEST_CASE("trailers are skipped") {
  CHECK(chunked("1\r\nx\r\n0\r\nDigest: abc\r\nX: y\r\n\r\n") == "200 headers 1 body whole 1 x | complete 0+1");
  CHECK(asked("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n") ==
        "POST / at h path / headers 2 body whole 1 x | 200 headers 1 | complete 1+0");
}

TEST_CASE("a chunk size that is no number ends the body there, and is told") {
  for (const char* size : {"x", "-1", "+1", "0x5", "5g", "", " ", "10000000000000000", "ffffffffffffffffff", "5,5"}) {
    CAPTURE(std::string(size));
    std::string told = chunked(fmt::format("2\r\nhe\r\n{}\r\nllo\r\n0\r\n\r\n", size));
    CHECK(told.starts_with("200 headers 1 body clipped 2 he | clipped 0+2 !bad_chunk"));
  }
}

TEST_CASE("data longer than its chunk says is told") {
  CHECK(chunked("2\r\nhe\r\n2\r\nllo\r\n0\r\n\r\n").find("!bad_chunk") != std::string::npos);
}

TEST_CASE("a chunk line without an end is given up") {
  std::string told = chunked("2\r\nhe\r\n5;" + std::string(100'000, 'x'));
  CHECK(told.starts_with("200 headers 1 body clipped 2 he | clipped 0+2 !bad_chunk"));
}

TEST_CASE("chunks that stop before their end leave a clipped body") {
  for (std::string_view chunks :
       {"5\r\nhello\r\n0\r\n", "5\r\nhello\r\n0", "5\r\nhello\r\n", "5\r\nhello", "5\r\nhello\r\n0\r\nA: b\r\n"}) {
    CHECK(chunked(chunks) == "200 headers 1 body clipped 5 hello | clipped 0+5");
  }
}

TEST_CASE("after a bad chunk the next message is found again") {
  HttpDriver http;
  http.client("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\nzz\r\nrest of it\r\n");
  http.server("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n");
  http.client(get("/b"));
  http.server(ok("b"));
  http.close();
  CHECK(http.told().ends_with("\nGET /b at h path /b headers 1 | 200 headers 1 body whole 1 b | complete 0+1"));
}

TEST_CASE("without a length a response ends with the connection") {
  CHECK(answered("HTTP/1.1 200 OK\r\n\r\nuntil the end") ==
        "200 headers 0 body whole 13 until the end | complete 0+13");
  CHECK(answered("HTTP/1.0 200 OK\r\n\r\n") == "200 headers 0 body absent 0  | complete 0+0");
  CHECK(answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxyz")
            .starts_with("200 headers 1 body whole 3 xyz | complete 0+3"));
}

TEST_CASE("a body that would end with the connection is not whole if its end was not seen") {
  for (Close close : {Close::idle, Close::evicted, Close::ended}) {
    CHECK(answered("HTTP/1.1 200 OK\r\n\r\nso far", close) == "200 headers 0 body clipped 6 so far | clipped 0+6");
  }
}

TEST_CASE("a body that would end with the connection is not whole if that was reset, or used again") {
  for (Close close : {Close::reset, Close::reused}) {
    CHECK(answered("HTTP/1.1 200 OK\r\n\r\nso far", close) == "200 headers 0 body clipped 6 so far | clipped 0+6");
  }
}

TEST_CASE("a request without a length has no body") {
  CHECK(asked("POST / HTTP/1.1\r\nHost: h\r\n\r\n") == "POST / at h path / headers 1 | 200 headers 1 | complete 0+0");
}

TEST_CASE("transfer coding decides before length, and both together are told") {
  CHECK(asked("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\nTransfer-Encoding: "
              "chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n") ==
        "POST / at h path / headers 3 body whole 1 x | 200 headers 1 | complete 1+0 !te_and_length");
  CHECK(asked("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx") ==
        "POST / at h path / headers 3 body whole 1 x | 200 headers 1 | complete 1+0 !lengths_differ");
  CHECK(asked("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n") ==
        "POST / at h path / headers 2 | 200 headers 1 | complete 0+0 !bad_length");
}

TEST_CASE("empty lines before a message belong to none") {
  HttpDriver http;
  http.client(get("/1") + "\r\n\r\n" + get("/2"));
  http.server(ok("a") + "\r\n" + ok("b"));
  http.close();
  std::string told = http.told();
  CHECK(std::count(told.begin(), told.end(), '\n') == 1);
  CHECK(told.ends_with("GET /2 at h path /2 headers 1 | 200 headers 1 body whole 1 b | complete 0+1"));
  CHECK(http.facts().anomalies.bits == 0);
}

TEST_CASE("an empty line before the first message is skipped too") {
  HttpDriver http;
  http.client("\r\n" + get("/1"));
  http.server(ok("a"));
  http.close();
  CHECK(http.told() == "GET /1 at h path /1 headers 1 | 200 headers 1 body whole 1 a | complete 0+1");
  CHECK(http.sessions().counters().resynchronised.value() == 0);
}

TEST_CASE("bytes between messages that belong to none are told of the connection") {
  HttpDriver http;
  http.client(get("/1"));
  http.server(ok("a") + "what is this? ");
  http.client(get("/2"));
  http.server(ok("b"));
  http.close();
  CHECK(http.told().ends_with("GET /2 at h path /2 headers 1 | 200 headers 1 body whole 1 b | complete 0+1"));
  CHECK(http.facts().anomalies.has(Anomaly::stray_bytes));
}

TEST_CASE("a head larger than is read is told so with its exchange, and the next message is found") {
  HttpDriver http;
  set(http.http.max_head, 4);
  http.client("GET /huge HTTP/1.1\r\nHost: h\r\nX: " + std::string(10'000, 'x') + "\r\n\r\n" + get("/next"));
  http.server(ok("a") + ok("b"));
  http.close();
  std::string told = http.told();
  CHECK(told.starts_with("GET /huge at h path /huge headers 1 | 200 headers 1 body whole 1 a | clipped 0+1"));
  CHECK(told.find(" !oversized_head") != std::string::npos);
  CHECK(told.ends_with("GET /next at h path /next headers 1 | 200 headers 1 body whole 1 b | complete 0+1"));
}

TEST_CASE("a head of just the size that is read is read") {
  HttpDriver http;
  set(http.http.max_head, 4);
  std::string begin = "GET /x HTTP/1.1\r\nHost: h\r\nX: ", end = "\r\n\r\n";
  std::string head = begin + std::string(4096 - begin.size() - end.size(), 'x') + end;
  for (char c : head) http.client(std::string_view(&c, 1));
  http.server(ok("a"));
  http.close();
  CHECK(http.told() == "GET /x at h path /x headers 2 | 200 headers 1 body whole 1 a | complete 0+1");
}

TEST_CASE("endless heads of many connections stay within their budget, and others are read all the same") {
  HttpDriver http;
  set(http.http.pending, 1);
  set(http.http.max_head, 1024);
  std::string part = "GET /endless HTTP/1.1\r\nHost: h\r\nX: " + std::string(100'000, 'x');
  for (std::uint32_t flow = 1; flow <= 50; ++flow) {
    http.flow = flow;
    http.client(part);
  }
  http.flow = 100;
  http.client(get("/plain"));
  http.server(ok("a"));
  CHECK(http.told() == "GET /plain at h path /plain headers 1 | 200 headers 1 body whole 1 a | complete 0+1");
  for (std::uint32_t flow = 1; flow <= 50; ++flow) {
    http.flow = flow;
    http.close();
  }
  http.told();
  http.flow = 101;
  http.client("GET /late HTTP/1.1\r\nHo");
  http.client("st: h\r\n\r\n");
  http.server(ok("a"));
  CHECK(http.told() == "GET /late at h path /late headers 1 | 200 headers 1 body whole 1 a | complete 0+1");
}

TEST_CASE("a server that forgets the length, on a connection that goes on, ends where the next response begins") {
  HttpDriver http;
  http.client(get("/1"));
  http.server("HTTP/1.1 200 OK\r\n\r\nno length");
  http.client(get("/2"));
  http.server(ok("b"));
  http.close();
  CHECK(http.told() ==
        "GET /1 at h path /1 headers 1 | 200 headers 0 body whole 9 no length | complete 0+9\n"
        "GET /2 at h path /2 headers 1 | 200 headers 1 body whole 1 b | complete 0+1");
}

TEST_CASE("a body that looks like a response is a body") {
  std::string inner = ok("inner");
  CHECK(answered(ok(inner)).starts_with(fmt::format("200 headers 1 body whole {} HTTP/1.1 200 OK", inner.size())));
  CHECK(answered("HTTP/1.1 200 OK\r\n\r\n" + inner).ends_with(fmt::format("| complete 0+{}", inner.size())));
}

TEST_CASE("a line that no budget is left for ends its message, which is told") {
  for (std::string_view cut : {"5", "3\r\nabc\r", "0\r\n"}) {
    HttpDriver http;
    set(http.http.pending, 1);
    http.flow = 1;
    for (; http.flow < 200; ++http.flow) http.client("GET /endless" + std::string(16'000, 'x'));
    http.flow = 0;
    http.client(get("/a"));
    http.server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(cut));
    http.server("\r\nhello\r\n0\r\n\r\n");
    http.client(get("/b"));
    http.server(ok("next"));
    std::string told = http.told();
    CAPTURE(cut);
    CHECK(told.starts_with("GET /a at h path /a headers 1 | 200 headers 1 body "));
    CHECK(told.ends_with("GET /b at h path /b headers 1 | 200 headers 1 body whole 4 next | complete 0+4"));
  }
}

TEST_CASE("how large a head may be does not depend on where it is cut") {
  std::string large = "GET /large HTTP/1.1\r\nHost: h\r\nX: " + std::string(10'000, 'x') + "\r\n\r\n";
  std::string told[2];
  for (std::size_t parts : {1, 2}) {
    HttpDriver http;
    set(http.http.max_head, 4);
    http.client(get("/a"));
    for (std::size_t part = 0; part < parts; ++part)
      http.client(std::string_view(large).substr(part * 5000, parts == 1 ? large.npos : 5000 + part * large.size()));
    http.close();
    told[parts - 1] = http.told();
    CHECK(told[parts - 1].find("oversized_head") != std::string::npos);
  }
  CHECK(told[0] == told[1]);
}

TEST_CASE("decoders in use are charged: past their budget bodies are clipped, and the rest of them is told") {
  HttpDriver http;
  set(http.bodies.gathered, 1);
  std::size_t clipped = 0;
  for (; http.flow < 100; ++http.flow) {
    http.client(get("/a"));
    http.server("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 100\r\n\r\n\x1f\x8b");
  }
  for (http.flow = 0; http.flow < 100; ++http.flow) {
    http.server(std::string(98, 'x'));
    clipped += http.told().find("body clipped") != std::string::npos;
  }
  CHECK(clipped > 50);
  CHECK(clipped < 90);
  http.flow = 100;
  http.client(get("/b"));
  http.server("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx");
  CHECK(http.told().find("body undecodable") != std::string::npos);
}

TEST_CASE("a target in many small segments, and refused heads in a row, are read in no more than linear time") {
  auto begun = std::chrono::steady_clock::now();
  HttpDriver http;
  http.client(get("/a"));
  http.client("GET /");
  for (int i = 0; i < 60'000; ++i) http.client("x");
  http.client(" HTTP/1.1\r\nHost: h\r\n\r\n");
  http.lose(Side::low, 10);
  std::string refused;
  for (int i = 0; i < 3900; ++i) refused += "GET / HTTP/1.1\r\n";
  http.client("??" + refused + "\r\n" + get("/found"));
  http.close();
  std::string told = http.told();
  CHECK(told.find("GET /xxxxx") != std::string::npos);
  CHECK(told.find("GET /found at h") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(4));  // was a minute, with a sanitizer
}

}  // namespace specular::test
