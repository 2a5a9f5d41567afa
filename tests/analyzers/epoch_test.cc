#include "analyzers/epoch.h"

#include <algorithm>
#include <functional>

#include <doctest/doctest.h>

#include "epoch.pb.h"
#include "tests/analyzers/random_summary.h"
#include "tests/analyzers/schemas.h"
#include "tests/analyzers/site.h"
#include "tests/analyzers/survives.h"

namespace specular::test {
namespace {

using Path = SegmentPath;

bool same(const LogHistogram& a, const LogHistogram& b) {
  return std::equal(a.buckets().begin(), a.buckets().end(), b.buckets().begin(), b.buckets().end(),
                    [](auto x, auto y) { return x.index == y.index && x.count == y.count; });
}

bool same(const ParameterTable& a, const ParameterTable& b) {
  return a.overflow() == b.overflow() &&
         std::equal(a.parameters().begin(), a.parameters().end(), b.parameters().begin(), b.parameters().end(),
                    [](const ParameterSummary& x, const ParameterSummary& y) {
                      return x.name == y.name && x.count == y.count && x.repeated == y.repeated &&
                             x.classes == y.classes;
                    });
}

template <class Table>
bool same_counts(const Table& a, const Table& b) {
  return a.entries() == b.entries() && a.others() == b.others();
}

// Texts of open enumerations are not written.
Lines lines_without_members(Schema schema) {
  std::function<void(SchemaNode&)> forget = [&](SchemaNode& node) {
    if (node.text) node.text->members.open();
    if (node.object) {
      for (Property& property : node.object->properties) forget(property.node);
      if (node.object->values) forget(*node.object->values);
    }
    if (node.array) forget(node.array->items);
  };
  forget(schema.root);
  return lines_of(schema);
}

void require_same(const EndpointSummary& a, const EndpointSummary& b) {
  REQUIRE(a.requests == b.requests);
  REQUIRE(a.first_seen == b.first_seen);
  REQUIRE(a.last_seen == b.last_seen);
  REQUIRE(same_counts(a.statuses, b.statuses));
  REQUIRE(a.unanswered == b.unanswered);
  REQUIRE(a.one_sided == b.one_sided);
  REQUIRE(a.wholes == b.wholes);
  REQUIRE(same_counts(a.request_types, b.request_types));
  REQUIRE(same_counts(a.response_types, b.response_types));
  REQUIRE(same_counts(a.auth, b.auth));
  REQUIRE((a.access == b.access));
  REQUIRE((a.operations == b.operations));
  REQUIRE((a.deprecation == b.deprecation));
  REQUIRE(a.preflights == b.preflights);
  REQUIRE(a.clients.exact() == b.clients.exact());
  REQUIRE(a.clients.registers() == b.clients.registers());
  REQUIRE(same_counts(a.servers, b.servers));
  REQUIRE(same(a.latency_us, b.latency_us));
  REQUIRE(same(a.request_bytes, b.request_bytes));
  REQUIRE(same(a.response_bytes, b.response_bytes));
  REQUIRE(same(a.query, b.query));
  REQUIRE(same(a.headers, b.headers));
  REQUIRE(same_counts(a.answers, b.answers));
  REQUIRE(same_counts(a.echoes, b.echoes));
  REQUIRE(a.names.hashes() == b.names.hashes());
  REQUIRE(a.shapes.list().size() == b.shapes.list().size());
  for (std::size_t i = 0; i < a.shapes.list().size(); ++i) {
    REQUIRE((a.shapes.list()[i].first == b.shapes.list()[i].first));
    REQUIRE(lines_without_members(a.shapes.list()[i].second) == lines_without_members(b.shapes.list()[i].second));
  }
}

}  // namespace

TEST_CASE("summaries come back as they were written, every field of them") {
  Random random(1);
  for (int round = 0; round < 400; ++round) {
    EndpointSummary summary = random_summary(random);
    auto again = decode_summary(encode(summary));
    REQUIRE(again);
    require_same(*again, summary);
    REQUIRE((encode(*again) == encode(summary)));
  }
  auto empty = decode_summary(encode(EndpointSummary{}));
  REQUIRE(empty);
  require_same(*empty, EndpointSummary{});
}

TEST_CASE("full tables come back full") {
  EndpointSummary summary;
  for (std::uint16_t i = 0; i < 200; ++i) {
    summary.statuses.add(static_cast<std::uint16_t>(100 + i));
    summary.auth.add("way" + std::to_string(i));
    summary.answers.add(std::uint64_t{i});
    (void)summary.query.find("p" + std::to_string(i));
  }
  auto again = decode_summary(encode(summary));
  REQUIRE(again);
  require_same(*again, summary);
  CHECK(again->query.overflow() == 200 - ParameterTable::kLimit);
}

TEST_CASE("names that are no UTF-8 come back too: they are what the wire brought") {
  EndpointSummary summary;
  summary.request_types.add(std::string("text/\xff"));
  summary.response_types.add(std::string("\xc3\x28"));
  summary.auth.add(std::string("apiKey:cookie:\xfesid"));
  summary.query.find("caf\xe9")->count = 1;
  summary.headers.find("x-\x80")->count = 1;
  auto again = decode_summary(encode(summary));
  REQUIRE(again);
  require_same(*again, summary);
}

TEST_CASE("values and coverage come back as they were written") {
  Random random(2);
  for (std::size_t size : {0u, 1u, 511u, 512u, 513u, 5000u}) {
    DistinctCounter values = random_values(random, size);
    auto again = decode_values(encode(values));
    REQUIRE(again);
    CHECK(again->exact() == values.exact());
    CHECK(again->registers() == values.registers());
    CHECK(again->estimate() == values.estimate());
  }
  for (int round = 0; round < 100; ++round) {
    CoverageCounts counts = random_coverage(random);
    auto again = decode_coverage(encode(counts));
    REQUIRE(again);
    REQUIRE(again->items == counts.items);
    REQUIRE(again->anomalies == counts.anomalies);
  }
}

TEST_CASE("paths come back as they were written") {
  for (const Path& path :
       {Path{}, Path{{SegmentClass::word, false, "users"}},
        Path{{SegmentClass::word, false, "users"}, {SegmentClass::small_integer, true, ""}},
        Path{{SegmentClass::small_integer, false, "42"}, {SegmentClass::version, false, "v1"}},
        Path{
            {SegmentClass::uuid, true, ".json"}, {SegmentClass::word, true, ""}, {SegmentClass::code, true, ":cancel"}},
        Path{{SegmentClass::small_integer, false, "42.json"}, {SegmentClass::word, false, "%7Bid%7D"}}}) {
    auto again = parse_path(to_text(path));
    REQUIRE(again);
    CHECK(*again == path);
  }
  CHECK(to_text(Path{}) == "/");
  CHECK(to_text(Path{{SegmentClass::word, false, "a"}, {SegmentClass::uuid, true, ".json"}}) == "/a/{uuid}.json");
}

TEST_CASE("every class can stand in a stored path") {
  for (std::size_t i = 0; i < kSegmentClasses; ++i) {
    Path path{{static_cast<SegmentClass>(i), true, ""}};
    auto again = parse_path(to_text(path));
    REQUIRE(again);
    CHECK(*again == path);
  }
}

TEST_CASE("texts that are no path are refused") {
  for (const std::string text : {"", "users", "users/1", "/{}", "/{uuid", "/{UUID}", "/{nonsense}", "/a/{uuidx}/b"}) {
    CHECK_MESSAGE(!parse_path(text), text);
  }
}

TEST_CASE("messages cut short are refused, or read as far as they go, but never crash") {
  Random random(3);
  std::string bytes = encode(random_summary(random));
  CHECK_FALSE(decode_summary("\xff\xff\xff"));
  CHECK_FALSE(decode_values("\xff\xff\xff"));
  CHECK_FALSE(decode_coverage("\xff\xff\xff"));
  for (std::size_t size = 0; size < bytes.size(); ++size) (void)decode_summary(std::string_view(bytes).substr(0, size));
}

TEST_CASE("damaged messages are refused, or read as something that can be worked with") {
  CHECK(survives([] {
    Random random(4);
    for (int round = 0; round < 5000; ++round) {
      std::string bytes = encode(random_summary(random));
      for (int flips = 1 + static_cast<int>(random() % 4); flips > 0 && !bytes.empty(); --flips) {
        bytes[random() % bytes.size()] = static_cast<char>(random());
      }
      auto summary = decode_summary(bytes);
      if (!summary) continue;
      (void)summary->latency_us.quantile(0.5);
      (void)summary->response_bytes.quantile(0.99);
      (void)summary->clients.estimate();
      summary->merge(random_summary(random));
      (void)encode(*summary);
    }
    return true;
  }));
}

TEST_CASE("a histogram with buckets that there are not is refused") {
  for (std::uint32_t bucket : {1920u, 32767u, 40000u, 65535u, 0xffffffffu}) {
    stored::Endpoint message;
    message.mutable_latency_us()->add_bucket(bucket);
    message.mutable_latency_us()->add_count(1);
    CHECK_MESSAGE(!decode_summary(message.SerializeAsString()), bucket);
  }
  stored::Endpoint uneven;
  uneven.mutable_latency_us()->add_bucket(1);
  CHECK_FALSE(decode_summary(uneven.SerializeAsString()));
}

TEST_CASE("distinct values that no counter writes are refused, or counted right") {
  stored::Distinct short_registers;
  short_registers.set_registers("abc");
  CHECK_FALSE(decode_values(short_registers.SerializeAsString()));
  stored::Distinct unordered;
  for (std::uint64_t value : {5u, 1u, 5u, 3u}) unordered.add_exact(value);
  auto read = decode_values(unordered.SerializeAsString());
  if (read) {
    read->add(1);
    CHECK(read->estimate() == 3);
  }
}

TEST_CASE("a server's address has sixteen bytes") {
  stored::Endpoint message;
  message.add_servers()->set_address("four");
  CHECK_FALSE(decode_summary(message.SerializeAsString()));
}

TEST_CASE("names that this version does not know are passed over") {
  stored::Coverage message;
  auto* item = message.add_items();
  item->set_key("something newer");
  item->set_count(5);
  auto counts = decode_coverage(message.SerializeAsString());
  REQUIRE(counts);
  CHECK(counts->empty());
}

TEST_CASE("coverage items and anomalies have names of their own and help") {
  Lines names;
  for (std::size_t i = 0; i < kCoverageItems; ++i) {
    names.emplace_back(to_text(static_cast<CoverageItem>(i)));
    CHECK(std::string(help_of(static_cast<CoverageItem>(i))).size() > 10);
  }
  std::sort(names.begin(), names.end());
  CHECK(std::unique(names.begin(), names.end()) == names.end());
}

TEST_CASE("coverage adds up, and is empty only if nothing was counted") {
  CoverageCounts counts, more;
  CHECK(counts.empty());
  Anomalies anomalies;
  anomalies.add(static_cast<Anomaly>(1));
  anomalies.add(static_cast<Anomaly>(3));
  counts.add(anomalies);
  CHECK_FALSE(counts.empty());
  more[CoverageItem::gap] = 4;
  more.add(anomalies);
  counts.merge(more);
  CHECK(counts[CoverageItem::gap] == 4);
  CHECK(counts.anomalies[1] == 2);
  CHECK(counts.anomalies[3] == 2);
  CHECK(counts.anomalies[0] == 0);
}

}  // namespace specular::test
