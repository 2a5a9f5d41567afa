// SchemaNode: what the values at one place of many documents were: of which kinds, how long, in which bounds, and below
// them the properties and items. Counts stick at their highest value instead of wrapping.
//
// Merging is commutative and associative. What has a ceiling passes it for good, whatever came first: an object with
// more than kMaxProperties names becomes a map, whose values are one node; texts with more than Members::kLimit values
// have no members any more. So the result depends only on what there was, not on its order.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analyzers/inspect/text_format.h"

namespace specular {

enum class ValueKind : std::uint8_t { null, boolean, integer, number, string, object, array };
inline constexpr std::size_t kValueKinds = 7;
const char* to_text(ValueKind kind);  // as JSON Schema has them

inline void count_up(std::uint32_t& count, std::uint32_t by = 1) {
  count =
      by > std::numeric_limits<std::uint32_t>::max() - count ? std::numeric_limits<std::uint32_t>::max() : count + by;
}

// Holds a value elsewhere, or nothing; copied with it.
template <class T>
class Boxed {
 public:
  Boxed() = default;
  Boxed(Boxed&&) noexcept = default;
  Boxed(const Boxed& other) : held_(other.held_ ? std::make_unique<T>(*other.held_) : nullptr) {}
  Boxed& operator=(Boxed other) noexcept {
    held_ = std::move(other.held_);
    return *this;
  }
  T& make() {
    if (!held_) held_ = std::make_unique<T>();
    return *held_;
  }
  void clear() { held_.reset(); }
  T* get() const { return held_.get(); }
  T* operator->() const { return held_.get(); }
  T& operator*() const { return *held_; }
  explicit operator bool() const { return held_ != nullptr; }

 private:
  std::unique_ptr<T> held_;
};

// The least and the greatest of some numbers, and how often each was there. What is kept is the number itself, so it is
// not for those that may identify: past kWidest there is no bound.
struct Range {
  static constexpr double kWidest = 1e7;

  double low = std::numeric_limits<double>::infinity(), high = -low;
  std::uint32_t at_low = 0, at_high = 0;

  void add(double value);
  void merge(const Range& other);
  bool empty() const { return at_low == 0; }
  bool operator==(const Range&) const = default;

 private:
  void add_low(double value, std::uint32_t count);
  void add_high(double value, std::uint32_t count);
};

// The values of a text, while there are few and each may be published (may_be_member). A value is known by its keyed
// hash; its text stays in memory, and is written down only once the set is closed with confidence.
class Members {
 public:
  static constexpr std::size_t kLimit = 16;

  struct Member {
    std::uint64_t hash = 0;
    std::uint32_t count = 0;
    std::string text;  // empty: not known here
  };

  void add(std::uint64_t hash, std::string_view text, std::uint32_t count = 1);
  void merge(const Members& other);
  // There are others, or too many.
  void open();
  bool is_open() const { return open_; }
  const std::vector<Member>& list() const { return list_; }  // ascending by hash

 private:
  std::vector<Member> list_;
  bool open_ = false;
};

struct TextFacts {
  std::array<std::uint32_t, kTextFormats> formats{};
  Range length;  // in characters
  Members members;

  void merge(const TextFacts& other);
};

struct ObjectFacts;
struct ArrayFacts;

struct SchemaNode {
  std::array<std::uint32_t, kValueKinds> kinds{};
  std::uint32_t last_object = 0;  // of the writer at work: in which object it was seen last; no part of the summary
  bool sensitive = false;         // by its name (is_sensitive_name): no members, no bounds
  Boxed<TextFacts> text;
  Boxed<Range> number;
  Boxed<ObjectFacts> object;
  Boxed<ArrayFacts> array;

  SchemaNode();
  SchemaNode(const SchemaNode&);
  SchemaNode(SchemaNode&&) noexcept;
  SchemaNode& operator=(const SchemaNode&);
  SchemaNode& operator=(SchemaNode&&) noexcept;
  ~SchemaNode();

  std::uint32_t count(ValueKind kind) const { return kinds[static_cast<std::size_t>(kind)]; }
  std::uint64_t seen() const;  // values of any kind
  void merge(const SchemaNode& other);
  void make_sensitive();
  std::size_t count_nodes() const;  // this and all below
  // Forgets what is deeper than that many levels below.
  void cut(std::size_t depth);
};

struct Property {
  std::string name;
  SchemaNode node;
};

struct ObjectFacts {
  static constexpr std::size_t kMaxProperties = 200;

  std::vector<Property> properties;  // ascending by name
  Boxed<SchemaNode> values;          // of keys that are data
  Range size;                        // entries
  bool folded = false;               // had too many names: all of its values are in `values`

  // The node for a key's value. Requires: no pointer into this object is held.
  SchemaNode& value_of(std::string_view key);
  const SchemaNode* find(std::string_view name) const;
  void merge(const ObjectFacts& other);
  void fold();
};

struct ArrayFacts {
  SchemaNode items;
  Range size;
};

}  // namespace specular
