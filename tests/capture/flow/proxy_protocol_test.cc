#include "capture/flow/proxy_protocol.h"

#include <string>

#include <doctest/doctest.h>

namespace specular::test {
namespace {

using namespace std::string_literals;
using State = ProxyHeader::State;

ProxyHeader read(std::string_view text) {
  return read_proxy_header(as_bytes(text));
}

// "absent", "incomplete", or the size with the source: "43 192.0.2.1:34567", "15 nobody".
std::string told(std::string_view text) {
  ProxyHeader header = read(text);
  if (header.state == State::absent) return "absent";
  if (header.state == State::incomplete) return "incomplete";
  return std::to_string(header.size) + " " + (header.source ? header.source->text() : "nobody");
}

const std::string kV2 = "\r\n\r\n\0\r\nQUIT\n"s;

std::string version_2(int command, int family, std::string_view body) {
  std::string header = kV2;
  header += static_cast<char>(command);
  header += static_cast<char>(family);
  header += static_cast<char>(body.size() >> 8);
  header += static_cast<char>(body.size());
  return header.append(body);
}

// Source 192.0.2.1:34567, destination 198.51.100.2:443; the same in IPv6.
const std::string kBody4 = "\xc0\x00\x02\x01\xc6\x33\x64\x02\x87\x07\x01\xbb"s;
const std::string kBody6 =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s + "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"s + "\x87\x07\x01\xbb";

}  // namespace

TEST_CASE("version 1 tells whose connection it is, and how much to skip") {
  CHECK(told("PROXY TCP4 192.0.2.1 198.51.100.2 34567 443\r\n") == "45 192.0.2.1:34567");
  CHECK(told("PROXY TCP4 192.0.2.1 198.51.100.2 34567 443\r\nGET / HTTP/1.1\r\n") == "45 192.0.2.1:34567");
  CHECK(told("PROXY TCP6 2001:db8::1 2001:db8::2 34567 443\r\n") == "46 [2001:db8::1]:34567");
  CHECK(told("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n") == "44 0.0.0.0:0");
}

TEST_CASE("version 1 may know nobody, with or without words behind it") {
  CHECK(told("PROXY UNKNOWN\r\n") == "15 nobody");
  std::string longest = "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n";
  CHECK(told(longest + "GET") == std::to_string(longest.size()) + " nobody");
}

TEST_CASE("a header in parts is incomplete up to its last byte") {
  std::string one = "PROXY TCP4 192.0.2.1 198.51.100.2 34567 443\r\n", two = version_2(0x21, 0x11, kBody4);
  for (const std::string& whole : {one, two, version_2(0x20, 0, ""), "PROXY UNKNOWN\r\n"s}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(size);
      CHECK(read(std::string_view(whole).substr(0, size)).state == State::incomplete);
    }
    CHECK(read(whole).state == State::present);
    CHECK(read(whole).size == whole.size());
  }
}

TEST_CASE("version 1 is no longer than 107 bytes") {
  std::string line = "PROXY UNKNOWN ";
  CHECK(told(line + std::string(91, 'x') + "\r\n") == "107 nobody");
  CHECK(told(line + std::string(92, 'x') + "\r\n") == "absent");
  CHECK(told(line + std::string(92, 'x')) == "incomplete");
  CHECK(told(line + std::string(200, 'x')) == "absent");
}

TEST_CASE("what only begins like version 1 is none") {
  for (const char* line : {"PROXY /a HTTP/1.1\r\n", "PROXY \r\n", "PROXY TCP4\r\n", "PROXY TCP4 192.0.2.1\r\n",
                           "PROXY TCP4 192.0.2.1 198.51.100.2\r\n", "PROXY TCP4 192.0.2.1 198.51.100.2 99999 443\r\n",
                           "PROXY TCP4 192.0.2.1 198.51.100.2 x 443\r\n", "PROXY TCP4 192.0.2 198.51.100.2 1 443\r\n",
                           "PROXY tcp4 192.0.2.1 198.51.100.2 1 443\r\n", "PROXY UDP4 192.0.2.1 198.51.100.2 1 443\r\n",
                           "PROXY  TCP4 192.0.2.1 198.51.100.2 1 443\r\n"}) {
    CAPTURE(std::string(line));
    CHECK(told(line) == "absent");
  }
}

TEST_CASE("version 1 is malformed if a number has more than digits, or anything is missing or of another family") {
  for (const char* line :
       {"PROXY TCP4 192.0.2.1 198.51.100.2 34567x 443\r\n", "PROXY TCP4 192.0.2.1 198.51.100.2 34567\r\n",
        "PROXY TCP4 192.0.2.1 nonsense 34567 443\r\n", "PROXY TCP4 192.0.2.1 198.51.100.2 34567 http\r\n",
        "PROXY TCP4 2001:db8::1 2001:db8::2 34567 443\r\n", "PROXY TCP6 192.0.2.1 198.51.100.2 34567 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 34567 443 more\r\n"}) {
    CAPTURE(std::string(line));
    CHECK(told(line) == "absent");
  }
}

TEST_CASE("version 2 tells whose connection it is, in both families") {
  CHECK(told(version_2(0x21, 0x11, kBody4)) == "28 192.0.2.1:34567");
  CHECK(told(version_2(0x21, 0x11, kBody4) + "GET / HTTP/1.1") == "28 192.0.2.1:34567");
  CHECK(told(version_2(0x21, 0x21, kBody6)) == "52 [2001:db8::1]:34567");
}

TEST_CASE("version 2 may carry more behind the addresses, which is skipped") {
  CHECK(told(version_2(0x21, 0x11, kBody4 + "\x03\x00\x04"s + "crc." + std::string(1000, 't'))) ==
        "1035 192.0.2.1:34567");
  CHECK(told(version_2(0x21, 0x11, kBody4 + std::string(65535 - 12, 't'))) == "65551 192.0.2.1:34567");
}

TEST_CASE("the balancer's own connections, sockets without addresses and unknown families are nobody's") {
  CHECK(told(version_2(0x20, 0x00, "")) == "16 nobody");
  CHECK(told(version_2(0x20, 0x11, kBody4)) == "28 nobody");
  CHECK(told(version_2(0x21, 0x00, "")) == "16 nobody");
  CHECK(told(version_2(0x21, 0x31, std::string(216, 'u'))) == "232 nobody");
}

TEST_CASE("version 2 that is too short for its addresses, or of another version, is none") {
  CHECK(told(version_2(0x21, 0x11, kBody4.substr(0, 9))) == "absent");
  CHECK(told(version_2(0x21, 0x21, kBody4)) == "absent");
  CHECK(told(version_2(0x31, 0x11, kBody4)) == "absent");
  CHECK(told(version_2(0x11, 0x11, kBody4)) == "absent");
}

TEST_CASE("other beginnings are none at once") {
  for (const std::string& text :
       {"G"s, "GET / HTTP/1.1\r\n"s, "PROXX"s, "\r\nGET / HTTP/1.1"s, "\x16\x03\x01"s, "\r\n\r\n\0\r\nQUIX"s, "Q"s}) {
    CHECK(told(text) == "absent");
  }
}

}  // namespace specular::test
