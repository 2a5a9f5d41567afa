#include "analyzers/openapi/schema_diff.h"

#include <algorithm>
#include <deque>
#include <map>
#include <type_traits>

#include <fmt/format.h>

#include "analyzers/openapi/schema_words.h"

namespace specular {

// One comparison: pairs of schemas that stand at the same place, each looked at once.
class SchemaComparison {
 public:
  SchemaComparison(SchemaComparer& all, Direction direction) : all_(all), direction_(direction) {}

  void run(SchemaSet before, SchemaSet after) {
    push(std::move(before), std::move(after), "", 0);
    while (!queue_.empty()) {
      Task task = std::move(queue_.front());
      queue_.pop_front();
      SchemaComparer::Pair pair{direction_, task.before, task.after};
      if (all_.equal_.contains(pair) || !seen_.insert(std::move(pair)).second) continue;
      compare(task);
    }
    if (changes.empty() && !all_.exhausted()) all_.equal_.merge(seen_);
  }

  std::vector<Change> changes;

 private:
  struct Task {
    SchemaSet before, after;
    std::string place;
    std::size_t depth;
    SchemaFacts old_facts, new_facts;
  };
  // Whether what fits is less, or more, than it was; both where neither holds the other.
  struct Turn {
    bool narrower, wider;
  };

  void push(SchemaSet before, SchemaSet after, std::string place, std::size_t depth) {
    queue_.push_back({std::move(before), std::move(after), std::move(place), depth, {}, {}});
  }

  void compare(Task& task) {
    if (task.depth > SchemaComparer::kMaxDepth) {
      tell(task, ChangeKind::changed, "depth", "", "", false, "nested too deep to be compared");
      return;
    }
    task.old_facts = facts_of(all_.before_, task.before);
    task.new_facts = facts_of(all_.after_, task.after);
    if (!all_.spend(1 + task.old_facts.properties.size() + task.new_facts.properties.size())) return;
    if (compare_choices(task)) return;
    compare_types(task);
    compare_values(task);
    TypeSet shared = task.old_facts.types & task.new_facts.types;
    compare_limits(task, shared);
    if ((shared & kObject) != 0) compare_objects(task);
    if ((shared & kArray) != 0) compare_arrays(task);
    compare_others(task);
  }

  Change& tell(const Task& task, ChangeKind kind, std::string aspect, std::string before, std::string after,
               bool breaking, std::string reason) {
    Change& change = changes.emplace_back();
    change.kind = kind;
    change.place = task.place;
    change.aspect = std::move(aspect);
    change.before = std::move(before);
    change.after = std::move(after);
    change.breaking = breaking;
    change.reason = std::move(reason);
    change.old_line = line_of(all_.before_, task.before);
    change.new_line = line_of(all_.after_, task.after);
    return change;
  }

  static std::uint32_t line_of(const ApiDocument& document, const SchemaSet& schemas) {
    return schemas.empty() ? 0 : document.schemas[schemas.front()].line;
  }

  void turn(const Task& task, Turn turn, std::string aspect, std::string before, std::string after) {
    ChangeKind kind = before.empty() ? ChangeKind::added : after.empty() ? ChangeKind::removed : ChangeKind::changed;
    bool request = direction_ == Direction::request;
    bool breaking = request ? turn.narrower : turn.wider;
    const char* reason = request    ? breaking ? "what clients send today may be refused" : "what was accepted still is"
                         : breaking ? "answers may hold what clients do not expect"
                                    : "answers stay within what clients expect";
    tell(task, kind, std::move(aspect), std::move(before), std::move(after), breaking, reason);
  }

  void compare_types(const Task& task) {
    const SchemaFacts &old_facts = task.old_facts, &new_facts = task.new_facts;
    // Two enumerations say it better.
    if (old_facts.types == new_facts.types || (old_facts.values && new_facts.values)) return;
    auto lost = old_facts.types & ~new_facts.types, gained = new_facts.types & ~old_facts.types;
    turn(task, {lost != 0, gained != 0}, "type", type_words(old_facts.types), type_words(new_facts.types));
  }

  void compare_values(const Task& task) {
    const auto &before = task.old_facts.values, &after = task.new_facts.values;
    if (!before && !after) return;
    if (!before) return turn(task, {true, false}, "enum", "", value_words(*after));
    if (!after) return turn(task, {false, true}, "enum", value_words(*before), "");
    auto gone = without(*before, *after), more = without(*after, *before);
    if (!gone.empty()) turn(task, {true, false}, "enum", value_words(gone), "");
    if (!more.empty()) turn(task, {false, true}, "enum", "", value_words(more));
  }

  void compare_limits(const Task& task, TypeSet shared) {
    const SchemaFacts &old_facts = task.old_facts, &new_facts = task.new_facts;
    if ((shared & (kString | kWhole | kFraction)) != 0) compare_format(task);
    if ((shared & kString) != 0) compare_sets(task, "pattern", old_facts.patterns, new_facts.patterns);
    if ((shared & (kWhole | kFraction)) != 0)
      compare_sets(task, "multipleOf", old_facts.multiples, new_facts.multiples);
    for (std::size_t i = 0; i < kMeasures; ++i) {
      if ((shared & kMeasured[i]) == 0) continue;
      compare_edges(task, kMeasureWords[i].least, old_facts.ranges[i].least, new_facts.ranges[i].least, true);
      compare_edges(task, kMeasureWords[i].most, old_facts.ranges[i].most, new_facts.ranges[i].most, false);
    }
    if (bool now = new_facts.unique_items; (shared & kArray) != 0 && old_facts.unique_items != now)
      turn(task, {now, !now}, "uniqueItems", now ? "" : "true", now ? "true" : "");
  }

  void compare_format(const Task& task) {
    const auto &before = task.old_facts.formats, &after = task.new_facts.formats;
    if (is_wider_format(before, after)) return turn(task, {false, true}, "format", join(before), join(after));
    if (is_wider_format(after, before)) return turn(task, {true, false}, "format", join(before), join(after));
    compare_sets(task, "format", before, after);
  }

  // Of demands that hold together.
  void compare_sets(const Task& task, const char* aspect, const std::set<std::string>& before,
                    const std::set<std::string>& after) {
    if (before == after) return;
    turn(task, {!without(after, before).empty(), !without(before, after).empty()}, aspect, join(before), join(after));
  }

  void compare_edges(const Task& task, const char* aspect, const std::optional<Edge>& before,
                     const std::optional<Edge>& after, bool least) {
    if (before == after) return;
    bool narrower = after && (!before || (least ? after->at > before->at : after->at < before->at) ||
                              (after->at == before->at && after->exclusive));
    turn(task, {narrower, !narrower}, aspect, edge_words(before), edge_words(after));
  }

  // Not every schema that a direction has is to be seen there.
  bool is_hidden(const ApiDocument& document, const SchemaSet& schemas) const {
    auto hides = [&](SchemaId id) {
      const ApiSchema& schema = document.schemas[id];
      return direction_ == Direction::request ? schema.read_only : schema.write_only;
    };
    return std::any_of(schemas.begin(), schemas.end(), [&](SchemaId id) {
      const auto& parts = document.schemas[id].all_of;
      return hides(id) || std::any_of(parts.begin(), parts.end(), hides);
    });
  }

  const SchemaSet* property_of(const ApiDocument& document, const SchemaFacts& facts, const std::string& name) const {
    auto found = facts.properties.find(name);
    return found == facts.properties.end() || is_hidden(document, found->second) ? nullptr : &found->second;
  }

  void compare_objects(const Task& task) {
    std::set<std::string> names;
    for (const SchemaFacts* facts : {&task.old_facts, &task.new_facts}) {
      for (const auto& [name, schemas] : facts->properties) names.insert(name);
      names.insert(facts->required.begin(), facts->required.end());
    }
    for (const std::string& name : names) compare_property(task, name);
    compare_additional(task);
  }

  void compare_property(const Task& task, const std::string& name) {
    const SchemaFacts &old_facts = task.old_facts, &new_facts = task.new_facts;
    const SchemaSet* before = property_of(all_.before_, old_facts, name);
    const SchemaSet* after = property_of(all_.after_, new_facts, name);
    bool was_hidden = before == nullptr && old_facts.properties.contains(name);
    bool is_hidden_now = after == nullptr && new_facts.properties.contains(name);
    bool was_required = old_facts.required.contains(name) && !was_hidden;
    bool is_required = new_facts.required.contains(name) && !is_hidden_now;
    Task property{before == nullptr ? SchemaSet{} : *before,
                  after == nullptr ? SchemaSet{} : *after,
                  property_place(task.place, name),
                  task.depth + 1,
                  {},
                  {}};
    if (before == nullptr && after != nullptr) return tell_added(property, is_required && !was_required);
    if (before != nullptr && after == nullptr) return tell_removed(property, new_facts.closed());
    if (was_required != is_required) tell_required(property, is_required);
    if (before != nullptr) queue_.push_back(std::move(property));
  }

  void tell_added(const Task& property, bool required) {
    bool breaking = direction_ == Direction::request && required;
    const char* reason = breaking                           ? "required, but clients do not send it yet"
                         : direction_ == Direction::request ? "clients may leave it out"
                                                            : "clients pass over what they do not know";
    tell(property, ChangeKind::added, "", "", schema_words(all_.after_, property.after), breaking, reason).subject =
        "property";
  }

  void tell_removed(const Task& property, bool closed) {
    const char* reason = direction_ == Direction::response ? "clients may use it"
                         : closed                          ? "clients that send it are refused"
                                                           : "what clients send by it has no effect any more";
    tell(property, ChangeKind::removed, "", schema_words(all_.before_, property.before), "", true, reason).subject =
        "property";
  }

  void tell_required(const Task& property, bool required) {
    bool request = direction_ == Direction::request;
    const char* reason = request    ? required ? "clients may not send it yet" : "clients may go on sending it"
                         : required ? "it is there more often than clients expect"
                                    : "clients may count on it";
    tell(property, ChangeKind::changed, "required", required ? "optional" : "required",
         required ? "required" : "optional", request == required, reason);
  }

  void compare_additional(const Task& task) {
    bool was_closed = task.old_facts.closed(), is_closed = task.new_facts.closed();
    if (was_closed && is_closed) return;
    if (was_closed != is_closed) {
      bool breaking = is_closed && direction_ == Direction::request;
      const char* reason = breaking    ? "clients that send more are refused"
                           : is_closed ? "answers stay within what clients expect"
                                       : "more properties than named hurt nobody";
      tell(task, ChangeKind::changed, "additionalProperties", was_closed ? "none" : "allowed",
           is_closed ? "none" : "allowed", breaking, reason);
      return;
    }
    if (task.old_facts.additional != task.new_facts.additional || !task.old_facts.additional.empty())
      push(task.old_facts.additional, task.new_facts.additional, property_place(task.place, "*"), task.depth + 1);
  }

  void compare_arrays(const Task& task) {
    const auto &before = task.old_facts, &after = task.new_facts;
    if (!before.items.empty() || !after.items.empty())
      push(before.items, after.items, task.place + "[]", task.depth + 1);
    for (std::size_t i = 0; i < std::max(before.first_items.size(), after.first_items.size()); ++i) {
      push(i < before.first_items.size() ? before.first_items[i] : before.items,
           i < after.first_items.size() ? after.first_items[i] : after.items, fmt::format("{}[{}]", task.place, i),
           task.depth + 1);
    }
  }

  void compare_others(const Task& task) {
    const SchemaFacts &before = task.old_facts, &after = task.new_facts;
    std::set<std::string> keywords;
    for (const SchemaFacts* facts : {&before, &after}) {
      for (const auto& [keyword, schemas] : facts->conditions) keywords.insert(keyword);
      for (const auto& [keyword, text] : facts->others) keywords.insert(keyword);
    }
    for (const std::string& keyword : keywords) {
      auto old_text = value_at(before.others, keyword), new_text = value_at(after.others, keyword);
      if (old_text != new_text) turn(task, {true, true}, keyword, shorten(old_text), shorten(new_text));
      auto old_schemas = value_at(before.conditions, keyword), new_schemas = value_at(after.conditions, keyword);
      bool same = old_schemas.empty() == new_schemas.empty() && are_alike(old_schemas, new_schemas);
      if (!same)
        turn(task, {true, true}, keyword, schema_words(all_.before_, old_schemas),
             schema_words(all_.after_, new_schemas));
    }
    if (before.default_to != after.default_to)
      tell(task, ChangeKind::changed, "default", shorten(before.default_to), shorten(after.default_to), false,
           "what is accepted and sent stays the same");
    if (before.deprecated != after.deprecated)
      tell(task, ChangeKind::changed, "deprecated", before.deprecated ? "true" : "", after.deprecated ? "true" : "",
           false, "it works as before");
  }

  bool are_alike(const SchemaSet& before, const SchemaSet& after) const {
    return all_.old_shapes_.of(before) == all_.new_shapes_.of(after);
  }

  // Whether there is nothing but the choice to compare.
  bool compare_choices(const Task& task) {
    const SchemaFacts &before = task.old_facts, &after = task.new_facts;
    std::size_t was = before.choices.size(), is = after.choices.size();
    if (was == 1 && is == 1) {
      match(task, branches_of(before.choices[0]), branches_of(after.choices[0]));
    } else if (was == 0 && is == 1 && is_bare(after)) {
      match(task, {task.before}, branches_of(after.choices[0]));
      return true;
    } else if (was == 1 && is == 0 && is_bare(before)) {
      match(task, branches_of(before.choices[0]), {task.after});
      return true;
    } else {
      compare_choice_lists(task);
    }
    return false;
  }

  void compare_choice_lists(const Task& task) {
    const auto &before = task.old_facts.choices, &after = task.new_facts.choices;
    std::size_t shared = std::min(before.size(), after.size());
    for (std::size_t i = 0; i < shared; ++i) match(task, branches_of(before[i]), branches_of(after[i]));
    for (std::size_t i = shared; i < before.size(); ++i)
      turn(task, {false, true}, "alternatives", branch_words(all_.before_, before[i]), "");
    for (std::size_t i = shared; i < after.size(); ++i)
      turn(task, {true, false}, "alternatives", "", branch_words(all_.after_, after[i]));
  }

  static std::vector<SchemaSet> branches_of(const std::vector<SchemaId>& choice) {
    std::vector<SchemaSet> branches;
    for (SchemaId id : choice) branches.push_back({id});
    return branches;
  }

  // Compares branches that belong together: by their name, or as they say the same, or, if as many are left on both
  // sides, one after the other.
  void match(const Task& task, std::vector<SchemaSet> before, std::vector<SchemaSet> after) {
    pair_up(task, before, after, component_name, component_name);
    pair_up(
        task, before, after, [&](const auto&, const auto& branch) { return all_.old_shapes_.of(branch); },
        [&](const auto&, const auto& branch) { return all_.new_shapes_.of(branch); });
    if (before.size() == after.size()) {
      for (std::size_t i = 0; i < before.size(); ++i) push_branches(task, before[i], after[i]);
      return;
    }
    for (const SchemaSet& branch : before)
      turn(task, {true, false}, "alternative", schema_words(all_.before_, branch), "");
    for (const SchemaSet& branch : after)
      turn(task, {false, true}, "alternative", "", schema_words(all_.after_, branch));
  }

  void push_branches(const Task& task, const SchemaSet& before, const SchemaSet& after) {
    std::string name = schema_words(all_.after_, after);
    push(before, after, fmt::format("{}({})", task.place, name), task.depth + 1);
  }

  // Takes out those that have the same key, in order; an empty one is none.
  template <class OldKey, class NewKey>
  void pair_up(const Task& task, std::vector<SchemaSet>& before, std::vector<SchemaSet>& after, const OldKey& old_key,
               const NewKey& new_key) {
    using Key = std::decay_t<decltype(old_key(all_.before_, before.front()))>;
    std::multimap<Key, std::size_t> known;
    for (std::size_t i = 0; i < after.size(); ++i) known.emplace(new_key(all_.after_, after[i]), i);
    std::vector<SchemaSet> left;
    for (const SchemaSet& branch : before) {
      Key key = old_key(all_.before_, branch);
      auto found = key == Key{} ? known.end() : known.lower_bound(key);
      if (found == known.end() || found->first != key) {
        left.push_back(branch);
        continue;
      }
      push_branches(task, branch, after[found->second]);
      known.erase(found);
    }
    before = std::move(left);
    std::set<std::size_t> rest;
    for (const auto& [key, index] : known) rest.insert(index);
    left.clear();
    for (std::size_t index : rest) left.push_back(std::move(after[index]));
    after = std::move(left);
  }

  SchemaComparer& all_;
  Direction direction_;
  std::deque<Task> queue_;
  std::set<SchemaComparer::Pair> seen_;
};

bool SchemaComparer::spend(std::size_t count) {
  steps_ -= std::min(steps_, count);
  return steps_ > 0;
}

bool SchemaComparer::may_be_composed(SchemaId before, SchemaId after) const {
  TypeSet was = facts_of(before_, {before}).types, is = facts_of(after_, {after}).types;
  auto composed = [](TypeSet types) { return types != kAllTypes && (types & (kArray | kObject)) != 0; };
  return composed(was) || composed(is);
}

std::vector<Change> SchemaComparer::compare(SchemaId before, SchemaId after, Direction direction) {
  SchemaComparison comparison(*this, direction);
  comparison.run({before}, {after});
  return std::move(comparison.changes);
}

}  // namespace specular
