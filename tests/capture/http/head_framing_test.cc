// What a head says about the framing of its message, and the two ways in which it is read.
#include <random>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "capture/http/head.h"
#include "tests/support/recorder.h"

namespace specular::test {
namespace {

// "length 5", "chunked", "other coding", "nothing", with the anomalies but that llhttp has refused the head.
std::string framing(std::string_view lines) {
  HeadParser parser;
  MessageHead head;
  if (!parser.parse(as_bytes(fmt::format("POST / HTTP/1.1\r\nHost: h\r\n{}\r\n", lines)), false, head))
    return "no head";
  std::string text = head.chunked                 ? "chunked"
                     : head.has_transfer_encoding ? "other coding"
                     : head.content_length        ? fmt::format("length {}", *head.content_length)
                                                  : "nothing";
  head.anomalies.remove(Anomaly::bad_header);
  return text + anomalies_text(head.anomalies);
}

std::string everything(const MessageHead& head) {
  std::string text = fmt::format("{} {} {} {} {} |", head.is_request, static_cast<int>(head.version), head.method,
                                 head.target, head.status);
  for (const HeaderField& field : head.fields) text += fmt::format("{}={};", field.name, field.value);
  text += fmt::format("| {} {} {} {} {} {} {}", head.content_length ? fmt::format("{}", *head.content_length) : "-",
                      head.has_transfer_encoding, head.chunked, head.host, head.content_encoding, head.upgrade,
                      head.has_host);
  return text + anomalies_text(head.anomalies);
}

// Compares both ways of reading; true if the plain one could.
bool agree(std::string_view text) {
  HeadParser plain, full;
  MessageHead a, b;
  std::size_t size = plain.parse_plain(as_bytes(text), a);
  if (size == 0) return false;
  std::size_t end = find_head_end(as_bytes(text), 0);
  CHECK(size == end);
  REQUIRE(full.parse(as_bytes(text.substr(0, end)), false, b));
  bool same = everything(a) == everything(b);
  if (!same) FAIL_CHECK("plain: " << everything(a) << "\nfull:  " << everything(b) << "\nof: " << std::string(text));
  return true;
}

}  // namespace

TEST_CASE("a length is a number, and repeated alike it is one") {
  CHECK(framing("Content-Length: 5\r\n") == "length 5");
  CHECK(framing("Content-Length: 0\r\n") == "length 0");
  CHECK(framing("Content-Length: 007\r\n") == "length 7");
  CHECK(framing("Content-Length: 9007199254740991\r\n") == "length 9007199254740991");
  CHECK(framing("Content-Length: 5, 5\r\n") == "length 5");
  CHECK(framing("") == "nothing");
}

TEST_CASE("of several lengths the first decides, and the difference is told") {
  CHECK(framing("Content-Length: 5\r\nContent-Length: 6\r\n") == "length 5 !lengths_differ");
  CHECK(framing("Content-Length: 5, 6\r\n") == "length 5 !lengths_differ");
  CHECK(framing("Content-Length: 6\r\nX: y\r\ncontent-length: 5\r\n") == "length 6 !lengths_differ");
}

TEST_CASE("a length that is no number is ignored and told") {
  for (const char* value : {"x", "-1", "+5", "5x", "0x10", "5 6", "5.0", "99999999999999999999", "9007199254740992"}) {
    CAPTURE(std::string(value));
    CHECK(framing(fmt::format("Content-Length: {}\r\n", value)) == "nothing !bad_length");
  }
  CHECK(framing("Content-Length: x\r\nContent-Length: 5\r\n") == "length 5 !bad_length");
}

TEST_CASE("an empty length is no number either") {
  CHECK(framing("Content-Length:\r\n") == "nothing !bad_length");
}

TEST_CASE("a body is chunked if that is the last coding of all") {
  CHECK(framing("Transfer-Encoding: chunked\r\n") == "chunked");
  CHECK(framing("Transfer-Encoding: gzip, chunked\r\n") == "chunked");
  CHECK(framing("Transfer-Encoding: Chunked\r\n") == "chunked");
  CHECK(framing("Transfer-Encoding:\tchunked \r\n") == "chunked");
  CHECK(framing("Transfer-Encoding: chunked, gzip\r\n") == "other coding !te_not_chunked");
  CHECK(framing("Transfer-Encoding: gzip\r\n") == "other coding !te_not_chunked");
  CHECK(framing("Transfer-Encoding: xchunked\r\n") == "other coding !te_not_chunked");
  CHECK(framing("Transfer-Encoding: chunked;q=1\r\n") == "other coding !te_not_chunked");
  CHECK(framing("Transfer-Encoding: \"chunked\"\r\n") == "other coding !te_not_chunked");
}

TEST_CASE("codings over several fields are read as one list") {
  CHECK(framing("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n") == "chunked");
  CHECK(framing("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n") == "other coding !te_not_chunked");
}

TEST_CASE("transfer coding and length together are told, in either order") {
  CHECK(framing("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") == "chunked !te_and_length");
  CHECK(framing("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") == "chunked !te_and_length");
  CHECK(framing("Content-Length: 5\r\nTransfer-Encoding: gzip\r\n") == "other coding !te_and_length !te_not_chunked");
}

TEST_CASE("spellings that some readers take for framing and others do not are told") {
  for (const char* lines :
       {"Content-Length : 5\r\n", "Transfer-Encoding : chunked\r\n", "Transfer-Encoding\t: chunked\r\n",
        "Transfer-Encoding: chunked\x0b\r\n", "X: y\rTransfer-Encoding: chunked\r\n",
        "X: y\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding:\n chunked\r\n"}) {
    CAPTURE(std::string(lines));
    HeadParser parser;
    MessageHead head;
    std::string text = fmt::format("POST / HTTP/1.1\r\nHost: h\r\n{}\r\n", lines);
    REQUIRE(parser.parse(as_bytes(text), false, head));
    CHECK(head.anomalies.bits != 0);
  }
}

TEST_CASE("a framing field may be folded, which is told") {
  CHECK(framing("X: y\r\n Transfer-Encoding: chunked\r\n") == "nothing !folded_header");
  CHECK(framing("Transfer-Encoding: gzip,\r\n chunked\r\n") == "chunked !folded_header");
  CHECK(framing("Transfer-Encoding:\r\n chunked\r\n") == "chunked !folded_header");
  CHECK(framing("Content_Length: 5\r\n") == "nothing");
}

TEST_CASE("plain heads are read by the fast way too, and others left to the other") {
  CHECK(agree("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK(agree("GET / HTTP/1.1\r\n\r\n"));
  CHECK(agree("POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"));
  CHECK(agree("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"));
  CHECK(agree("HTTP/1.0 200\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"));
  for (const char* text :
       {"GET / HTTP/1.1\nHost: h\n\n", "GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", "GET / HTTP/1.1\r\nX : a\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        "GET / HTTP/1.1\r\nX: a\x01\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n"}) {
    CAPTURE(std::string(text));
    HeadParser parser;
    MessageHead head;
    CHECK(parser.parse_plain(as_bytes(text), head) == 0);
  }
}

TEST_CASE("an incomplete head is not read by the fast way, wherever it stops") {
  std::string head = "POST /a HTTP/1.1\r\nHost: h\r\nX: y\r\nContent-Length: 5\r\n\r\n";
  HeadParser parser;
  MessageHead ignored;
  for (std::size_t size = 0; size < head.size(); ++size) {
    CHECK(parser.parse_plain(as_bytes(std::string_view(head).substr(0, size)), ignored) == 0);
  }
  CHECK(parser.parse_plain(as_bytes(head), ignored) == head.size());
}

TEST_CASE("repeated transfer codings are read alike by both ways") {
  agree("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST_CASE("what both ways read, both read alike") {
  std::mt19937 random(1);
  auto pick = [&](const auto& list) { return std::string(list[random() % std::size(list)]); };
  const char* starts[] = {"GET / HTTP/1.1",       "POST /a?b=c HTTP/1.0",   "HTTP/1.1 200 OK",   "HTTP/1.0 404",
                          "HTTP/1.1 101 Up",      "X-Y http://h/ HTTP/1.1", "GET /a b HTTP/1.1", "GET / HTTP/1.10",
                          "CONNECT h:1 HTTP/1.1", "HTTP/1.1 204 "};
  const char* names[] = {"Host",
                         "host",
                         "Content-Length",
                         "Transfer-Encoding",
                         "Upgrade",
                         "Connection",
                         "Content-Encoding",
                         "X",
                         "A!#$%&'*+-.^_`|~",
                         "Proxy-Connection",
                         "Content-length",
                         "Keep-Alive",
                         "Set-Cookie",
                         "TE",
                         "Expect"};
  const char* values[] = {"",
                          "h",
                          "5",
                          "0",
                          "chunked",
                          "gzip, chunked",
                          "close",
                          "keep-alive",
                          "upgrade",
                          "websocket",
                          "a: b",
                          "a,b",
                          "  spaced  ",
                          "\tx\t",
                          "\xc3\xa9",
                          "\"q\"",
                          "h2c",
                          "12345678901234",
                          "007",
                          "identity",
                          "100-continue",
                          ":",
                          ",",
                          "close, upgrade",
                          "chunked, chunked",
                          "a\tb",
                          "\xff\x80",
                          " "};
  const char* ends[] = {"\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r\r\n", " \r\n", "\r\n "};
  std::size_t plain = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = pick(starts) + (random() % 40 == 0 ? "\n" : "\r\n");
    for (auto fields = random() % 5; fields > 0; --fields)
      text += pick(names) + (random() % 8 == 0 ? ":" : ": ") + pick(values) + pick(ends);
    text += "\r\n";
    if (random() % 5 == 0) text[random() % text.size()] = static_cast<char>(random());
    plain += agree(text) ? 1 : 0;
  }
  CHECK(plain > 2000);
}

TEST_CASE("a value over very many lines is joined, and those before it stay as they are") {
  std::string lines = "Host:\r\n host.example\r\n .second\r\nX-A: a\r\n", joined = "a";
  for (int i = 0; i < 3000; ++i) {
    lines += " b\r\n";
    joined += " b";
  }
  for (std::string_view end : {"\r\n", "no field\r\n\r\n"}) {  // the latter is refused, and read again
    std::string text = "GET / HTTP/1.1\r\n" + lines + std::string(end);
    HeadParser parser;
    MessageHead head;
    REQUIRE(parser.parse(as_bytes(text), false, head));
    CHECK(head.host == "host.example .second");
    REQUIRE(head.fields.size() == 2);
    CHECK(head.fields[1].value == joined);
    CHECK(head.fields[1].value.data() + joined.size() - head.host.data() < 10'000);
  }
}

}  // namespace specular::test
