#include "analyzers/openapi/source.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>
#include <sstream>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

namespace specular {

using Kind = SourceValue::Kind;

// Puts a tree together from what a parser comes by. The first thing that is wrong is kept, and ends it.
class SourceBuilder {
 public:
  struct Problem {
    std::size_t line;
    std::string text;
  };

  // False: stop, there is a problem.
  bool scalar(Kind kind, std::size_t line, std::string text) {
    if (!has_place(line)) return false;
    return attach(add(kind, line, std::move(text)), line);
  }
  bool begin(Kind kind, std::size_t line) {
    if (!has_place(line)) return false;
    if (open_.size() == SourceTree::kMaxDepth) return too_deep(line);
    SourceId id = add(kind, line, {});
    if (!attach(id, line)) return false;
    open_.push_back({id, {}, {}});
    return true;
  }
  bool key(std::size_t line, std::string text) {
    const SourceValue& object = tree_.values_[open_.back().id];
    if (object.entries.contains(text)) return wrong(line, fmt::format("'{}' comes twice", text));
    open_.back().key = std::move(text);
    return true;
  }
  bool end() {
    bool merged = merge_keys(open_.back());
    SourceId ended = open_.back().id;
    open_.pop_back();
    if (!open_.empty()) hold(open_.back().id, ended);
    return merged;
  }
  // The value once more. Aliases of aliases are as deep as what they stand for.
  bool again(SourceId id, std::size_t line) {
    if (!has_place(line)) return false;
    if (open_.size() + heights_[id] > SourceTree::kMaxDepth) return too_deep(line);
    return attach(id, line);
  }
  // `<<: value`, whose entries count where the object has none of its own.
  void merge(SourceId value) { open_.back().merged.push_back(value); }

  bool wants_key() const {
    return !open_.empty() && tree_.values_[open_.back().id].is(Kind::object) && !open_.back().key;
  }
  bool wrong(std::size_t line, std::string text) {
    if (!problem_) problem_ = Problem{line, std::move(text)};
    return false;
  }
  const std::optional<Problem>& problem() const { return problem_; }
  SourceId last() const { return static_cast<SourceId>(tree_.values_.size() - 1); }
  bool empty() const { return tree_.values_.empty(); }
  SourceTree take() { return std::move(tree_); }

 private:
  struct Open {
    SourceId id;
    std::optional<std::string> key;
    std::vector<SourceId> merged;
  };

  // Counts merged entries too, which are copies.
  bool has_place(std::size_t line) {
    if (++count_ <= SourceTree::kMaxValues) return true;
    return wrong(line, fmt::format("more than {} values", SourceTree::kMaxValues));
  }

  bool too_deep(std::size_t line) {
    return wrong(line, fmt::format("nested more than {} levels deep", SourceTree::kMaxDepth));
  }

  void hold(SourceId parent, SourceId child) { heights_[parent] = std::max(heights_[parent], heights_[child] + 1); }

  SourceId add(Kind kind, std::size_t line, std::string text) {
    heights_.push_back(0);
    SourceValue value;
    value.kind = kind;
    value.line = static_cast<std::uint32_t>(line);
    value.text = std::move(text);
    tree_.values_.push_back(std::move(value));
    return last();
  }

  bool attach(SourceId id, std::size_t line) {
    if (open_.empty()) return true;
    SourceValue& parent = tree_.values_[open_.back().id];
    hold(open_.back().id, id);
    if (parent.is(Kind::list)) {
      parent.items.push_back(id);
      return true;
    }
    if (!open_.back().key) return wrong(line, "a key must be text");
    parent.entries.emplace(std::move(*open_.back().key), id);
    open_.back().key.reset();
    return true;
  }

  bool merge_keys(const Open& open) {
    std::size_t line = tree_.values_[open.id].line;
    for (SourceId from : open.merged) {
      if (!tree_.values_[from].is(Kind::object)) return wrong(line, "'<<' merges objects only");
      for (const auto& [name, value] : tree_.values_[from].entries) {
        if (!has_place(line)) return false;
        tree_.values_[open.id].entries.emplace(name, value);
        hold(open.id, value);
      }
    }
    return true;
  }

  SourceTree tree_;
  std::vector<std::uint32_t> heights_;  // levels below each value
  std::vector<Open> open_;
  std::optional<Problem> problem_;
  std::size_t count_ = 0;
};

namespace {

// Reads characters and knows the line of the last one that was read.
class LineCounter {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  struct Place {
    std::size_t line = 1, next = 1;
  };

  LineCounter(const char* at, Place& place) : at_(at), place_(&place) {}
  reference operator*() const { return *at_; }
  LineCounter& operator++() {
    place_->line = place_->next;
    if (*at_ == '\n') ++place_->next;
    ++at_;
    return *this;
  }
  LineCounter operator++(int) {
    LineCounter before = *this;
    ++*this;
    return before;
  }
  bool operator==(const LineCounter& other) const { return at_ == other.at_; }
  bool operator!=(const LineCounter& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  Place* place_;
};

// What the parser says after its own name and its own place.
std::string reason_of(const char* what) {
  std::string text = what;
  if (auto column = text.find("column "); column != std::string::npos) {
    auto colon = text.find(": ", column);
    if (colon != std::string::npos) return text.substr(colon + 2);
  }
  auto bracket = text.find("] ");
  return bracket == std::string::npos ? text : text.substr(bracket + 2);
}

class JsonEvents {
 public:
  using Json = nlohmann::json;

  JsonEvents(SourceBuilder& builder, const LineCounter::Place& place) : builder_(builder), place_(place) {}

  bool null() { return builder_.scalar(Kind::null, place_.line, "null"); }
  bool boolean(bool value) { return builder_.scalar(Kind::boolean, place_.line, value ? "true" : "false"); }
  bool number_integer(Json::number_integer_t value) { return number(std::to_string(value)); }
  bool number_unsigned(Json::number_unsigned_t value) { return number(std::to_string(value)); }
  bool number_float(Json::number_float_t, const std::string& text) { return number(text); }
  bool string(std::string& text) { return builder_.scalar(Kind::text, place_.line, std::move(text)); }
  bool binary(Json::binary_t&) { return false; }
  bool start_object(std::size_t) { return builder_.begin(Kind::object, place_.line); }
  bool start_array(std::size_t) { return builder_.begin(Kind::list, place_.line); }
  bool key(std::string& text) { return builder_.key(place_.line, std::move(text)); }
  bool end_object() { return builder_.end(); }
  bool end_array() { return builder_.end(); }
  bool parse_error(std::size_t, const std::string&, const Json::exception& error) {
    return builder_.wrong(place_.line, reason_of(error.what()));
  }

 private:
  bool number(std::string text) { return builder_.scalar(Kind::number, place_.line, std::move(text)); }

  SourceBuilder& builder_;
  const LineCounter::Place& place_;
};

bool is_digits(std::string_view text, std::string_view digits) {
  return !text.empty() && text.find_first_not_of(digits) == std::string_view::npos;
}

constexpr std::string_view kDigits = "0123456789";

// Of 0x1F and 0o17 the decimal (YAML 1.2 section 10.3.2).
std::optional<std::string> integer_of(std::string_view text) {
  for (auto [prefix, digits, base] :
       {std::tuple{"0x", "0123456789abcdefABCDEF", 16}, std::tuple{"0o", "01234567", 8}}) {
    if (!text.starts_with(prefix) || !is_digits(text.substr(2), digits)) continue;
    std::uint64_t value = 0;
    auto read = std::from_chars(text.data() + 2, text.data() + text.size(), value, base);
    if (read.ec == std::errc{}) return std::to_string(value);
  }
  return std::nullopt;
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool is_number(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (auto exponent = text.find_first_of("eE"); exponent != std::string_view::npos) {
    std::string_view power = text.substr(exponent + 1);
    if (!power.empty() && (power[0] == '-' || power[0] == '+')) power.remove_prefix(1);
    if (!is_digits(power, kDigits)) return false;
    text = text.substr(0, exponent);
  }
  auto dot = text.find('.');
  if (dot == std::string_view::npos) return is_digits(text, kDigits);
  std::string_view whole = text.substr(0, dot), fraction = text.substr(dot + 1);
  if (!whole.empty()) return is_digits(whole, kDigits) && (fraction.empty() || is_digits(fraction, kDigits));
  return is_digits(fraction, kDigits);
}

// What a scalar without quotes and tag is (YAML 1.2 section 10.3).
std::pair<Kind, std::string> resolve(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return {Kind::null, "null"};
  if (text == "true" || text == "True" || text == "TRUE") return {Kind::boolean, "true"};
  if (text == "false" || text == "False" || text == "FALSE") return {Kind::boolean, "false"};
  if (auto integer = integer_of(text)) return {Kind::number, *integer};
  if (is_number(text)) return {Kind::number, text[0] == '+' ? text.substr(1) : text};
  return {Kind::text, text};
}

// The parser has no way to be stopped but an exception.
class YamlEvents final : public YAML::EventHandler {
 public:
  explicit YamlEvents(SourceBuilder& builder) : builder_(builder) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (builder_.wants_key()) return check(builder_.wrong(line_of(mark), "a key must be text"), mark);
    take(mark, anchor, [&] { return builder_.scalar(Kind::null, line_of(mark), "null"); });
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto known = anchors_.find(anchor);
    bool whole = known != anchors_.end();
    if (!whole) return check(builder_.wrong(line_of(mark), "an alias of nothing that is complete"), mark);
    if (!merging_) return check(builder_.again(known->second, line_of(mark)), mark);
    merging_ = false;
    builder_.merge(known->second);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    bool plain = tag == "?";
    if (builder_.wants_key() && !merging_) {
      if (plain && text == "<<") {
        merging_ = true;
        return;
      }
      return check(builder_.key(line_of(mark), text), mark);
    }
    bool is_text = tag == "!" || tag == "tag:yaml.org,2002:str";
    auto [kind, value] = is_text ? std::pair{Kind::text, text} : resolve(text);
    take(mark, anchor, [&, k = kind, &v = value] { return builder_.scalar(k, line_of(mark), v); });
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(mark, anchor, Kind::list);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(mark, anchor, Kind::object);
  }
  void OnMapEnd() override { end(); }

 private:
  static std::size_t line_of(const YAML::Mark& mark) { return static_cast<std::size_t>(mark.line) + 1; }

  void check(bool good, const YAML::Mark& mark) const {
    if (!good) throw YAML::ParserException(mark, builder_.problem()->text);
  }

  // Adds a value. What is merged in place hangs on nothing else.
  template <class Add>
  void take(const YAML::Mark& mark, YAML::anchor_t anchor, const Add& add) {
    if (merging_) check(builder_.wrong(line_of(mark), "'<<' merges aliases only"), mark);
    check(add(), mark);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = builder_.last();
  }

  void begin(const YAML::Mark& mark, YAML::anchor_t anchor, Kind kind) {
    if (merging_) check(builder_.wrong(line_of(mark), "'<<' merges aliases only"), mark);
    check(builder_.begin(kind, line_of(mark)), mark);
    open_.emplace_back(anchor, builder_.last());
  }

  // An anchor is known from its end on: so nothing contains itself.
  void end() {
    auto [anchor, id] = open_.back();
    open_.pop_back();
    check(builder_.end(), YAML::Mark::null_mark());
    if (anchor != YAML::NullAnchor) anchors_[anchor] = id;
  }

  SourceBuilder& builder_;
  std::map<YAML::anchor_t, SourceId> anchors_;
  std::vector<std::pair<YAML::anchor_t, SourceId>> open_;
  bool merging_ = false;  // behind the key "<<"
};

void read_json(std::string_view text, SourceBuilder& builder) {
  LineCounter::Place place;
  JsonEvents events(builder, place);
  nlohmann::json::sax_parse(LineCounter(text.data(), place), LineCounter(text.data() + text.size(), place), &events);
}

void read_yaml(std::string_view text, SourceBuilder& builder) {
  std::istringstream stream{std::string(text)};
  YamlEvents events(builder);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(events) || builder.empty()) {
      builder.wrong(1, "the document is empty");
      return;
    }
    SourceBuilder rest;
    YamlEvents more(rest);
    if (parser.HandleNextDocument(more)) builder.wrong(1, "several documents in one file");
  } catch (const YAML::Exception& error) {
    builder.wrong(static_cast<std::size_t>(std::max(error.mark.line, 0)) + 1, error.msg);
  }
}

// Equal numbers alike, as far as a double tells them apart.
std::string canonical_number(const std::string& text) {
  if (is_digits(text, kDigits) && (text[0] != '0' || text.size() == 1)) return text;
  double value = 0;
  auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{}) return text;
  bool whole = std::abs(value) < 1e15 && std::floor(value) == value;
  return whole ? fmt::format("{}", static_cast<std::int64_t>(value)) : fmt::format("{}", value);
}

void append_canonical(const SourceTree& tree, SourceId id, std::size_t& steps, std::string& out) {
  if (steps == 0) return;
  --steps;
  const SourceValue& value = tree[id];
  auto quoted = [](const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  };
  const char* between = "";
  switch (value.kind) {
    case Kind::null:
    case Kind::boolean: out += value.text; return;
    case Kind::number: out += canonical_number(value.text); return;
    case Kind::text: out += quoted(value.text); return;
    case Kind::list:
      out += '[';
      for (SourceId item : value.items) {
        out += std::exchange(between, ",");
        append_canonical(tree, item, steps, out);
      }
      out += ']';
      return;
    case Kind::object:
      out += '{';
      for (const auto& [name, item] : value.entries) {
        out += std::exchange(between, ",") + quoted(name) + ":";
        append_canonical(tree, item, steps, out);
      }
      out += '}';
      return;
  }
}

}  // namespace

Result<SourceTree> SourceTree::read(std::string_view text, const std::string& name) {
  if (text.size() > kMaxBytes)
    return fail(ErrorKind::invalid, fmt::format("{}: larger than {} MiB", name, kMaxBytes >> 20));
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  SourceBuilder builder;
  auto first = text.find_first_not_of(" \t\r\n");
  bool json = first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
  json ? read_json(text, builder) : read_yaml(text, builder);
  if (const auto& problem = builder.problem())
    return fail(ErrorKind::invalid, fmt::format("{}:{}: {}", name, problem->line, problem->text));
  return builder.take();
}

const SourceId* SourceTree::find(SourceId object, std::string_view key) const {
  const SourceValue& value = values_[object];
  auto found = value.entries.find(key);
  return found == value.entries.end() ? nullptr : &found->second;
}

std::string to_canonical(const SourceTree& tree, SourceId id, std::size_t& steps) {
  std::string text;
  append_canonical(tree, id, steps, text);
  return text;
}

}  // namespace specular
