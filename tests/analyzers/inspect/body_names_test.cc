#include "analyzers/inspect/body_names.h"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace specular::test {
namespace {

using Names = std::vector<std::string>;

Names names_in(std::string_view json) {
  std::array<std::string_view, kMaxBodyNames> names;
  std::size_t count = find_names(json, names);
  return Names(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace

TEST_CASE("names of members are found at any depth, values are not") {
  CHECK(names_in(R"({"id": 7, "owner" : {"login":"anna","tags":["a:b","c"]}, "x":"y"})") ==
        Names{"id", "owner", "login", "tags", "x"});
  CHECK(names_in(R"(["a", "b"])").empty());
  CHECK(names_in(R"("text")").empty());
  CHECK(names_in("").empty());
}

TEST_CASE("escaped quotes end no string") {
  CHECK(names_in(R"({"a":"x\":\"b\":","c":"\\","d":1})") == Names{"a", "c", "d"});
}

TEST_CASE("keys that are data are no names") {
  CHECK(names_in(R"({"2024-01-15":1,"user_8812":2,"":3,"v2":4})") == Names{"v2"});
  CHECK(names_in("{\"" + std::string(60, 'a') + "\":1}").empty());
}

TEST_CASE("a text may be cut anywhere") {
  std::string json = R"({"id":7,"owner":{"login":"an\"na"},"list":[1,2]})";
  for (std::size_t size = 0; size <= json.size(); ++size) {
    Names names = names_in(json.substr(0, size)), all = names_in(json);
    REQUIRE(names.size() <= all.size());
    REQUIRE(std::equal(names.begin(), names.end(), all.begin()));
  }
}

TEST_CASE("of very many names the first are found") {
  std::string json = "{";
  for (char c = 'a'; c <= 'z'; ++c) json += std::string("\"") + c + c + "\":1,";
  CHECK(names_in(json).size() == kMaxBodyNames);
}

TEST_CASE("JSON is told by its type") {
  CHECK(is_json_type("application/json"));
  CHECK(is_json_type("application/problem+json"));
  CHECK_FALSE(is_json_type("application/jsonp"));
  CHECK_FALSE(is_json_type(""));
}

}  // namespace specular::test
