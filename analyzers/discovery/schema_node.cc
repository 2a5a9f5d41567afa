#include "analyzers/discovery/schema_node.h"

#include <algorithm>
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

void Range::add(double value) {
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

void Members::add(std::uint64_t hash, std::string_view text, std::uint32_t count) {
  if (open_) return;
  auto at =
      std::lower_bound(list_.begin(), list_.end(), hash, [](const Member& m, std::uint64_t h) { return m.hash < h; });
  if (at == list_.end() || at->hash != hash) {
    if (list_.size() == kLimit) return open();
    at = list_.insert(at, Member{hash, 0, {}});
  }
  count_up(at->count, count);
  if (at->text.empty()) at->text = text;
}

void Members::merge(const Members& other) {
  if (other.open_) open();
  for (const Member& member : other.list_) add(member.hash, member.text, member.count);
}

void TextFacts::merge(const TextFacts& other) {
  for (std::size_t i = 0; i < formats.size(); ++i) count_up(formats[i], other.formats[i]);
  length.merge(other.length);
  members.merge(other.members);
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

void SchemaNode::merge(const SchemaNode& other) {
  if (other.sensitive && !sensitive) make_sensitive();
  for (std::size_t i = 0; i < kinds.size(); ++i) count_up(kinds[i], other.kinds[i]);
  if (other.text) {
    text.make().merge(*other.text);
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

SchemaNode& ObjectFacts::value_of(std::string_view key) {
  if (folded) return values.make();
  auto at = std::lower_bound(properties.begin(), properties.end(), key,
                             [](const Property& p, std::string_view k) { return p.name < k; });
  if (at != properties.end() && at->name == key) return at->node;
  if (is_data_key(key)) return values.make();
  if (properties.size() == kMaxProperties) {
    fold();
    return *values;
  }
  SchemaNode& node = properties.insert(at, Property{std::string(key), {}})->node;
  node.sensitive = is_sensitive_name(key);
  return node;
}

const SchemaNode* ObjectFacts::find(std::string_view name) const {
  auto at = std::lower_bound(properties.begin(), properties.end(), name,
                             [](const Property& p, std::string_view k) { return p.name < k; });
  return at != properties.end() && at->name == name ? &at->node : nullptr;
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
  for (const Property& property : other.properties) value_of(property.name).merge(property.node);
}

}  // namespace specular
