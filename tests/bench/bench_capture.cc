// Captures for the benchmarks, written in a moment and the same at every run.
//
//   bench_capture MIX COUNT FILE [VNI]     with a network identifier: every frame in VXLAN, as from a mirror
//   MIX: small   API calls with answers of about 200 bytes
//        json    answers of 1 to 4 KB of JSON, as most APIs send them
//        large   bodies of 64 KB
//        idle    COUNT keep-alive connections, one call each, all open at the end
//        churn   a connection for each call
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "tests/support/packet_builder.h"

namespace specular::bench {
namespace {

using test::Octets;
using test::TcpSegment;

constexpr std::size_t kSegment = 1448;

class Writer {
 public:
  Writer(const char* path, std::uint32_t vni) : file_(path, std::ios::binary), vni_(vni) {
    const std::uint32_t header[6] = {0xa1b23c4d, 0x00040002, 0, 0, 262144, 1};
    file_.write(reinterpret_cast<const char*>(header), sizeof header);
  }
  bool good() const { return file_.good(); }

  void add(const TcpSegment& segment) {
    Octets frame = test::ethernet_frame(segment);
    if (vni_ != 0) frame = test::in_vxlan(frame, vni_);
    time_ns_ += 2000;
    const std::uint32_t header[4] = {static_cast<std::uint32_t>(1'700'000'000 + time_ns_ / 1'000'000'000),
                                     static_cast<std::uint32_t>(time_ns_ % 1'000'000'000),
                                     static_cast<std::uint32_t>(frame.size()),
                                     static_cast<std::uint32_t>(frame.size())};
    file_.write(reinterpret_cast<const char*>(header), sizeof header);
    file_.write(reinterpret_cast<const char*>(frame.data()), static_cast<std::streamsize>(frame.size()));
  }

 private:
  std::ofstream file_;
  std::uint32_t vni_;  // 0: no tunnel
  std::uint64_t time_ns_ = 0;
};

class Connection {
 public:
  Connection(Writer& writer, std::uint32_t number) : writer_(writer) {
    client_ = {IpAddress::v4(0x0a000000u + number / 50'000 + 1), static_cast<std::uint16_t>(10'000 + number % 50'000)};
    server_ = {IpAddress::v4(0x0a010001u + number % 16), 80};
    next_[0] = number * 7919u;
    next_[1] = number * 104'729u;
    send(0, test::kSyn, "");
    send(1, test::kSyn | test::kAck, "");
    send(0, test::kAck, "");
  }

  void call(const std::string& request, const std::string& response) {
    send(0, test::kAck, request);
    for (std::size_t at = 0; at < response.size(); at += kSegment) send(1, test::kAck, response.substr(at, kSegment));
    send(0, test::kAck, "");
  }
  void close() {
    send(0, test::kAck | test::kFin, "");
    send(1, test::kAck | test::kFin, "");
    send(0, test::kAck, "");
  }

 private:
  void send(int side, int flags, const std::string& payload) {
    TcpSegment segment{side == 0 ? client_ : server_,
                       side == 0 ? server_ : client_,
                       next_[side],
                       (flags & test::kAck) != 0 ? next_[1 - side] : 0,
                       static_cast<std::uint8_t>(flags),
                       0,
                       payload};
    next_[side] += static_cast<std::uint32_t>(payload.size()) + ((flags & (test::kSyn | test::kFin)) != 0 ? 1 : 0);
    writer_.add(segment);
  }

  Writer& writer_;
  SocketAddress client_, server_;
  std::uint32_t next_[2];
};

class Calls {
 public:
  explicit Calls(std::string mix) : mix_(std::move(mix)) {}

  std::string request() {
    static const char* kPaths[] = {"/api/v1/users/", "/api/v1/orders/", "/api/v1/products/", "/api/v1/carts/"};
    std::string path = kPaths[random_() % 4] + std::to_string(random_() % 1'000'000);
    return "GET " + path + "?fields=all&page=" + std::to_string(random_() % 100) +
           " HTTP/1.1\r\nHost: api.shop.example\r\nUser-Agent: okhttp/4.12.0\r\nAccept: application/json\r\n"
           "Accept-Encoding: gzip\r\nAuthorization: Bearer "
           "eyJhbGciOiJIUzI1NiJ9.e30.ZRrHA1JJJW8opsbCGfG_HACGpVUMN_a9IV7pAx\r\n"
           "X-Request-Id: 7b1c2f3e-5d1a-4c39-9a55-0242ac120002\r\n\r\n";
  }

  std::string response() {
    std::size_t size = mix_ == "json" ? 1000 + random_() % 3000 : mix_ == "large" ? 65'536 : 200;
    std::string body = "{\"items\":[";
    while (body.size() < size) {
      body += "{\"id\":" + std::to_string(random_() % 1'000'000) + ",\"name\":\"item " +
              std::to_string(random_() % 1000) + "\",\"price\":" + std::to_string(random_() % 10'000) +
              ".99,\"active\":true},";
    }
    body.back() = ']';
    body += "}";
    return "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Tue, 03 Mar 2026 08:00:00 GMT\r\nContent-Type: "
           "application/json\r\n"
           "Content-Length: " +
           std::to_string(body.size()) + "\r\nConnection: keep-alive\r\nCache-Control: no-store\r\n\r\n" + body;
  }

 private:
  std::string mix_;
  std::mt19937 random_{1};
};

int run(const std::string& mix, std::uint32_t count, const char* path, std::uint32_t vni) {
  Writer writer(path, vni);
  Calls calls(mix);
  std::vector<Connection> open;
  constexpr std::uint32_t kKeptOpen = 1000;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (mix == "churn") {
      Connection once(writer, i);
      once.call(calls.request(), calls.response());
      once.close();
      continue;
    }
    std::uint32_t slot = mix == "idle" ? i : i % kKeptOpen;
    if (slot >= open.size()) open.emplace_back(writer, slot);
    open[slot].call(calls.request(), calls.response());
  }
  return writer.good() ? 0 : 1;
}

}  // namespace
}  // namespace specular::bench

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) return 2;
  auto number = [](const char* text) { return static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10)); };
  return specular::bench::run(argv[1], number(argv[2]), argv[3], argc == 5 ? number(argv[4]) : 0);
}
