// The formats of capture/link/capture_format.h, through the file that reads them.
#include <doctest/doctest.h>

#include "tests/capture/link/capture_lines.h"

namespace specular::test {
namespace {

const Pcapng kLittle{false}, kBig{true};

// The first words of the last line.
bool ends_with(const std::string& lines, std::string_view kind) {
  auto last = lines.rfind('\n', lines.size() - 2);
  return std::string_view(lines).substr(last == std::string::npos ? 0 : last + 1).starts_with(kind);
}

// One packet at `units`, of an interface with these options.
std::string with_options(const Pcapng& order, std::string_view options, std::uint64_t units) {
  return read_capture(order.section() + order.interface(1, 0, options) + order.packet(0, units, "x"));
}

}  // namespace

TEST_CASE("pcap is read with microseconds and nanoseconds, in both byte orders") {
  for (bool big : {false, true}) {
    Pcap micro{big, kMicroseconds}, nano{big, kNanoseconds};
    CHECK(read_capture(micro.header() + micro.record(1, 2, "one") + micro.record(0xffffffff, 999'999, "two", 100)) ==
          "1.000002000 1 3 one\n4294967295.999999000 1 100 two\n");
    CHECK(read_capture(nano.header() + nano.record(1, 2, "one") + nano.record(2, 999'999'999, "")) ==
          "1.000000002 1 3 one\n2.999999999 1 0 \n");
  }
}

TEST_CASE("the modified pcap format has eight bytes more in each record") {
  for (bool big : {false, true}) {
    Pcap modified{big, kModified};
    CHECK(read_capture(modified.header() + modified.record(1, 2, "one") + modified.record(3, 4, "two")) ==
          "1.000002000 1 3 one\n3.000004000 1 3 two\n");
  }
}

TEST_CASE("old versions of pcap have the two lengths the other way round") {
  for (std::uint16_t minor : {std::uint16_t{2}, std::uint16_t{3}}) {
    Pcap old{false, kMicroseconds, minor};
    std::string swapped = Writer(false).u32(1).u32(2).u32(100).u32(3).raw("one").bytes();
    CHECK(read_capture(old.header() + swapped + old.record(3, 4, "two")) ==
          "1.000002000 1 100 one\n3.000004000 1 3 two\n");
  }
  Pcap between{false, kMicroseconds, 3};
  CHECK(read_capture(between.header() + between.record(1, 2, "one", 100)) == "1.000002000 1 100 one\n");
}

TEST_CASE("a frame is never smaller on the wire than in the capture") {
  Pcap pcap;
  std::string lying = Writer(false).u32(1).u32(2).u32(3).u32(1).raw("one").bytes();
  CHECK(read_capture(pcap.header() + lying) == "1.000002000 1 3 one\n");
  CHECK(read_capture(kLittle.section() + kLittle.interface() + kLittle.packet(0, 1, "one", 1)) ==
        "0.000001000 1 3 one\n");
}

TEST_CASE("what the upper half of pcap's link type says about check sequences is left") {
  Pcap pcap{false, kMicroseconds, 4, 0x14000071};
  CHECK(read_capture(pcap.header() + pcap.record(1, 0, "x")) == "1.000000000 113 1 x\n");
}

TEST_CASE("what is no capture is refused, and says why") {
  CHECK(read_capture("") == "refused: empty\n");
  for (std::string_view content :
       {"a", "abc", "GET / HTTP/1.1\r\n", "\x1f\x8b", "\xa1\xb2\xc3\xd5 and more than a header"}) {
    CHECK(ends_with(read_capture(content), "refused: "));
  }
  std::string header = Pcap{}.header();
  for (std::size_t size : {4, 23}) CHECK(ends_with(read_capture(header.substr(0, size)), "refused: "));
  CHECK(read_file("/nowhere/at/all.pcap") == "refused: No such file or directory\n");
}

TEST_CASE("a capture without packets is one all the same") {
  CHECK(read_capture(Pcap{}.header()).empty());
  CHECK(read_capture(kLittle.section()).empty());
  CHECK(read_capture(kBig.section() + kBig.interface()).empty());
}

TEST_CASE("a pcap cut anywhere keeps what came before, and warns") {
  Pcap pcap;
  std::string one = pcap.header() + pcap.record(1, 0, "one"), all = one + pcap.record(2, 0, "two");
  for (std::size_t size = one.size(); size < all.size(); ++size) {
    std::string lines = read_capture(all.substr(0, size));
    CHECK(lines.starts_with("1.000000000 1 3 one\n"));
    CHECK(ends_with(lines, size == one.size() ? "1.0" : "warning: "));
  }
}

TEST_CASE("a pcap record of an impossible length is an error after what came before") {
  Pcap pcap;
  std::string damaged =
      pcap.header() + pcap.record(1, 0, "one") + Writer(false).u32(2).u32(0).u32(0x7fffffff).u32(4).bytes();
  std::string lines = read_capture(damaged + std::string(100, 'x'));
  CHECK(lines.starts_with("1.000000000 1 3 one\n"));
  CHECK(ends_with(lines, "error: "));
}

TEST_CASE("frames larger than the reader's blocks come whole") {
  Pcap pcap;
  std::string large(1'000'000, 'L'), content = pcap.header();
  for (std::uint32_t i = 0; i < 5; ++i) content += pcap.record(i, 0, large) + pcap.record(i, 1, "small");
  std::string expected;
  for (int i = 0; i < 5; ++i)
    expected += fmt::format("{0}.000000000 1 1000000 {1}\n{0}.000001000 1 5 small\n", i, large);
  CHECK((read_capture(content) == expected));
  content = kBig.section() + kBig.interface() + kBig.packet(0, 1, large) + kBig.packet(0, 2, "small");
  CHECK((read_capture(content) == fmt::format("0.000001000 1 1000000 {}\n0.000002000 1 5 small\n", large)));
}

TEST_CASE("many frames come in order and none is lost between two batches") {
  Pcap pcap;
  std::string content = pcap.header(), expected;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    std::string payload = fmt::format("{:x<{}}", i, 5 + i % 60);
    content += pcap.record(i, 0, payload);
    expected += fmt::format("{}.000000000 1 {} {}\n", i, payload.size(), payload);
  }
  CHECK((read_capture(content) == expected));
}

TEST_CASE("pcapng is read in both byte orders, its times in microseconds unless told otherwise") {
  for (const Pcapng& order : {kLittle, kBig}) {
    CHECK(read_capture(order.section() + order.interface(1) + order.packet(0, 1'700'000'000'000'001, "one") +
                       order.packet(0, 5, "padded", 60)) == "1700000000.000001000 1 3 one\n0.000005000 1 60 padded\n");
  }
}

TEST_CASE("interfaces of a section may differ in everything") {
  std::string resolution = kLittle.option(9, "\x09");
  CHECK(read_capture(kLittle.section() + kLittle.interface(1, 96) + kLittle.interface(113, 0, resolution) +
                     kLittle.interface(101, 65535) + kLittle.packet(2, 1, "raw") + kLittle.packet(0, 2, "eth") +
                     kLittle.packet(1, 3, "sll")) ==
        "0.000001000 101 3 raw\n0.000002000 1 3 eth\n0.000000003 113 3 sll\n");
}

TEST_CASE("each section has its own byte order and its own interfaces") {
  CHECK(read_capture(kLittle.section() + kLittle.interface(1) + kLittle.packet(0, 1, "one") + kBig.section() +
                     kBig.interface(101) + kBig.packet(0, 2, "two") + kLittle.section() + kLittle.interface(113) +
                     kLittle.packet(0, 3, "three")) ==
        "0.000001000 1 3 one\n0.000002000 101 3 two\n0.000003000 113 5 three\n");
}

TEST_CASE("packets of an interface that was not described are left out with a warning") {
  std::string lines = read_capture(kLittle.section() + kLittle.interface() + kLittle.packet(1, 1, "whose") +
                                   kLittle.packet(0, 2, "ours") + kLittle.section() + kLittle.packet(0, 3, "whose"));
  CHECK(lines.starts_with("0.000002000 1 4 ours\nwarning: "));
  CHECK(ends_with(lines, "warning: "));
}

TEST_CASE("times are read in any decimal resolution") {
  auto at = [](char resolution, std::uint64_t units) {
    return with_options(kLittle, kLittle.option(9, std::string(1, resolution)), units);
  };
  CHECK(at(0, 1'700'000'000) == "1700000000.000000000 1 1 x\n");
  CHECK(at(3, 1'700'000'000'123) == "1700000000.123000000 1 1 x\n");
  CHECK(at(6, 1'700'000'000'123'456) == "1700000000.123456000 1 1 x\n");
  CHECK(at(9, 1'700'000'000'123'456'789) == "1700000000.123456789 1 1 x\n");
  CHECK(at(10, 17'000'000'001'234'567'899U) == "1700000000.123456789 1 1 x\n");
  CHECK(at(12, 1'234'567'890'123'456) == "1234.567890123 1 1 x\n");
}

TEST_CASE("times are read in any binary resolution") {
  auto at = [](int exponent, std::uint64_t units) {
    return with_options(kBig, kBig.option(9, std::string(1, static_cast<char>(0x80 | exponent))), units);
  };
  CHECK(at(0, 1'700'000'000) == "1700000000.000000000 1 1 x\n");
  CHECK(at(1, 3) == "1.500000000 1 1 x\n");
  CHECK(at(10, (std::uint64_t{1'700'000'000} << 10) + 256) == "1700000000.250000000 1 1 x\n");
  CHECK(at(32, (std::uint64_t{1'700'000'000} << 32) + (std::uint64_t{1} << 31)) == "1700000000.500000000 1 1 x\n");
}

TEST_CASE("times that cannot be are brought to the nearer end of those that can") {
  auto at = [](std::int64_t offset, std::uint64_t units) {
    return with_options(kBig, kBig.option(14, Writer(true).u64(static_cast<std::uint64_t>(offset)).bytes()), units);
  };
  CHECK(at(0, std::numeric_limits<std::uint64_t>::max()) == "4611686018.427387903 1 1 x\n");
  CHECK(at(std::numeric_limits<std::int64_t>::max(), 0) == "4611686018.427387903 1 1 x\n");
  CHECK(at(std::numeric_limits<std::int64_t>::min(), 0) == "-2305843010.786306048 1 1 x\n");
}

TEST_CASE("an interface's time offset is added, also if it is negative") {
  auto at = [](std::int64_t offset, std::string more = "") {
    std::string options = kBig.option(14, Writer(true).u64(static_cast<std::uint64_t>(offset)).bytes()) + more;
    return with_options(kBig, options, 5'000'001);
  };
  CHECK(at(1'700'000'000) == "1700000005.000001000 1 1 x\n");
  CHECK(at(-3) == "2.000001000 1 1 x\n");
  CHECK(at(-7) == "-2.000001000 1 1 x\n");
  CHECK(at(100, kBig.option(9, "\x07")) == "100.500000100 1 1 x\n");
}

TEST_CASE("options that are not needed, are of a wrong size or come behind their end are passed over") {
  std::string name = kLittle.option(2, "eth0 of seven"), end = kLittle.option(0, "");
  CHECK(with_options(kLittle, name + kLittle.option(9, "\x09") + end, 5) == "0.000000005 1 1 x\n");
  CHECK(with_options(kLittle, end + kLittle.option(9, "\x09"), 5) == "0.000005000 1 1 x\n");
  CHECK(with_options(kLittle, kLittle.option(9, "\x09\x09") + kLittle.option(14, "abc"), 5) == "0.000005000 1 1 x\n");
  CHECK(with_options(kLittle, Writer(false).u16(2).u16(0xffff).raw("abcd").bytes(), 5) == "0.000005000 1 1 x\n");
}

TEST_CASE("simple packets have the first interface and the time of the packet before") {
  for (const Pcapng& order : {kLittle, kBig}) {
    CHECK(read_capture(order.section() + order.interface(101) + order.interface(1) + order.simple("one") +
                       order.packet(1, 7'000'000, "two") + order.simple("three")) ==
          "0.000000000 101 3 one\n7.000000000 1 3 two\n7.000000000 101 5 three\n");
  }
}

TEST_CASE("a simple packet was cut at the snap length, and its padding is no part of it") {
  CHECK(read_capture(kLittle.section() + kLittle.interface(1, 5) + kLittle.simple("hello", 100)) ==
        "0.000000000 1 100 hello\n");
  CHECK(read_capture(kLittle.section() + kLittle.simple("hello") + kLittle.interface()).starts_with("warning: "));
}

TEST_CASE("obsolete packet blocks are read") {
  for (const Pcapng& order : {kLittle, kBig}) {
    CHECK(read_capture(order.section() + order.interface(1) + order.interface(101) + order.obsolete(1, 3, "one")) ==
          "0.000003000 101 3 one\n");
  }
}

TEST_CASE("blocks that are not known are skipped, wherever they are") {
  std::string unknown = kLittle.block(0x0bad, "whatever"),
              custom = kLittle.block(0x80000001, "\x01\x02\x03\x04 custom");
  std::string names = kLittle.block(4, ""), statistics = kLittle.block(5, std::string(30, 's'));
  CHECK(read_capture(kLittle.section() + unknown + kLittle.interface() + custom + kLittle.packet(0, 1, "one") + names +
                     statistics + kLittle.packet(0, 2, "two") + custom) ==
        "0.000001000 1 3 one\n0.000002000 1 3 two\n");
}

TEST_CASE("decryption secrets are kept as they are") {
  Folder folder;
  std::string lines = "CLIENT_RANDOM 00 11\n", path;
  path = folder.write("secrets.pcapng", kBig.section() + kBig.secrets(0x544c534b, lines) + kBig.interface() +
                                            kBig.packet(0, 1, "x") + kBig.secrets(0x57474b4c, "odd"));
  auto file = CaptureFile::open(path);
  REQUIRE(file);
  while (!(*file)->next()->empty()) {
  }
  REQUIRE((*file)->secrets().size() == 2);
  CHECK((*file)->secrets()[0].type == 0x544c534b);
  CHECK((*file)->secrets()[0].data == lines);
  CHECK((*file)->secrets()[1].type == 0x57474b4c);
  CHECK((*file)->secrets()[1].data == "odd");
}

TEST_CASE("damaged pcapng lengths are errors after what came before, never frames") {
  std::string good = kLittle.section() + kLittle.interface() + kLittle.packet(0, 1, "one");
  std::string packet = kLittle.packet(0, 2, "two!");
  auto with = [&](std::size_t at, std::string_view bytes) {
    std::string changed = packet;
    changed.replace(at, bytes.size(), bytes);
    return read_capture(good + changed + kLittle.packet(0, 3, "three"));
  };
  using namespace std::string_view_literals;
  for (auto [at, bytes] : {std::pair{std::size_t{4}, "\x08\0\0\0"sv},
                           {4, "\x25\0\0\0"sv},
                           {4, "\xff\xff\xff\x7f"sv},
                           {4, "\0\0\0\0"sv},
                           {packet.size() - 4, "\x28\0\0\0"sv},
                           {20, "\xff\xff\xff\xff"sv},
                           {20, "\x05\0\0\0"sv},
                           {8, "\0"sv}}) {
    CAPTURE(at);
    std::string lines = with(at, bytes);
    CHECK(lines.starts_with("0.000001000 1 3 one\n"));
    if (at != 8) CHECK(ends_with(lines, "error: "));
    if (at == 8) CHECK(lines == "0.000001000 1 3 one\n0.000002000 1 4 two!\n0.000003000 1 5 three\n");
  }
}

TEST_CASE("blocks too short for what they are are errors") {
  std::string good = kLittle.section() + kLittle.interface() + kLittle.packet(0, 1, "one");
  for (auto [type, size] : {std::pair{1u, 4u}, {6u, 16u}, {2u, 16u}, {3u, 0u}, {10u, 4u}}) {
    CAPTURE(type);
    std::string lines = read_capture(good + kLittle.block(type, std::string(size, '\0')));
    CHECK(lines.starts_with("0.000001000 1 3 one\n"));
    CHECK(ends_with(lines, "error: "));
  }
  std::string long_secrets = kLittle.block(10, Writer(false).u32(0x544c534b).u32(100).raw("abcd").bytes());
  CHECK(ends_with(read_capture(good + long_secrets), "error: "));
}

TEST_CASE("a section without a byte order is an error") {
  std::string section = kLittle.section();
  section[8] = 'x';
  CHECK(ends_with(read_capture(section), "error: "));
  CHECK(ends_with(read_capture(kLittle.section() + kLittle.interface() + section), "error: "));
}

TEST_CASE("a pcapng cut anywhere keeps what came before, and warns") {
  std::string one = kLittle.section() + kLittle.interface() + kLittle.packet(0, 1, "one"),
              all = one + kLittle.packet(0, 2, "two");
  for (std::size_t size = one.size(); size < all.size(); ++size) {
    std::string lines = read_capture(all.substr(0, size));
    CHECK(lines.starts_with("0.000001000 1 3 one\n"));
    CHECK(ends_with(lines, size == one.size() ? "0.000001" : "warning: "));
  }
}

TEST_CASE("any byte of a capture may be anything: its reader ends") {
  std::string ng = kLittle.section() + kLittle.interface(1, 0, kLittle.option(9, "\x09")) +
                   kLittle.packet(0, 1, "one") + kLittle.simple("two") + kLittle.secrets(1, "key") +
                   kLittle.packet(0, 2, "three");
  Pcap pcap;
  std::string old = pcap.header() + pcap.record(1, 0, "one") + pcap.record(2, 0, "two");
  Folder folder;
  for (const std::string& content : {ng, old}) {
    for (std::size_t at = 0; at < content.size(); ++at) {
      for (char value : {'\0', '\x7f', '\xff'}) {
        std::string changed = content;
        changed[at] = value;
        std::string lines = read_file(folder.write("changed", changed));
        CHECK(lines.find("no end") == std::string::npos);
      }
    }
  }
}

}  // namespace specular::test
