#include "capture/base/option.h"

#include <doctest/doctest.h>

#include "capture/base/ip.h"

namespace specular::test {
namespace {

Result<void> check_word(std::string_view item) {
  if (item.empty()) return fail(ErrorKind::invalid, "empty word");
  return {};
}

struct Sample : OptionGroup {
  IntOption count{*this, "count", 5, {-2, 10}, "things", "How many."};
  BoolOption loud{*this, "loud", false, "Whether to shout."};
  ChoiceOption mode{*this, "mode", "full", {"full", "budget"}, "How much."};
  ListOption<std::uint16_t> ports{*this, "ports", {"80", "443"}, parse_port, "ports", "Where."};
  ListOption<Prefix> networks{*this, "networks", {}, Prefix::parse, "prefixes", "Whose."};
  MapOption words{*this, "words", check_word, "words", "Which."};
};

// An error for people: one line, and of that kind.
void check_refused(const Result<void>& result, std::string_view mentions) {
  REQUIRE(!result);
  CHECK(result.error().kind == ErrorKind::invalid);
  CHECK(result.error().text.find('\n') == std::string::npos);
  CHECK(result.error().text.find(mentions) != std::string::npos);
}

}  // namespace

TEST_CASE("a group lists its options in the order of their declaration, with what they say of themselves") {
  Sample sample;
  REQUIRE(sample.options().size() == 6);
  CHECK(sample.options()[0]->name() == std::string("count"));
  CHECK(sample.options()[0]->unit() == std::string("things"));
  CHECK(sample.options()[0]->help() == std::string("How many."));
  CHECK(sample.options()[5]->name() == std::string("words"));
  CHECK(sample.options()[3]->shape() == Option::Shape::list);
  CHECK(sample.options()[5]->shape() == Option::Shape::map);
  CHECK(sample.options()[1]->shape() == Option::Shape::scalar);
}

TEST_CASE("an option has its default until it is set, and prints the default ever after") {
  Sample sample;
  CHECK(sample.count.value() == 5);
  CHECK(!sample.loud.value());
  CHECK(sample.mode.value() == "full");
  CHECK(sample.ports.values() == std::vector<std::uint16_t>{80, 443});
  REQUIRE(sample.count.set("7"));
  REQUIRE(sample.loud.set("true"));
  REQUIRE(sample.mode.set("budget"));
  REQUIRE(sample.ports.set("8080"));
  CHECK(sample.count.default_text() == "5");
  CHECK(sample.loud.default_text() == "false");
  CHECK(sample.mode.default_text() == "full");
  CHECK(sample.ports.default_text() == "[80, 443]");
  CHECK(sample.networks.default_text() == "[]");
  CHECK(sample.words.default_text() == "{}");
}

TEST_CASE("a whole number is taken from the first to the last of its range") {
  Sample sample;
  for (auto [text, value] : {std::pair{"-2", -2}, {"10", 10}, {"0", 0}}) {
    REQUIRE(sample.count.set(text));
    CHECK(sample.count.value() == value);
  }
  CHECK(sample.count.range_text() == "-2 to 10");
}

TEST_CASE("a number out of range, or none, is refused and changes nothing") {
  Sample sample;
  REQUIRE(sample.count.set("3"));
  for (const char* text : {"-3", "11", "", "x", "3x", " 3", "3 ", "+3", "3.0", "0x3", "1e1", "99999999999999999999"}) {
    CAPTURE(std::string(text));
    check_refused(sample.count.set(text), "count");
    CHECK(sample.count.value() == 3);
  }
}

TEST_CASE("a switch is true or false and nothing that sounds like it") {
  Sample sample;
  REQUIRE(sample.loud.set("true"));
  CHECK(sample.loud.value());
  for (const char* text : {"yes", "1", "True", "on", ""}) {
    check_refused(sample.loud.set(text), "loud");
    CHECK(sample.loud.value());
  }
  REQUIRE(sample.loud.set("false"));
  CHECK(!sample.loud.value());
}

TEST_CASE("a choice is one of its words") {
  Sample sample;
  CHECK(sample.mode.range_text() == "full or budget");
  REQUIRE(sample.mode.set("budget"));
  for (const char* text : {"", "Full", "ful", "full "}) check_refused(sample.mode.set(text), "full or budget");
  CHECK(sample.mode.value() == "budget");
}

TEST_CASE("a list is replaced as a whole, or not at all if one item is wrong") {
  Sample sample;
  REQUIRE(sample.ports.set_list({"1", "65535"}));
  CHECK(sample.ports.values() == std::vector<std::uint16_t>{1, 65535});
  check_refused(sample.ports.set_list({"8080", "0"}), "'0'");
  CHECK(sample.ports.values() == std::vector<std::uint16_t>{1, 65535});
  REQUIRE(sample.ports.set_list({}));
  CHECK(sample.ports.values().empty());
  REQUIRE(sample.ports.set("443"));
  CHECK(sample.ports.values() == std::vector<std::uint16_t>{443});
  CHECK(sample.ports.range_text() == "list of ports");
}

TEST_CASE("a list checks its items by what they are") {
  Sample sample;
  REQUIRE(sample.networks.set_list({"10.0.0.0/8", "2001:db8::/32"}));
  CHECK(sample.networks.values().size() == 2);
  check_refused(sample.networks.set_list({"10.0.0.1/8"}), "10.0.0.1/8");
  CHECK(sample.networks.values().size() == 2);
}

TEST_CASE("a port is a number from 1 to 65535") {
  CHECK(parse_port("1") == 1);
  CHECK(parse_port("65535") == 65535);
  for (const char* text : {"0", "65536", "-1", "", "http", "80 ", "4294967376"}) CHECK(!parse_port(text));
}

TEST_CASE("a map takes one key after the other, each with a list, and refuses a wrong item whole") {
  Sample sample;
  REQUIRE(sample.words.set_entry("a", {"x", "y"}));
  REQUIRE(sample.words.set_entry("b", {}));
  check_refused(sample.words.set_entry("c", {"x", ""}), "empty word");
  check_refused(sample.words.set_entry("a", {""}), "empty word");
  CHECK(sample.words.value().size() == 2);
  CHECK(sample.words.value().at("a") == std::vector<std::string>{"x", "y"});
  REQUIRE(sample.words.set_entry("a", {"z"}));
  CHECK(sample.words.value().at("a") == std::vector<std::string>{"z"});
}

TEST_CASE("an option refuses a value of another shape") {
  Sample sample;
  check_refused(sample.count.set_list({"1"}), "count");
  check_refused(sample.count.set_entry("key", {"1"}), "key");
  check_refused(sample.ports.set_entry("key", {"1"}), "key");
  check_refused(sample.words.set("x"), "words");
  check_refused(sample.words.set_list({"x"}), "words");
}

}  // namespace specular::test
