// A document as it was written: the values of a JSON or YAML file, each with its line, for readers that tell people
// where something is wrong.
//
// JSON (RFC 8259) is what begins with a brace or a bracket, all else is YAML (1.2, core schema; merge keys as 1.1 has
// them). Aliases stand for the same value, so a document that multiplies itself by them stays as small as its text;
// whoever walks the values counts its steps. Size, depth and number of values are bounded. Object keys are unique.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "capture/base/result.h"

namespace specular {

using SourceId = std::uint32_t;

struct SourceValue {
  enum class Kind : std::uint8_t { null, boolean, number, text, list, object };

  Kind kind = Kind::null;
  std::uint32_t line = 0;                                // where it begins; from 1
  std::string text;                                      // of a scalar; "true" or "false"; a number in decimal
  std::vector<SourceId> items;                           // of a list
  std::map<std::string, SourceId, std::less<>> entries;  // of an object

  bool is(Kind wanted) const { return kind == wanted; }
};

class SourceTree {
 public:
  static constexpr std::size_t kMaxBytes = 32u << 20;
  static constexpr std::size_t kMaxValues = 1'000'000;
  static constexpr std::size_t kMaxDepth = 200;

  // `name` of the file, for errors: "name:line: what is wrong".
  static Result<SourceTree> read(std::string_view text, const std::string& name);

  const SourceValue& operator[](SourceId id) const { return values_[id]; }
  SourceId root() const { return root_; }
  // The value of an object's key, or null.
  const SourceId* find(SourceId object, std::string_view key) const;

 private:
  friend class SourceBuilder;

  std::vector<SourceValue> values_;
  SourceId root_ = 0;
};

// A value as JSON with sorted keys and without white space, numbers of one size alike: the same text for equal values.
// Takes `steps` down by one a value; the text is cut off where none are left.
std::string to_canonical(const SourceTree& tree, SourceId id, std::size_t& steps);

}  // namespace specular
