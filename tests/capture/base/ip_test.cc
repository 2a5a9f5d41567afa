#include "capture/base/ip.h"

#include <doctest/doctest.h>

namespace specular::test {
namespace {

std::string parsed(std::string_view text) {
  auto address = IpAddress::parse(text);
  return address ? address->text() : "refused";
}

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

std::string prefix(std::string_view text) {
  auto parsed = Prefix::parse(text);
  return parsed ? parsed->text() : "refused";
}

bool contains(std::string_view prefix, std::string_view text) {
  return Prefix::parse(prefix)->contains(address(text));
}

}  // namespace

TEST_CASE("IPv4 addresses are read and printed in dotted form") {
  CHECK(parsed("192.0.2.1") == "192.0.2.1");
  CHECK(parsed("0.0.0.0") == "0.0.0.0");
  CHECK(parsed("255.255.255.255") == "255.255.255.255");
  CHECK(IpAddress::v4(0xc0000201).text() == "192.0.2.1");
  CHECK(IpAddress::v4(0xc0000201) == address("192.0.2.1"));
  CHECK(address("192.0.2.1").is_v4());
}

TEST_CASE("IPv6 addresses are read in any form, with brackets or without, and printed in the shortest") {
  CHECK(parsed("2001:db8::1") == "2001:db8::1");
  CHECK(parsed("2001:0DB8:0000:0000:0000:0000:0000:0001") == "2001:db8::1");
  CHECK(parsed("[2001:db8::1]") == "2001:db8::1");
  CHECK(parsed("::") == "::");
  CHECK(parsed("::1") == "::1");
  CHECK(parsed("2001:db8::192.0.2.1") == "2001:db8::c000:201");
  CHECK(!address("2001:db8::1").is_v4());
}

TEST_CASE("an IPv4 address mapped into IPv6 is that IPv4 address") {
  CHECK(parsed("::ffff:192.0.2.1") == "192.0.2.1");
  CHECK(address("::ffff:192.0.2.1") == address("192.0.2.1"));
  CHECK(!address("::192.0.2.1").is_v4());
}

TEST_CASE("what is no address is refused") {
  for (const char* text : {"",
                           "1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "1.2.3.256",
                           "1.2.3.4 ",
                           " 1.2.3.4",
                           "01.2.3.4",
                           "1.2.3.4:80",
                           "1.2.3.4/32",
                           "::1%lo",
                           "fe80::1%eth0",
                           ":::",
                           "1::2::3",
                           "2001:db8::g",
                           "12345::",
                           "[2001:db8::1",
                           "2001:db8::1]",
                           "[[::1]]",
                           "[]",
                           "[::1]:80",
                           "localhost",
                           "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"}) {
    CAPTURE(std::string(text));
    CHECK(parsed(text) == "refused");
  }
}

TEST_CASE("brackets belong to IPv6 alone") {
  CHECK(parsed("[192.0.2.1]") == "refused");
}

TEST_CASE("a NUL and what follows it are not passed over in an address") {
  CHECK(parsed(std::string_view("192.0.2.1\0.example", 18)) == "refused");
  CHECK(parsed(std::string_view("::1\0", 4)) == "refused");
}

TEST_CASE("addresses that are not globally routed are local, up to the last one") {
  for (const char* text :
       {"10.0.0.0",   "10.255.255.255",  "172.16.0.0",      "172.31.255.255",  "192.168.0.0", "192.168.255.255",
        "100.64.0.0", "100.127.255.255", "127.0.0.1",       "127.255.255.255", "169.254.0.0", "169.254.255.255",
        "224.0.0.1",  "239.255.255.255", "255.255.255.255", "0.0.0.0",         "::",          "::1",
        "fe80::1",    "febf::1",         "fc00::1",         "fdff::1",         "ff02::1"}) {
    CAPTURE(std::string(text));
    CHECK(address(text).is_local());
  }
}

TEST_CASE("addresses beside the local ranges are not local") {
  for (const char* text :
       {"9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "100.63.255.255",
        "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "223.255.255.255", "1.1.1.1",
        "2606:4700::1111", "2001:4860:4860::8888", "2a00::1"}) {
    CAPTURE(std::string(text));
    CHECK(!address(text).is_local());
  }
}

TEST_CASE("a socket address prints so that its port cannot be mistaken") {
  CHECK(SocketAddress{address("192.0.2.1"), 80}.text() == "192.0.2.1:80");
  CHECK(SocketAddress{address("2001:db8::1"), 65535}.text() == "[2001:db8::1]:65535");
  CHECK(SocketAddress{address("::"), 0}.text() == "[::]:0");
}

TEST_CASE("addresses sort by their bytes, sockets then by port") {
  CHECK(address("10.0.0.2") < address("10.0.0.10"));
  CHECK(address("9.255.255.255") < address("10.0.0.0"));
  CHECK(SocketAddress{address("10.0.0.1"), 90} < SocketAddress{address("10.0.0.2"), 80});
  CHECK(SocketAddress{address("10.0.0.1"), 80} < SocketAddress{address("10.0.0.1"), 90});
}

TEST_CASE("the halves of an address hold all its bytes in network order") {
  CHECK(address("2001:db8::1").high() == 0x20010db800000000ULL);
  CHECK(address("2001:db8::1").low() == 1);
  CHECK(address("1.2.3.4").low() == 0x0000ffff01020304ULL);
}

TEST_CASE("a prefix is read with its length, or is one address") {
  CHECK(prefix("10.0.0.0/8") == "10.0.0.0/8");
  CHECK(prefix("0.0.0.0/0") == "0.0.0.0/0");
  CHECK(prefix("192.0.2.1") == "192.0.2.1/32");
  CHECK(prefix("2001:db8::/32") == "2001:db8::/32");
  CHECK(prefix("::/0") == "::/0");
  CHECK(prefix("2001:db8::1") == "2001:db8::1/128");
}

TEST_CASE("a prefix with host bits, without a length or with an impossible one is refused") {
  for (const char* text :
       {"10.0.0.1/8", "10.0.0.128/24", "2001:db8::1/127", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1",
        "10.0.0.0/x", "10.0.0.0/8x", "10.0.0.0/8/8", "/8", "", "10.0.0/8", "10.0.0.0/99999999999"}) {
    CAPTURE(std::string(text));
    auto parsed = Prefix::parse(text);
    REQUIRE(!parsed);
    CHECK(parsed.error().kind == ErrorKind::invalid);
  }
  CHECK(prefix("10.0.0.128/25") == "10.0.0.128/25");
  CHECK(prefix("2001:db8::2/127") == "2001:db8::2/127");
}

TEST_CASE("a prefix contains its first and its last address and neither neighbour") {
  CHECK(contains("10.1.2.128/25", "10.1.2.128"));
  CHECK(contains("10.1.2.128/25", "10.1.2.255"));
  CHECK(!contains("10.1.2.128/25", "10.1.2.127"));
  CHECK(!contains("10.1.2.128/25", "10.1.3.0"));
  CHECK(contains("192.0.2.1", "192.0.2.1"));
  CHECK(!contains("192.0.2.1", "192.0.2.2"));
  CHECK(contains("2001:db8::/33", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"));
  CHECK(!contains("2001:db8::/33", "2001:db8:8000::"));
  CHECK(contains("2001:db8::4/126", "2001:db8::7"));
  CHECK(!contains("2001:db8::4/126", "2001:db8::8"));
}

TEST_CASE("a prefix of one family contains nothing of the other") {
  CHECK(contains("0.0.0.0/0", "255.1.2.3"));
  CHECK(!contains("0.0.0.0/0", "2001:db8::1"));
  CHECK(!contains("::/0", "192.0.2.1"));
  CHECK(contains("::/0", "2001:db8::1"));
}

}  // namespace specular::test
