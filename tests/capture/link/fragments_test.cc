#include "capture/link/fragments.h"

#include <algorithm>
#include <map>
#include <numeric>

#include <doctest/doctest.h>

#include "tests/capture/link/frames.h"

namespace specular::test {
namespace {

using Outcome = FragmentTable::Outcome;
using std::chrono::seconds;

constexpr Timestamp kNow{seconds(1'700'000'000)};

FragmentKey key(std::uint32_t id) {
  return {socket_address("10.0.0.1:0").address, socket_address("10.0.0.2:0").address, 0, id, 6};
}

// A datagram of 64 bytes, in parts of 16 that can be added in any order.
class Parts {
 public:
  explicit Parts(FragmentTable& table, std::uint32_t id = 1) : table_(table), id_(id) {
    whole_.resize(64);
    std::iota(whole_.begin(), whole_.end(), std::uint8_t{1});
  }

  Outcome add(std::uint32_t offset, std::uint32_t size = 16, Timestamp time = kNow) {
    bool more = offset + size < whole_.size();
    auto added = table_.add(key(id_), time, offset, more, Bytes(whole_).subspan(offset, size));
    if (added.outcome == Outcome::whole) matches = std::ranges::equal(added.datagram, whole_);
    return added.outcome;
  }
  Outcome add_changed(std::uint32_t offset, std::uint32_t size = 16) {
    ++whole_[offset];
    Outcome outcome = add(offset, size);
    --whole_[offset];
    return outcome;
  }

  bool matches = false;

 private:
  FragmentTable& table_;
  std::uint32_t id_;
  Octets whole_;
};

FragmentTable make_table() {
  return FragmentTable(1 << 20, seconds(30));
}

// The parts of an IP packet as a router would make them, each with `size` bytes of payload.
std::vector<Octets> fragments_v4(const TcpSegment& segment, std::size_t size, std::uint8_t protocol = 6) {
  Octets payload = tcp_of(segment);
  std::vector<Octets> frames;
  for (std::size_t at = 0; at < payload.size(); at += size) {
    Octets part(payload.begin() + static_cast<std::ptrdiff_t>(at),
                payload.begin() + static_cast<std::ptrdiff_t>(std::min(at + size, payload.size())));
    Octets ip = ipv4(protocol, part);
    Octets field = big16(static_cast<std::uint32_t>(at / 8) | (at + size < payload.size() ? 0x2000u : 0u));
    std::copy(field.begin(), field.end(), ip.begin() + 6);
    frames.push_back(ethernet(ip));
  }
  return frames;
}

std::vector<Octets> fragments_v6(const TcpSegment& segment, std::size_t size, std::uint8_t later_next = 6) {
  Octets payload = tcp_of(segment);
  std::vector<Octets> frames;
  for (std::size_t at = 0; at < payload.size(); at += size) {
    Octets part(payload.begin() + static_cast<std::ptrdiff_t>(at),
                payload.begin() + static_cast<std::ptrdiff_t>(std::min(at + size, payload.size())));
    std::uint32_t field = static_cast<std::uint32_t>(at) | (at + size < payload.size() ? 1u : 0u);
    std::uint8_t next = at == 0 ? 6 : later_next;
    frames.push_back(ethernet(ipv6(44, join({{next, 0}, big16(field), big32(77), part}))));
  }
  return frames;
}

// What the last frame gave, the others having given nothing.
std::string feed(Decoding& decode, const std::vector<Octets>& frames) {
  std::string text;
  for (const Octets& frame : frames) {
    if (!text.empty()) CHECK(text == "fragment_held");
    text = decode.text(frame);
  }
  return text;
}

}  // namespace

TEST_CASE("fragments make a datagram in whatever order they come") {
  std::array<std::uint32_t, 4> order{0, 16, 32, 48};
  do {
    FragmentTable table = make_table();
    Parts parts(table);
    for (int i = 0; i < 3; ++i) CHECK(parts.add(order[static_cast<std::size_t>(i)]) == Outcome::held);
    CHECK(parts.add(order[3]) == Outcome::whole);
    CHECK(parts.matches);
    CHECK(table.bytes_held() == 0);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("repeated fragments change nothing") {
  FragmentTable table = make_table();
  Parts parts(table);
  for (std::uint32_t offset : {0u, 0u, 48u, 48u, 32u, 0u}) CHECK(parts.add(offset) == Outcome::held);
  CHECK(parts.add(16) == Outcome::whole);
  CHECK(parts.matches);
}

TEST_CASE("a fragment that overlaps others ends its datagram for good") {
  for (auto [offset, size] : {std::pair{8u, 16u}, {24u, 16u}, {16u, 8u}, {16u, 24u}, {24u, 8u}, {0u, 64u}}) {
    CAPTURE(offset);
    CAPTURE(size);
    FragmentTable table = make_table();
    Parts parts(table);
    CHECK(parts.add(16) == Outcome::held);
    CHECK(parts.add(offset, size) == Outcome::refused);
    for (std::uint32_t rest : {0u, 16u, 32u, 48u}) CHECK(parts.add(rest) == Outcome::refused);
  }
}

TEST_CASE("a fragment at the same place with other bytes ends its datagram") {
  FragmentTable table = make_table();
  Parts parts(table);
  CHECK(parts.add(0) == Outcome::held);
  CHECK(parts.add_changed(0) == Outcome::refused);
  CHECK(parts.add(16) == Outcome::refused);
  CHECK(parts.add(32) == Outcome::refused);
  CHECK(parts.add(48) == Outcome::refused);
}

TEST_CASE("after a refused datagram has timed out its identification can be used again") {
  FragmentTable table = make_table();
  Parts parts(table);
  (void)parts.add(0);
  CHECK(parts.add_changed(0) == Outcome::refused);
  Timestamp later = kNow + seconds(31);
  for (std::uint32_t offset : {0u, 16u, 32u}) CHECK(parts.add(offset, 16, later) == Outcome::held);
  CHECK(parts.add(48, 16, later) == Outcome::whole);
  CHECK(parts.matches);
}

TEST_CASE("what reaches beyond the announced end is refused") {
  Octets bytes(16);
  FragmentTable table = make_table();
  CHECK(table.add(key(1), kNow, 16, false, bytes).outcome == Outcome::held);
  CHECK(table.add(key(1), kNow, 32, true, bytes).outcome == Outcome::refused);
  CHECK(table.add(key(2), kNow, 32, true, bytes).outcome == Outcome::held);
  CHECK(table.add(key(2), kNow, 0, false, bytes).outcome == Outcome::refused);
  CHECK(table.add(key(3), kNow, 16, false, bytes).outcome == Outcome::held);
  CHECK(table.add(key(3), kNow, 48, false, bytes).outcome == Outcome::refused);
}

TEST_CASE("fragments that no sender makes are refused: empty, crooked, beyond 64 KiB") {
  FragmentTable table = make_table();
  Octets bytes(16);
  CHECK(table.add(key(1), kNow, 0, true, {}).outcome == Outcome::refused);
  CHECK(table.add(key(2), kNow, 0, true, Bytes(bytes).first(15)).outcome == Outcome::refused);
  CHECK(table.add(key(3), kNow, 65528, false, bytes).outcome == Outcome::refused);
  CHECK(table.add(key(4), kNow, 65520, false, Bytes(bytes).first(15)).outcome == Outcome::held);
}

TEST_CASE("fragments of different datagrams, networks and protocols do not mix") {
  FragmentTable table = make_table();
  FragmentKey first = key(1);
  std::array<FragmentKey, 5> others{first, first, first, first, first};
  others[0].id = 2;
  others[1].protocol = 17;
  others[2].tunnel = 1;
  std::swap(others[3].source, others[3].destination);
  others[4].destination = socket_address("10.0.0.3:0").address;
  Octets bytes(16);
  CHECK(table.add(first, kNow, 0, true, bytes).outcome == Outcome::held);
  for (const FragmentKey& other : others) CHECK(table.add(other, kNow, 16, false, bytes).outcome == Outcome::held);
  CHECK(table.add(first, kNow, 16, false, bytes).outcome == Outcome::whole);
}

TEST_CASE("a datagram that is not whole in time is forgotten") {
  FragmentTable table = make_table();
  Parts parts(table), slow(table, 2);
  for (std::uint32_t offset : {0u, 16u, 32u}) {
    CHECK(parts.add(offset) == Outcome::held);
    CHECK(slow.add(offset) == Outcome::held);
  }
  CHECK(parts.add(48, 16, kNow + seconds(29)) == Outcome::whole);
  CHECK(slow.add(48, 16, kNow + seconds(31)) == Outcome::held);
  std::size_t held = table.bytes_held();
  CHECK(slow.add(0, 16, kNow + seconds(100)) == Outcome::held);
  CHECK(table.bytes_held() == held);
}

TEST_CASE("the bytes held stay within the limit; the oldest datagrams make room") {
  FragmentTable table(16 * 1024, seconds(30));
  Octets bytes(1000);
  std::size_t most = 0;
  for (std::uint32_t id = 0; id < 1000; ++id) {
    CHECK(table.add(key(id), kNow, 0, true, bytes).outcome == Outcome::held);
    most = std::max(most, table.bytes_held());
  }
  CHECK(most <= 16 * 1024);
  CHECK(most > 8 * 1024);
  CHECK(table.add(key(999), kNow, 1000, false, bytes).outcome == Outcome::whole);
  CHECK(table.add(key(0), kNow, 1000, false, bytes).outcome == Outcome::held);
}

TEST_CASE("a datagram larger than the limit is refused, and leaves nothing behind") {
  FragmentTable table(4 * 1024, seconds(30));
  Octets bytes(1000);
  Outcome outcome = Outcome::held;
  for (std::uint32_t i = 0; i < 10 && outcome == Outcome::held; ++i) {
    outcome = table.add(key(1), kNow, i * 1000, true, bytes).outcome;
  }
  CHECK(outcome == Outcome::refused);
  CHECK(table.bytes_held() <= 4 * 1024);
  CHECK(table.add(key(2), kNow, 0, true, bytes).outcome == Outcome::held);
}

TEST_CASE("an endless number of tiny fragments is bounded") {
  FragmentTable table(1 << 20, seconds(30));
  Octets bytes(8);
  std::uint32_t held = 0;
  while (held < 8000 && table.add(key(1), kNow, held * 16, true, bytes).outcome == Outcome::held) ++held;
  CHECK(held < 8000);
}

TEST_CASE("IPv4 segments are decoded from their fragments, in and out of order") {
  auto frames = fragments_v4(sample_v4("hello"), 8);
  REQUIRE(frames.size() == 4);
  Decoding decode, reversed;
  CHECK(feed(decode, frames) == kSample);
  CHECK(decode.decoder().counters().dropped_fragment_held.value() == 3);
  std::reverse(frames.begin(), frames.end());
  CHECK(feed(reversed, frames) == kSample);
}

TEST_CASE("IPv6 segments are decoded from their fragments, in and out of order") {
  auto frames = fragments_v6(sample_v6("hello"), 16);
  REQUIRE(frames.size() == 2);
  Decoding decode, reversed;
  CHECK(feed(decode, frames) == kSample6);
  std::reverse(frames.begin(), frames.end());
  CHECK(feed(reversed, frames) == kSample6);
}

TEST_CASE("of IPv6 fragments only the first says what the datagram carries") {
  Decoding decode, reversed;
  auto frames = fragments_v6(sample_v6("hello"), 16, 59);
  CHECK(feed(decode, frames) == kSample6);
  std::reverse(frames.begin(), frames.end());
  CHECK(feed(reversed, frames) == kSample6);
}

TEST_CASE("an atomic fragment is a whole datagram, whatever else has its identification") {
  Decoding decode;
  auto parts = fragments_v6(sample_v6("hello"), 16);
  CHECK(decode.text(parts[0]) == "fragment_held");
  CHECK(feed(decode, fragments_v6(sample_v6("hello"), 100)) == kSample6);
  CHECK(decode.text(parts[1]) == kSample6);
}

TEST_CASE("fragments that the capture cut are of no use, and say so") {
  Decoding decode;
  auto frames = fragments_v4(sample_v4("hello"), 16);
  CHECK(decode(LinkType::ethernet, frames[0], 1).text() == "header_cut");
  CHECK(decode.text(frames[1]) == "fragment_held");
  CHECK(decode.text(frames[0]) == kSample);
}

TEST_CASE("fragments of two tunnels do not mix, and those of one may be wrapped in turn") {
  Decoding decode;
  auto frames = fragments_v4(sample_v4("hello"), 16);
  CHECK(decode.text(in_vxlan(frames[0], 7)) == "fragment_held");
  CHECK(decode.text(in_vxlan(frames[1], 8)) == "fragment_held");
  CHECK(decode.text(in_vxlan(frames[1], 7)) == kSample + " in vxlan:7");
  CHECK(decode.text(in_vxlan(frames[0], 8)) == kSample + " in vxlan:8");
}

TEST_CASE("a tunnel's own packets may come in fragments") {
  Octets outer = in_vxlan(ethernet_frame(sample_v4()), 7);
  Octets udp = drop_front(outer, 14 + 20);
  Decoding decode;
  for (auto [at, size, more] : {std::tuple{48u, udp.size() - 48, false}, {0u, std::size_t{48}, true}}) {
    Octets ip = ipv4(17, Octets(udp.begin() + at, udp.begin() + static_cast<std::ptrdiff_t>(at + size)));
    Octets field = big16(at / 8 | (more ? 0x2000u : 0u));
    std::copy(field.begin(), field.end(), ip.begin() + 6);
    CHECK(decode.text(ethernet(ip)) == (more ? kSample + " in vxlan:7" : "fragment_held"));
  }
}

TEST_CASE("overlapping fragments are counted as refused") {
  Decoding decode;
  auto frames = fragments_v4(sample_v4("hello world"), 16), others = fragments_v4(sample_v4("HELLO WORLD"), 24);
  CHECK(decode.text(frames[0]) == "fragment_held");
  CHECK(decode.text(others[0]) == "fragment_refused");
  CHECK(decode.text(frames[1]) == "fragment_refused");
  CHECK(decode.decoder().counters().dropped_fragment_refused.value() == 2);
}

TEST_CASE("of a capture that ended no fragment is kept for the next") {
  auto table = make_table();
  Parts parts(table);
  CHECK(parts.add(0) == Outcome::held);
  table.clear();
  CHECK(table.bytes_held() == 0);
  for (std::uint32_t at : {16u, 32u, 48u}) CHECK(parts.add(at) == Outcome::held);
  CHECK(parts.add(0) == Outcome::whole);
}

}  // namespace specular::test
