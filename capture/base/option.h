// Option: a knob declared once, as a member, with its name, default, range, unit and help.
//
//   struct FlowOptions : OptionGroup {
//     IntOption idle{*this, "idle", 300, {1, 86400}, "seconds", "A flow without packets for so long is closed."};
//   };
//
// The group is the registry: the configuration reader sets members by name. Groups do not move, are filled before the
// first thread starts, and are constant from then on.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "capture/base/result.h"

namespace specular {

class Option;

class OptionGroup {
 public:
  OptionGroup() = default;
  OptionGroup(const OptionGroup&) = delete;
  OptionGroup& operator=(const OptionGroup&) = delete;

  const std::vector<Option*>& options() const { return options_; }

 private:
  friend class Option;
  std::vector<Option*> options_;
};

class Option {
 public:
  enum class Shape : std::uint8_t { scalar, list, map };

  Option(OptionGroup& group, const char* name, const char* unit, const char* help)
      : name_(name), unit_(unit), help_(help) {
    group.options_.push_back(this);
  }
  Option(const Option&) = delete;
  Option& operator=(const Option&) = delete;

  const char* name() const { return name_; }
  const char* unit() const { return unit_; }
  const char* help() const { return help_; }

  virtual Shape shape() const { return Shape::scalar; }
  virtual std::string range_text() const = 0;    // "1 to 86400", "true or false", "full or budget"
  virtual std::string default_text() const = 0;  // as YAML
  virtual std::string value_text() const = 0;    // the same of what is set
  // A scalar takes one value; a list takes them all at once, a map one key after the other.
  virtual Result<void> set(std::string_view value) = 0;
  virtual Result<void> set_list(const std::vector<std::string>& values);
  virtual Result<void> set_entry(std::string_view key, const std::vector<std::string>& values);

  // Whether the user said something about it, be it the default.
  bool given() const { return given_; }
  void mark_given() { given_ = true; }

 protected:
  ~Option() = default;

 private:
  const char* name_;
  const char* unit_;
  const char* help_;
  bool given_ = false;
};

class IntOption final : public Option {
 public:
  struct Range {
    std::int64_t least, most;
  };
  IntOption(OptionGroup& group, const char* name, std::int64_t value, Range range, const char* unit, const char* help)
      : Option(group, name, unit, help), default_(value), value_(value), range_(range) {}

  std::int64_t value() const { return value_; }
  std::size_t size() const { return static_cast<std::size_t>(value_); }  // Requires: the range has no negative part.
  std::string range_text() const override;
  std::string default_text() const override { return std::to_string(default_); }
  std::string value_text() const override { return std::to_string(value_); }
  Result<void> set(std::string_view value) override;

 private:
  std::int64_t default_, value_;
  Range range_;
};

class BoolOption final : public Option {
 public:
  BoolOption(OptionGroup& group, const char* name, bool value, const char* help)
      : Option(group, name, "", help), default_(value), value_(value) {}

  bool value() const { return value_; }
  std::string range_text() const override { return "true or false"; }
  std::string default_text() const override { return default_ ? "true" : "false"; }
  std::string value_text() const override { return value_ ? "true" : "false"; }
  Result<void> set(std::string_view value) override;
  // Another default, before anything was set: programs differ.
  void set_default(bool value) { default_ = value_ = value; }

 private:
  bool default_, value_;
};

// One of a few words.
class ChoiceOption final : public Option {
 public:
  ChoiceOption(OptionGroup& group, const char* name, std::string value, std::vector<std::string> choices,
               const char* help)
      : Option(group, name, "", help), default_(value), value_(std::move(value)), choices_(std::move(choices)) {}

  const std::string& value() const { return value_; }
  std::string range_text() const override;
  std::string default_text() const override { return default_; }
  std::string value_text() const override { return value_; }
  Result<void> set(std::string_view value) override;
  // Another default, before anything was set: programs differ. Requires: it is one of the choices.
  void set_default(const std::string& value) { default_ = value_ = value; }

 private:
  std::string default_, value_;
  std::vector<std::string> choices_;
};

// Any text that the check accepts: a path, an address to listen on.
class TextOption final : public Option {
 public:
  using Check = Result<void> (*)(std::string_view text);
  TextOption(OptionGroup& group, const char* name, std::string value, Check check, const char* form, const char* help)
      : Option(group, name, "", help), default_(value), value_(std::move(value)), check_(check), form_(form) {}

  const std::string& value() const { return value_; }
  std::string range_text() const override { return form_; }
  std::string default_text() const override { return quoted(default_); }
  std::string value_text() const override { return quoted(value_); }
  Result<void> set(std::string_view value) override;

 private:
  static std::string quoted(const std::string& text) { return text.empty() ? "\"\"" : text; }

  std::string default_, value_;
  Check check_;
  const char* form_;
};

// ["a", "b"] as YAML: [a, b].
std::string list_text(const std::vector<std::string>& items);

// A list whose items are checked by the function that turns them into T.
template <class T>
class ListOption final : public Option {
 public:
  using Parse = Result<T> (*)(std::string_view);
  ListOption(OptionGroup& group, const char* name, std::vector<std::string> values, Parse parse, const char* items,
             const char* help)
      : Option(group, name, "", help), default_(std::move(values)), parse_(parse), items_(items) {
    (void)ListOption::set_list(default_);
  }

  const std::vector<T>& values() const { return values_; }
  Shape shape() const override { return Shape::list; }
  std::string range_text() const override { return std::string("list of ") + items_; }
  std::string default_text() const override { return list_text(default_); }
  std::string value_text() const override { return list_text(texts_); }
  Result<void> set(std::string_view value) override { return set_list({std::string(value)}); }
  Result<void> set_list(const std::vector<std::string>& values) override {
    std::vector<T> parsed;
    for (const auto& text : values) {
      auto item = parse_(text);
      if (!item) return forward(item.error());
      parsed.push_back(*item);
    }
    values_ = std::move(parsed);
    texts_ = values;
    return {};
  }

 private:
  std::vector<std::string> default_, texts_;
  Parse parse_;
  const char* items_;
  std::vector<T> values_;
};

// Names, each with a list of strings.
class MapOption final : public Option {
 public:
  using Check = Result<void> (*)(std::string_view item);
  MapOption(OptionGroup& group, const char* name, Check check, const char* items, const char* help)
      : Option(group, name, "", help), check_(check), items_(items) {}

  const std::map<std::string, std::vector<std::string>>& value() const { return value_; }
  Shape shape() const override { return Shape::map; }
  std::string range_text() const override { return std::string("names, each with a list of ") + items_; }
  std::string default_text() const override { return "{}"; }
  std::string value_text() const override;
  Result<void> set(std::string_view value) override;
  Result<void> set_entry(std::string_view key, const std::vector<std::string>& values) override;

 private:
  Check check_;
  const char* items_;
  std::map<std::string, std::vector<std::string>> value_;
};

// Item parsers for ListOption.
Result<std::uint16_t> parse_port(std::string_view text);
Result<std::string> parse_text(std::string_view text);  // anything but nothing

// Checks for TextOption.
Result<void> any_text(std::string_view text);
Result<void> check_listen(std::string_view text);  // "127.0.0.1:9470", "[::1]:9470", or nothing

}  // namespace specular
