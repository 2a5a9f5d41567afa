#include "daemon/describe.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <doctest/doctest.h>
#include <yaml-cpp/yaml.h>

#include "analyzers/coverage.h"
#include "daemon/config.h"
#include "tests/analyzers/site.h"
#include "tests/storage/helper.h"

namespace specular::test {
namespace {

// The comments that stand before an option, in one line.
std::string comments_before(const std::string& text, const std::string& line) {
  auto at = text.find("\n" + line);
  REQUIRE(at != std::string::npos);
  std::istringstream lines(text.substr(0, at));
  std::string comments;
  for (std::string each; std::getline(lines, each);) {
    auto begin = each.find_first_not_of(' ');
    bool is_comment = begin != std::string::npos && each[begin] == '#';
    comments = is_comment ? comments + each.substr(begin + 1) : "";
  }
  return comments;
}

TEST_CASE("describe: it is a configuration that sets every option to its default") {
  Folder folder;
  std::string path = folder.path("described.yaml");
  std::ofstream(path) << describe();
  Config described(Program::speculard), fresh(Program::speculard);
  auto loaded = load_config(path, described);
  REQUIRE_MESSAGE(loaded, loaded.error().text);
  CHECK(described.without_effect.empty());
  auto read = described.sections(), untouched = fresh.sections();
  for (std::size_t i = 0; i < read.size(); ++i) {
    for (std::size_t j = 0; j < read[i].group->options().size(); ++j) {
      const Option& option = *read[i].group->options()[j];
      CAPTURE(option.name());
      // A map without entries says nothing about any of them.
      CHECK(option.given());
      CHECK(option.value_text() == untouched[i].group->options()[j]->value_text());
    }
  }
}

TEST_CASE("describe: every option has its help, range and unit beside it") {
  std::string text = describe();
  Config config(Program::speculard);
  for (const auto& [name, group] : config.sections()) {
    for (const Option* option : group->options()) {
      std::string path = name, indent = path.empty() ? "" : "  ", begin = "\n" + path + ":\n";
      if (auto point = path.find('.'); point != std::string::npos) {
        begin = "\n  " + path.substr(point + 1) + ":\n";
        indent = "    ";
      }
      REQUIRE((path.empty() || text.find(begin) != std::string::npos));
      std::string section = path.empty() ? text : text.substr(text.find(begin));
      std::string comments = comments_before(section, indent + option->name() + ": ");
      CAPTURE(option->name());
      CHECK(comments.find(option->help()) != std::string::npos);
      CHECK(comments.find(option->range_text()) != std::string::npos);
      CHECK(comments.find(option->unit()) != std::string::npos);
    }
  }
}

// The names of counters that headers declare.
Lines declared_counters() {
  constexpr std::string_view kBefore = "{*this, \"";
  Lines names;
  for (const char* room : {"capture", "analyzers", "storage", "daemon"}) {
    for (const auto& file : std::filesystem::recursive_directory_iterator(std::filesystem::path(SOURCE_ROOT) / room)) {
      if (file.path().extension() != ".h") continue;
      std::ifstream header(file.path());
      for (std::string line; std::getline(header, line);) {
        auto begin = line.find(kBefore);
        if (!line.starts_with("  Counter ") || begin == std::string::npos) continue;
        begin += kBefore.size();
        names.push_back(line.substr(begin, line.find('"', begin) - begin));
      }
    }
  }
  return names;
}

TEST_CASE("describe: every counter, figure of coverage, anomaly and drop, with what it means") {
  std::vector<YAML::Node> documents = YAML::LoadAll(describe());
  REQUIRE(documents.size() == 2);
  const YAML::Node& told = documents[1];

  Lines counters = declared_counters();
  CHECK(counters.size() > 20);
  // One name, one meaning: metrics add up what has the same name.
  CHECK(std::set<std::string>(counters.begin(), counters.end()).size() == counters.size());
  for (const std::string& name : counters) {
    CAPTURE(name);
    REQUIRE(told["counters"][name]);
    CHECK_FALSE(told["counters"][name]["help"].as<std::string>().empty());
    CHECK(name.ends_with(told["counters"][name]["unit"].as<std::string>()));
  }
  CHECK(told["coverage"].size() == kCoverageItems);
  for (std::size_t i = 0; i < kCoverageItems; ++i) {
    auto item = static_cast<CoverageItem>(i);
    CHECK(told["coverage"][to_text(item)].as<std::string>() == help_of(item));
  }
  CHECK(told["anomalies"].size() == kAnomalyCount);
  CHECK_FALSE(told["drops"]["not_tcp"].as<std::string>().empty());
  for (const auto& drop : told["drops"]) {
    CHECK(told["counters"]["dropped_" + drop.first.as<std::string>() + "_frames"]["help"].as<std::string>() ==
          drop.second.as<std::string>());
  }
}

}  // namespace
}  // namespace specular::test
