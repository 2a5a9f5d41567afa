#include "analyzers/inspect/deprecation.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/analyzers/site.h"

namespace specular::test {
namespace {

// "answers since sunset"
std::string read(const Headers& headers) {
  std::vector<HeaderField> fields;
  for (const auto& [name, value] : headers) fields.push_back({name, value});
  ResponseHead head{};
  head.time = kStart;
  head.headers = fields;
  Deprecation found = deprecation_of(head);
  auto text = [](Timestamp time) {
    return time == Timestamp::min() ? std::string("-") : to_rfc3339(time).substr(0, 19);
  };
  return std::to_string(found.answers) + " " + text(found.last.since) + " " + text(found.last.sunset);
}

}  // namespace

TEST_CASE("dates of Deprecation and Sunset are read as their RFCs have them, and as drafts had them") {
  CHECK(read({{"Deprecation", "@1688169599"}}) == "1 2023-06-30T23:59:59 -");
  CHECK(read({{"deprecation", "true"}, {"Sunset", "Sun, 30 Jun 2024 23:59:59 GMT"}}) == "1 - 2024-06-30T23:59:59");
  CHECK(read({{"Deprecation", "Sun, 11 Nov 2018 23:59:59 GMT"}}) == "1 2018-11-11T23:59:59 -");
  CHECK(read({{"Sunset", "Sat, 31 Dec 2022 23:59:59 GMT"}}) == "1 - 2022-12-31T23:59:59");
}

TEST_CASE("what is no date says nothing") {
  for (const char* value : {"", "false", "@", "@12x", "@99999999999999999999", "soon", "Sun, 31 Xxx 2022 23:59:59 GMT",
                            "Sun, 99 Nov 2018 23:59:59 GMT"}) {
    CHECK_MESSAGE(read({{"Deprecation", value}}) == "0 - -", value);
    CHECK_MESSAGE(read({{"Sunset", value}}) == "0 - -", value);
  }
  CHECK(read({}) == "0 - -");
}

TEST_CASE("the latest answer that says something has the last word, whatever comes first") {
  Deprecation early{1, {kStart, kStart, Timestamp::min()}}, late{2, {kStart + kEpoch, Timestamp::min(), kStart}};
  Deprecation one = early, other = late;
  one.merge(late);
  other.merge(early);
  CHECK((one == other));
  CHECK(one.answers == 3);
  CHECK((one.last == late.last));
}

}  // namespace specular::test
