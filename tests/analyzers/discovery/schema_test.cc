#include "analyzers/discovery/schema.h"

#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "analyzers/epoch.h"
#include "tests/analyzers/schemas.h"

namespace specular::test {
namespace {

Schema merged(const std::vector<Schema>& parts) {
  Schema all;
  for (const Schema& part : parts) all.merge(part);
  return all;
}

// Documents spread over some shards, in any order, merged in any order.
Schema spread(std::vector<std::string> documents, std::size_t shards, std::mt19937_64& random) {
  std::shuffle(documents.begin(), documents.end(), random);
  std::vector<std::vector<std::string>> parts(shards);
  for (const std::string& document : documents) parts[random() % shards].push_back(document);
  std::vector<Schema> schemas;
  for (const auto& part : parts) schemas.push_back(schema_of_json(part));
  std::shuffle(schemas.begin(), schemas.end(), random);
  // Some are merged before others: ((a b) c), (a (b c)).
  while (schemas.size() > 1) {
    std::size_t at = random() % (schemas.size() - 1);
    schemas[at].merge(schemas[at + 1]);
    schemas.erase(schemas.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  return schemas.front();
}

void check_any_order(const std::vector<std::string>& documents, std::mt19937_64& random) {
  std::string expected = bytes_of(schema_of_json(documents));
  for (std::size_t shards : {1u, 2u, 4u, 9u}) REQUIRE((bytes_of(spread(documents, shards, random)) == expected));
}

std::string object_of(std::size_t first, std::size_t last) {
  std::string text = "{";
  for (std::size_t i = first; i < last; ++i)
    text += fmt::format("{}\"key{}\":{}", i == first ? "" : ",",
                        static_cast<char>('a' + i % 26) + std::string(i / 26, 'x'), i);
  return text + "}";
}

const SchemaNode& node_at(const Schema& schema, const std::string& name) {
  const SchemaNode* node = schema.root.object->find(name);
  REQUIRE(node != nullptr);
  return *node;
}

}  // namespace

TEST_CASE("a schema is the same whatever the order of documents, the shards and the order of merging") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> documents;
    for (std::size_t i = 1 + random() % 150; i > 0; --i) documents.push_back(random_document(random));
    check_any_order(documents, random);
  }
}

TEST_CASE("so it is where an object has too many names and becomes a map") {
  std::mt19937_64 random(8);
  std::vector<std::string> documents;
  for (std::size_t i = 0; i < 300; i += 10) documents.push_back(object_of(i, i + 10));
  check_any_order(documents, random);
  Schema schema = schema_of_json(documents);
  CHECK(schema.root.object->folded);
  CHECK(schema.root.object->properties.empty());
  CHECK(schema.root.object->values->count(ValueKind::integer) == 300);
}

TEST_CASE("as many names as are allowed stay properties") {
  Schema schema = schema_of_json({object_of(0, ObjectFacts::kMaxProperties)});
  CHECK(!schema.root.object->folded);
  CHECK(schema.root.object->properties.size() == ObjectFacts::kMaxProperties);
}

TEST_CASE("so it is where there are too many nodes, and the deepest levels are given up") {
  std::mt19937_64 random(9);
  std::vector<std::string> documents;
  for (std::size_t i = 0; i < 12; ++i) {
    std::string inner = object_of(0, 20);
    documents.push_back(
        fmt::format("{{\"part{}\":{{\"left\":{{\"deep\":{}}},\"right\":{}, \"low\":{{\"a\":{{\"b\":{}}}}}}}}}",
                    static_cast<char>('a' + i), inner, object_of(0, 60), inner));
  }
  check_any_order(documents, random);
  Schema schema = schema_of_json(documents);
  CHECK(schema.root.count_nodes() <= Schema::kMaxNodes);
  CHECK(schema.depth < Schema::kMaxDepth);
  CHECK(schema.documents == 12);
}

TEST_CASE("an empty schema is neutral") {
  Schema schema = schema_of_json({R"({"a":1})", R"({"b":[true]})"});
  CHECK((bytes_of(merged({Schema{}, schema})) == bytes_of(schema)));
  CHECK((bytes_of(merged({schema, Schema{}})) == bytes_of(schema)));
}

TEST_CASE("keys that are data are no properties") {
  Schema schema =
      schema_of_json({R"({"by_user":{"123456":1,"a1b2c3d4-0000-4000-8000-00000000000f":2,"x@y.example":3}})"});
  CHECK(lines_of(schema) == Lines{"$ object:1", "by_user object:1", "by_user.* integer:3 1..3"});
}

TEST_CASE("a property is required when sixty different documents had it, and none was without") {
  std::vector<std::string> documents;
  for (int i = 0; i < 59; ++i) documents.push_back(fmt::format(R"({{"id":{},"state":"on"}})", i));
  Schema schema = schema_of_json(documents);
  CHECK(!schema.requires_property(schema.root, node_at(schema, "id")));
  read("application/json", R"({"id":77,"state":"on"})", schema);
  CHECK(schema.requires_property(schema.root, node_at(schema, "id")));
  read("application/json", R"({"id":78})", schema);
  CHECK(schema.requires_property(schema.root, node_at(schema, "id")));
  CHECK(!schema.requires_property(schema.root, node_at(schema, "state")));
}

TEST_CASE("the same document again and again is no evidence") {
  Schema schema = schema_of_json(std::vector<std::string>(500, R"({"id":1,"state":"on"})"));
  CHECK(schema.documents == 500);
  CHECK(schema.different.estimate() == 1);
  CHECK(!schema.requires_property(schema.root, node_at(schema, "id")));
  CHECK(!schema.is_closed(*node_at(schema, "state").text));
}

TEST_CASE("an enumeration is closed by many documents, and opened by one") {
  std::vector<std::string> documents;
  for (int i = 0; i < 90; ++i)
    documents.push_back(fmt::format(R"({{"n":{},"state":"{}"}})", i,
                                    i % 3 == 0   ? "open"
                                    : i % 3 == 1 ? "done"
                                                 : "late"));
  Schema schema = schema_of_json(documents);
  CHECK(schema.is_closed(*node_at(schema, "state").text));
  Schema rare = schema;
  read("application/json", R"({"n":1000,"state":"lost"})", rare);
  CHECK(!rare.is_closed(*node_at(rare, "state").text));
  read("application/json", R"({"n":1001,"state":"it was lost"})", schema);
  CHECK(node_at(schema, "state").text->members.is_open());
}

TEST_CASE("no text of a value is written down before the enumeration is closed") {
  std::vector<std::string> documents;
  for (int i = 0; i < 20; ++i) documents.push_back(fmt::format(R"({{"n":{},"state":"shipped"}})", i));
  Schema schema = schema_of_json(documents);
  CHECK(bytes_of(schema).find("shipped") == std::string::npos);
  for (int i = 20; i < 90; ++i) read("application/json", fmt::format(R"({{"n":{},"state":"shipped"}})", i), schema);
  CHECK(bytes_of(schema).find("shipped") != std::string::npos);
}

TEST_CASE("values of properties whose names tell of persons and secrets are never kept") {
  std::vector<std::string> documents;
  for (int i = 0; i < 200; ++i)
    documents.push_back(
        fmt::format(R"({{"n":{},"userName":"alice","pin":{},"cards":["visa"],"shipping":"fast"}})", i, i));
  Schema schema = schema_of_json(documents);
  std::string bytes = bytes_of(schema);
  CHECK(bytes.find("alice") == std::string::npos);
  CHECK(bytes.find("visa") == std::string::npos);
  CHECK(bytes.find("fast") != std::string::npos);
  CHECK(!node_at(schema, "pin").number);
  CHECK(node_at(schema, "n").number->high == 199);
}

TEST_CASE("large numbers may identify: their bounds are not kept") {
  Schema schema = schema_of_json({R"({"a":4111111111111111,"b":-30000000,"c":12})"});
  CHECK(std::isinf(node_at(schema, "a").number->high));
  CHECK(node_at(schema, "a").number->low == Range::kWidest);
  CHECK(std::isinf(node_at(schema, "b").number->low));
  CHECK(node_at(schema, "c").number->low == 12);
}

TEST_CASE("counting different documents is exact up to 64, and near beyond") {
  DocumentSketch sketch;
  std::mt19937_64 random(3);
  for (std::uint64_t i = 1; i <= 5000; ++i) {
    sketch.add(random());
    if (i < DocumentSketch::kKept) REQUIRE(sketch.estimate() == i);
  }
  CHECK(sketch.estimate() > 2500);
  CHECK(sketch.estimate() < 8000);
}

TEST_CASE("of too many places the first in order are kept, whichever came first") {
  auto table_of = [](std::vector<std::uint16_t> statuses) {
    ShapeTable table;
    for (std::uint16_t status : statuses) {
      Schema* schema = table.find({ShapePlace::Part::response, status, "a"});
      if (schema != nullptr) ++schema->documents;
    }
    EndpointSummary summary;
    summary.shapes = table;
    return encode(summary);
  };
  std::vector<std::uint16_t> statuses;
  for (std::uint16_t i = 0; i < 50; ++i) statuses.push_back(static_cast<std::uint16_t>(200 + i));
  std::string expected = table_of(statuses);
  std::mt19937_64 random(4);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(statuses.begin(), statuses.end(), random);
    REQUIRE((table_of(statuses) == expected));
  }
}

TEST_CASE("schemas come back as they were written") {
  std::mt19937_64 random(5);
  for (int round = 0; round < 100; ++round) {
    std::vector<std::string> documents;
    for (std::size_t i = random() % 40; i > 0; --i) documents.push_back(random_document(random));
    std::string bytes = bytes_of(schema_of_json(documents));
    auto again = decode_summary(bytes);
    REQUIRE(again);
    REQUIRE((encode(*again) == bytes));
  }
}

TEST_CASE("a schema that was read back goes on as it was, texts of open enumerations aside") {
  std::mt19937_64 random(6);
  std::vector<std::string> first, second;
  for (int i = 0; i < 40; ++i) first.push_back(random_document(random));
  for (int i = 0; i < 40; ++i) second.push_back(random_document(random));
  auto stored = decode_summary(bytes_of(schema_of_json(first)));
  REQUIRE(stored);
  Schema restored = stored->shapes.list().front().second;
  Schema straight = schema_of_json(first);
  restored.merge(schema_of_json(second));
  straight.merge(schema_of_json(second));
  CHECK((bytes_of(restored) == bytes_of(straight)));
}

TEST_CASE("a table that takes too much gives up levels of its largest schemas, and keeps to that") {
  ShapeTable table;
  const ShapePlace small{ShapePlace::Part::response, 200, "a"}, large{ShapePlace::Part::response, 500, "a"};
  *table.find(small) = schema_of_json({R"({"id":1,"owner":{"id":2}})"});
  std::vector<std::string> documents;
  for (std::size_t i = 0; i < 8; ++i)
    documents.push_back(fmt::format("{{\"part{}\":{{\"in\":{}}}}}", static_cast<char>('a' + i), object_of(0, 40)));
  *table.find(large) = schema_of_json(documents);
  std::size_t whole = table.bytes();
  table.shrink(whole / 2);
  CHECK(table.bytes() <= whole / 2);
  CHECK(lines_of(*table.find(small)) ==
        Lines{"$ object:1", "id integer:1 1..1", "owner object:1", "owner.id integer:1 2..2"});
  CHECK(table.find(large)->depth == 2);
  table.find(large)->merge(schema_of_json(documents));
  CHECK(table.bytes() <= whole / 2);
  CHECK(table.find(large)->documents == 16);
  auto again = decode_summary(bytes_of(*table.find(large)));
  REQUIRE(again);
  CHECK(again->shapes.list().front().second.depth == 2);
  table.shrink(0);
  CHECK(table.list().empty());
}

}  // namespace specular::test
