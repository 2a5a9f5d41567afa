#include "analyzers/inspect/graphql.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace specular {
namespace {

bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Tokens of a document: names, numbers, strings ("), punctuators. An empty one is the end, or what is none.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : rest_(text) {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
    advance();
  }

  std::string_view token() const { return token_; }
  bool at_end() const { return token_.empty() && rest_.empty() && !broken_; }
  bool at_name() const { return !token_.empty() && begins_name(token_.front()); }
  bool is(std::string_view text) const { return token_ == text; }
  std::string_view take() {
    std::string_view taken = token_;
    advance();
    return taken;
  }
  bool take(std::string_view text) {
    if (token_ != text) return false;
    advance();
    return true;
  }

 private:
  void advance() {
    skip_ignored();
    std::size_t size = rest_.empty() ? 0 : size_of_token();
    broken_ = broken_ || (size == 0 && !rest_.empty());
    token_ = rest_.substr(0, size);
    rest_.remove_prefix(size);
  }

  // Blanks, commas and comments (section 2.1).
  void skip_ignored() {
    while (!rest_.empty()) {
      auto at = rest_.find_first_not_of(" \t\r\n,");
      rest_.remove_prefix(std::min(at, rest_.size()));
      if (!rest_.starts_with('#')) return;
      rest_.remove_prefix(std::min(rest_.find_first_of("\r\n"), rest_.size()));
    }
  }

  std::size_t size_of_token() const {
    char c = rest_.front();
    if (begins_name(c)) return size_while([](char d) { return begins_name(d) || is_digit(d); });
    if (is_digit(c) || c == '-')
      return size_while([](char d) { return is_digit(d) || begins_name(d) || d == '.' || d == '+' || d == '-'; });
    if (rest_.starts_with("...")) return 3;
    if (c == '"') return size_of_string();
    return std::string_view("{}()[]:=!|$@&").find(c) == std::string_view::npos ? 0 : 1;
  }

  template <class Predicate>
  std::size_t size_while(Predicate predicate) const {
    return static_cast<std::size_t>(std::find_if_not(rest_.begin(), rest_.end(), predicate) - rest_.begin());
  }

  std::size_t size_of_string() const {
    if (rest_.starts_with(R"(""")")) {
      for (std::size_t at = 3; (at = rest_.find(R"(""")", at)) != std::string_view::npos; at += 3) {
        if (rest_[at - 1] != '\\') return at + 3;
      }
      return 0;
    }
    for (std::size_t at = 1; at < rest_.size(); ++at) {
      if (rest_[at] == '"') return at + 1;
      if (rest_[at] == '\\') ++at;
      if (at < rest_.size() && rest_[at] == '\n') return 0;
    }
    return 0;
  }

  std::string_view rest_, token_;
  bool broken_ = false;
};

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// A selection, or the set of those of an operation or fragment. Children are a list through `next`.
struct Selection {
  enum class Kind : std::uint8_t { field, spread, inlined };

  Kind kind = Kind::field;
  std::string_view name;
  std::size_t first = kNone, next = kNone;
};

struct Fragment {
  std::string_view name;
  std::size_t first = kNone;
  std::optional<std::uint32_t> depth;  // known, or being found out
  bool seen = false;                   // on the way to root fields
};

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  std::vector<GraphqlOperation> parse() {
    while (!lexer_.at_end()) {
      if (!parse_definition()) return {};
    }
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      for (Fragment& fragment : fragments_) fragment.seen = false;
      gather_fields(firsts_[i], operations_[i].fields);
      operations_[i].depth = depth_below(firsts_[i]);
    }
    return std::move(operations_);
  }

 private:
  bool parse_definition() {
    GraphqlOperation operation;
    if (lexer_.is("{")) return parse_operation(std::move(operation));
    std::string_view word = lexer_.take();
    if (word == "fragment") return parse_fragment();
    if (word == "mutation") operation.type = GraphqlOperation::Type::mutation;
    if (word == "subscription") operation.type = GraphqlOperation::Type::subscription;
    if (word != "query" && operation.type == GraphqlOperation::Type::query) return false;
    if (lexer_.at_name()) operation.name = lexer_.take();
    return skip_balanced("(", ")") && skip_directives() && parse_operation(std::move(operation));
  }

  bool parse_operation(GraphqlOperation operation) {
    std::size_t first = kNone;
    if (operations_.size() == kMaxRootFields || !parse_selections(first, 0)) return false;
    operations_.push_back(std::move(operation));
    firsts_.push_back(first);
    return true;
  }

  bool parse_fragment() {
    Fragment fragment;
    if (!lexer_.at_name() || lexer_.is("on")) return false;
    fragment.name = lexer_.take();
    if (!skip_balanced("(", ")") || !lexer_.take("on") || !lexer_.at_name()) return false;
    lexer_.take();
    if (!skip_directives() || !parse_selections(fragment.first, 0)) return false;
    fragments_.push_back(fragment);
    return true;
  }

  // { … }, with at least one selection.
  bool parse_selections(std::size_t& first, std::size_t level) {
    if (level == kMaxGraphqlLevels || !lexer_.take("{") || lexer_.is("}")) return false;
    std::size_t last = kNone;
    while (!lexer_.take("}")) {
      std::size_t index = selections_.size();
      if (index == kMaxGraphqlFields) return false;
      selections_.emplace_back();
      (last == kNone ? first : selections_[last].next) = index;
      last = index;
      if (!parse_selection(index, level)) return false;
    }
    return true;
  }

  bool parse_selection(std::size_t index, std::size_t level) {
    using Kind = Selection::Kind;
    if (lexer_.take("...")) {
      if (lexer_.at_name() && !lexer_.is("on")) {
        selections_[index].kind = Kind::spread;
        selections_[index].name = lexer_.take();
        return skip_balanced("(", ")") && skip_directives();
      }
      selections_[index].kind = Kind::inlined;
      if (lexer_.take("on") && !lexer_.at_name()) return false;
      if (lexer_.at_name()) lexer_.take();
      return skip_directives() && parse_below(index, level);
    }
    if (!lexer_.at_name()) return false;
    selections_[index].name = lexer_.take();
    if (lexer_.take(":")) {
      if (!lexer_.at_name()) return false;
      selections_[index].name = lexer_.take();  // what stood before it was an alias
    }
    if (!skip_balanced("(", ")") || !skip_directives()) return false;
    return !lexer_.is("{") || parse_below(index, level);
  }

  bool parse_below(std::size_t index, std::size_t level) {
    std::size_t first = kNone;
    bool good = parse_selections(first, level + 1);
    selections_[index].first = first;
    return good;
  }

  bool skip_directives() {
    while (lexer_.take("@")) {
      if (!lexer_.at_name()) return false;
      lexer_.take();
      if (!skip_balanced("(", ")")) return false;
    }
    return true;
  }

  // What is in brackets, if such stand here.
  bool skip_balanced(std::string_view open, std::string_view close) {
    if (!lexer_.is(open)) return true;
    for (std::size_t level = 0;;) {
      if (lexer_.token().empty()) return false;
      level += lexer_.is(open) ? 1 : 0;
      level -= lexer_.is(close) ? 1 : 0;
      lexer_.take();
      if (level == 0) return true;
    }
  }

  Fragment* find_fragment(std::string_view name) {
    auto at = std::find_if(fragments_.begin(), fragments_.end(), [&](const Fragment& f) { return f.name == name; });
    return at == fragments_.end() ? nullptr : &*at;
  }

  void gather_fields(std::size_t first, std::vector<std::string_view>& fields) {
    for (std::size_t at = first; at != kNone; at = selections_[at].next) {
      const Selection& selection = selections_[at];
      if (selection.kind == Selection::Kind::inlined) gather_fields(selection.first, fields);
      if (selection.kind == Selection::Kind::spread) {
        Fragment* fragment = find_fragment(selection.name);
        if (fragment == nullptr || std::exchange(fragment->seen, true)) continue;
        gather_fields(fragment->first, fields);
      }
      if (selection.kind != Selection::Kind::field || selection.name == "__typename") continue;
      bool known = std::find(fields.begin(), fields.end(), selection.name) != fields.end();
      if (!known && fields.size() < kMaxRootFields) fields.push_back(selection.name);
    }
  }

  // Levels of fields in a list of selections. A fragment that spreads itself is invalid, and adds nothing.
  std::uint32_t depth_below(std::size_t first) {
    std::uint32_t deepest = 0;
    for (std::size_t at = first; at != kNone; at = selections_[at].next) {
      const Selection& selection = selections_[at];
      std::uint32_t depth = 0;
      switch (selection.kind) {
        case Selection::Kind::field: depth = 1 + depth_below(selection.first); break;
        case Selection::Kind::inlined: depth = depth_below(selection.first); break;
        case Selection::Kind::spread: depth = depth_of(find_fragment(selection.name)); break;
      }
      deepest = std::max(deepest, depth);
    }
    return deepest;
  }

  std::uint32_t depth_of(Fragment* fragment) {
    if (fragment == nullptr) return 0;
    if (!fragment->depth) {
      fragment->depth = 0;
      fragment->depth = depth_below(fragment->first);
    }
    return *fragment->depth;
  }

  Lexer lexer_;
  std::vector<Selection> selections_;
  std::vector<Fragment> fragments_;
  std::vector<GraphqlOperation> operations_;
  std::vector<std::size_t> firsts_;  // of each operation
};

}  // namespace

std::vector<GraphqlOperation> read_graphql(std::string_view text) {
  return Parser(text).parse();
}

bool is_graphql_name(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  return !text.empty() && text.size() <= kLongest && begins_name(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return begins_name(c) || is_digit(c); });
}

}  // namespace specular
