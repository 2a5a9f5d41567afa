// What the readers of documents share: fields of an expected kind, references, and the first thing that is wrong.
//
// Readers go on after a complaint, with nothing in the place of what was wrong, and ask for the problem at the end.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "analyzers/openapi/source.h"

namespace specular {

enum class Dialect : std::uint8_t { swagger2, openapi30, openapi31 };

class DocumentSource {
 public:
  using Kind = SourceValue::Kind;

  DocumentSource(SourceTree tree, std::string name) : tree_(std::move(tree)), name_(std::move(name)) {}

  Dialect dialect = Dialect::openapi31;

  const SourceTree& tree() const { return tree_; }
  const SourceValue& at(SourceId id) const { return tree_[id]; }
  std::uint32_t line(SourceId id) const { return tree_[id].line; }

  // Only the first is kept.
  void complain(SourceId where, const std::string& text);
  const std::optional<Error>& problem() const { return problem_; }

  // Whether it is of that kind; complains if not. `what` it is, for people: "'paths'".
  bool expect(SourceId id, Kind kind, std::string_view what);
  // The value of a key; null if there is none (or null), or, with a complaint, if it is of another kind.
  const SourceId* field(SourceId object, std::string_view key, Kind kind);
  std::string text(SourceId object, std::string_view key);
  bool flag(SourceId object, std::string_view key);
  // Of a list of texts.
  std::vector<std::string> texts(SourceId object, std::string_view key);

  // What a value refers to in the end, itself if it is no reference; none, with a complaint, if that does not exist.
  std::optional<SourceId> follow(SourceId id);
  // What "#/a/b" points to.
  std::optional<SourceId> resolve(SourceId where, const std::string& reference);
  // As JSON; counted, since the same values may stand at many places.
  std::string canonical(SourceId id);
  // Whether `count` more parts may be read: the same ones may be referred to from many places.
  bool spend(SourceId where, std::size_t count);

 private:
  SourceTree tree_;
  std::string name_;
  std::map<std::string, SourceId, std::less<>> resolved_;
  std::optional<Error> problem_;
  std::size_t steps_ = 4 * SourceTree::kMaxValues;
};

}  // namespace specular
