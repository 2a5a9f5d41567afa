#include "analyzers/discovery/schema_writer.h"

#include <algorithm>
#include <utility>

namespace specular {
namespace {

double characters_of(std::string_view text) {
  auto count =
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
  return static_cast<double>(count);
}

}  // namespace

void SchemaWriter::begin(Schema& into, Source source) {
  schema_ = &into;
  source_ = source;
  frames_.clear();
  values_ = 0;
}

// Of a key that is there twice, the first counts. The values of a map are many at one place.
SchemaNode* SchemaWriter::property(Frame& frame) {
  ObjectFacts& object = frame.node->object.make();
  SchemaNode& node = object.value_of(key_name_);
  bool again = &node != object.values.get() && std::exchange(node.last_object, frame.object) == frame.object;
  if (again) return nullptr;
  ++frame.entries;
  return &node;
}

SchemaNode* SchemaWriter::place(ValueKind kind) {
  ++values_;
  SchemaNode* node = frames_.empty() ? &schema_->root : nullptr;
  if (Frame* frame = frames_.empty() ? nullptr : &frames_.back(); frame != nullptr && frame->node != nullptr) {
    if (frame->object != 0) {
      node = property(*frame);
    } else {
      ++frame->entries;
      node = &frame->node->array.make().items;
      node->sensitive = frame->node->sensitive;
    }
  }
  if (node == nullptr) return nullptr;
  count_up(node->kinds[static_cast<std::size_t>(kind)]);
  if (known_ != nullptr) note_place(static_cast<std::uint64_t>(kind));
  return node;
}

// The path of a value is that of its container with its key; of items and of the values of a map, the container's.
void SchemaWriter::note_place(std::uint64_t what) {
  path_ = 1;
  if (!frames_.empty()) {
    const Frame& frame = frames_.back();
    bool named = frame.object != 0 && frame.node->object->find(key_name_) != nullptr;
    path_ = fold(frame.path, (named ? fast_hash(key_, as_bytes(key_name_)) : 0x2a) | 1);
  }
  known_->add(fold(path_ ^ 0x9e3779b97f4a7c15ULL, fast_hash(key_, what) | 1));
}

void SchemaWriter::open(ValueKind kind) {
  SchemaNode* node = place(kind);
  // The document itself is level 0; what is in a container of the last level is not looked at.
  if (frames_.size() >= schema_->depth) node = nullptr;
  std::uint32_t object = 0;
  if (kind == ValueKind::object) object = ++schema_->objects == 0 ? ++schema_->objects : schema_->objects;
  frames_.push_back({node, object, path_});
}

void SchemaWriter::begin_object() {
  open(ValueKind::object);
}

void SchemaWriter::begin_array() {
  open(ValueKind::array);
}

void SchemaWriter::end_object() {
  Frame frame = frames_.back();
  frames_.pop_back();
  if (frame.node != nullptr) frame.node->object.make().size.add(frame.entries);
}

void SchemaWriter::end_array() {
  Frame frame = frames_.back();
  frames_.pop_back();
  if (frame.node == nullptr) return;
  ArrayFacts& array = frame.node->array.make();
  array.size.add(frame.entries);
  array.items.sensitive = frame.node->sensitive;
}

void SchemaWriter::null() {
  place(ValueKind::null);
}

void SchemaWriter::boolean() {
  place(ValueKind::boolean);
}

void SchemaWriter::integer(double value) {
  SchemaNode* node = place(ValueKind::integer);
  if (node != nullptr && !node->sensitive) node->number.make().add(value);
}

void SchemaWriter::number(double value) {
  SchemaNode* node = place(ValueKind::number);
  if (node != nullptr && !node->sensitive) node->number.make().add(value);
}

void SchemaWriter::string(std::string_view text) {
  SchemaNode* node = place(ValueKind::string);
  if (node == nullptr) return;
  TextFacts& facts = node->text.make();
  TextFormat format = format_of(text);
  count_up(facts.formats[static_cast<std::size_t>(format)]);
  if (known_ != nullptr) known_->add(fold(path_, fast_hash(key_, 16 + static_cast<std::uint64_t>(format)) | 1));
  facts.length.add(characters_of(text));
  if (facts.members.is_open()) return;
  if (!node->sensitive && may_be_member(text)) {
    facts.members.add(fast_hash(key_, as_bytes(text)), text);
  } else {
    facts.members.open();
  }
}

void SchemaWriter::opaque() {
  SchemaNode* node = place(ValueKind::string);
  if (node == nullptr) return;
  count_up(node->text.make().formats[static_cast<std::size_t>(TextFormat::plain)]);
  node->text->members.open();
}

void SchemaWriter::end(std::uint64_t hash, bool whole) {
  while (!frames_.empty()) {
    if (frames_.back().object == 0) {
      end_array();
    } else {
      end_object();
    }
  }
  ++schema_->documents;
  schema_->partial += whole ? 0 : 1;
  schema_->untyped += source_ == Source::untyped ? 1 : 0;
  schema_->different.add(hash);
  schema_->keep_within_bounds();
  schema_ = nullptr;
}

}  // namespace specular
