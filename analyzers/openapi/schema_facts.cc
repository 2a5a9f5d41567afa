#include "analyzers/openapi/schema_facts.h"

#include <algorithm>
#include <cmath>

namespace specular {
namespace {

void add_to(SchemaSet& set, SchemaId id) {
  auto at = std::lower_bound(set.begin(), set.end(), id);
  if (at == set.end() || *at != id) set.insert(at, id);
}

void tighten(std::optional<Edge>& edge, const std::optional<Edge>& other, bool least) {
  if (!other) return;
  bool tighter =
      !edge || (least ? other->at > edge->at : other->at < edge->at) || (other->at == edge->at && other->exclusive);
  if (tighter) edge = other;
}

// Whether it says nothing but its types.
bool is_only_types(const ApiSchema& schema) {
  bool bare = schema.properties.empty() && schema.required.empty() && !schema.additional && !schema.items &&
              schema.first_items.empty() && schema.all_of.empty() && !schema.one_of && !schema.any_of &&
              schema.conditions.empty() && schema.others.empty();
  return bare && !schema.values && schema.format.empty() && schema.pattern.empty() && schema.multiple_of.empty() &&
         !schema.unique_items && schema.ranges == std::array<Bounds, kMeasures>{};
}

class Gathering {
 public:
  explicit Gathering(const ApiDocument& document) : document_(document) {}

  SchemaFacts gather(const SchemaSet& schemas) {
    for (auto id = schemas.rbegin(); id != schemas.rend(); ++id) pending_.push_back({*id, false});
    while (!pending_.empty()) {
      Member member = pending_.back();
      pending_.pop_back();
      if (seen_.insert(member).second) add(document_.schemas[member.first], member.second);
    }
    settle();
    return std::move(facts_);
  }

 private:
  // A schema, and whether null fits beside it.
  using Member = std::pair<SchemaId, bool>;

  void add(const ApiSchema& schema, bool with_null) {
    facts_.types &= schema.types | (with_null ? kNull : 0);
    if (schema.values) add_values(*schema.values, with_null);
    facts_.deprecated = facts_.deprecated || schema.deprecated;
    if (!schema.format.empty()) facts_.formats.insert(schema.format);
    if (!schema.pattern.empty()) facts_.patterns.insert(schema.pattern);
    if (!schema.multiple_of.empty()) facts_.multiples.insert(schema.multiple_of);
    if (!schema.default_to.empty()) facts_.default_to = schema.default_to;
    for (std::size_t i = 0; i < kMeasures; ++i) {
      tighten(facts_.ranges[i].least, schema.ranges[i].least, true);
      tighten(facts_.ranges[i].most, schema.ranges[i].most, false);
    }
    facts_.unique_items = facts_.unique_items || schema.unique_items;
    for (const auto& [name, id] : schema.properties) add_to(facts_.properties[name], id);
    facts_.required.insert(schema.required.begin(), schema.required.end());
    if (schema.additional) add_to(facts_.additional, *schema.additional);
    if (schema.items) add_to(facts_.items, *schema.items);
    if (facts_.first_items.size() < schema.first_items.size()) facts_.first_items.resize(schema.first_items.size());
    for (std::size_t i = 0; i < schema.first_items.size(); ++i) add_to(facts_.first_items[i], schema.first_items[i]);
    for (const auto& [keyword, id] : schema.conditions) add_to(facts_.conditions[keyword], id);
    for (const auto& [keyword, text] : schema.others) facts_.others[keyword] = text;
    for (auto id = schema.all_of.rbegin(); id != schema.all_of.rend(); ++id) pending_.push_back({*id, with_null});
    for (const auto* choice : {&schema.one_of, &schema.any_of}) {
      if (*choice) add_choice(**choice, with_null);
    }
  }

  void add_values(const std::vector<std::string>& values, bool with_null) {
    std::set<std::string> own(values.begin(), values.end()), both;
    if (with_null) own.insert("null");
    for (const std::string& value : own) {
      if (!facts_.values || facts_.values->contains(value)) both.insert(value);
    }
    facts_.values = std::move(both);
  }

  // A choice of one is none, one of types is a list of types, and one between a schema and null makes that nullable.
  void add_choice(const std::vector<SchemaId>& choice, bool with_null) {
    auto schema = [&](SchemaId id) -> const ApiSchema& { return document_.schemas[id]; };
    if (choice.size() == 1) return pending_.push_back({choice.front(), with_null});
    bool of_types = std::all_of(choice.begin(), choice.end(), [&](SchemaId id) { return is_only_types(schema(id)); });
    if (of_types) {
      TypeSet types = with_null ? kNull : 0;
      for (SchemaId id : choice) types |= schema(id).types;
      facts_.types &= types;
      return;
    }
    auto is_null = [&](SchemaId id) { return schema(id).types == kNull; };
    bool nullable = choice.size() == 2 && std::count_if(choice.begin(), choice.end(), is_null) == 1;
    if (nullable) return pending_.push_back({is_null(choice[0]) ? choice[1] : choice[0], true});
    facts_.choices.push_back(choice);
  }

  void settle() {
    Bounds& values = facts_.ranges[static_cast<std::size_t>(Measure::value)];
    if ((facts_.types & kFraction) != 0) return;
    // Between whole numbers nothing is left out: more than 4 is at least 5.
    if (values.least)
      values.least = Edge{values.least->exclusive ? std::floor(values.least->at) + 1 : std::ceil(values.least->at)};
    if (values.most)
      values.most = Edge{values.most->exclusive ? std::ceil(values.most->at) - 1 : std::floor(values.most->at)};
  }

  const ApiDocument& document_;
  SchemaFacts facts_;
  std::vector<Member> pending_;
  std::set<Member> seen_;
};

}  // namespace

bool SchemaFacts::closed() const {
  return std::binary_search(additional.begin(), additional.end(), kNothing);
}

SchemaFacts facts_of(const ApiDocument& document, const SchemaSet& schemas) {
  return Gathering(document).gather(schemas);
}

}  // namespace specular
