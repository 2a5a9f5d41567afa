#include "analyzers/inspect/graphql.h"

#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/analyzers/site.h"

namespace specular::test {
namespace {

// "query Name depth: field field"
Lines read(const std::string& text) {
  static constexpr const char* kTypes[] = {"query", "mutation", "subscription"};
  Lines lines;
  for (const GraphqlOperation& operation : read_graphql(text)) {
    std::string line =
        fmt::format("{} {} {}:", kTypes[static_cast<int>(operation.type)], operation.name, operation.depth);
    for (std::string_view field : operation.fields) line.append(" ").append(field);
    lines.push_back(line);
  }
  return lines;
}

}  // namespace

TEST_CASE("operations tell type, name, root fields and depth") {
  CHECK(read("{ me { id } }") == Lines{"query  2: me"});
  CHECK(read("query Both { a b }") == Lines{"query Both 1: a b"});
  CHECK(read("mutation M($x: [In!]! = {a: [1, \"}\"]}) @live { add(x: $x, y: {z: [1]}) { id } }") ==
        Lines{"mutation M 2: add"});
  CHECK(read("subscription { changed { id } } query Q { a }") == Lines{"subscription  2: changed", "query Q 1: a"});
}

TEST_CASE("aliases hide no field, and a field asked for twice is one") {
  CHECK(read("{ x: user(id: 1) { id } y: user(id: 2) { id } __typename }") == Lines{"query  2: user"});
}

TEST_CASE("fragments are followed, wherever they stand, also in circles") {
  CHECK(read("fragment F on Query { a ...G } { ...F c } fragment G on Query { b { deep { er } } ...F }") ==
        Lines{"query  3: a b c"});
  CHECK(read("{ ... on Query @include(if: $x) { a { b } } ... { c } ...Missing }") == Lines{"query  2: a c"});
}

TEST_CASE("comments, commas, strings and a byte order mark are no part of it") {
  CHECK(read("\xef\xbb\xbf# { not }\n{ a(s: \"\\\"}{\", t: \"\"\"block \\\"\"\" }{ \"\"\"),,, b }") ==
        Lines{"query  1: a b"});
}

TEST_CASE("what is no whole document has no operations") {
  for (const char* text :
       {"", "shoes", "query", "query shoes", "{", "{ a", "{ }", "{ a } }", "{ a(x: 1 }", "type T { a: Int }",
        "{ a(s: \"x }", "select * from users", "{\"a\": 1}", "fragment F on T { a }", "{ a ... on { b } }"}) {
    CHECK_MESSAGE(read(text).empty(), text);
  }
}

TEST_CASE("levels and fields are bounded") {
  std::string deep, close, wide = "{";
  for (std::size_t i = 0; i <= kMaxGraphqlLevels; ++i) {
    deep += "{ a ";
    close += "}";
  }
  for (std::size_t i = 0; i <= kMaxGraphqlFields; ++i) wide += " a";
  CHECK(read(deep + close).empty());
  CHECK(read(wide + "}").empty());
  std::string fields = "{";
  for (std::size_t i = 0; i < 2 * kMaxRootFields; ++i) fields += " f" + std::to_string(i);
  CHECK(read_graphql(fields + "}").at(0).fields.size() == kMaxRootFields);
  // Fragments that double each other are not walked again and again.
  std::string doubling = "{ ...F0 }";
  for (int i = 0; i < 60; ++i) doubling += fmt::format("fragment F{} on T {{ ...F{} a{{ ...F{} }} }}", i, i + 1, i + 1);
  CHECK(read_graphql(doubling).at(0).depth == 60);
}

TEST_CASE("names are what a person writes") {
  CHECK(is_graphql_name("_getUser2"));
  for (const std::string& text : {std::string(), std::string("2x"), std::string("a-b"), std::string(200, 'a')})
    CHECK_FALSE(is_graphql_name(text));
}

}  // namespace specular::test
