#include "capture/packet_queue.h"

#include <set>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace specular::test {
namespace {

using namespace std::chrono_literals;

// What a shard was told, as text.
struct Told final : PacketSink {
  std::vector<std::string> lines;
  void on_packets(std::span<const Packet> packets) override {
    CHECK(packets.size() <= kBatch);
    for (const Packet& packet : packets) lines.push_back(fmt::format("{} {}", packet.seq, as_text(packet.payload)));
  }
  void enter_epoch(EpochNumber epoch) override { lines.push_back(fmt::format("epoch {}", epoch)); }
  void flush() override { lines.push_back("flush"); }
};

Packet packet_of(std::uint32_t seq, std::string_view payload) {
  Packet packet;
  packet.seq = seq;
  packet.payload = as_bytes(payload);
  packet.payload_size = static_cast<std::uint32_t>(payload.size());
  return packet;
}

// A source's buffers, by number.
struct Buffers final : FrameBuffers {
  std::size_t most = 1'000'000;
  std::multiset<void*> kept;
  std::vector<std::size_t> releases;  // how many at once

  bool keep(void* buffer) override {
    if (kept.size() == most) return false;
    kept.insert(buffer);
    return true;
  }
  void release(std::span<void* const> buffers) override {
    releases.push_back(buffers.size());
    for (void* buffer : buffers) {
      auto found = kept.find(buffer);
      REQUIRE(found != kept.end());
      kept.erase(found);
    }
  }
};

// The payload stands in the buffer.
void push_in(PacketQueue& queue, std::uint32_t seq, std::string& buffer) {
  Packet packet = packet_of(seq, buffer);
  packet.buffer = &buffer;
  queue.on_packets(std::span(&packet, 1));
}

void push(PacketQueue& queue, std::uint32_t seq, std::string payload) {
  Packet packet = packet_of(seq, payload);
  queue.on_packets(std::span(&packet, 1));
  std::fill(payload.begin(), payload.end(), '#');  // the view ends with the call
}

}  // namespace

TEST_CASE("packets come out as they went in, with their payloads, epochs and the end between them") {
  PacketQueue queue(8);
  push(queue, 1, "one");
  push(queue, 2, "");
  queue.enter_epoch(17);
  push(queue, 3, "three");
  queue.flush();
  queue.publish();
  Told told;
  CHECK(queue.take(told));
  CHECK(told.lines == std::vector<std::string>{"1 one", "2 ", "epoch 17", "3 three", "flush"});
  CHECK_FALSE(queue.take(told));
}

TEST_CASE("a burst is seen once it is published") {
  PacketQueue queue(8);
  push(queue, 1, "one");
  Told told;
  CHECK_FALSE(queue.take(told));
  queue.publish();
  CHECK(queue.take(told));
  CHECK(told.lines.size() == 1);
}

TEST_CASE("packets that find no room are counted; a slot that was used again holds no old ones") {
  PacketQueue queue(2);
  for (std::uint32_t i = 0; i < 3 * kBatch; ++i) push(queue, i, "x");
  CHECK(queue.counters().dropped.value() == kBatch);
  queue.publish();
  Told told;
  CHECK(queue.take(told));
  CHECK(told.lines.size() == 2 * kBatch);
  push(queue, 1000, "y");
  queue.publish();
  told.lines.clear();
  CHECK(queue.take(told));
  CHECK(told.lines == std::vector<std::string>{"1000 y"});
}

TEST_CASE("the largest payloads pass") {
  PacketQueue queue(4);
  std::string large(65'000, 'z');
  for (std::uint32_t i = 0; i < 3; ++i) push(queue, i, large);
  queue.publish();
  Told told;
  CHECK(queue.take(told));
  REQUIRE(told.lines.size() == 3);
  CHECK(told.lines[2] == "2 " + large);
}

TEST_CASE("buffers are kept while the consumer reads them, and released batch by batch when it is done") {
  Buffers buffers;
  std::vector<std::string> texts;
  for (std::uint32_t i = 0; i < 3 * kBatch; ++i) texts.push_back(fmt::format("payload {}", i));
  PacketQueue queue(8, &buffers);
  for (std::uint32_t i = 0; i < texts.size(); ++i) push_in(queue, i, texts[i]);
  queue.publish();
  CHECK(buffers.kept.size() == 3 * kBatch);
  texts[5][0] = 'P';  // which shows that nothing was copied
  Told told;
  CHECK(queue.take(told));
  REQUIRE(told.lines.size() == 3 * kBatch);
  CHECK(told.lines[4] == "4 payload 4");
  CHECK(told.lines[5] == "5 Payload 5");
  CHECK(buffers.kept.size() == 3 * kBatch);  // releasing is the producer's
  queue.publish();
  CHECK(buffers.kept.empty());
  CHECK(buffers.releases == std::vector<std::size_t>(3, kBatch));
}

TEST_CASE("what stands in no buffer, or in one that cannot be spared, is copied; empty payloads take none") {
  Buffers buffers;
  buffers.most = 2;
  PacketQueue queue(8, &buffers);
  std::string one = "one", two = "two", three = "three", empty;
  push_in(queue, 1, one);
  push(queue, 2, "borrowed");
  push_in(queue, 3, empty);
  push_in(queue, 4, two);
  push_in(queue, 5, three);
  three = "#####";
  queue.publish();
  CHECK(buffers.kept.size() == 2);
  Told told;
  CHECK(queue.take(told));
  CHECK(told.lines == std::vector<std::string>{"1 one", "2 borrowed", "3 ", "4 two", "5 three"});
}

TEST_CASE("batches that are used again, while few are read, release what they held before") {
  Buffers buffers;
  PacketQueue queue(2, &buffers);
  std::string text = "x";
  Told told;
  for (std::uint32_t round = 0; round < 50; ++round) {
    for (std::uint32_t i = 0; i < 3 * kBatch; ++i) push_in(queue, i, text);  // the third batch finds no room
    CHECK(buffers.kept.size() == 2 * kBatch);
    queue.publish();
    CHECK(queue.take(told));
  }
  CHECK(told.lines.size() == 50 * 2 * kBatch);
  CHECK(queue.counters().dropped.value() == 50 * kBatch);
}

TEST_CASE("between two threads each payload is read before its buffer is used again") {
  constexpr std::uint32_t kPackets = 100'000;
  // A pool of buffers that are written anew as soon as they are released.
  struct Pool final : FrameBuffers {
    std::vector<std::string> texts = std::vector<std::string>(8, std::string(16, '-'));
    std::vector<std::string*> free;

    Pool() {
      for (std::string& text : texts) free.push_back(&text);
    }
    bool keep(void*) override { return true; }
    void release(std::span<void* const> buffers) override {
      for (void* buffer : buffers) {
        free.push_back(static_cast<std::string*>(buffer));
        free.back()->assign(16, '#');
      }
    }
  } pool;
  struct Numbers final : PacketSink {
    std::uint32_t count = 0;
    bool right = true;
    void on_packets(std::span<const Packet> packets) override {
      for (const Packet& packet : packets) {
        right = right && packet.seq == count && as_text(packet.payload) == fmt::format("{:016}", count);
        ++count;
      }
    }
    void enter_epoch(EpochNumber) override {}
    void flush() override {}
  } numbers;
  PacketQueue queue(16, &pool);  // more batches than there are buffers: none is dropped
  std::thread producer([&] {
    for (std::uint32_t i = 0; i < kPackets; ++i) {
      for (queue.publish(); pool.free.empty(); queue.publish()) std::this_thread::yield();
      std::string& buffer = *pool.free.back();
      pool.free.pop_back();
      buffer = fmt::format("{:016}", i);
      push_in(queue, i, buffer);
    }
    queue.publish();
  });
  while (numbers.count + queue.counters().dropped.value() < kPackets) {
    queue.wait(10ms);
    (void)queue.take(numbers);
  }
  producer.join();
  CHECK(numbers.right);
  CHECK(numbers.count == kPackets);
}

TEST_CASE("at the end all buffers are released: of batches that were read, that wait, and that were just begun") {
  Buffers buffers;
  std::string text = "x";
  {
    PacketQueue queue(8, &buffers);
    Told told;
    for (std::uint32_t i = 0; i < kBatch; ++i) push_in(queue, i, text);
    queue.publish();
    for (std::uint32_t i = 0; i < 7; ++i) push_in(queue, i, text);
    CHECK(queue.take(told));
    queue.publish();
    CHECK(buffers.kept.size() == 7);  // the first batch was read
    for (std::uint32_t i = 0; i < 3; ++i) push_in(queue, i, text);
    CHECK(queue.take(told));
    CHECK(told.lines.size() == kBatch + 7);
    CHECK(buffers.kept.size() == 10);  // seven were read, three are not published
  }
  CHECK(buffers.kept.empty());
}

TEST_CASE("events wait for room while the consumer goes on") {
  PacketQueue queue(2);
  Told told;
  std::thread producer([&] {
    for (EpochNumber epoch = 0; epoch < 1000; ++epoch) queue.enter_epoch(epoch);
    queue.publish();
  });
  while (told.lines.size() < 1000) {
    queue.wait(10ms);
    (void)queue.take(told);
  }
  producer.join();
  CHECK(told.lines.front() == "epoch 0");
  CHECK(told.lines.back() == "epoch 999");
}

TEST_CASE("a consumer that waits is woken by what is published") {
  PacketQueue queue(8);
  Told told;
  std::thread producer([&] {
    for (std::uint32_t i = 0; i < 200; ++i) {
      push(queue, i, "x");
      queue.publish();
      std::this_thread::yield();
    }
  });
  auto begin = std::chrono::steady_clock::now();
  while (told.lines.size() + queue.counters().dropped.value() < 200) {
    queue.wait(10s);  // a lost wake-up would take this long
    (void)queue.take(told);
  }
  producer.join();
  CHECK(std::chrono::steady_clock::now() - begin < 10s);
}

}  // namespace specular::test
