#include "daemon/metrics.h"

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <sstream>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "capture/link/decode.h"

namespace specular::test {
namespace {

struct Family {
  std::string type, help;
  std::map<std::string, double> samples;  // by name and labels, as they stand there
};

bool is_name(std::string_view text) {
  auto fits = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':'; };
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) == 0 &&
         std::all_of(text.begin(), text.end(), fits);
}

// The length of {a="b",…}: quotes, backslashes and line ends only escaped.
std::size_t labels_size(std::string_view text) {
  std::size_t at = 1;
  for (bool more = true; more; ++at) {
    auto equals = text.find('=', at);
    REQUIRE(is_name(text.substr(at, equals - at)));
    REQUIRE(text.substr(equals + 1, 1) == "\"");
    for (at = equals + 2; text.at(at) != '"'; ++at) {
      if (text[at] != '\\') continue;
      ++at;
      bool known = text.at(at) == '\\' || text[at] == '"' || text[at] == 'n';
      REQUIRE(known);
    }
    more = text.at(++at) == ',';
  }
  REQUIRE(text[at - 1] == '}');
  return at;
}

// The exposition as its format says it must be (https://prometheus.io/docs/instrumenting/exposition_formats/).
std::map<std::string, Family> parse(const std::string& text) {
  std::map<std::string, Family> families;
  std::string current;
  REQUIRE((text.empty() || text.back() == '\n'));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    if (line.starts_with("# HELP ")) {
      auto blank = line.find(' ', 7);
      current = line.substr(7, blank - 7);
      REQUIRE(is_name(current));
      REQUIRE(families.count(current) == 0);
      families[current].help = line.substr(blank + 1);
      continue;
    }
    Family& family = families[current];
    if (line.starts_with("# TYPE ")) {
      REQUIRE(line.starts_with("# TYPE " + current + " "));
      REQUIRE((family.type.empty() && family.samples.empty()));
      family.type = line.substr(8 + current.size());
      continue;
    }
    std::size_t name_end = line.find_first_of("{ ");
    std::string name = line.substr(0, name_end);
    bool of_histogram = name == current + "_bucket" || name == current + "_sum" || name == current + "_count";
    REQUIRE((family.type == "histogram" ? of_histogram : name == current));
    std::size_t end = line[name_end] == '{' ? name_end + labels_size(line.substr(name_end)) : name_end;
    REQUIRE(line.at(end) == ' ');
    std::string value = line.substr(end + 1);
    char* rest = nullptr;
    double number = std::strtod(value.c_str(), &rest);
    REQUIRE(*rest == '\0');
    REQUIRE(family.samples.emplace(line.substr(0, end), number).second);
  }
  return families;
}

struct TwoCounters : CounterGroup {
  Counter frames{*this, "frames", "frames taken"};
  Counter odd{*this, "odd_bytes", "bytes with a \\ and\na line end"};
};

TEST_CASE("metrics: counters of several groups are one family, each with its labels") {
  TwoCounters first, second;
  first.frames.add(3);
  second.frames.add(4);
  second.odd.add(std::numeric_limits<std::uint64_t>::max());
  Metrics metrics;
  metrics.add(first, {{"shard", "0"}});
  metrics.add(second, {{"shard", "1"}, {"interface", "a\"b\\c\nd"}});
  auto families = parse(metrics.prometheus_text());
  CHECK(families.size() == 2);
  CHECK(families["specular_frames_total"].type == "counter");
  CHECK(families["specular_frames_total"].help == "frames taken");
  auto& frames = families["specular_frames_total"].samples;
  CHECK(frames.size() == 2);
  CHECK(frames["specular_frames_total{shard=\"0\"}"] == 3);
  CHECK(frames["specular_frames_total{shard=\"1\",interface=\"a\\\"b\\\\c\\nd\"}"] == 4);
  CHECK(families["specular_odd_bytes_total"].help == "bytes with a \\\\ and\\na line end");
  CHECK(metrics.prometheus_text().find(" 18446744073709551615\n") != std::string::npos);
  CHECK(metrics.total("frames") == 7);
  CHECK(metrics.total("none") == 0);
}

TEST_CASE("metrics: gauges are read when they are asked for") {
  double value = 0.25;
  Metrics metrics;
  metrics.add_gauge("kept_share", "share", {}, [&] { return value; });
  metrics.add_gauge("odd", "share", {{"kind", "nan"}}, [] { return std::nan(""); });
  metrics.add_gauge("odd", "share", {{"kind", "endless"}}, [] { return -std::numeric_limits<double>::infinity(); });
  auto families = parse(metrics.prometheus_text());
  CHECK(families["specular_kept_share"].type == "gauge");
  CHECK(families["specular_kept_share"].samples["specular_kept_share"] == 0.25);
  CHECK(std::isnan(families["specular_odd"].samples["specular_odd{kind=\"nan\"}"]));
  CHECK(std::isinf(families["specular_odd"].samples["specular_odd{kind=\"endless\"}"]));
  value = 1e15;
  CHECK(parse(metrics.prometheus_text())["specular_kept_share"].samples["specular_kept_share"] == 1e15);
}

TEST_CASE("metrics: a histogram adds up from bucket to bucket, to the count") {
  LatencyHistogram histogram;
  for (std::int64_t ns : {-5, 0, 1000, 1001, 2000, 1'000'000}) histogram.add(Duration(ns));
  histogram.add(std::chrono::hours(1));
  CHECK(histogram.count() == 7);
  CHECK(histogram.sum() == std::chrono::hours(1) + Duration(1'004'001));
  Metrics metrics;
  metrics.add(histogram, "queue", {{"shard", "2"}});
  auto family = parse(metrics.prometheus_text())["specular_stage_seconds"];
  CHECK(family.type == "histogram");
  auto at = [&](const char* le) {
    return family.samples.at(fmt::format("specular_stage_seconds_bucket{{shard=\"2\",stage=\"queue\",le=\"{}\"}}", le));
  };
  CHECK(at("1e-06") == 3);
  CHECK(at("2e-06") == 5);
  CHECK(at("4e-06") == 5);
  CHECK(at("0.000512") == 5);
  CHECK(at("0.001024") == 6);
  CHECK(at("67.108864") == 6);
  CHECK(at("+Inf") == 7);
  CHECK(family.samples.at("specular_stage_seconds_count{shard=\"2\",stage=\"queue\"}") == 7);
  CHECK(family.samples.at("specular_stage_seconds_sum{shard=\"2\",stage=\"queue\"}") ==
        doctest::Approx(3600.001004001));
  CHECK(family.samples.size() == LatencyHistogram::kBuckets + 3);
}

TEST_CASE("metrics: every declared counter has a name that Prometheus takes, and says what it is") {
  DecodeCounters decode;
  Metrics metrics;
  metrics.add(decode, {});
  auto families = parse(metrics.prometheus_text());
  CHECK(families.size() == decode.counters().size());
  for (const auto& [name, family] : families) CHECK_FALSE(family.help.empty());
}

}  // namespace
}  // namespace specular::test
