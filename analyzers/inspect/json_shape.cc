#include "analyzers/inspect/json_shape.h"

#include <array>
#include <bit>
#include <cstring>

#include <simdjson.h>

#include "analyzers/inspect/tolerant_json.h"
#include "capture/base/text.h"

namespace specular {
namespace {

namespace dom = simdjson::dom;

// Walks simdjson's tape (its doc/tape.md), which has a document as one row of words: the highest byte says what it is,
// the others where its text is, or where its container ends. Several times as fast as going from element to element.
class TapeWalk {
 public:
  TapeWalk(const dom::document& document, SchemaWriter& writer)
      : tape_(document.tape.get()), texts_(document.string_buf.get()), writer_(writer) {}

  // Tells the document; false if there are too many values.
  bool tell() {
    std::uint64_t end = tape_[0] & kPayload;  // the root's word has the position behind the last
    for (std::uint64_t at = 1; at + 1 < end; ++at) {
      if (writer_.values() >= kMaxValues) return false;
      auto kind = static_cast<char>(tape_[at] >> 56);
      if (in_object_[levels_] && kind != '}') {
        writer_.key(text_at(at));
        kind = static_cast<char>(tape_[++at] >> 56);
      }
      tell_word(kind, at);
    }
    return true;
  }

 private:
  static constexpr std::uint64_t kPayload = ~std::uint64_t{0} >> 8;

  std::string_view text_at(std::uint64_t at) const {
    const std::uint8_t* text = texts_ + (tape_[at] & kPayload);
    std::uint32_t size;
    std::memcpy(&size, text, sizeof size);
    return as_text(Bytes(text + sizeof size, size));
  }

  // Numbers take a second word.
  void tell_word(char kind, std::uint64_t& at) {
    switch (kind) {
      case '"': return writer_.string(text_at(at));
      case 'l': return writer_.integer(static_cast<double>(static_cast<std::int64_t>(tape_[++at])));
      case 'u': return writer_.integer(static_cast<double>(tape_[++at]));
      case 'd': return writer_.number(std::bit_cast<double>(tape_[++at]));
      case 't':
      case 'f': return writer_.boolean();
      case 'n': return writer_.null();
      case '{': in_object_[++levels_] = true; return writer_.begin_object();
      case '[': in_object_[++levels_] = false; return writer_.begin_array();
      case '}': --levels_; return writer_.end_object();
      case ']': --levels_; return writer_.end_array();
      default: return;
    }
  }

  const std::uint64_t* tape_;
  const std::uint8_t* texts_;
  SchemaWriter& writer_;
  std::array<bool, kMaxNesting + 2> in_object_{};  // by level; 0 is around the document
  std::size_t levels_ = 0;
};

}  // namespace

struct JsonShapes::Parser {
  dom::parser parser;
};

JsonShapes::JsonShapes(const HashKey& key) : key_(key), writer_(key), parser_(std::make_unique<Parser>()) {}
JsonShapes::~JsonShapes() = default;

bool JsonShapes::read_complete(Bytes body, Schema& into, bool& whole) {
  static_assert(kBodyPadding >= simdjson::SIMDJSON_PADDING);
  if (parser_->parser.capacity() < body.size() || parser_->parser.max_depth() != kMaxNesting) {
    // With room to spare, so that slowly growing bodies do not allocate each time.
    if (parser_->parser.allocate(body.size() + body.size() / 2 + 4096, kMaxNesting) != simdjson::SUCCESS) return false;
  }
  dom::element root;
  if (parser_->parser.parse(body.data(), body.size(), false).get(root) != simdjson::SUCCESS) return false;
  writer_.begin(into, SchemaWriter::Source::typed);
  whole = TapeWalk(parser_->parser.doc, writer_).tell();
  writer_.end(DocumentSketch::hash_of(key_, as_bytes(trim(as_text(body), " \t\r\n"))), whole);
  return true;
}

ReadState JsonShapes::read_tolerantly(Bytes body, bool cut, Schema& into) {
  // First into a schema of its own: what turns out to be no JSON shall leave nothing behind.
  Schema found;
  TolerantJson reader(as_text(body), writer_, key_);
  switch (reader.read(found)) {
    case TolerantJson::End::complete: break;
    case TolerantJson::End::ran_out:
      if (!cut || found.documents == 0) return ReadState::unreadable;
      break;
    case TolerantJson::End::too_much: break;
    case TolerantJson::End::broken: return ReadState::unreadable;
  }
  bool whole = found.partial == 0;
  into.merge(found);
  return whole ? ReadState::whole : ReadState::partial;
}

ReadState JsonShapes::read(Bytes body, bool padded, bool cut, Schema& into) {
  if (bool whole = true; !cut && padded && read_complete(body, into, whole)) {
    return whole ? ReadState::whole : ReadState::partial;
  }
  return read_tolerantly(body, cut, into);
}

}  // namespace specular
