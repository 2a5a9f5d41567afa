#include "capture/http/head.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/recorder.h"

namespace specular::test {
namespace {

Start start(std::string_view text) {
  return look_at_start(as_bytes(text));
}

// "request at 4": what is found, and where.
std::string hunt(std::string_view text, std::size_t boundary = 0, bool requests = true, bool responses = true) {
  Found found = hunt_start(as_bytes(text), boundary, requests, responses);
  switch (found.start) {
    case Start::request: return fmt::format("request at {}", found.position);
    case Start::response: return fmt::format("response at {}", found.position);
    case Start::incomplete: return fmt::format("incomplete at {}", found.position);
    case Start::other: return found.position == text.size() ? "nothing" : "other in the middle";
  }
  return "";
}

struct Parsed {
  std::string bytes;  // what the head points into
  HeadParser parser;
  MessageHead head;
  bool good;

  explicit Parsed(std::string_view text, bool cut = false)
      : bytes(text), good(parser.parse(as_bytes(bytes), cut, head)) {}
  std::string fields() const {
    std::string all;
    for (const HeaderField& field : head.fields) all += fmt::format("{}={};", field.name, field.value);
    return all;
  }
  std::string anomalies() const { return anomalies_text(head.anomalies); }
};

// The head of a request with these lines, which are to end as they are.
std::string with_fields(std::string_view lines) {
  return fmt::format("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", lines);
}

}  // namespace

TEST_CASE("a request begins with any token, a target and a version") {
  for (const char* line :
       {"GET / HTTP/1.1\r\n", "POST /a?b=c HTTP/1.0\r\n", "FROBNICATE * HTTP/1.1\r\n", "get / HTTP/1.1\r\n",
        "GET http://h/ HTTP/1.1\n", "M-SEARCH * HTTP/1.1\r\n", "GET /a b HTTP/1.1\r\n", "A / HTTP/1.1\r\n",
        "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n", "GET /\xc3\xa9 HTTP/1.1\r\n"}) {
    CAPTURE(std::string(line));
    CHECK(start(line) == Start::request);
  }
}

TEST_CASE("a response begins with a version and three digits") {
  for (const char* line :
       {"HTTP/1.1 200 OK\r\n", "HTTP/1.0 404 \r\n", "HTTP/1.1 204\r\n", "HTTP/1.1 200\n", "HTTP/1.1 200 "}) {
    CAPTURE(std::string(line));
    CHECK(start(line) == Start::response);
    CHECK(look_at_response(as_bytes(line)) == Start::response);
  }
}

TEST_CASE("what may become a message start is incomplete, up to the byte that decides") {
  for (std::string line : {"GET /index.html HTTP/1.1\r\n", "HTTP/1.1 200 "}) {
    for (std::size_t size = 0; size < line.size(); ++size) {
      CAPTURE(size);
      CHECK(start(line.substr(0, size)) == Start::incomplete);
    }
    CHECK(start(line) != Start::incomplete);
  }
  CHECK(start("H") == Start::incomplete);
  CHECK(start("HTTP") == Start::incomplete);
  CHECK(look_at_response(as_bytes("H")) == Start::incomplete);
  CHECK(look_at_response(as_bytes("G")) == Start::other);
  CHECK(look_at_response(as_bytes("GET / HTTP/1.1\r\n")) == Start::other);
}

TEST_CASE("a method may begin like a version") {
  CHECK(start("HTTPS / HTTP/1.1\r\n") == Start::request);
  CHECK(start("HEAD / HTTP/1.1\r\n") == Start::request);
  CHECK(start("HTTP / HTTP/1.1\r\n") == Start::request);
}

TEST_CASE("other protocols are told apart at once") {
  for (std::string_view text :
       {std::string_view("SSH-2.0-OpenSSH_9.2\r\n"), std::string_view("\x16\x03\x01", 3),
        std::string_view("220 smtp ready\r\n"), std::string_view("\0\0\0\1", 4), std::string_view("HTTP/1.1 2x0 "),
        std::string_view("HTTP/1.1 2000"), std::string_view("GET / HTTP/1.1x\r\n"), std::string_view("GET /\r\n"),
        std::string_view("GET\r\n"), std::string_view("GET / HTTP/x.1\r\n"), std::string_view(" GET / HTTP/1.1\r\n"),
        std::string_view("GET /\x01"), std::string_view("AUTH secret\r\n"), std::string_view("*1\r\n$4\r\nPING\r\n"),
        std::string_view("PRI: x\r\n")}) {
    CAPTURE(std::string(text));
    CHECK(start(text) == Start::other);
  }
  CHECK(start(std::string(40, 'A')) == Start::other);  // no method is that long
}

TEST_CASE("a start line is waited for up to its limit, and no further") {
  std::string line = "GET /" + std::string(kMaxStartLine - 100, 'x');
  CHECK(start(line) == Start::incomplete);
  CHECK(start(line + " HTTP/1.1\r\n") == Start::request);
  line += std::string(200, 'x');
  CHECK(start(line) == Start::other);
  CHECK(start(line + " HTTP/1.1\r\n") == Start::other);
}

TEST_CASE("a message is hunted for wherever a word begins") {
  CHECK(hunt("GET / HTTP/1.1\r\n") == "request at 0");
  CHECK(hunt("rest of a body\r\nGET / HTTP/1.1\r\n") == "request at 16");
  CHECK(hunt("}GET / HTTP/1.1\r\n") == "request at 1");
  CHECK(hunt("tail HTTP/1.1 200 OK\r\n") == "response at 5");
  CHECK(hunt("xGET / HTTP/1.1\r\n") == "nothing");
  CHECK(hunt("xGET / HTTP/1.1\r\n", 1) == "request at 1");
  CHECK(hunt("abcHTTP/1.1 200 OK\r\n", 3) == "response at 3");
  CHECK(hunt("TARGET / HTTP/1.1\r\n") == "nothing");
  CHECK(hunt("") == "nothing");
}

TEST_CASE("one kind of message is hunted for at a time if so wished") {
  std::string both = "?GET / HTTP/1.1\r\n\r\n HTTP/1.1 200 OK\r\n\r\n";
  CHECK(hunt(both) == "request at 1");
  CHECK(hunt(both, 0, false, true) == "response at 20");
  CHECK(hunt(" HTTP/1.1 200 OK\r\nGET / HTTP/1.1\r\n", 0, true, false) == "request at 18");
  CHECK(hunt("GET / HTTP/1.1\r\n", 0, false, true) == "nothing");
  CHECK(hunt(" HTTP/1.1 200 OK\r\n", 0, true, false) == "nothing");
}

TEST_CASE("amid other bytes only known methods begin a request") {
  CHECK(hunt("... FROBNICATE / HTTP/1.1\r\n") == "nothing");
  for (const char* method : {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "PROPFIND"}) {
    CHECK(hunt(fmt::format("... {} / HTTP/1.1\r\n", method)) == "request at 4");
  }
  CHECK(hunt("... CONNECT h:443 HTTP/1.1\r\n") == "request at 4");
  CHECK(hunt("... GET http://h/ HTTP/1.1\r\n") == "request at 4");
}

TEST_CASE("what is hunted for may be incomplete") {
  CHECK(hunt("body HTTP/1.1 20") == "incomplete at 5");
  CHECK(hunt("body GE") == "incomplete at 5");
  CHECK(hunt("body GET /x HTTP") == "incomplete at 5");
  CHECK(hunt("body GEX") == "nothing");
}

TEST_CASE("a head ends with its empty line, with or without carriage returns") {
  CHECK(find_head_end(as_bytes("GET / HTTP/1.1\r\n\r\n"), 0) == 18);
  CHECK(find_head_end(as_bytes("GET / HTTP/1.1\r\nA: b\r\n\r\nbody\r\n\r\n"), 0) == 24);
  CHECK(find_head_end(as_bytes("GET / HTTP/1.1\nA: b\n\nbody"), 0) == 21);
  CHECK(find_head_end(as_bytes("GET / HTTP/1.1\r\nA: b\n\r\n"), 0) == 23);
  CHECK(find_head_end(as_bytes("GET / HTTP/1.1\nA: b\r\n\n"), 0) == 22);
  for (const char* text : {"", "G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n\r", "GET / HTTP/1.1\r\nA: b\r\n\rx"}) {
    CHECK(find_head_end(as_bytes(text), 0) == 0);
  }
}

TEST_CASE("a head's end is found from where the search had stopped") {
  std::string head = "GET / HTTP/1.1\r\nA: b\r\n\r\n";
  for (std::size_t seen = 3; seen < head.size(); ++seen) {
    REQUIRE(find_head_end(as_bytes(std::string_view(head).substr(0, seen)), 0) == 0);
    CHECK(find_head_end(as_bytes(head), seen - 3) == head.size());
  }
}

TEST_CASE("a request's head is read whole") {
  Parsed get("GET /a?b=c HTTP/1.1\r\nHost: h\r\nX-Empty:\r\nX-Spaces: \t a b \t\r\n\r\n");
  REQUIRE(get.good);
  CHECK(get.head.is_request);
  CHECK(get.head.method == "GET");
  CHECK(get.head.target == "/a?b=c");
  CHECK(get.head.version == HttpVersion::http_1_1);
  CHECK(get.fields() == "Host=h;X-Empty=;X-Spaces=a b;");
  CHECK(get.head.host == "h");
  CHECK(get.head.has_host);
  CHECK(!get.head.content_length);
  CHECK(!get.head.has_transfer_encoding);
  CHECK(get.anomalies().empty());
}

TEST_CASE("a response's head is read whole") {
  Parsed response("HTTP/1.0 404 Not Found\r\nContent-Length: 12\r\nContent-Encoding: gzip\r\n\r\n");
  REQUIRE(response.good);
  CHECK(!response.head.is_request);
  CHECK(response.head.status == 404);
  CHECK(response.head.version == HttpVersion::http_1_0);
  CHECK(response.head.content_length == 12);
  CHECK(response.head.content_encoding == "gzip");
  CHECK(response.anomalies().empty());
  CHECK(Parsed("HTTP/1.1 200\r\n\r\n").head.status == 200);
  CHECK(Parsed("HTTP/1.1 999 odd\r\n\r\n").head.status == 999);
}

TEST_CASE("names of fields are compared without case, and kept as sent") {
  Parsed odd("GET / HTTP/1.1\r\nhOST: h\r\nCONTENT-LENGTH: 5\r\ntransfer-encoding: CHUNKED\r\n\r\n");
  REQUIRE(odd.good);
  CHECK(odd.fields() == "hOST=h;CONTENT-LENGTH=5;transfer-encoding=CHUNKED;");
  CHECK(odd.head.content_length == 5);
  CHECK(odd.head.chunked);
  CHECK(find_header(odd.head.fields, "host") == "h");
  CHECK(!find_header(odd.head.fields, "hos"));
}

TEST_CASE("a request without Host is told in HTTP/1.1, where it must have one") {
  CHECK(Parsed("GET / HTTP/1.1\r\n\r\n").anomalies() == " !no_host");
  CHECK(Parsed("GET / HTTP/1.0\r\n\r\n").anomalies().empty());
  CHECK(Parsed("HTTP/1.1 200 OK\r\n\r\n").anomalies().empty());
  CHECK(Parsed("GET / HTTP/1.1\r\nHost:\r\n\r\n").anomalies().empty());
}

TEST_CASE("several hosts that differ are told, and the first one stands") {
  Parsed twice("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
  CHECK(twice.anomalies().find(" !hosts_differ") != std::string::npos);
  CHECK(twice.head.host == "a");
}

TEST_CASE("values over several lines are joined by a space, and told") {
  Parsed folded(with_fields("X: one\r\n two\r\n\t three \r\nY: z\r\n"));
  REQUIRE(folded.good);
  CHECK(folded.fields() == "Host=h;X=one two three;Y=z;");
  CHECK(folded.anomalies() == " !folded_header");
  Parsed many(with_fields("A: 1\r\n 2\r\nB: 3\r\n 4\r\nC: 5\r\n 6\r\n"));
  CHECK(many.fields() == "Host=h;A=1 2;B=3 4;C=5 6;");
}

TEST_CASE("lines that end with a line feed alone are read, and told") {
  Parsed bare("GET /lf HTTP/1.1\nHost: h\nX: y\n\n");
  REQUIRE(bare.good);
  CHECK(bare.head.target == "/lf");
  CHECK(bare.fields() == "Host=h;X=y;");
  CHECK(bare.anomalies().find(" !bare_lf") != std::string::npos);
  CHECK(Parsed(with_fields("X: y\nZ: w\r\n")).anomalies().find(" !bare_lf") != std::string::npos);
}

TEST_CASE("a head that is not as it should be is read line by line, and told") {
  Parsed odd(with_fields("no colon here\r\nBad Name: x\r\nGood: y\r\n: nameless\r\n"));
  REQUIRE(odd.good);
  CHECK(odd.anomalies().find(" !bad_header") != std::string::npos);
  CHECK(odd.head.host == "h");
  CHECK(find_header(odd.head.fields, "good") == "y");
  CHECK(find_header(odd.head.fields, "bad name") == "x");
}

TEST_CASE("a head with more fields than anybody needs is read so far, and told") {
  std::string lines;
  for (int i = 0; i < 1000; ++i) lines += fmt::format("X-{}: {}\r\n", i, i);
  Parsed many(with_fields(lines));
  REQUIRE(many.good);
  CHECK(many.head.fields.size() >= 100);
  CHECK(many.head.fields.size() <= 1000);
  CHECK(many.fields().starts_with("Host=h;X-0=0;X-1=1;X-2=2;"));
  CHECK(many.anomalies() == " !bad_header");
}

TEST_CASE("what has no start line of HTTP/1 is no head") {
  for (const char* text :
       {"", "\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/1.1", "HTTP/1.1 2 OK\r\n\r\n", "HTTP/1.1 099 No\r\n\r\n",
        "GET  HTTP/1.1\r\n\r\n", "G@T / HTTP/1.1\r\n\r\n", "PRI * HTTP/2\r\n\r\n"}) {
    CAPTURE(std::string(text));
    CHECK(!Parsed(text).good);
  }
}

TEST_CASE("a target with blanks in it ends at the first, the version stands at the end") {
  Parsed blank("GET /a b c HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(blank.good);
  CHECK(blank.head.target == "/a");
}

TEST_CASE("a cut head is read as far as it is certain") {
  std::string head = "GET /path HTTP/1.1\r\nHost: h\r\nX-Whole: yes\r\nX-Cut: perh";
  Parsed cut(head, true);
  REQUIRE(cut.good);
  CHECK(cut.head.target == "/path");
  CHECK(cut.fields() == "Host=h;X-Whole=yes;");
  for (std::size_t size : {std::size_t{10}, std::size_t{14}, std::size_t{18}}) {
    Parsed line(head.substr(0, size), true);
    CAPTURE(size);
    CHECK(line.good);
    CHECK(line.head.target == "/path");
    CHECK(line.head.fields.empty());
  }
  for (std::size_t size : {1, 3, 6, 9}) CHECK(!Parsed(head.substr(0, size), true).good);
  CHECK(Parsed("HTTP/1.1 500", true).head.status == 500);
  CHECK(!Parsed("HTTP/1.1 50", true).good);
}

}  // namespace specular::test
