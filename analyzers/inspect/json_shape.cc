#include "analyzers/inspect/json_shape.h"

#include <simdjson.h>

#include "analyzers/inspect/tolerant_json.h"
#include "capture/base/text.h"

namespace specular {
namespace {

namespace dom = simdjson::dom;

// Tells an element and all below it; false if there are too many values.
bool tell(const dom::element& element, SchemaWriter& writer) {
  if (writer.values() >= kMaxValues) return false;
  switch (element.type()) {
    case dom::element_type::NULL_VALUE: writer.null(); return true;
    case dom::element_type::BOOL: writer.boolean(); return true;
    case dom::element_type::INT64: writer.integer(static_cast<double>(element.get_int64().value_unsafe())); return true;
    case dom::element_type::UINT64:
      writer.integer(static_cast<double>(element.get_uint64().value_unsafe()));
      return true;
    case dom::element_type::DOUBLE: writer.number(element.get_double().value_unsafe()); return true;
    case dom::element_type::STRING: writer.string(element.get_string().value_unsafe()); return true;
    case dom::element_type::OBJECT: {
      writer.begin_object();
      dom::object object = element.get_object().value_unsafe();
      for (auto field : object) {
        if (writer.values() >= kMaxValues) return false;
        writer.key(field.key);
        if (!tell(field.value, writer)) return false;
      }
      writer.end_object();
      return true;
    }
    case dom::element_type::ARRAY: {
      writer.begin_array();
      dom::array array = element.get_array().value_unsafe();
      for (auto item : array) {
        if (!tell(item, writer)) return false;
      }
      writer.end_array();
      return true;
    }
  }
  return true;
}

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
  whole = tell(root, writer_);
  writer_.end(fast_hash(key_, as_bytes(trim(as_text(body), " \t\r\n"))), whole);
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
