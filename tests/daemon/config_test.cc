#include "daemon/config.h"

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/analyzers/survives.h"
#include "tests/storage/helper.h"

namespace specular::test {
namespace {

Result<void> load(const std::string& text, Config& config) {
  Folder folder;
  std::string path = folder.path("specular.yaml");
  std::ofstream(path, std::ios::binary) << text;
  auto loaded = load_config(path, config);
  if (loaded) return loaded;
  // Every complaint is one line that begins with the file.
  CHECK_MESSAGE(loaded.error().text.starts_with(path), loaded.error().text);
  CHECK_MESSAGE(loaded.error().text.find('\n') == std::string::npos, loaded.error().text);
  return fail(loaded.error().kind, loaded.error().text.substr(path.size()));
}

// ":LINE: what is wrong", without the file's name.
std::string complaint(const std::string& text) {
  Config config;
  auto loaded = load(text, config);
  if (!loaded) CHECK(loaded.error().kind == ErrorKind::invalid);
  return loaded ? "accepted" : loaded.error().text;
}

bool accepts(const std::string& text) {
  Config config;
  auto loaded = load(text, config);
  if (!loaded) MESSAGE(loaded.error().text);
  return loaded.has_value();
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A value that differs from the default, as YAML.
std::string other_value(const Option& option) {
  std::string name = option.name(), range = option.range_text(), normal = option.default_text();
  if (range.starts_with("vxlan and geneve")) return "{vxlan: [4790], geneve: [6082]}";
  if (name == "groups") return "{tenant: [\"vxlan:7\"]}";
  if (name == "trusted_proxies") return "[10.0.0.0/8, 192.0.2.1]";
  if (range.starts_with("list of ")) return "[eth0, eth1]";
  if (range == "an address and port") return "127.0.0.1:9479";
  if (range == "a path" || range.find("pcap-filter") != std::string::npos) return "tcp";
  if (range == "true or false") return normal == "true" ? "false" : "true";
  if (auto to = range.find(" to "); to != std::string::npos) {
    std::string least = range.substr(0, to);
    return least == normal ? range.substr(to + 4) : least;
  }
  auto words = range.find(" or ");
  REQUIRE_MESSAGE(words != std::string::npos, name, " takes ", range);
  std::string first = range.substr(0, words), second = range.substr(words + 4);
  return first == normal ? second.substr(0, second.find(" or ")) : first;
}

std::string document_with(const Config::Section& section, const Option& option, const std::string& value) {
  std::string name = section.name;
  bool top = name.empty();
  if (auto point = name.find('.'); point != std::string::npos) {
    return fmt::format("{}:\n  {}:\n    {}: {}\n", name.substr(0, point), name.substr(point + 1), option.name(), value);
  }
  return top ? fmt::format("{}: {}\n", option.name(), value)
             : fmt::format("{}:\n  {}: {}\n", section.name, option.name(), value);
}

// What the option holds now, as far as the tests can see it.
std::string held_by(const Option& option) {
  if (const auto* number = dynamic_cast<const IntOption*>(&option)) return std::to_string(number->value());
  if (const auto* flag = dynamic_cast<const BoolOption*>(&option)) return flag->value() ? "true" : "false";
  if (const auto* choice = dynamic_cast<const ChoiceOption*>(&option)) return choice->value();
  if (const auto* text = dynamic_cast<const TextOption*>(&option)) return text->value();
  return "";
}

}  // namespace

TEST_CASE("every key of every section can be set") {
  Config names;
  std::size_t options = 0;
  for (std::size_t s = 0; s < names.sections().size(); ++s) {
    for (std::size_t o = 0; o < names.sections()[s].group->options().size(); ++o) {
      Config config;
      Config::Section section = config.sections()[s];
      const Option& option = *section.group->options()[o];
      std::string value = other_value(option), before = held_by(option);
      REQUIRE_MESSAGE(load(document_with(section, option, value), config).has_value(), section.name, ".",
                      option.name());
      if (!before.empty()) {
        CHECK_MESSAGE(held_by(option) == value, section.name, ".", option.name());
        CHECK_MESSAGE(before != value, section.name, ".", option.name());
      }
      ++options;
    }
  }
  CHECK(options >= 20);
}

TEST_CASE("lists and maps take what they are given") {
  Config config;
  REQUIRE(
      load("clients:\n  trusted_proxies: [10.0.0.0/8, \"2001:db8::/32\"]\n"
           "tunnels:\n  ports:\n    vxlan: [4789, 8472]\n    geneve: 7000\n"
           "  groups:\n    blue: [vxlan:7, \"vxlan:8\"]\n    red: [vxlan:9]\n",
           config));
  CHECK(config.clients.trusted_proxies.values().size() == 2);
  CHECK(config.clients.trusted_proxies.values()[1].text() == "2001:db8::/32");
  CHECK(config.capture.tunnels.ports.is_vxlan(8472));
  CHECK(config.capture.tunnels.ports.is_geneve(7000));
  CHECK_FALSE(config.capture.tunnels.ports.is_geneve(6081));
  CHECK(config.capture.tunnels.groups.value().at("blue") == std::vector<std::string>{"vxlan:7", "vxlan:8"});
}

TEST_CASE("defaults are within their own ranges, and every option says what it is for") {
  Config config;
  for (const Config::Section& section : config.sections()) {
    for (Option* option : section.group->options()) {
      CHECK_MESSAGE(std::string(option->help()).size() > 10, option->name());
      CHECK_MESSAGE(!option->range_text().empty(), option->name());
      Config again;
      REQUIRE_MESSAGE(load(document_with(section, *option, option->default_text()), again).has_value(), option->name());
    }
  }
}

TEST_CASE("values just outside of a range are refused, those on its borders taken") {
  Config config;
  for (const Config::Section& section : config.sections()) {
    for (Option* option : section.group->options()) {
      std::string range = option->range_text();
      auto to = range.find(" to ");
      if (to == std::string::npos) continue;
      std::int64_t least = std::stoll(range.substr(0, to)), most = std::stoll(range.substr(to + 4));
      CHECK(accepts(document_with(section, *option, std::to_string(least))));
      CHECK(accepts(document_with(section, *option, std::to_string(most))));
      for (std::int64_t outside : {least - 1, most + 1}) {
        std::string text = complaint(document_with(section, *option, std::to_string(outside)));
        CHECK_MESSAGE(mentions(text, option->name()), text);
        CHECK_MESSAGE(mentions(text, range), text);
      }
    }
  }
}

TEST_CASE("empty files set nothing") {
  CHECK(accepts(""));
  CHECK(accepts("\n\n"));
  CHECK(accepts("# only a comment\n"));
  CHECK(accepts("---\n"));
  CHECK(accepts("flows:\n"));
  CHECK(accepts("flows: {}\n"));
}

TEST_CASE("sections of the daemon are read by every program, and refused where they are wrong") {
  CHECK(accepts("sources:\n  interfaces: [eth0]\nmetrics:\n  listen: 127.0.0.1:9000\nshards: 2\n"));
  CHECK(mentions(complaint("sources:\n  interface: [eth0]\n"), "'sources.interfaces'"));
  CHECK(mentions(complaint("sources:\n  settle_second: 4\n"), "'sources.settle_seconds'"));
  CHECK(mentions(complaint("metrics:\n  listen: 9000\n"), "127.0.0.1:9470"));
}

TEST_CASE("a section inside of another one") {
  Config config;
  REQUIRE(
      load("sources:\n  interfaces: [eth0]\n  dpdk:\n    ports: [\"0000:00:06.0\", \"net_null0,size=64\"]\n"
           "    eal: [--no-huge]\n    mtu: 1500\n  ring_mb: 8\n",
           config));
  CHECK(config.dpdk.ports.values() == std::vector<std::string>{"0000:00:06.0", "net_null0,size=64"});
  CHECK(config.dpdk.eal.values() == std::vector<std::string>{"--no-huge"});
  CHECK(config.dpdk.mtu.value() == 1500);
  CHECK(config.live.ring.value() == 8);
  CHECK(accepts("sources:\n  dpdk:\n"));
  CHECK(complaint("sources:\n  dpdk: 5\n") == ":2: 'sources.dpdk' must be a mapping");
  CHECK(complaint("sources:\n  dpdk: [a]\n") == ":2: 'sources.dpdk' must be a mapping");
  CHECK(complaint("sources:\n  dpdk:\n    port: [a]\n") ==
        ":3: unknown key 'sources.dpdk.port'; the nearest key is 'sources.dpdk.ports'");
  CHECK(complaint("sources:\n  dpdkk:\n    ports: [a]\n") ==
        ":2: unknown key 'sources.dpdkk'; the nearest key is 'sources.dpdk'");
  CHECK(mentions(complaint("sources.dpdk:\n  ports: [a]\n"), "unknown key 'sources.dpdk'"));
  CHECK(complaint("sources:\n  dpdk:\n    mtu: 1\n    mtu: 2\n").starts_with(":4: "));
}

TEST_CASE("the daemon has defaults of its own, which a file overrides") {
  Config daemon(Program::speculard), command;
  CHECK(daemon.general.inspect.value() == "budget");
  CHECK(daemon.capture.tunnels.only_tunnelled.value());
  CHECK(command.general.inspect.value() == "full");
  CHECK_FALSE(command.capture.tunnels.only_tunnelled.value());
  REQUIRE(load("inspect: full\ntunnels: {only_tunnelled: false}\n", daemon));
  CHECK(daemon.general.inspect.value() == "full");
  CHECK_FALSE(daemon.capture.tunnels.only_tunnelled.value());
  CHECK(daemon.capture.tunnels.only_tunnelled.given());
  CHECK_FALSE(daemon.capture.tunnels.max_depth.given());
}

TEST_CASE("an unknown key is refused, with its line and the nearest key") {
  std::string text = complaint("shards: 2\n\nflows:\n  idle_seconds: 5\n  max_flow: 100\n");
  CHECK_MESSAGE(text.starts_with(":5: "), text);
  CHECK_MESSAGE(mentions(text, "'flows.max_flow'"), text);
  CHECK_MESSAGE(mentions(text, "'flows.max_flows'"), text);
  text = complaint("# first\nshard: 2\n");
  CHECK_MESSAGE(text.starts_with(":2: "), text);
  CHECK_MESSAGE(mentions(text, "'shards'"), text);
  text = complaint("flow:\n  idle_seconds: 5\n");
  CHECK_MESSAGE(mentions(text, "'flows'"), text);
  text = complaint("inventry:\n  max_hosts: 5\n");
  CHECK_MESSAGE(mentions(text, "'inventory'"), text);
  // A key of one section in another one, or at the top.
  CHECK(mentions(complaint("http:\n  max_flows: 100\n"), "unknown key 'http.max_flows'"));
  CHECK(mentions(complaint("max_flows: 100\n"), "unknown key 'max_flows'"));
}

TEST_CASE("a value of the wrong type is refused, with its line") {
  for (const char* value :
       {"many", "1.5", "\"\"", "0x10", "[1]", "{a: 1}", "true", "1 2", "1e3", "99999999999999999999"}) {
    std::string text = complaint(fmt::format("flows:\n  max_flows: {}\n", value));
    CHECK_MESSAGE(text.starts_with(":2: "), text);
    CHECK_MESSAGE(mentions(text, "max_flows"), text);
  }
  CHECK(complaint("tunnels:\n  only_tunnelled: maybe\n").starts_with(":2: "));
  CHECK(complaint("inspect: most\n").starts_with(":1: "));
  CHECK(complaint("clients:\n  trusted_proxies: [10.0.0.0/8, nonsense]\n").starts_with(":2: "));
  CHECK(complaint("clients:\n  trusted_proxies: {a: b}\n").starts_with(":2: "));
  CHECK(complaint("clients:\n  trusted_proxies: [[10.0.0.0/8]]\n").starts_with(":2: "));
  CHECK(complaint("flows: 5\n").starts_with(":1: "));
  CHECK(complaint("flows: [1, 2]\n").starts_with(":1: "));
}

TEST_CASE("a key without a value is refused, with its line") {
  std::string text = complaint("shards: 2\nflows:\n  max_flows:\n  idle_seconds: 5\n");
  CHECK_MESSAGE(text.starts_with(":3: "), text);
  CHECK_MESSAGE(mentions(text, "max_flows"), text);
  CHECK(complaint("shards: ~\n").starts_with(":1: "));
}

TEST_CASE("what is no mapping of keys is refused") {
  CHECK(complaint("just text\n").starts_with(":1: "));
  CHECK(complaint("- a\n- b\n").starts_with(":1: "));
  CHECK(complaint("42\n").starts_with(":1: "));
  CHECK(complaint("[shards]: 2\n").starts_with(":1: "));
}

TEST_CASE("what is no YAML is refused, with its line") {
  CHECK(complaint("flows:\n\tmax_flows: 100\n").starts_with(":2: "));
  CHECK(complaint("flows: {max_flows: 100\n").starts_with(":"));
  CHECK(complaint("shards: \"2\n").starts_with(":"));
  CHECK(complaint("shards: 2\n  flows: 3\n").starts_with(":2: "));
  CHECK(complaint("a: *nowhere\n").starts_with(":1: "));
  CHECK(complaint(std::string(20'000, '[')) != "accepted");
}

TEST_CASE("a key that comes twice is refused: which one was meant?") {
  CHECK(complaint("shards: 2\nshards: 3\n").starts_with(":2: "));
  CHECK(complaint("flows:\n  max_flows: 100\n  max_flows: 200\n").starts_with(":3: "));
  CHECK(complaint("flows:\n  max_flows: 100\nflows:\n  idle_seconds: 5\n").starts_with(":3: "));
}

TEST_CASE("a file that is not there cannot be read") {
  Folder folder;
  Config config;
  auto loaded = load_config(folder.path("nowhere.yaml"), config);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().kind == ErrorKind::io);
  CHECK(mentions(loaded.error().text, folder.path("nowhere.yaml")));
}

TEST_CASE("a folder is no file: refused, without an exception") {
  Folder folder;
  CHECK(survives([&] {
    Config config;
    auto loaded = load_config(folder.path("."), config);
    return !loaded.has_value() && mentions(loaded.error().text, folder.path("."));
  }));
}

TEST_CASE("any bytes are taken or refused, and nothing else") {
  std::uint32_t random = 1;
  auto next = [&](std::uint32_t limit) { return ((random = random * 1664525 + 1013904223) >> 16) % limit; };
  static constexpr const char* kPieces[] = {
      "flows",   ":",    " ",   "\n",    "  ",     "max_flows", "100", "[",  "]",     "{", "}", "trusted_proxies",
      "clients", "-",    "\t",  "\"",    "'",      "#",         "&a",  "*a", "!!int", "?", "|", ">",
      "\x01",    "\xff", "---", "ports", "tunnels"};
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::uint32_t i = next(25); i > 0; --i) text += kPieces[next(std::size(kPieces))];
    Config config;
    (void)load(text, config);
  }
}

}  // namespace specular::test
