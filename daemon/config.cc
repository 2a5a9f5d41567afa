#include "daemon/config.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <numeric>
#include <set>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace specular {
namespace {

// Sections of the same schema for what this version does not do.
constexpr std::string_view kWithoutEffect[] = {"tls",   "networks", "privacy",   "policies",
                                               "intel", "alerts",   "decisions", "wafs"};

template <std::size_t kSize>
bool is_one_of(const std::string_view (&names)[kSize], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

class Reading {
 public:
  Reading(const std::string& path, Config& config) : path_(path), config_(config), sections_(config.sections()) {}

  Result<void> read(const YAML::Node& root) {
    if (root.IsNull()) return {};
    if (!root.IsMap()) return wrong(root, "the file must be a mapping of keys to values");
    if (auto unique = check_unique(root); !unique) return unique;
    for (const auto& entry : root) {
      if (auto read = read_top(entry.first, entry.second); !read) return read;
    }
    return {};
  }

 private:
  std::string located(const YAML::Node& node, const std::string& text) const {
    return fmt::format("{}:{}: {}", path_, node.Mark().line + 1, text);
  }

  tl::unexpected<Error> wrong(const YAML::Node& node, const std::string& text) const {
    return fail(ErrorKind::invalid, located(node, text));
  }

  tl::unexpected<Error> unknown(const YAML::Node& key, const std::string& prefix,
                                const std::vector<std::string>& known) const {
    std::string name = key.Scalar();
    auto nearest = std::min_element(known.begin(), known.end(), [&](const auto& a, const auto& b) {
      return edit_distance(name, a) < edit_distance(name, b);
    });
    std::string hint = nearest == known.end() ? "" : fmt::format("; the nearest key is '{}{}'", prefix, *nearest);
    return wrong(key, fmt::format("unknown key '{}{}'{}", prefix, name, hint));
  }

  // YAML leaves open what a key means that comes twice.
  Result<void> check_unique(const YAML::Node& map) const {
    std::set<std::string> seen;
    for (const auto& entry : map) {
      if (!seen.insert(entry.first.Scalar()).second) {
        return wrong(entry.first, fmt::format("'{}' comes twice", entry.first.Scalar()));
      }
    }
    return {};
  }

  Result<void> read_top(const YAML::Node& key, const YAML::Node& value) {
    const std::string& name = key.Scalar();
    if (is_one_of(kWithoutEffect, name)) {
      config_.without_effect.push_back(located(key, fmt::format("'{}' has no effect in this version", name)));
      return {};
    }
    std::vector<std::string> known(std::begin(kWithoutEffect), std::end(kWithoutEffect));
    for (const auto& section : sections_) {
      bool is_nested = std::string_view(section.name).find('.') != std::string_view::npos;
      if (!name.empty() && !is_nested && section.name == name) return read_section(name, value);
      if (*section.name != '\0' && !is_nested) known.push_back(section.name);
    }
    std::vector<Option*> options = options_of("");
    for (Option* option : options) {
      if (option->name() == name) return read_option(*option, key, value);
      known.push_back(option->name());
    }
    return unknown(key, "", known);
  }

  std::vector<Option*> options_of(const std::string& name) const {
    std::vector<Option*> options;
    for (const auto& section : sections_) {
      if (section.name != name) continue;
      options.insert(options.end(), section.group->options().begin(), section.group->options().end());
    }
    return options;
  }

  static bool is_in(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  // Of the sections inside of that one, the names there.
  std::vector<std::string> sections_in(const std::string& outer) const {
    std::vector<std::string> names;
    for (const auto& section : sections_) {
      std::string_view name = section.name;
      if (name.starts_with(outer + ".")) names.emplace_back(name.substr(outer.size() + 1));
    }
    return names;
  }

  Result<void> read_section(const std::string& name, const YAML::Node& value) {
    if (value.IsNull()) return {};
    if (!value.IsMap()) return wrong(value, fmt::format("'{}' must be a mapping", name));
    if (auto unique = check_unique(value); !unique) return unique;
    std::vector<Option*> options = options_of(name);
    for (const auto& entry : value) {
      std::vector<std::string> known = sections_in(name);
      if (entry.first.IsScalar() && is_in(known, entry.first.Scalar())) {
        auto read = read_section(name + "." + entry.first.Scalar(), entry.second);
        if (!read) return read;
        continue;
      }
      Option* found = nullptr;
      for (Option* option : options) {
        known.push_back(option->name());
        if (option->name() == entry.first.Scalar()) found = option;
      }
      if (found == nullptr) return unknown(entry.first, name + ".", known);
      if (auto read = read_option(*found, entry.first, entry.second); !read) return read;
    }
    return {};
  }

  Result<void> read_option(Option& option, const YAML::Node& key, const YAML::Node& value) {
    if (!value.IsDefined() || value.IsNull()) return wrong(key, fmt::format("{} has no value", option.name()));
    option.mark_given();
    if (value.IsScalar()) return located(value, option.set(value.Scalar()));
    if (value.IsSequence()) {
      auto items = list_of(value);
      return items ? located(value, option.set_list(*items)) : forward(items.error());
    }
    if (option.shape() != Option::Shape::map)
      return wrong(value, fmt::format("{} takes {}", option.name(), option.range_text()));
    if (auto unique = check_unique(value); !unique) return unique;
    for (const auto& entry : value) {
      auto items = entry.second.IsScalar() ? std::vector<std::string>{entry.second.Scalar()} : list_of(entry.second);
      if (!items) return forward(items.error());
      if (auto set = located(entry.first, option.set_entry(entry.first.Scalar(), *items)); !set) return set;
    }
    return {};
  }

  Result<std::vector<std::string>> list_of(const YAML::Node& node) const {
    std::vector<std::string> items;
    if (!node.IsSequence()) return wrong(node, "a list is expected here");
    for (const auto& item : node) {
      if (!item.IsScalar()) return wrong(item, "a list of plain values is expected here");
      items.push_back(item.Scalar());
    }
    return items;
  }

  Result<void> located(const YAML::Node& node, Result<void> result) const {
    return result ? result : wrong(node, result.error().text);
  }

  std::string path_;
  Config& config_;
  std::vector<Config::Section> sections_;
};

Result<std::string> read_file(const std::string& path) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  std::string text;
  std::array<char, 4096> part;
  while (file && !std::feof(file.get()) && !std::ferror(file.get())) {
    text.append(part.data(), std::fread(part.data(), 1, part.size(), file.get()));
  }
  if (!file || std::ferror(file.get())) return fail(ErrorKind::io, fmt::format("{}: {}", path, std::strerror(errno)));
  return text;
}

}  // namespace

Config::Config(Program program) {
  if (program != Program::speculard) return;
  general.inspect.set_default("budget");
  capture.tunnels.only_tunnelled.set_default(true);
}

std::vector<Config::Section> Config::sections() {
  return {{"", &general},
          {"sources", &live},
          {"sources", &folder},
          {"sources.dpdk", &dpdk},
          {"tunnels", &capture.tunnels},
          {"flows", &capture.flows},
          {"http", &capture.http},
          {"bodies", &capture.bodies},
          {"clients", &clients},
          {"inventory", &inventory},
          {"storage", &storage},
          {"control", &control},
          {"metrics", &metrics},
          {"health", &health}};
}

Result<void> load_config(const std::string& path, Config& config) {
  auto text = read_file(path);
  if (!text) return forward(text.error());
  try {
    return Reading(path, config).read(YAML::Load(*text));
  } catch (const YAML::Exception& error) {
    return fail(ErrorKind::invalid, fmt::format("{}:{}: {}", path, error.mark.line + 1, error.msg));
  }
}

}  // namespace specular
