#include "analyzers/schema_rows.h"

#include <algorithm>
#include <cmath>

#include "epoch.pb.h"

namespace specular {
namespace {

void put(const Range& from, stored::Range* to) {
  to->set_low(from.low);
  to->set_high(from.high);
  to->set_at_low(from.at_low);
  to->set_at_high(from.at_high);
}

bool get(const stored::Range& from, Range& to) {
  bool good = from.low() <= from.high() && from.at_low() > 0 && from.at_high() > 0;
  to.low = from.low();
  to.high = from.high();
  to.at_low = from.at_low();
  to.at_high = from.at_high();
  return good;
}

// Slots are written as positions. Without a map, as where it is not known, no company is.
template <class Message>
void put(const Company& from, const SlotMap* positions, Message* to) {
  if (positions == nullptr || from.with == 0) return;
  to->mutable_company()->set_with(positions->apply(from.with));
  to->mutable_company()->set_without(positions->apply(from.without));
}

Company get(const stored::Company& from) {
  return {from.with(), from.without()};
}

// The text of a member is published only where the set is closed.
void put(const Schema& schema, const TextFacts& from, const SlotMap* positions, stored::SchemaNode* to) {
  for (std::uint32_t count : from.formats) to->add_formats(count);
  if (!from.length.empty()) put(from.length, to->mutable_length());
  to->set_open(from.members.is_open());
  bool closed = schema.is_closed(from);
  for (const Members::Member& member : from.members.list()) {
    auto* entry = to->add_members();
    entry->set_hash(member.hash);
    entry->set_count(member.count);
    if (closed) entry->set_text(member.text);
    put(member.company, positions, entry);
  }
}

bool get(const stored::SchemaNode& from, TextFacts& to) {
  if (from.formats_size() != static_cast<int>(kTextFormats)) return false;
  std::copy(from.formats().begin(), from.formats().end(), to.formats.begin());
  if (from.has_length() && !get(from.length(), to.length)) return false;
  if (from.members_size() > static_cast<int>(Members::kLimit)) return false;
  for (const auto& member : from.members()) {
    if (member.count() == 0) return false;
    Members::Member* added = to.members.add(member.hash(), member.text(), member.count());
    if (added != nullptr && member.has_company()) added->company = get(member.company());
  }
  if (static_cast<int>(to.members.list().size()) != from.members_size()) return false;
  if (from.open()) to.members.open();
  return true;
}

void put(const Schema& schema, const SchemaNode& from, const SlotMap* positions, stored::SchemaNode* to);

void put(const Schema& schema, const ObjectFacts& from, stored::SchemaNode* to) {
  SlotMap positions;
  bool keeps = from.keeps_company();
  for (std::size_t i = 0; keeps && i < from.properties.size(); ++i)
    positions.to[from.properties[i].slot] = static_cast<std::uint8_t>(i);
  for (const Property& property : from.properties) {
    auto* entry = to->add_properties();
    entry->set_name(property.name);
    put(schema, property.node, keeps ? &positions : nullptr, entry->mutable_node());
    put(property.company, keeps ? &positions : nullptr, entry);
  }
  if (from.values) put(schema, *from.values, nullptr, to->mutable_values());
  if (!from.size.empty()) put(from.size, to->mutable_size());
  to->set_folded(from.folded);
}

void put(const Schema& schema, const SchemaNode& from, const SlotMap* positions, stored::SchemaNode* to) {
  for (std::uint32_t count : from.kinds) to->add_kinds(count);
  to->set_sensitive(from.sensitive);
  if (from.text) put(schema, *from.text, positions, to);
  if (from.number) put(*from.number, to->mutable_number());
  if (from.object) put(schema, *from.object, to);
  if (!from.array) return;
  put(schema, from.array->items, nullptr, to->mutable_items());
  if (!from.array->size.empty()) put(from.array->size, to->mutable_items_size());
}

bool get(const stored::SchemaNode& from, SchemaNode& to, std::size_t levels);

bool get_object(const stored::SchemaNode& from, SchemaNode& to, std::size_t levels) {
  bool any = from.properties_size() > 0 || from.has_values() || from.has_size();
  if (!any) return !from.folded();
  ObjectFacts& object = to.object.make();
  if (from.properties_size() > static_cast<int>(ObjectFacts::kMaxProperties)) return false;
  if (from.folded() && (from.properties_size() > 0 || !from.has_values())) return false;
  object.folded = from.folded();
  if (from.has_size() && !get(from.size(), object.size)) return false;
  for (const auto& property : from.properties()) {
    bool ascends = object.properties.empty() || object.properties.back().name < property.name();
    if (!ascends) return false;
    Property& added = object.properties.emplace_back();
    added.name = property.name();
    added.slot = static_cast<std::uint8_t>(object.properties.size() - 1);
    if (property.has_company()) added.company = get(property.company());
    if (!get(property.node(), added.node, levels)) return false;
  }
  return !from.has_values() || get(from.values(), object.values.make(), levels);
}

bool get(const stored::SchemaNode& from, SchemaNode& to, std::size_t levels) {
  if (levels == 0 || from.kinds_size() != static_cast<int>(kValueKinds)) return false;
  std::copy(from.kinds().begin(), from.kinds().end(), to.kinds.begin());
  to.sensitive = from.sensitive();
  if (from.formats_size() > 0 && !get(from, to.text.make())) return false;
  if (from.has_number() && !get(from.number(), to.number.make())) return false;
  if (!get_object(from, to, levels - 1)) return false;
  if (!from.has_items()) return true;
  if (from.has_items_size() && !get(from.items_size(), to.array.make().size)) return false;
  return get(from.items(), to.array.make().items, levels - 1);
}

}  // namespace

void put(const ShapePlace& place, const Schema& from, stored::Schema* to) {
  to->set_part(static_cast<std::uint32_t>(place.part));
  to->set_status(place.status);
  to->set_type(place.type);
  to->set_documents(from.documents);
  to->set_partial(from.partial);
  to->set_unreadable(from.unreadable);
  to->set_passed_over(from.passed_over);
  to->set_untyped(from.untyped);
  for (std::uint64_t hash : from.different.least()) to->add_different(hash);
  to->set_depth(from.depth);
  put(from, from.root, nullptr, to->mutable_root());
}

bool get(const stored::Schema& from, ShapeTable& to) {
  if (from.part() >= kShapeParts || from.depth() > Schema::kMaxDepth) return false;
  if (from.different_size() > static_cast<int>(DocumentSketch::kKept)) return false;
  Schema* schema =
      to.find({static_cast<ShapePlace::Part>(from.part()), static_cast<std::uint16_t>(from.status()), from.type()});
  if (schema == nullptr) return true;
  schema->documents = from.documents();
  schema->partial = from.partial();
  schema->unreadable = from.unreadable();
  schema->passed_over = from.passed_over();
  schema->untyped = from.untyped();
  for (std::uint64_t hash : from.different()) schema->different.add(hash);
  schema->depth = static_cast<std::uint8_t>(from.depth());
  return get(from.root(), schema->root, std::size_t{schema->depth} + 1);
}

}  // namespace specular
