#include "analyzers/discovery/schema_node.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace specular {

const char* to_text(ValueKind kind) {
  constexpr const char* kNames[] = {"null", "boolean", "integer", "number", "string", "object", "array"};
  return kNames[static_cast<std::size_t>(kind)];
}

void Range::add_low(double value, std::uint32_t count) {
  if (value < low) {
    low = value;
    at_low = 0;
  }
  if (value == low) count_up(at_low, count);
}

void Range::add_high(double value, std::uint32_t count) {
  if (value > high) {
    high = value;
    at_high = 0;
  }
  if (value == high) count_up(at_high, count);
}

void Range::add_outside(double value) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  if (std::isnan(value)) return;
  value += 0.0;  // -0 is 0
  add_low(value < -kWidest ? -kInfinite : std::min(value, kWidest), 1);
  add_high(value > kWidest ? kInfinite : std::max(value, -kWidest), 1);
}

void Range::merge(const Range& other) {
  if (other.empty()) return;
  add_low(other.low, other.at_low);
  add_high(other.high, other.at_high);
}

void Members::open() {
  open_ = true;
  list_ = {};
}

Members::Member* Members::add(std::uint64_t hash, std::string_view text, std::uint32_t count) {
  if (open_) return nullptr;
  auto at =
      std::lower_bound(list_.begin(), list_.end(), hash, [](const Member& m, std::uint64_t h) { return m.hash < h; });
  if (at == list_.end() || at->hash != hash) {
    if (list_.size() == kLimit) {
      open();
      return nullptr;
    }
    at = list_.insert(at, Member{hash, 0, {}, {}});
  }
  count_up(at->count, count);
  if (at->text.empty()) at->text = text;
  return &*at;
}

void Members::merge(const Members& other, const SlotMap* slots) {
  if (other.open_) open();
  for (const Member& member : other.list_) {
    Member* ours = add(member.hash, member.text, member.count);
    if (ours != nullptr && slots != nullptr) slots->add(member.company, ours->company);
  }
}

void Members::miss(std::uint64_t slots) {
  for (Member& member : list_) member.company.miss(slots);
}

std::uint64_t SlotMap::apply(std::uint64_t slots) const {
  if (same) return slots;
  std::uint64_t mapped = 0;
  for (; slots != 0; slots &= slots - 1) {
    std::uint8_t slot = to[static_cast<std::size_t>(std::countr_zero(slots))];
    if (slot < Company::kLimit) mapped |= std::uint64_t{1} << slot;
  }
  return mapped;
}

void SlotMap::add(const Company& from, Company& into) const {
  if (from.with == 0) return;
  into.with |= apply(from.with);
  into.without |= apply(from.without) | others;
}

void TextFacts::merge(const TextFacts& other, const SlotMap* slots) {
  for (std::size_t i = 0; i < formats.size(); ++i) count_up(formats[i], other.formats[i]);
  length.merge(other.length);
  members.merge(other.members, slots);
}

SchemaNode::SchemaNode() = default;
SchemaNode::SchemaNode(const SchemaNode&) = default;
SchemaNode::SchemaNode(SchemaNode&&) noexcept = default;
SchemaNode& SchemaNode::operator=(const SchemaNode&) = default;
SchemaNode& SchemaNode::operator=(SchemaNode&&) noexcept = default;
SchemaNode::~SchemaNode() = default;

std::uint64_t SchemaNode::seen() const {
  std::uint64_t sum = 0;
  for (std::uint32_t count : kinds) sum += count;
  return sum;
}

void SchemaNode::make_sensitive() {
  sensitive = true;
  number.clear();
  if (text) text->members.open();
  if (array) array->items.make_sensitive();
}

void SchemaNode::merge(const SchemaNode& other, const SlotMap* slots) {
  if (other.sensitive && !sensitive) make_sensitive();
  for (std::size_t i = 0; i < kinds.size(); ++i) count_up(kinds[i], other.kinds[i]);
  if (other.text) {
    text.make().merge(*other.text, slots);
    if (sensitive) text->members.open();
  }
  if (other.number && !sensitive) number.make().merge(*other.number);
  if (other.object) object.make().merge(*other.object);
  if (!other.array) return;
  array.make().items.merge(other.array->items);
  if (sensitive) array->items.make_sensitive();
  array->size.merge(other.array->size);
}

std::size_t SchemaNode::count_nodes() const {
  std::size_t count = 1;
  if (object) {
    for (const Property& property : object->properties) count += property.node.count_nodes();
    if (object->values) count += object->values->count_nodes();
  }
  return array ? count + array->items.count_nodes() : count;
}

std::size_t SchemaNode::bytes() const {
  auto of_text = [](const std::string& held) { return held.capacity() > 15 ? held.capacity() + 1 : 0; };
  std::size_t sum = number ? sizeof(Range) : 0;
  if (text) {
    sum += sizeof(TextFacts) + text->members.list().capacity() * sizeof(Members::Member);
    for (const Members::Member& member : text->members.list()) sum += of_text(member.text);
  }
  if (object) {
    sum += sizeof(ObjectFacts) + object->properties.capacity() * sizeof(Property);
    for (const Property& property : object->properties) sum += of_text(property.name) + property.node.bytes();
    if (object->values) sum += sizeof(SchemaNode) + object->values->bytes();
  }
  return array ? sum + sizeof(ArrayFacts) + array->items.bytes() : sum;
}

void SchemaNode::cut(std::size_t depth) {
  if (depth == 0) {
    object.clear();
    array.clear();
    return;
  }
  if (object) {
    for (Property& property : object->properties) property.node.cut(depth - 1);
    if (object->values) object->values->cut(depth - 1);
  }
  if (array) array->items.cut(depth - 1);
}

std::size_t ObjectFacts::position_of(std::string_view key) {
  if (folded) return kNone;
  auto at = std::lower_bound(properties.begin(), properties.end(), key,
                             [](const Property& p, std::string_view k) { return p.name < k; });
  auto position = static_cast<std::size_t>(at - properties.begin());
  if (at != properties.end() && at->name == key) return position;
  if (is_data_key(key)) {
    values.make();
    return kNone;
  }
  return add(position, key);
}

std::size_t ObjectFacts::add(std::size_t position, std::string_view key) {
  if (properties.size() == kMaxProperties) {
    fold();
    return kNone;
  }
  auto slot = static_cast<std::uint8_t>(properties.size());
  if (slot < Company::kLimit) {
    // The objects so far were without it.
    std::uint64_t bit = std::uint64_t{1} << slot;
    for (Property& property : properties) {
      property.company.miss(bit);
      if (property.node.text) property.node.text->members.miss(bit);
    }
  }
  auto at = properties.insert(properties.begin() + static_cast<std::ptrdiff_t>(position), Property{});
  at->name = key;
  at->slot = slot;
  at->node.sensitive = is_sensitive_name(key);
  return position;
}

const SchemaNode* ObjectFacts::find(std::string_view name) const {
  auto at = std::lower_bound(properties.begin(), properties.end(), name,
                             [](const Property& p, std::string_view k) { return p.name < k; });
  return at != properties.end() && at->name == name ? &at->node : nullptr;
}

std::uint64_t ObjectFacts::slots() const {
  return properties.size() == Company::kLimit ? ~std::uint64_t{0} : (std::uint64_t{1} << properties.size()) - 1;
}

void ObjectFacts::fold() {
  folded = true;
  SchemaNode& into = values.make();
  for (const Property& property : std::exchange(properties, {})) into.merge(property.node);
}

void ObjectFacts::merge(const ObjectFacts& other) {
  size.merge(other.size);
  if (other.values) values.make().merge(*other.values);
  if (other.folded && !folded) fold();
  if (properties.empty() && !folded) {
    properties = other.properties;
    return;
  }
  SlotMap map;
  bool keeps = add_names(other, map);
  // Both are in one order, and ours has theirs, unless it was folded.
  std::size_t position = 0;
  for (const Property& theirs : other.properties) {
    while (position < properties.size() && properties[position].name < theirs.name) ++position;
    if (position == properties.size() || properties[position].name != theirs.name) {
      values.make().merge(theirs.node);
      continue;
    }
    properties[position].node.merge(theirs.node, keeps ? &map : nullptr);
    if (keeps) map.add(theirs.company, properties[position].company);
  }
}

// The names first, so that their slots are known; whether company is kept.
bool ObjectFacts::add_names(const ObjectFacts& other, SlotMap& map) {
  std::uint64_t reached = 0;
  std::size_t guess = 0;
  map.same = true;
  for (const Property& theirs : other.properties) {
    bool guessed = guess < properties.size() && properties[guess].name == theirs.name;
    std::size_t position = guessed ? guess : position_of(theirs.name);
    guess = position == kNone ? guess : position + 1;
    if (theirs.slot >= Company::kLimit) continue;
    auto slot = position == kNone ? static_cast<std::uint8_t>(Company::kLimit) : properties[position].slot;
    map.to[theirs.slot] = slot;
    map.same = map.same && slot == theirs.slot;
    if (slot < Company::kLimit) reached |= std::uint64_t{1} << slot;
  }
  if (!keeps_company() || !other.keeps_company()) return false;
  map.others = slots() & ~reached;
  return true;
}

}  // namespace specular
