// SchemaWriter: adds one document after the other to a schema, told as events in the document's order. What is nested
// too deep is counted where it begins, and not looked into.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "analyzers/discovery/schema.h"
#include "capture/base/hash.h"

namespace specular {

// Tells whether documents have places or kinds of values that none before had. A set of hashes in 1024 bits, so
// something new is missed now and then, but nothing known is taken for new.
class NoveltyFilter {
 public:
  void add(std::uint64_t hash) {
    std::uint64_t bit = std::uint64_t{1} << (hash >> 58);
    std::uint64_t& word = bits_[hash % bits_.size()];
    news_ = news_ || (word & bit) == 0;
    word |= bit;
  }
  // Whether there was something new since the last call.
  bool take_news() { return std::exchange(news_, false); }

 private:
  std::array<std::uint64_t, 16> bits_{};
  bool news_ = false;
};

class SchemaWriter {
 public:
  explicit SchemaWriter(const HashKey& key) : key_(key) {}

  enum class Source : std::uint8_t { typed, untyped };
  // Requires: `into` stays where it is until end().
  void begin(Schema& into, Source source);
  // What places documents have is told to the filter too; null: to nobody. Requires: it outlives its use.
  void tell_places_to(NoveltyFilter* known) { known_ = known; }

  void begin_object();
  // Then its value is told. Requires: the name stays where it is until then.
  void key(std::string_view name) { key_name_ = name; }
  void end_object();
  void begin_array();
  void end_array();
  void null();
  void boolean();
  void integer(double value);
  void number(double value);
  void string(std::string_view text);
  void opaque();  // a string that is not looked at, such as a file

  // About how many bytes of memory schemas have grown by, in all.
  std::size_t grown() const { return grown_; }
  // How much of the document was told: values so far.
  std::size_t values() const { return values_; }
  // Closes what is open, and counts the document. `hash`: of its bytes.
  void end(std::uint64_t hash, bool whole);

 private:
  struct Frame {
    SchemaNode* node;      // null: not looked into
    std::uint32_t object;  // its number, to tell keys that are there twice; 0: an array
    std::uint64_t path;    // a hash of where it is, if places are told
    std::size_t noted;     // how many members were noted before
    std::uint32_t entries = 0;
    std::uint8_t last = ObjectFacts::kNone;  // the position of the property that was told last
    std::uint64_t present = 0;               // the slots of those that were told
  };

  // Where the next value goes, and counts it there; null if nowhere.
  SchemaNode* place(ValueKind kind);
  SchemaNode* property(Frame& frame);
  std::size_t position_in(ObjectFacts& object, Frame& frame);
  void note_growth(bool grew);
  void note_member(Members::Member* member);
  void note_company(const Frame& frame);
  void open(ValueKind kind);
  void tell_place(std::uint64_t what);
  std::uint64_t path_of_value() const;

  HashKey key_;
  Schema* schema_ = nullptr;
  Source source_ = Source::typed;
  std::string_view key_name_;
  std::vector<Frame> frames_;
  std::vector<Members::Member*> noted_;  // members that were the values of properties of open objects
  std::size_t values_ = 0, grown_ = 0;
  NoveltyFilter* known_ = nullptr;
  bool named_ = false;  // the value at hand is a property's
  bool grew_ = false;   // nodes were added
  bool closing_ = false;
};

}  // namespace specular
