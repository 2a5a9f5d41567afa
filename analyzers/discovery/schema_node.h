// SchemaNode: what the values at one place of many documents were: of which kinds, how long, in which bounds, and below
// them the properties and items. Counts stick at their highest value instead of wrapping.
//
// Merging is commutative and associative. What has a ceiling passes it for good, whatever came first: an object with
// more than kMaxProperties names becomes a map, whose values are one node; texts with more than Members::kLimit values
// have no members any more; of objects with more than Company::kLimit names it is not known which stand together. So
// the result depends only on what there was, not on its order.
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

  void add(double value) {
    bool inside = value > low && value < high && value <= kWidest && value >= -kWidest;
    if (!inside) add_outside(value);
  }
  void merge(const Range& other);
  bool empty() const { return at_low == 0; }
  bool operator==(const Range&) const = default;

 private:
  void add_outside(double value);
  void add_low(double value, std::uint32_t count);
  void add_high(double value, std::uint32_t count);
};

// Which of an object's properties were there together with one of them, or with one of its values: bits by
// Property::slot. Unions alone, and so the same in any order.
struct Company {
  static constexpr std::size_t kLimit = 64;

  std::uint64_t with = 0;     // were there too, at least once
  std::uint64_t without = 0;  // were not there, at least once

  void note(std::uint64_t present, std::uint64_t all) {
    with |= present;
    without |= all & ~present;
  }
  // What was seen before is now known to have been without these.
  void miss(std::uint64_t slots) { without |= with != 0 ? slots : 0; }
  bool operator==(const Company&) const = default;
};

// The slots of one object's properties as those of another; what has none there is left out.
struct SlotMap {
  SlotMap() { to.fill(Company::kLimit); }

  std::array<std::uint8_t, Company::kLimit> to;  // kLimit: none
  std::uint64_t others = 0;                      // slots there that nothing leads to
  bool same = false;                             // each is its own

  std::uint64_t apply(std::uint64_t slots) const;
  // Adds the company that was kept in one object's slots to what is kept in the other's.
  void add(const Company& from, Company& into) const;
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
    Company company;   // of values of a property
  };

  // The member, made if need be; null if they are open. Valid until the next call that is not const.
  Member* add(std::uint64_t hash, std::string_view text, std::uint32_t count = 1);
  // The member of that text, if it is there with it.
  Member* find(std::string_view text) {
    for (Member& member : list_) {
      if (!text.empty() && member.text == text) return &member;
    }
    return nullptr;
  }
  // `slots`: how to take over the company; null: it is left out.
  void merge(const Members& other, const SlotMap* slots = nullptr);
  void miss(std::uint64_t slots);
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

  void merge(const TextFacts& other, const SlotMap* slots = nullptr);
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
  void merge(const SchemaNode& other, const SlotMap* slots = nullptr);
  void make_sensitive();
  std::size_t count_nodes() const;  // this and all below
  std::size_t bytes() const;        // of memory that they hold, beside the node itself
  // Forgets what is deeper than that many levels below.
  void cut(std::size_t depth);
};

struct Property {
  std::string name;
  SchemaNode node;
  Company company;
  std::uint8_t slot = 0;  // its place among those of its object, in the order they came in
  // Of the writer at work: the position of the property that followed last time; no part of the summary.
  std::uint8_t next = 0;
};

struct ObjectFacts {
  static constexpr std::size_t kMaxProperties = 200;
  static constexpr std::size_t kNone = 0xff;

  std::vector<Property> properties;  // ascending by name
  Boxed<SchemaNode> values;          // of keys that are data
  Range size;                        // entries
  bool folded = false;               // had too many names: all of its values are in `values`
  // Of the writer at work; no part of the summary.
  std::uint8_t first = 0;                  // the position of the property that was told first last time
  std::uint64_t noted = 0, noted_all = 0;  // the slots of the object whose company was noted last, and all there were

  // The position of a key's property, made if need be; kNone if its values are in `values`. Requires: no pointer into
  // this object is held.
  std::size_t position_of(std::string_view key);
  const SchemaNode* find(std::string_view name) const;
  void merge(const ObjectFacts& other);
  void fold();
  // Whether it is known which properties stand together.
  bool keeps_company() const { return !folded && properties.size() <= Company::kLimit; }
  std::uint64_t slots() const;  // of all properties; only if it keeps company

 private:
  std::size_t add(std::size_t position, std::string_view key);
  bool add_names(const ObjectFacts& other, SlotMap& map);
};

struct ArrayFacts {
  SchemaNode items;
  Range size;
};

}  // namespace specular
