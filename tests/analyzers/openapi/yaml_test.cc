#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

#include "analyzers/openapi/exporter.h"
#include "tests/analyzers/random_summary.h"

namespace specular::test {
namespace {

using Json = nlohmann::ordered_json;

// What YAML 1.1 and 1.2 readers take for something else than a string when it has no quotes.
const std::vector<std::string> kLookalikes = {"yes",        "no",
                                              "Yes",        "NO",
                                              "on",         "Off",
                                              "true",       "False",
                                              "TRUE",       "y",
                                              "n",          "Y",
                                              "null",       "Null",
                                              "~",          "",
                                              "1",          "0",
                                              "-1",         "+1",
                                              "1.5",        "1e3",
                                              "1E-3",       ".5",
                                              "0x1F",       "0o17",
                                              "017",        "1_000",
                                              "12:30:45",   "1:2",
                                              ".inf",       "-.inf",
                                              ".nan",       ".NaN",
                                              "2024-01-15", "<<",
                                              "=",          "2024-01-15T10:30:00Z",
                                              "-",          "---",
                                              "...",        "? x",
                                              ": x",        "- x",
                                              "# x",        "&x",
                                              "*x",         "!x",
                                              "|",          ">",
                                              "%x",         "@x",
                                              "`x",         "[x]",
                                              "{x}",        "x: y",
                                              "x #y",       "x:",
                                              " x",         "x ",
                                              "\tx",        "x\ty",
                                              "x\ny",       "x\r\ny",
                                              "'x'",        "\"x\"",
                                              "\\",         "x\\y"};

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789+-.eE") == std::string::npos;
}

// Whether the node is the value: text where it is a string, in quotes where it could be taken for something else.
bool same(const YAML::Node& node, const Json& value) {
  if (value.is_null()) return node.IsNull();
  if (value.is_object()) {
    if (!node.IsMap() || node.size() != value.size()) return false;
    return std::all_of(value.items().begin(), value.items().end(),
                       [&](const auto& entry) { return node[entry.key()] && same(node[entry.key()], entry.value()); });
  }
  if (value.is_array()) {
    if (!node.IsSequence() || node.size() != value.size()) return false;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (!same(node[i], value[i])) return false;
    }
    return true;
  }
  if (!node.IsScalar()) return false;
  if (value.is_string()) {
    std::string text = value;
    bool lookalike = std::find(kLookalikes.begin(), kLookalikes.end(), text) != kLookalikes.end() || is_number(text);
    return node.Scalar() == text && (node.Tag() == "!" || !lookalike);
  }
  if (node.Tag() == "!") return false;
  if (value.is_boolean()) return node.as<bool>() == value.get<bool>();
  if (value.is_number_float()) return std::abs(node.as<double>() - value.get<double>()) < 1e-9;
  return node.Scalar() == value.dump();
}

// One document, read back by another parser.
std::string unlike(const Json& document) {
  std::string text = to_yaml(document);
  try {
    return same(YAML::Load(text), document) ? "" : "differs:\n" + text.substr(0, 2000);
  } catch (const YAML::Exception& error) {
    return std::string(error.what()) + ":\n" + text.substr(0, 2000);
  }
}

std::string random_text(Random& random) {
  static constexpr const char* kPieces[] = {"a",    "Z",   "0",  "9",  ":", " ",    "#",        "-",          "'",
                                            "\"",   "\\",  "\n", "\t", "é", "\x01", "\x7f",     "{",          "}",
                                            "/",    ".",   "&",  "*",  "!", "%",    "\u2028",   "\U0001F600", "~",
                                            "null", "yes", ",",  "[",  "]", "|",    "\xc2\x85", "_",          "\ufeff"};
  std::string text;
  for (std::size_t i = random() % 12; i > 0; --i) text += kPieces[random() % std::size(kPieces)];
  return text;
}

Json random_document(Random& random, int depth) {
  switch (random() % (depth > 0 ? 8 : 6)) {
    case 0: return random() % 2 == 0;
    case 1: return static_cast<std::int64_t>(random() >> random() % 64) * (random() % 2 == 0 ? 1 : -1);
    case 2: return static_cast<double>(random() % 1000) / 8;
    case 3: return nullptr;
    case 4:
    case 5: return random_text(random);
    case 6: {
      Json list = Json::array();
      for (std::size_t i = random() % 4; i > 0; --i) list.push_back(random_document(random, depth - 1));
      return list;
    }
    default: {
      Json object = Json::object();
      for (std::size_t i = random() % 4; i > 0; --i) object[random_text(random)] = random_document(random, depth - 1);
      return object;
    }
  }
}

}  // namespace

TEST_CASE("strings that look like something else stay strings") {
  for (const std::string& text : kLookalikes) {
    CHECK_MESSAGE(unlike(Json{{"value", text}}) == "", text);
    CHECK_MESSAGE(unlike(Json::array({text, text})) == "", text);
    Json key = Json::object();
    key[text] = 1;
    CHECK_MESSAGE(unlike(key) == "", text);
  }
}

TEST_CASE("plain words have no quotes, so that people can read them") {
  CHECK(to_yaml(Json{{"openapi", "3.1.0"}, {"title", "api.example"}, {"path", "/users/me"}}) ==
        "openapi: \"3.1.0\"\ntitle: api.example\npath: /users/me\n");
}

TEST_CASE("numbers, booleans and null are what they are") {
  CHECK(unlike(Json{{"a", 1}, {"b", -5}, {"c", 1.5}, {"d", true}, {"e", false}, {"f", nullptr}}) == "");
  CHECK(unlike(Json{{"most", 18446744073709551615ULL}, {"least", std::int64_t{-9223372036854775807}}}) == "");
}

TEST_CASE("empty lists and objects are told from null") {
  CHECK(unlike(Json{{"a", Json::array()}, {"b", Json::object()}, {"c", nullptr}, {"d", ""}}) == "");
  CHECK(unlike(Json::object()) == "");
  CHECK(unlike(Json::array({Json::array(), Json::object(), Json::array({Json::object()})})) == "");
}

TEST_CASE("long texts and keys can be read back") {
  for (std::size_t size : {59u, 60u, 61u, 130u, 1000u, 1023u, 1024u, 1025u, 2048u}) {
    std::string text(size, 'a');
    CHECK_MESSAGE(unlike(Json{{"value", text}}) == "", size);
    Json key = Json::object();
    key["/" + text] = Json{{"get", "x"}};
    CHECK_MESSAGE(unlike(key) == "", size, " characters in a key");
  }
}

TEST_CASE("any document can be read back") {
  Random random(1);
  for (int round = 0; round < 3000; ++round) {
    Json document{{"value", random_document(random, 3)}};
    std::string problem = unlike(document);
    REQUIRE_MESSAGE(problem == "", document.dump(), problem);
  }
}

TEST_CASE("the order of keys is kept") {
  std::string text = to_yaml(Json{{"z", 1}, {"a", 2}, {"m", 3}});
  CHECK(text == "z: 1\na: 2\nm: 3\n");
}

}  // namespace specular::test
