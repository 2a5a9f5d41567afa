#include "analyzers/inspect/body_shapes.h"

#include <doctest/doctest.h>

#include "tests/analyzers/schemas.h"

namespace specular::test {
namespace {

constexpr const char* kJson = "application/json";
constexpr const char* kForm = "application/x-www-form-urlencoded";

Lines lines(const std::string& type, const std::string& document, BodyState state = BodyState::whole) {
  Schema schema;
  read(type, document, schema, state);
  return lines_of(schema);
}

Schema cut_json(const std::string& document) {
  Schema schema;
  read(kJson, document, schema, BodyState::clipped);
  return schema;
}

}  // namespace

TEST_CASE("JSON: types, formats, items and nesting") {
  CHECK(lines(kJson, R"({"id":7,"rate":0.5,"on":true,"none":null,"at":"2026-03-01T10:00:00Z","tags":["a","b"],
                        "owner":{"id":"a1b2c3d4-0000-4000-8000-00000000000f"},"rows":[{"x":1},{"x":2.5,"y":""}]})") ==
        Lines{"$ object:1", "at string:1 date_time:1", "id integer:1 7..7", "none null:1", "on boolean:1",
              "owner object:1", "owner.id string:1 uuid:1", "rate number:1 0.5..0.5", "rows array:1", "rows[] object:2",
              "rows[].x integer:1 number:1 1..2.5", "rows[].y string:1 empty:1", "tags array:1",
              "tags[] string:2 a b"});
}

TEST_CASE("JSON: a document need not be an object") {
  CHECK(lines(kJson, "[1,2]") == Lines{"$ array:1", "[] integer:2 1..2"});
  CHECK(lines(kJson, "\"x y\"") == Lines{"$ string:1"});
  CHECK(lines(kJson, " 42 ") == Lines{"$ integer:1 42..42"});
}

TEST_CASE("JSON: of a key that is there twice the first counts") {
  CHECK(lines(kJson, R"({"a":1,"a":{"b":2}})") == Lines{"$ object:1", "a integer:1 1..1"});
}

TEST_CASE("JSON: the tolerant reader finds what the strict one does") {
  std::mt19937_64 random(11);
  for (int round = 0; round < 300; ++round) {
    std::string document = random_document(random);
    Schema strict, tolerant;
    JsonShapes reader{HashKey{}};
    PaddedBody body(document);
    REQUIRE(reader.read(body.view().bytes, true, false, strict) == ReadState::whole);
    REQUIRE(reader.read(body.view().bytes, false, false, tolerant) == ReadState::whole);
    REQUIRE(lines_of(strict) == lines_of(tolerant));
    REQUIRE((bytes_of(strict) == bytes_of(tolerant)));
  }
}

TEST_CASE("JSON: what is cut off is read as far as it goes") {
  Schema schema = cut_json(R"({"id":7,"list":[{"a":1},{"a":2,"b":"te)");
  CHECK(lines_of(schema) ==
        Lines{"$ object:1", "id integer:1 7..7", "list array:1", "list[] object:2", "list[].a integer:2 1..2"});
  CHECK(schema.documents == 1);
  CHECK(schema.partial == 1);
}

TEST_CASE("JSON: a number at the cut may go on, and is not told") {
  CHECK(lines_of(cut_json(R"({"a":1,"b":12)")) == Lines{"$ object:1", "a integer:1 1..1"});
}

TEST_CASE("JSON: every beginning of a document can be read") {
  std::string document = R"({"a":[1,{"b":"xé\n\u00e9","c":null}],"d":-1.5e3,"e":true})";
  for (std::size_t size = 0; size <= document.size(); ++size) {
    Schema schema = cut_json(document.substr(0, size));
    CHECK(schema.documents + schema.unreadable == (size == 0 ? 0 : 1));
  }
}

TEST_CASE("JSON: not UTF-8, a byte order mark, several documents") {
  CHECK(lines(kJson, "{\"a\":\"caf\xe9 au lait\"}") == Lines{"$ object:1", "a string:1"});
  CHECK(lines(kJson, "\xef\xbb\xbf{\"a\":1}") == Lines{"$ object:1", "a integer:1 1..1"});
  Schema schema;
  read("application/x-ndjson", "{\"a\":1}\n{\"a\":2}\n", schema);
  CHECK(lines_of(schema) == Lines{"$ object:2", "a integer:2 1..2"});
  CHECK(schema.documents == 2);
}

TEST_CASE("JSON: what is none leaves nothing behind") {
  for (const char* text :
       {"<html>", "{\"a\":1", "{\"a\":1}}", "{a:1}", "[1,]", "nul", "{\"a\" 1}", "+1", "{\"a\":01x}"}) {
    CAPTURE(text);
    Schema schema;
    read(kJson, text, schema);
    CHECK(schema.documents == 0);
    CHECK(schema.unreadable == 1);
    CHECK(schema.root.seen() == 0);
  }
}

TEST_CASE("JSON: hostile depth and width have bounds") {
  std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  Schema schema;
  read(kJson, deep, schema);
  CHECK(schema.documents + schema.unreadable == 1);
  CHECK(schema.root.count_nodes() <= Schema::kMaxDepth + 1);
  std::string wide = "[0";
  for (std::size_t i = 0; i < 2 * kMaxValues; ++i) wide += ",1";
  Schema broad;
  read(kJson, wide + "]", broad);
  CHECK(broad.documents == 1);
  CHECK(broad.partial == 1);
  CHECK(broad.root.array->items.seen() <= kMaxValues);
}

TEST_CASE("JSON under another name is JSON; text is none") {
  CHECK(lines("text/plain", R"({"a":1})") == Lines{"$ object:1", "a integer:1 1..1"});
  CHECK(lines("application/xml", R"({"a":1})") == Lines{"$ object:1", "a integer:1 1..1"});
  Schema schema;
  read("text/plain", "just words", schema);
  CHECK(schema.documents + schema.unreadable == 0);
  read("image/png", "{\"a\":1}", schema);
  CHECK(schema.documents + schema.unreadable == 0);
}

TEST_CASE("forms: names, lists and what brackets nest") {
  CHECK(lines(kForm, "size=10&name=a+b&mail=x%40y.example&tag=a&tag=b") ==
        Lines{"$ object:1", "mail string:1 email:1", "name string:1", "size string:1 integer:1", "tag array:1",
              "tag[] string:2 a b"});
  CHECK(lines(kForm, "item[0][sku]=x&item[1][sku]=y&meta[a][b]=2&ids[]=1&ids[]=2&odd]=1") ==
        Lines{"$ object:1", "ids array:1", "ids[] string:2 integer:2", "item array:1", "item[] object:2",
              "item[].sku string:2 x y", "meta object:1", "meta.a object:1", "meta.a.b string:1 integer:1",
              "odd] string:1 integer:1"});
}

TEST_CASE("forms: what is cut off is not told; what is none is unreadable") {
  CHECK(lines(kForm, "a=1&b=2&c=3", BodyState::clipped) ==
        Lines{"$ object:1", "a string:1 integer:1", "b string:1 integer:1"});
  Schema schema;
  read(kForm, "just words", schema);
  CHECK(schema.unreadable == 1);
}

TEST_CASE("multipart forms: fields and files") {
  std::string body =
      "--xx\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\nlarge\r\n"
      "--xx\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\nContent-Type: image/png\r\n\r\n"
      "\x89PNG\r\n--x\r\n\r\n--xx\r\nContent-Disposition: form-data; name=\"n[0]\"\r\n\r\n5\r\n--xx--\r\n";
  CHECK(lines("multipart/form-data", body) ==
        Lines{"$ object:1", "file string:1", "kind string:1 large", "n array:1", "n[] string:1 integer:1"});
  Schema schema;
  read("multipart/form-data", "nothing of the kind", schema);
  CHECK(schema.unreadable == 1);
}

TEST_CASE("XML: elements, attributes, lists; namespaces left out") {
  CHECK(lines("application/xml",
              R"(<?xml version="1.0"?><o:order xmlns:o="urn:o" id="7"><o:line n="1"><sku>a</sku></o:line>
                 <o:line n="2"/><total>9.5</total></o:order>)") ==
        Lines{"$ object:1", "@id string:1 integer:1", "line array:1", "line[] object:2", "line[].@n string:2 integer:2",
              "line[].sku string:1 a", "total string:1 number:1"});
}

TEST_CASE("XML: document types are refused, depth has a bound, a cut end is none") {
  Schema schema;
  read("text/xml", R"(<!DOCTYPE a [<!ENTITY b "bbbb">]><a><c>&b;</c></a>)", schema);
  CHECK(schema.unreadable == 1);
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "<a>";
  Schema nested;
  read("text/xml", deep, nested, BodyState::clipped);
  CHECK(nested.documents == 1);
  CHECK(nested.partial == 1);
  CHECK(lines("text/xml", "<a><b>1</b><c>2", BodyState::clipped) ==
        Lines{"$ object:1", "b string:1 integer:1", "c string:1 empty:1"});
}

TEST_CASE("a body that could not be decoded teaches nothing") {
  Schema schema;
  read(kJson, R"({"a":1})", schema, BodyState::undecodable);
  read(kJson, R"({"a":1})", schema, BodyState::bomb);
  CHECK(schema.documents + schema.unreadable == 0);
}

}  // namespace specular::test
