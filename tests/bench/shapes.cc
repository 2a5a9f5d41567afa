// What learning a schema costs: nanoseconds for a body that brings nothing new, for the first one of an epoch, and for
// merging one; and the memory of the schema, beside its size in a store.
//
//   shapes [FILE…]      each file a JSON document, or a capture (*.pcap): then what its endpoints' schemas take on
//   average;
//                       without one, an order of about 2.4 KB
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <malloc.h>

#include "analyzers/discovery/endpoints.h"
#include "analyzers/epoch.h"
#include "analyzers/inspect/body_shapes.h"
#include "capture/link/capture_file.h"
#include "daemon/pipeline.h"

namespace specular::bench {
namespace {

constexpr int kRounds = 20'000;

std::string made_order() {
  std::string text =
      R"({"id":"a1b2c3d4-0000-4000-8000-00000000000f","state":"open","total":129.9,"currency":"EUR",)"
      R"("created":"2026-03-01T10:00:00Z","buyer":{"name":"Ann Example","mail":"ann@mail.example"},"lines":[)";
  for (int i = 0; i < 20; ++i) {
    text += i > 0 ? "," : "";
    text += R"({"sku":"SKU-)" + std::to_string(1000 + i) + R"(","title":"A thing that is sold by the piece","count":)" +
            std::to_string(1 + i % 4) + R"(,"price":12.5,"gift":false,"note":null})";
  }
  return text + "]}";
}

template <class Work>
double nanoseconds(Work work) {
  auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kRounds; ++i) work();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count() / kRounds;
}

void measure(const std::string& name, std::string text) {
  std::size_t size = text.size();
  text.append(kBodyPadding, '\0');
  BodyView body{BodyState::whole, as_bytes(text).first(size), true};
  BodyShapes shapes{HashKey{}};
  Schema known;
  shapes.read(MediaKind::json, body, known, nullptr);
  std::size_t before = mallinfo2().uordblks;
  auto* kept = new Schema(known);
  std::size_t memory = mallinfo2().uordblks - before;
  double again = nanoseconds([&] { shapes.read(MediaKind::json, body, known, nullptr); });
  double first = nanoseconds([&] {
    Schema fresh;
    shapes.read(MediaKind::json, body, fresh, nullptr);
  });
  double merge = nanoseconds([&] { known.merge(*kept); });
  EndpointSummary summary;
  std::size_t bare = encode(summary).size();
  *summary.shapes.find({}) = *kept;
  std::printf(
      "%s: %zu bytes, %zu nodes: %.0f ns a body, %.0f ns the first, %.0f ns a merge; %zu bytes in memory, %zu stored\n",
      name.c_str(), size, kept->root.count_nodes(), again, first, merge, memory, encode(summary).size() - bare);
  delete kept;
}

// The schemas of all endpoints of a capture.
void measure_capture(const std::string& path) {
  Config config;
  auto pipeline = Pipeline::create(config, nullptr);
  CaptureFiles files({path});
  for (bool more = pipeline.has_value(); more;) {
    auto polled = files.poll((*pipeline)->entry(), Duration(0));
    more = polled && *polled != Poll::finished;
  }
  if (!pipeline || !(*pipeline)->finish()) return;
  std::vector<Endpoint> endpoints = endpoints_of((*pipeline)->inventory());
  std::size_t memory = 0, most = 0, stored = 0, schemas = 0;
  for (const Endpoint& endpoint : endpoints) {
    std::size_t before = mallinfo2().uordblks;
    auto* kept = new ShapeTable(endpoint.route.summary.shapes);
    std::size_t own = mallinfo2().uordblks - before;
    memory += own;
    most = std::max(most, own);
    schemas += kept->list().size();
    EndpointSummary summary;
    std::size_t bare = encode(summary).size();
    summary.shapes = *kept;
    stored += encode(summary).size() - bare;
    delete kept;
  }
  std::size_t count = std::max<std::size_t>(1, endpoints.size());
  std::printf("%s: %zu endpoints, %zu schemas: %zu bytes an endpoint in memory (most %zu), %zu stored\n", path.c_str(),
              endpoints.size(), schemas, memory / count, most, stored / count);
}

}  // namespace
}  // namespace specular::bench

int main(int argc, char** argv) {
  if (argc == 1) specular::bench::measure("order", specular::bench::made_order());
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]).ends_with(".pcap")) {
      specular::bench::measure_capture(argv[i]);
      continue;
    }
    std::ifstream file(argv[i], std::ios::binary);
    specular::bench::measure(argv[i], {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
  }
  return 0;
}
