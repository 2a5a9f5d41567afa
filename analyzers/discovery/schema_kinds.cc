#include "analyzers/discovery/schema_kinds.h"

#include <algorithm>
#include <map>

namespace specular {
namespace {

// Below so many objects, that one property goes with one value may be chance.
constexpr std::uint64_t kFewestOfKind = 20;

using Slots = std::uint64_t;

Slots bit_of(const Property& property) {
  return Slots{1} << property.slot;
}

class Finder {
 public:
  Finder(const Schema& schema, const SchemaNode& node)
      : schema_(schema), object_(*node.object), objects_(node.count(ValueKind::object)) {}

  ObjectKinds by_value() const {
    ObjectKinds best;
    for (const Property& property : object_.properties) {
      ObjectKinds found = by_value_of(property);
      if (found.kinds.size() > best.kinds.size()) best = std::move(found);
    }
    return best;
  }

  // By properties that exclude each other: each object has exactly one of some, and the others go with these.
  ObjectKinds by_property() const {
    std::vector<Slots> groups = groups_apart();
    ObjectKinds found;
    std::uint64_t seen = 0;
    if (groups.size() < 2) return found;
    Slots apart = 0;
    for (Slots group : groups) apart |= group;
    for (Slots group : groups) {
      const Property* anchor = anchor_of(group);
      if (anchor == nullptr || schema_.evidence(anchor->node.seen()) < Schema::kConfident) return {};
      seen += anchor->node.seen();
      Slots always = anchor->company.with & ~anchor->company.without;
      found.kinds.push_back(kind_of({}, anchor->company.with, always));
    }
    return seen == objects_ ? found : ObjectKinds{};
  }

 private:
  struct Group {
    std::vector<std::string> values;
    Slots with = 0, without = 0;
    std::uint64_t count = 0;
  };

  ObjectKind kind_of(std::vector<std::string> values, Slots with, Slots required) const {
    ObjectKind kind;
    kind.values = std::move(values);
    for (const Property& property : object_.properties) {
      if (property.node.seen() == 0) continue;
      if ((with & bit_of(property)) != 0) kind.properties.push_back(&property);
      if ((required & bit_of(property)) != 0) kind.required.push_back(&property);
    }
    return kind;
  }

  // A property that every object has, as one of few words.
  bool may_discriminate(const Property& property) const {
    const SchemaNode& node = property.node;
    bool always = node.text && node.seen() == objects_ && node.count(ValueKind::string) == objects_;
    if (!always || !schema_.is_closed(*node.text)) return false;
    const auto& members = node.text->members.list();
    return members.size() >= 2 && std::all_of(members.begin(), members.end(), [](const Members::Member& member) {
             return !member.text.empty() && member.company.with != 0;
           });
  }

  ObjectKinds by_value_of(const Property& property) const {
    ObjectKinds found;
    if (!may_discriminate(property)) return found;
    const auto& members = property.node.text->members.list();
    // What tells kinds apart: with each value it is there always or never, and not always with all of them.
    Slots all = object_.slots(), sharp = all, common = all;
    for (const Members::Member& member : members) {
      Slots sometimes = member.company.with & member.company.without;
      sharp &= ~sometimes;
      common &= member.company.with & ~member.company.without;
    }
    sharp &= ~common;
    std::map<Slots, Group> groups;
    for (const Members::Member& member : members) {
      Group& group = groups[member.company.with & sharp];
      group.values.push_back(member.text);
      group.with |= member.company.with;
      group.without |= member.company.without;
      group.count += member.count;
    }
    // Each has properties of its own; of several, one need not.
    if (groups.size() < (groups.contains(0) ? 3 : 2)) return found;
    found.discriminator = &property;
    for (auto& [own, group] : groups) {
      if (group.count < kFewestOfKind) return {};
      std::sort(group.values.begin(), group.values.end());
      bool sure = schema_.evidence(group.count) >= Schema::kConfident;
      Slots required = sure ? group.with & ~group.without : 0;
      found.kinds.push_back(kind_of(std::move(group.values), group.with, required | bit_of(property)));
    }
    std::sort(found.kinds.begin(), found.kinds.end(),
              [](const ObjectKind& a, const ObjectKind& b) { return a.values < b.values; });
    return found;
  }

  // Sets of properties of which no two of different sets were ever in one object; those that all objects have aside.
  std::vector<Slots> groups_apart() const {
    Slots aside = 0;
    for (const Property& property : object_.properties) {
      if (property.node.seen() == 0 || property.node.seen() >= objects_) aside |= bit_of(property);
    }
    std::vector<Slots> groups;
    for (const Property& property : object_.properties) {
      if ((aside & bit_of(property)) != 0) continue;
      Slots group = (property.company.with | bit_of(property)) & ~aside;
      std::erase_if(groups, [&](Slots other) {
        bool touches = (other & group) != 0;
        group |= touches ? other : 0;
        return touches;
      });
      groups.push_back(group);
    }
    return groups;
  }

  // The property of a group that is there whenever another one of it is; the first of them.
  const Property* anchor_of(Slots group) const {
    Slots always = group;
    for (const Property& property : object_.properties) {
      if ((group & bit_of(property)) != 0) always &= ~property.company.without;
    }
    for (const Property& property : object_.properties) {
      if ((always & bit_of(property)) != 0) return &property;
    }
    return nullptr;
  }

  const Schema& schema_;
  const ObjectFacts& object_;
  std::uint64_t objects_;
};

}  // namespace

ObjectKinds kinds_of(const Schema& schema, const SchemaNode& node) {
  bool may_have = node.object && node.object->keeps_company() && !node.object->values &&
                  node.count(ValueKind::object) == node.seen() &&
                  schema.evidence(node.count(ValueKind::object)) >= Schema::kConfident;
  if (!may_have) return {};
  Finder finder(schema, node);
  ObjectKinds found = finder.by_value();
  return found.kinds.empty() ? finder.by_property() : found;
}

}  // namespace specular
