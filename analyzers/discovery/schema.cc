#include "analyzers/discovery/schema.h"

#include <algorithm>
#include <cmath>

namespace specular {

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
  if (other.depth != depth) {
    depth = std::min(depth, other.depth);
    root.cut(depth);
  }
  keep_within_bounds();
}

void Schema::keep_within_bounds() {
  while (depth > 1 && root.count_nodes() > kMaxNodes) root.cut(--depth);
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

void ShapeTable::merge(const ShapeTable& other) {
  for (const auto& [place, theirs] : other.shapes_) {
    if (Schema* ours = find(place)) ours->merge(theirs);
  }
}

}  // namespace specular
