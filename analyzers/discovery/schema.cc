#include "analyzers/discovery/schema.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace specular {

// Four strands at a time, so that one multiplication need not wait for the other.
std::uint64_t DocumentSketch::hash_of(const HashKey& key, Bytes document) {
  std::array<std::uint64_t, 4> strands{key.k0, key.k1, ~key.k0, ~key.k1};
  for (; document.size() >= 64; document = document.subspan(64)) {
    std::array<std::uint64_t, 8> words;
    std::memcpy(words.data(), document.data(), 64);
    for (std::size_t i = 0; i < 4; ++i) strands[i] = fold(words[i] ^ key.k1, words[i + 4] ^ strands[i]);
  }
  HashKey rest{fold(strands[0] ^ key.k0, strands[1] | 1), fold(strands[2] ^ key.k1, strands[3] | 1)};
  return fast_hash(rest, document);
}

void DocumentSketch::add(std::uint64_t hash) {
  auto at = std::lower_bound(least_.begin(), least_.end(), hash);
  if (at == least_.end() ? least_.size() == kKept : *at == hash) return;
  if (least_.size() == kKept) {
    least_.pop_back();
    at = std::lower_bound(least_.begin(), least_.end(), hash);
  }
  least_.insert(at, hash);
}

void DocumentSketch::merge(const DocumentSketch& other) {
  for (std::uint64_t hash : other.least_) add(hash);
}

std::uint64_t DocumentSketch::estimate() const {
  if (least_.size() < kKept) return least_.size();
  double share = static_cast<double>(least_.back()) / 18446744073709551616.0;
  return static_cast<std::uint64_t>(std::llround(static_cast<double>(kKept - 1) / share));
}

void Schema::merge(const Schema& other) {
  documents += other.documents;
  partial += other.partial;
  unreadable += other.unreadable;
  passed_over += other.passed_over;
  untyped += other.untyped;
  different.merge(other.different);
  root.merge(other.root);
  objects = std::max(objects, other.objects);  // nodes may be copied with what the writer at work left in them
  if (other.depth != depth) {
    depth = std::min(depth, other.depth);
    root.cut(depth);
  }
  keep_within_bounds();
}

void Schema::keep_within_bounds() {
  while (depth > 1 && root.count_nodes() > kMaxNodes) root.cut(--depth);
}

bool Schema::give_up_level() {
  if (depth == 0) return false;
  std::size_t nodes = root.count_nodes();
  do {
    root.cut(--depth);
  } while (depth > 0 && root.count_nodes() == nodes);
  return true;
}

std::size_t Schema::bytes() const {
  return sizeof(Schema) + different.least().capacity() * sizeof(std::uint64_t) + root.bytes();
}

bool Schema::requires_property(const SchemaNode& object, const SchemaNode& property) const {
  std::uint32_t parents = object.count(ValueKind::object);
  return property.seen() >= parents && evidence(parents) >= kConfident;
}

bool Schema::is_closed(const TextFacts& text) const {
  const auto& members = text.members.list();
  if (text.members.is_open() || members.empty()) return false;
  std::uint64_t seen = 0;
  for (const auto& member : members) seen += member.count;
  std::uint64_t documents_each =
      std::max<std::uint64_t>(1, documents / std::max<std::uint64_t>(1, different.estimate()));
  bool often = std::all_of(members.begin(), members.end(),
                           [&](const auto& member) { return member.count >= 3 * documents_each; });
  return often && evidence(seen) >= std::max<std::uint64_t>(kConfident, 10 * members.size());
}

bool Schema::is_sharp(std::uint32_t at_bound, std::uint64_t seen) const {
  std::uint64_t repeated = std::max<std::uint64_t>(1, documents / std::max<std::uint64_t>(1, different.estimate()));
  return evidence(seen) >= kConfident && at_bound >= 3 * repeated;
}

Schema* ShapeTable::find(const ShapePlace& place) {
  auto at = std::lower_bound(shapes_.begin(), shapes_.end(), place,
                             [](const auto& shape, const ShapePlace& p) { return shape.first < p; });
  if (at != shapes_.end() && at->first == place) return &at->second;
  if (at == shapes_.end() && shapes_.size() == kLimit) return nullptr;
  auto index = at - shapes_.begin();
  if (shapes_.size() == kLimit) shapes_.pop_back();
  return &shapes_.insert(shapes_.begin() + index, {place, Schema{}})->second;
}

const Schema* ShapeTable::find(const ShapePlace& place) const {
  auto at = std::lower_bound(shapes_.begin(), shapes_.end(), place,
                             [](const auto& shape, const ShapePlace& p) { return shape.first < p; });
  return at != shapes_.end() && at->first == place ? &at->second : nullptr;
}

std::size_t ShapeTable::bytes() const {
  std::size_t sum = shapes_.capacity() * sizeof(shapes_[0]);
  for (const auto& [place, schema] : shapes_) sum += schema.bytes() - sizeof(Schema);
  return sum;
}

void ShapeTable::shrink(std::size_t most) {
  while (bytes() > most && !shapes_.empty()) {
    auto largest = std::max_element(shapes_.begin(), shapes_.end(), [](const auto& a, const auto& b) {
      return (a.second.depth > 0 ? a.second.bytes() : 0) < (b.second.depth > 0 ? b.second.bytes() : 0);
    });
    if (!largest->second.give_up_level()) shapes_.pop_back();
  }
}

void ShapeTable::merge(const ShapeTable& other) {
  for (const auto& [place, theirs] : other.shapes_) {
    if (Schema* ours = find(place)) ours->merge(theirs);
  }
}

}  // namespace specular
