#include "capture/link/frame_filter.h"

#include <doctest/doctest.h>

#include "tests/capture/link/frames.h"

namespace specular::test {
namespace {

using std::chrono::seconds;

struct Passed final : FrameSink {
  std::size_t frames = 0, calls = 0;
  std::vector<std::int64_t> times;

  void on_frames(std::span<const Frame> some) override {
    ++calls;
    frames += some.size();
    for (const Frame& frame : some) times.push_back(frame.time.time_since_epoch() / seconds(1));
  }
};

Frame frame_at(std::int64_t second, const Octets& bytes, LinkType link = LinkType::ethernet) {
  return {Timestamp(seconds(second)), bytes, static_cast<std::uint32_t>(bytes.size()), link};
}

// How many of the frames pass, in one call.
std::size_t passing(const std::string& expression, const std::vector<std::pair<LinkType, Octets>>& inputs) {
  Passed passed;
  auto filter = FrameFilter::create(expression, Timestamp::min(), Timestamp::max(), passed);
  REQUIRE(filter);
  std::vector<Frame> frames;
  for (const auto& [link, bytes] : inputs) frames.push_back(frame_at(1, bytes, link));
  (*filter)->on_frames(frames);
  return passed.frames;
}

bool passes(const std::string& expression, LinkType link, const Octets& bytes) {
  return passing(expression, {{link, bytes}}) == 1;
}

}  // namespace

TEST_CASE("a span of time lets its beginning in and its end out") {
  Passed passed;
  auto filter = FrameFilter::create("", Timestamp(seconds(10)), Timestamp(seconds(20)), passed);
  REQUIRE(filter);
  std::vector<Frame> frames;
  for (std::int64_t second : {9, 10, 15, 19, 20, 21}) frames.push_back(frame_at(second, {}));
  (*filter)->on_frames(frames);
  CHECK(passed.times == std::vector<std::int64_t>{10, 15, 19});
}

TEST_CASE("an empty expression lets every link type through, also those that nobody knows") {
  CHECK(passing("", {{LinkType::ethernet, {}}, {LinkType::raw, {1, 2}}, {static_cast<LinkType>(9999), {}}}) == 3);
}

TEST_CASE("an expression in libpcap's language chooses among Ethernet frames") {
  Octets web = ethernet_frame(sample_v4()), web6 = ethernet_frame(sample_v6());
  TcpSegment other = sample_v4();
  other.to.port = 81;
  CHECK(passes("tcp port 80", LinkType::ethernet, web));
  CHECK(passes("tcp port 80", LinkType::ethernet, web6));
  CHECK(!passes("tcp port 80", LinkType::ethernet, ethernet_frame(other)));
  CHECK(passes("host 10.0.0.1 and not udp", LinkType::ethernet, web));
  CHECK(!passes("ip6", LinkType::ethernet, web));
  CHECK(!passes("tcp", LinkType::ethernet, {}));
}

TEST_CASE("frames keep their order, and a batch of which none passes is not passed on") {
  Octets web = ethernet_frame(sample_v4()), other = ethernet_frame(sample_v6());
  Passed passed;
  auto filter = FrameFilter::create("ip", Timestamp::min(), Timestamp::max(), passed);
  REQUIRE(filter);
  std::vector<Frame> frames{frame_at(3, web), frame_at(1, other), frame_at(2, web)}, none{frame_at(4, other)};
  (*filter)->on_frames(frames);
  (*filter)->on_frames(none);
  CHECK(passed.times == std::vector<std::int64_t>{3, 2});
  CHECK(passed.calls == 1);
}

TEST_CASE("a full batch passes whole") {
  Octets web = ethernet_frame(sample_v4());
  std::vector<std::pair<LinkType, Octets>> inputs(kBatch, {LinkType::ethernet, web});
  CHECK(passing("tcp", inputs) == kBatch);
}

TEST_CASE("an expression is understood for every link type that is decoded") {
  Octets v4 = ip_packet(sample_v4()), v6 = ip_packet(sample_v6());
  Octets wireless = join({{0x08, 0x01}, zeros(22), {0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, v4});
  struct Sample {
    LinkType link;
    Octets bytes;
  };
  for (const Sample& sample : {
           Sample{LinkType::null, join({{2, 0, 0, 0}, v4})},
           {LinkType::loop, join({{0, 0, 0, 2}, v4})},
           {LinkType::ppp, join({{0xff, 3, 0, 0x21}, v4})},
           {LinkType::ppp_hdlc, join({{0xff, 3, 0, 0x21}, v4})},
           {LinkType::raw, v4},
           {LinkType::raw, v6},
           {LinkType::raw_bsd, v4},
           {LinkType::raw_openbsd, v4},
           {LinkType::ipv4, v4},
           {LinkType::ipv6, v6},
           {LinkType::linux_sll, join({zeros(14), {8, 0}, v4})},
           {LinkType::linux_sll2, join({{8, 0}, zeros(18), v4})},
           {LinkType::ieee802_11, wireless},
           {LinkType::radiotap, join({{0, 0, 8, 0}, zeros(4), wireless})},
       }) {
    CAPTURE(static_cast<int>(sample.link));
    CHECK(passes("tcp port 80", sample.link, sample.bytes));
    CHECK(!passes("tcp port 81", sample.link, sample.bytes));
  }
}

TEST_CASE("several link types in one batch are filtered each in its own way") {
  Octets v4 = ip_packet(sample_v4());
  CHECK(passing("tcp port 80", {{LinkType::ethernet, ethernet(v4)},
                                {LinkType::linux_sll, join({zeros(14), {8, 0}, v4})},
                                {LinkType::ethernet, v4},
                                {LinkType::linux_sll, ethernet(v4)},
                                {LinkType::null, join({{2, 0, 0, 0}, v4})}}) == 3);
}

TEST_CASE("frames of a link type for which the expression has no meaning do not pass") {
  Octets v4 = ip_packet(sample_v4());
  CHECK(passes("ether host 02:00:00:00:00:01", LinkType::ethernet, ethernet(v4)));
  CHECK(!passes("ether host 02:00:00:00:00:01", LinkType::ipv4, v4));
  CHECK(!passes("tcp", static_cast<LinkType>(9999), ethernet(v4)));
}

TEST_CASE("the size that a frame had on the wire is what expressions mean by its length") {
  Octets bytes = ethernet_frame(sample_v4());
  Passed passed;
  auto filter = FrameFilter::create("greater 1000", Timestamp::min(), Timestamp::max(), passed);
  REQUIRE(filter);
  Frame cut{Timestamp(seconds(1)), bytes, 1500, LinkType::ethernet}, whole = frame_at(2, bytes);
  (*filter)->on_frames(std::vector<Frame>{cut, whole});
  CHECK(passed.times == std::vector<std::int64_t>{1});
}

TEST_CASE("a mistake in an expression is told in one line that quotes it") {
  Passed passed;
  for (const char* expression : {"tcp prot 80", "host", "port http-ish", "(tcp", "&&"}) {
    CAPTURE(std::string(expression));
    auto filter = FrameFilter::create(expression, Timestamp::min(), Timestamp::max(), passed);
    REQUIRE(!filter);
    CHECK(filter.error().kind == ErrorKind::invalid);
    CHECK(filter.error().text.find(expression) != std::string::npos);
    CHECK(filter.error().text.find('\n') == std::string::npos);
  }
}

TEST_CASE("an expression may have its meaning for one link type alone, whose frames it is for") {
  Octets beacon = from_hex("80000000ffffffffffff0200000000010200000000010000");
  CHECK(passes("type mgt", LinkType::ieee802_11, beacon));
  CHECK(!passes("type mgt", LinkType::ethernet, ethernet_frame(sample_v4())));
}

}  // namespace specular::test
