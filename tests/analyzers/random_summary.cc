#include "tests/analyzers/random_summary.h"

#include "tests/analyzers/schemas.h"
#include "tests/analyzers/site.h"

namespace specular::test {
namespace {

std::uint64_t below(Random& random, std::uint64_t limit) {
  return random() % limit;
}

// A number of any magnitude.
std::uint64_t any_size(Random& random) {
  return random() >> below(random, 64);
}

template <class Table, class Make>
void fill(Random& random, Table& table, std::size_t most, Make make) {
  for (std::size_t i = below(random, most + 1); i > 0; --i) table.add(make(), 1 + below(random, 1000));
}

void fill(Random& random, LogHistogram& histogram) {
  for (std::size_t i = below(random, 20); i > 0; --i) histogram.add(any_size(random), 1 + below(random, 100));
}

void fill(Random& random, ParameterTable& table) {
  for (std::size_t i = below(random, 8); i > 0; --i) {
    ParameterSummary* parameter = table.find("name" + std::to_string(below(random, 12)));
    parameter->count += below(random, 100);
    parameter->repeated += below(random, 3);
    parameter->classes[below(random, kSegmentClasses)] += static_cast<std::uint32_t>(below(random, 100));
  }
  if (below(random, 4) == 0) table.add_overflow(below(random, 50));
}

void fill(Random& random, OperationTable& table) {
  for (std::size_t i = below(random, 6); i > 0; --i) {
    auto kind = static_cast<OperationKind>(below(random, kOperationKinds));
    std::string name = "name" + std::to_string(below(random, 6));
    Timestamp time = kStart + Duration(below(random, 1'000'000'000));
    std::uint64_t hash = OperationTable::hash_of(HashKey{}, kind, name);
    std::uint64_t count = 1 + below(random, 9);
    table.add({kind,
               hash,
               name,
               count,
               time,
               time,
               {{static_cast<std::uint16_t>(200 + below(random, 3)), count}},
               static_cast<std::uint32_t>(below(random, 9))});
    if (below(random, 2) == 0) table.add_errors(hash, 1 + below(random, 9));
  }
  table.add_unconfirmed(below(random, 9));
}

std::string one_of(Random& random, std::initializer_list<const char*> choices) {
  return *(choices.begin() + below(random, choices.size()));
}

}  // namespace

DistinctCounter random_values(Random& random, std::size_t count) {
  DistinctCounter values;
  for (std::size_t i = 0; i < count; ++i) values.add(random());
  return values;
}

EndpointSummary random_summary(Random& random) {
  EndpointSummary summary;
  summary.requests = any_size(random) >> 8;
  auto first = static_cast<std::int64_t>(below(random, 4'000'000'000'000'000'000)) - 1'000'000'000'000'000'000;
  summary.first_seen = Timestamp(Duration(first));
  summary.last_seen = summary.first_seen + Duration(below(random, 1'000'000'000'000));
  fill(random, summary.statuses, 6, [&] { return static_cast<std::uint16_t>(200 + 100 * below(random, 4)); });
  summary.unanswered = below(random, 100);
  summary.one_sided = below(random, 100);
  for (auto& whole : summary.wholes) whole = below(random, 1000);
  auto type = [&] { return one_of(random, {"application/json", "text/html", "", "image/png"}); };
  fill(random, summary.request_types, 4, type);
  fill(random, summary.response_types, 4, type);
  fill(random, summary.auth, 4, [&] { return one_of(random, {"", "bearer", "apiKey:header:x-api-key"}); });
  for (std::size_t i = below(random, 5); i > 0; --i) {
    summary.access.sets.find(one_of(random, {"", "bearer", "apiKey:header:x-api-key\nbearer"}))
        ->merge({below(random, 100), below(random, 50)});
    CredentialValues* values = summary.access.values.find(one_of(random, {"apiKey:query:key", "apiKey:cookie:sid"}));
    ++values->requests;
    values->different.add(random());
  }
  summary.access.bearers = below(random, 10);
  summary.access.jwts = below(random, 10);
  fill(random, summary.operations);
  if (below(random, 3) == 0) {
    auto date = [&] { return kStart + Duration(below(random, 1'000'000'000)); };
    summary.deprecation = {1 + below(random, 100), {date(), below(random, 2) == 0 ? date() : Timestamp::min(), date()}};
  }
  summary.preflights = below(random, 10);
  summary.clients = random_values(random, below(random, 3) == 0 ? 600 + below(random, 2000) : below(random, 300));
  fill(random, summary.servers, 4, [&] {
    IpAddress address = IpAddress::v4(static_cast<std::uint32_t>(below(random, 4)));
    return SocketAddress{address, static_cast<std::uint16_t>(below(random, 3) * 32767)};
  });
  fill(random, summary.latency_us);
  fill(random, summary.request_bytes);
  fill(random, summary.response_bytes);
  fill(random, summary.query);
  fill(random, summary.headers);
  // The same few hashes, so that merging does not fill these small tables.
  fill(random, summary.answers, 4, [&] { return 0x9e3779b97f4a7c15ULL * (1 + below(random, 4)); });
  fill(random, summary.echoes, 4, [&] { return 0xc2b2ae3d27d4eb4fULL * (1 + below(random, 4)); });
  for (std::size_t i = below(random, 40); i > 0; --i) summary.names.add(static_cast<std::uint32_t>(random()));
  for (std::size_t i = below(random, 3); i > 0; --i) {
    ShapePlace place{static_cast<ShapePlace::Part>(below(random, kShapeParts)),
                     static_cast<std::uint16_t>(200 + below(random, 3)), type()};
    for (std::size_t count = below(random, 4); count > 0; --count) {
      read("application/json", random_document(random), *summary.shapes.find(place));
    }
  }
  return summary;
}

CoverageCounts random_coverage(Random& random) {
  CoverageCounts counts;
  for (auto& item : counts.items) item = below(random, 3) == 0 ? 0 : any_size(random) >> 8;
  for (auto& anomaly : counts.anomalies) anomaly = below(random, 3) == 0 ? 0 : any_size(random) >> 8;
  return counts;
}

}  // namespace specular::test
