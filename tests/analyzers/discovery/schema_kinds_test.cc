#include "analyzers/discovery/schema_kinds.h"

#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "analyzers/epoch.h"
#include "tests/analyzers/schemas.h"

namespace specular::test {
namespace {

// Payments by card or by bank, and what was cancelled, which is neither.
std::vector<std::string> payments(int count) {
  std::vector<std::string> documents;
  for (int i = 0; i < count; ++i) {
    const char* note = i % 7 == 0 ? R"("note":"x y",)" : "";
    switch (i % 3) {
      case 0: documents.push_back(fmt::format(R"({{"type":"card",{}"id":{},"number":"x y","cvc":1}})", note, i)); break;
      case 1: documents.push_back(fmt::format(R"({{"iban":"x y","type":"bank",{}"id":{}}})", note, i)); break;
      default: documents.push_back(fmt::format(R"({{"id":{},{}"type":"none"}})", i, note)); break;
    }
  }
  return documents;
}

// A line for each kind: its values, its properties, and in brackets those that are required.
Lines kinds_in(const Schema& schema) {
  Lines lines;
  ObjectKinds found = kinds_of(schema, schema.root);
  for (const ObjectKind& kind : found.kinds) {
    std::string line = found.discriminator == nullptr ? "-" : found.discriminator->name;
    for (const std::string& value : kind.values) line += " " + value;
    line += ":";
    for (const Property* property : kind.properties) {
      bool required = std::find(kind.required.begin(), kind.required.end(), property) != kind.required.end();
      line += required ? fmt::format(" [{}]", property->name) : " " + property->name;
    }
    lines.push_back(line);
  }
  return lines;
}

}  // namespace

TEST_CASE("a property whose values go each with properties of their own tells kinds apart") {
  Schema schema = schema_of_json(payments(210));
  CHECK(kinds_in(schema) == Lines{"type bank: [iban] [id] note [type]", "type card: [cvc] [id] note [number] [type]",
                                  "type none: [id] note [type]"});
}

TEST_CASE("what is required of a kind rests on sixty documents of it") {
  CHECK(kinds_in(schema_of_json(payments(90))) ==
        Lines{"type bank: iban id note [type]", "type card: cvc id note number [type]", "type none: id note [type]"});
}

TEST_CASE("kinds are the same whatever the order of documents, the shards, and a store between") {
  std::mt19937_64 random(11);
  std::vector<std::string> documents = payments(240);
  Lines expected = kinds_in(schema_of_json(documents));
  REQUIRE(expected.size() == 3);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(documents.begin(), documents.end(), random);
    std::size_t half = random() % documents.size();
    Schema first = schema_of_json({documents.begin(), documents.begin() + static_cast<std::ptrdiff_t>(half)});
    Schema second = schema_of_json({documents.begin() + static_cast<std::ptrdiff_t>(half), documents.end()});
    first.merge(second);
    CHECK(kinds_in(first) == expected);
    auto stored = decode_summary(bytes_of(first));
    REQUIRE(stored);
    CHECK(kinds_in(stored->shapes.list().front().second) == expected);
  }
}

TEST_CASE("objects of which each has just one of some properties are of as many kinds") {
  std::vector<std::string> documents;
  for (int i = 0; i < 140; ++i) {
    documents.push_back(i % 2 == 0 ? fmt::format(R"({{"id":{},"result":{{"n":1}}}})", i)
                                   : fmt::format(R"({{"id":{},"error":"x y","code":7}})", i));
  }
  Schema schema = schema_of_json(documents);
  CHECK(kinds_in(schema) == Lines{"-: [code] [error] [id]", "-: [id] [result]"});
  Schema with_neither = schema;
  read("application/json", R"({"id":1000})", with_neither);
  CHECK(kinds_in(with_neither).empty());
  read("application/json", R"({"id":1000,"result":{},"code":1})", schema);
  CHECK(kinds_in(schema).empty());
}

TEST_CASE("a property that goes with some values now and then tells nothing") {
  std::vector<std::string> documents;
  for (int i = 0; i < 240; ++i)
    documents.push_back(fmt::format(R"({{"state":"{}","n":{}{}}})", i % 2 == 0 ? "open" : "done", i,
                                    i % 3 == 0 ? R"(,"extra":1)" : ""));
  CHECK(kinds_in(schema_of_json(documents)).empty());
}

TEST_CASE("one contradiction, or an object that was cut off, ends what was thought to be kinds, or leaves them") {
  Schema schema = schema_of_json(payments(210));
  Schema cut = schema;
  read("application/json", R"({"type":"card","id":1,"num)", cut, BodyState::clipped);
  CHECK(cut.partial == 1);
  CHECK(kinds_in(cut).size() == 3);
  read("application/json", R"({"type":"card","id":1,"iban":"x y"})", schema);
  CHECK(kinds_in(schema) == Lines{});
}

TEST_CASE("of objects with more than 64 names it is not known which stand together") {
  auto document = [](int number, int names) {
    std::string text = fmt::format(R"({{"n":{},"{}":1)", number, number % 2 == 0 ? "left" : "right");
    for (int i = 0; i < names; ++i)
      text += fmt::format(",\"{}\":true", std::string(1, static_cast<char>('a' + i % 26)) +
                                              std::string(static_cast<std::size_t>(1 + i / 26), 'q'));
    return text + "}";
  };
  for (int names : {61, 62}) {
    std::vector<std::string> documents;
    for (int i = 0; i < 140; ++i) documents.push_back(document(i, names));
    CHECK(kinds_in(schema_of_json(documents)).size() == (names == 61 ? 2 : 0));
  }
}

}  // namespace specular::test
