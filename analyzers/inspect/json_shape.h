// JSON bodies, told to a SchemaWriter. A complete one goes through simdjson; what is cut off, is not UTF-8, or has
// several documents behind each other (NDJSON) through a tolerant reader that stops where it no longer understands.
//
// Bounded: kMaxValues values of a document are told, kMaxNesting levels are followed; what is beyond is left out, and
// the document counts as read in part.
#pragma once

#include <memory>

#include "analyzers/discovery/schema_writer.h"
#include "capture/exchange.h"

namespace specular {

inline constexpr std::size_t kMaxValues = 50'000, kMaxNesting = 128;

enum class ReadState : std::uint8_t {
  whole,
  partial,     // as far as it was seen, or as the bounds allow
  unreadable,  // no document of that kind: nothing was added
};

class JsonShapes {
 public:
  explicit JsonShapes(const HashKey& key);
  ~JsonShapes();

  // Adds the document to the schema. `cut`: its end is missing. Behind the bytes kBodyPadding more can be read if
  // `padded`.
  ReadState read(Bytes body, bool padded, bool cut, Schema& into);
  void tell_places_to(NoveltyFilter* known) { writer_.tell_places_to(known); }
  std::size_t grown() const { return writer_.grown(); }

 private:
  struct Parser;

  bool read_complete(Bytes body, Schema& into, bool& whole);
  ReadState read_tolerantly(Bytes body, bool cut, Schema& into);

  HashKey key_;
  SchemaWriter writer_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace specular
