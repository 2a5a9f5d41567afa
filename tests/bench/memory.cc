// What learned state takes in memory, and the limit it is held against. Loads are played to an observer and its judge,
// without packets, so that the figures are of the state alone.
//
//   memory [CAPTURE…]    of each capture: bytes an endpoint, with its schemas; then the made loads
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <malloc.h>

#include "analyzers/discovery/endpoints.h"
#include "analyzers/judge.h"
#include "analyzers/observer.h"
#include "capture/link/capture_file.h"
#include "daemon/pipeline.h"

namespace specular::bench {
namespace {

std::size_t bytes_in_use() {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

void show(const std::string& load, std::size_t count, const char* what, std::size_t bytes, std::size_t limit) {
  std::printf("%-40s %9zu %-10s %9.2f MiB %9.0f bytes each%s\n", load.c_str(), count, what,
              static_cast<double>(bytes) / (1 << 20), static_cast<double>(bytes) / static_cast<double>(count),
              limit == 0       ? ""
              : bytes <= limit ? "   within its limit"
                               : "   OVER ITS LIMIT");
}

// All that is kept of a capture once it was read, by endpoint.
void measure_capture(const std::string& path) {
  Config config;
  std::size_t before = bytes_in_use();
  auto pipeline = Pipeline::create(config, nullptr);
  CaptureFiles files({path});
  for (bool more = pipeline.has_value(); more;) {
    auto polled = files.poll((*pipeline)->entry(), Duration(0));
    more = polled && *polled != Poll::finished;
  }
  if (!pipeline || !(*pipeline)->finish()) return;
  std::vector<Endpoint> endpoints = endpoints_of((*pipeline)->inventory());
  std::size_t count = std::max<std::size_t>(1, endpoints.size()), leaves = (*pipeline)->inventory().leaves();
  endpoints = {};
  std::string name = path.substr(path.rfind('/') + 1).substr(0, 32);
  std::size_t whole = bytes_in_use() - before, schemas = (*pipeline)->inventory().schema_bytes();
  show(name + ", all", count, "endpoints", whole, 0);
  show(name + ", schemas", count, "endpoints", schemas, count * 20 * 1024);
  show(name + ", schemas", std::max<std::size_t>(1, leaves), "leaves", schemas, 0);
}

// An observer and its judge, told exchanges one after the other, 1000 a second.
class Learner {
 public:
  Learner() : tunnels_(tunnel_options_), judge_(inventory, HashKey{}, false) {}

  InventoryOptions inventory;

  void play(const std::string& path, std::string body) {
    if (!observer_)
      observer_ = std::make_unique<Observer>(Observer::Options{inventory, clients_}, tunnels_, HashKey{}, judge_);
    if (++count_ % 1000 == 0) observer_->flush();
    Connection connection;
    connection.client = {*IpAddress::parse("192.0.2.1"), 40000};
    connection.server = {*IpAddress::parse("10.0.0.2"), 80};
    Timestamp time{std::chrono::seconds(1'700'000'000) + std::chrono::milliseconds(count_)};
    observer_->on_request(ExchangeId{0}, connection,
                          {time, HttpVersion::http_1_1, "GET", path, "api.example", path, {}, {}});
    HeaderField type{"content-type", "application/json"};
    observer_->on_response(ExchangeId{0}, connection, {time, HttpVersion::http_1_1, 200, {&type, 1}, {}});
    std::size_t size = body.size();
    body.append(kBodyPadding, '\0');
    observer_->on_response_body(ExchangeId{0}, {BodyState::whole, as_bytes(body).first(size), true});
    ExchangeEnd end;
    end.response_bytes = size;
    observer_->on_finished(ExchangeId{0}, end);
  }
  const Inventory& known() {
    observer_->flush();
    return judge_.inventory();
  }

 private:
  ClientOptions clients_;
  TunnelOptions tunnel_options_;
  TunnelTable tunnels_;
  Judge judge_;
  std::unique_ptr<Observer> observer_;
  std::uint64_t count_ = 0;
};

std::string random_word(std::mt19937_64& random) {
  std::string word;
  for (int i = 0; i < 3; ++i) {
    word += "bcdfghklmnprstvw"[random() % 16];
    word += "aeiou"[random() % 5];
  }
  return word;
}

// Answers whose names are made up, at many endpoints.
std::string random_names(std::mt19937_64& random, int depth) {
  std::string text = "{";
  for (int i = 0; i < (depth > 2 ? 3 : 12); ++i) {
    text += (i > 0 ? ",\"" : "\"") + random_word(random) + "\":";
    text += depth > 0 && i % 4 == 0 ? random_names(random, depth - 1) : "\"" + random_word(random) + "\"";
  }
  return text + "}";
}

std::string nested(std::mt19937_64& random) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += i % 2 == 0 ? "{\"" + random_word(random) + "\":" : "[";
  text += "1";
  for (int i = 99; i >= 0; --i) text += i % 2 == 0 ? "}" : "]";
  return text;
}

std::string long_array(std::mt19937_64& random) {
  std::string text = "[";
  for (int i = 0; i < 2000; ++i)
    text += (i > 0 ? ",{\"" : "{\"") + random_word(random) + "\":" + std::to_string(i) + "}";
  return text + "]";
}

void measure_flood(const std::string& name, int count, const std::function<std::string(std::mt19937_64&)>& body) {
  constexpr std::size_t kLimit = 32;
  std::mt19937_64 random(1);
  std::size_t before = bytes_in_use();
  Learner learner;
  (void)learner.inventory.schemas_mb.set(std::to_string(kLimit));
  std::vector<std::string> paths;
  for (int i = 0; i < 400; ++i) paths.push_back("/" + random_word(random) + "/" + random_word(random));
  for (int i = 0; i < count; ++i) learner.play(paths[random() % paths.size()], body(random));
  std::uint64_t shrunk = 0;
  for (const auto& [key, host] : learner.known().hosts()) shrunk += host.coverage[CoverageItem::shrunk_schemas];
  show(name + ", schemas", learner.known().leaves(), "leaves", learner.known().schema_bytes(), kLimit << 20);
  show(name + ", all", learner.known().leaves(), "leaves", bytes_in_use() - before, 0);
  std::printf("%-40s %9llu times a leaf's schemas were shrunk\n", "", static_cast<unsigned long long>(shrunk));
}

}  // namespace
}  // namespace specular::bench

int main(int argc, char** argv) {
  namespace bench = specular::bench;
  for (int i = 1; i < argc; ++i) bench::measure_capture(argv[i]);
  bench::measure_flood("random property names", 20'000, [](auto& random) { return bench::random_names(random, 3); });
  bench::measure_flood("deep nesting", 20'000, bench::nested);
  bench::measure_flood("long arrays", 2'000, bench::long_array);
  return 0;
}
