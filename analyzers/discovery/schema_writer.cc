#include "analyzers/discovery/schema_writer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace specular {
namespace {

// About what a node takes, with what numbers or texts it has.
constexpr std::size_t kNodeBytes = sizeof(Property) + sizeof(TextFacts) + 64;

// Characters of UTF-8: bytes but those that go on with one. Eight at a time.
std::size_t characters_of(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
  std::size_t left = text.size(), followers = 0;
  const char* at = text.data();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t bytes;
    std::memcpy(&bytes, at, 8);
    followers += (bytes >> 7 & ~(bytes >> 6) & kOnes) * kOnes >> 56;
  }
  for (; left > 0; --left, ++at) followers += (static_cast<unsigned char>(*at) & 0xc0) == 0x80 ? 1 : 0;
  return text.size() - followers;
}

// Names are short: a call would cost more than it compares.
bool is_same(std::string_view a, std::string_view b) {
  std::size_t size = a.size();
  if (size != b.size()) return false;
  if (size > 16) return std::memcmp(a.data(), b.data(), size) == 0;
  auto load = [](const char* from, auto word) {
    std::memcpy(&word, from, sizeof word);
    return word;
  };
  auto same_ends = [&](auto word) {
    std::size_t last = size - sizeof word;
    return load(a.data(), word) == load(b.data(), word) && load(a.data() + last, word) == load(b.data() + last, word);
  };
  if (size >= 8) return same_ends(std::uint64_t{});
  if (size >= 4) return same_ends(std::uint32_t{});
  return std::equal(a.begin(), a.end(), b.begin());
}

}  // namespace

void SchemaWriter::begin(Schema& into, Source source) {
  schema_ = &into;
  source_ = source;
  frames_.clear();
  noted_.clear();
  values_ = 0;
  grew_ = false;
  closing_ = false;
}

void SchemaWriter::note_growth(bool grew) {
  grew_ = grew_ || grew;
  grown_ += grew ? kNodeBytes : 0;
}

// Documents of one kind have their keys in the same order, so the property is likely the one that followed last time.
std::size_t SchemaWriter::position_in(ObjectFacts& object, Frame& frame) {
  auto& properties = object.properties;
  std::uint8_t& guess = frame.last == ObjectFacts::kNone ? object.first : properties[frame.last].next;
  if (guess < properties.size() && is_same(properties[guess].name, key_name_)) return frame.last = guess;
  std::size_t before = properties.size(), position = object.position_of(key_name_);
  if (position == ObjectFacts::kNone) {
    note_growth(before != object.properties.size() || object.values->seen() == 0);
    if (object.folded) frame.last = ObjectFacts::kNone;
    return position;
  }
  bool added = properties.size() != before;
  note_growth(added);
  if (added && frame.last != ObjectFacts::kNone && frame.last >= position) ++frame.last;
  (frame.last == ObjectFacts::kNone ? object.first : properties[frame.last].next) = static_cast<std::uint8_t>(position);
  return frame.last = static_cast<std::uint8_t>(position);
}

// Of a key that is there twice, the first counts. The values of a map are many at one place.
SchemaNode* SchemaWriter::property(Frame& frame) {
  ObjectFacts& object = frame.node->object.make();
  std::size_t position = position_in(object, frame);
  named_ = position != ObjectFacts::kNone;
  if (!named_) {
    ++frame.entries;
    return object.values.get();
  }
  Property& property = object.properties[position];
  if (std::exchange(property.node.last_object, frame.object) == frame.object) return nullptr;
  if (property.slot < Company::kLimit) frame.present |= std::uint64_t{1} << property.slot;
  ++frame.entries;
  return &property.node;
}

SchemaNode* SchemaWriter::place(ValueKind kind) {
  ++values_;
  named_ = false;
  SchemaNode* node = frames_.empty() ? &schema_->root : nullptr;
  if (Frame* frame = frames_.empty() ? nullptr : &frames_.back(); frame != nullptr && frame->node != nullptr) {
    if (frame->object != 0) {
      node = property(*frame);
    } else {
      ++frame->entries;
      node = &frame->node->array->items;
    }
  }
  if (node == nullptr) return nullptr;
  std::uint32_t& count = node->kinds[static_cast<std::size_t>(kind)];
  if (count == 0 && known_ != nullptr) tell_place(static_cast<std::uint64_t>(kind));
  count_up(count);
  return node;
}

// That of its container with its key; of items and of the values of a map, the container's.
std::uint64_t SchemaWriter::path_of_value() const {
  if (frames_.empty()) return 1;
  return fold(frames_.back().path, (named_ ? fast_hash(key_, as_bytes(key_name_)) : 0x2a) | 1);
}

// What is the first of its kind in this schema may have been in an earlier one.
void SchemaWriter::tell_place(std::uint64_t what) {
  known_->add(fold(path_of_value() ^ 0x9e3779b97f4a7c15ULL, fast_hash(key_, what) | 1));
}

void SchemaWriter::open(ValueKind kind) {
  SchemaNode* node = place(kind);
  // The document itself is level 0; what is in a container of the last level is not looked at.
  if (frames_.size() >= schema_->depth) node = nullptr;
  std::uint32_t object = 0;
  if (kind == ValueKind::object) {
    object = ++schema_->objects == 0 ? ++schema_->objects : schema_->objects;
  } else if (node != nullptr) {
    note_growth(!node->array);
    node->array.make().items.sensitive = node->sensitive;
  }
  frames_.push_back({node, object, node != nullptr && known_ != nullptr ? path_of_value() : 1, noted_.size()});
}

void SchemaWriter::begin_object() {
  open(ValueKind::object);
}

void SchemaWriter::begin_array() {
  open(ValueKind::array);
}

// A value of a property of the object that is open.
void SchemaWriter::note_member(Members::Member* member) {
  if (named_ && member != nullptr) noted_.push_back(member);
}

// Which properties stood together in an object, and with which values. What is cut off may have had others.
void SchemaWriter::note_company(const Frame& frame) {
  ObjectFacts& object = *frame.node->object;
  if (closing_ || !object.keeps_company()) return;
  std::uint64_t all = object.slots();
  for (std::size_t i = frame.noted; i < noted_.size(); ++i) noted_[i]->company.note(frame.present, all);
  if (object.noted == frame.present && object.noted_all == all) return;
  object.noted = frame.present;
  object.noted_all = all;
  for (Property& property : object.properties) {
    if ((frame.present >> property.slot & 1) != 0) property.company.note(frame.present, all);
  }
}

void SchemaWriter::end_object() {
  const Frame& frame = frames_.back();
  if (frame.node != nullptr) {
    frame.node->object.make().size.add(frame.entries);
    note_company(frame);
  }
  noted_.resize(frame.noted);
  frames_.pop_back();
}

void SchemaWriter::end_array() {
  const Frame& frame = frames_.back();
  if (frame.node != nullptr) frame.node->array->size.add(frame.entries);
  frames_.pop_back();
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
  facts.length.add(static_cast<double>(characters_of(text)));
  // A member is plain text, and need not be looked at again.
  Members::Member* member = facts.members.is_open() ? nullptr : facts.members.find(text);
  TextFormat format = member != nullptr ? TextFormat::plain : format_of(text);
  std::uint32_t& count = facts.formats[static_cast<std::size_t>(format)];
  if (count == 0 && known_ != nullptr) tell_place(16 + static_cast<std::uint64_t>(format));
  count_up(count);
  if (member != nullptr) {
    count_up(member->count);
    return note_member(member);
  }
  if (facts.members.is_open()) return;
  bool may_be = format == TextFormat::plain && !node->sensitive && may_be_member(text);
  if (may_be) {
    grown_ += sizeof(Members::Member);
    return note_member(facts.members.add(fast_hash(key_, as_bytes(text)), text));
  }
  facts.members.open();
}

void SchemaWriter::opaque() {
  SchemaNode* node = place(ValueKind::string);
  if (node == nullptr) return;
  count_up(node->text.make().formats[static_cast<std::size_t>(TextFormat::plain)]);
  node->text->members.open();
}

void SchemaWriter::end(std::uint64_t hash, bool whole) {
  closing_ = !whole;
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
  grown_ += schema_->documents == 1 ? sizeof(Schema) : 0;
  if (grew_) schema_->keep_within_bounds();
  schema_ = nullptr;
}

}  // namespace specular
