#include <algorithm>
#include <map>
#include <tuple>

#include "analyzers/discovery/methods.h"
#include "analyzers/discovery/path_tree.h"
#include "analyzers/discovery/words.h"

namespace specular {

PathTree::NodeIndex PathTree::fold(NodeIndex parent, SegmentClass kind, std::string_view suffix) {
  std::vector<NodeIndex> values;
  for (NodeIndex child : nodes_[parent].children) {
    const SegmentKey& key = nodes_[child].key;
    if (key.kind != kind || key.folded) continue;
    if (classify_segment(key.text).suffix == suffix) values.push_back(child);
  }
  NodeIndex folded = add_child(parent, {kind, true, std::string(suffix)});
  fold_children(folded, values);
  return folded;
}

PathTree::NodeIndex PathTree::fold_words(NodeIndex parent, Fold which) {
  NodeIndex folded = find_child(parent, {SegmentClass::word, true, ""});
  nodes_[parent].words_on_trial = 0;
  std::vector<SiblingNodes> words;
  std::vector<NodeIndex> values;
  for (NodeIndex child : nodes_[parent].children) {
    if (!is_kept_word(child)) continue;
    bool rare = which != Fold::values && (which == Fold::rare || !nodes_[child].is_name) && has_strangers_only(child);
    if (rare) {
      values.push_back(child);
    } else {
      words.push_back({{child}, false});
    }
  }
  std::size_t count = words.size();
  if (folded != kNone) words.push_back({{folded}, true});
  if (count > 0) {
    Habits habits;
    Place place{Before::name, &habits, {}, {}};
    std::vector<SiblingUse> uses = uses_of(*this, words);
    std::vector<bool> is_value = folded == kNone ? find_values(uses, place).is_value : find_more_values(uses, place);
    for (std::size_t i = 0; i < count; ++i) {
      NodeIndex word = words[i].nodes.front();
      // A shard's tree has only what the epoch added, which may be nothing.
      bool in_use = is_confirmed_below(word) && !has_strangers_only(word);
      nodes_[word].is_name = uses[i].events.empty() ? in_use : !is_value[i];
      if (!nodes_[word].is_name) values.push_back(word);
    }
  }
  if (folded == kNone) folded = add_child(parent, {SegmentClass::word, true, ""});
  fold_children(folded, values);
  return folded;
}

void PathTree::fold_children(NodeIndex into, const std::vector<NodeIndex>& children) {
  mark_node(into);
  for (NodeIndex child : children) {
    note_removed(child);
    add_value(into, nodes_[child].key.text);
    merge_node(child, into);
  }
  mark_subtree(into);
}

bool PathTree::has_strangers_only(NodeIndex node) const {
  const Node& at = nodes_[node];
  return std::all_of(at.leaves.begin(), at.leaves.end(), [this](LeafIndex leaf) { return leaves_[leaf].stranger; }) &&
         std::all_of(at.children.begin(), at.children.end(), [this](NodeIndex n) { return has_strangers_only(n); });
}

bool PathTree::is_confirmed_below(NodeIndex node) const {
  const Node& at = nodes_[node];
  return std::any_of(at.leaves.begin(), at.leaves.end(), [this](LeafIndex leaf) { return leaves_[leaf].confirmed; }) ||
         std::any_of(at.children.begin(), at.children.end(), [this](NodeIndex n) { return is_confirmed_below(n); });
}

bool PathTree::is_kept_word(NodeIndex node) const {
  const SegmentKey& key = nodes_[node].key;
  return key.kind == SegmentClass::word && !key.folded;
}

std::size_t PathTree::rare_words(NodeIndex parent) const {
  const auto& children = nodes_[parent].children;
  return static_cast<std::size_t>(std::count_if(children.begin(), children.end(), [this](NodeIndex child) {
    return is_kept_word(child) && has_strangers_only(child);
  }));
}

// Moves all that `from` has into `into`, and removes it.
void PathTree::merge_node(NodeIndex from, NodeIndex into) {
  nodes_[into].values.merge(nodes_[from].values);
  merge_leaves(from, into);
  bool linked = false;
  std::vector<NodeIndex> children = std::exchange(nodes_[from].children, {});
  for (NodeIndex child : children) {
    SegmentKey key = nodes_[child].key;
    NodeIndex same = find_child(into, key);
    bool may_stay = key.kind == SegmentClass::word && !has_strangers_only(child);
    if (same == kNone && !key.folded && !may_stay) {
      same = find_child(into, key.kind, true, classify_segment(key.text).suffix);
      if (same != kNone) add_value(same, key.text);
    }
    if (same != kNone) {
      merge_node(child, same);
      continue;
    }
    linked = true;
    link_child(into, child);
    nodes_[into].words_on_trial += is_kept_word(child) ? 1 : 0;
  }
  std::erase(nodes_[nodes_[from].parent].children, from);
  nodes_.erase(from);
  if (linked) fold_where_needed(into);
}

void PathTree::merge_leaves(NodeIndex from, NodeIndex into) {
  std::vector<LeafIndex> leaves = std::exchange(nodes_[from].leaves, {});
  for (LeafIndex index : leaves) {
    LeafIndex same = find_leaf(into, leaves_[index].method);
    if (same == kNone) {
      link_leaf(into, index);
    } else {
      merge_leaf(index, same);
    }
  }
  (void)has_too_many_methods(into);
}

// Requires: the node of `from` does not list it any more.
void PathTree::merge_leaf(LeafIndex from, LeafIndex into) {
  Leaf &ours = leaves_[into], &theirs = leaves_[from];
  ours.summary.merge(theirs.summary);
  if (ours.shape_bytes + theirs.shape_bytes > 0) charge_shapes(ours);
  ours.requests_ever += theirs.requests_ever;
  ours.last_used = std::max(ours.last_used, theirs.last_used);
  learn_about(ours);
  if (!ours.confirmed && theirs.confirmed) {
    ours.confirmed = true;
    --ghosts_;
  }
  erase_leaf(from);
}

// Whether there are as many methods of no standard as may be, after those that were rarely used became one.
bool PathTree::has_too_many_methods(NodeIndex node) {
  auto& leaves = nodes_[node].leaves;
  if (leaves.size() < kMaxForeignMethods) return false;
  std::vector<LeafIndex> rare;
  std::size_t foreign = 0;
  for (LeafIndex index : leaves) {
    const Leaf& leaf = leaves_[index];
    if (leaf.method == kOtherMethods || is_standard_method(leaf.method)) continue;
    ++foreign;
    if (leaf.stranger) rare.push_back(index);
  }
  if (foreign < kMaxForeignMethods) return false;
  for (LeafIndex index : rare) {
    if (remember_removed_) removed_.push_back({path_of(node), leaves_[index].method});
    std::erase(leaves, index);
    LeafIndex others = find_leaf(node, kOtherMethods);
    if (others == kNone) {
      leaves_[index].method = kOtherMethods;
      link_leaf(node, index);
      mark_leaf(index);
    } else {
      merge_leaf(index, others);
      mark_leaf(others);
    }
  }
  return foreign - rare.size() >= kMaxForeignMethods;
}

// A merged node may have more literals than are kept beside each other, or literals beside their own class.
void PathTree::fold_where_needed(NodeIndex node) {
  while (fold_one_class(node)) {
  }
  bool folded = find_child(node, {SegmentClass::word, true, ""}) != kNone;
  const auto& children = nodes_[node].children;
  if (!folded && children.size() > kMaxWords) {
    auto words = std::count_if(children.begin(), children.end(), [this](NodeIndex n) { return is_kept_word(n); });
    if (static_cast<std::size_t>(words) > kMaxWords) fold_words(node, Fold::values);
  } else if (folded && nodes_[node].words_on_trial > kOnTrial) {
    fold_words(node, Fold::on_trial);
  }
}

// The first class, but words, of which a node has too many literals, or the class itself. False if there is none.
bool PathTree::fold_one_class(NodeIndex node) {
  std::map<std::pair<SegmentClass, std::string>, std::size_t> literals;
  for (NodeIndex child : nodes_[node].children) {
    const SegmentKey& key = nodes_[child].key;
    if (key.folded || key.kind == SegmentClass::word) continue;
    std::string suffix(classify_segment(key.text).suffix);
    if (NodeIndex folded = find_child(node, key.kind, true, suffix); folded != kNone) {
      note_removed(child);
      add_value(folded, key.text);
      merge_node(child, folded);
      return true;
    }
    if (++literals[{key.kind, suffix}] <= kept_literals(key.kind)) continue;
    fold(node, key.kind, suffix);
    return true;
  }
  return false;
}

void PathTree::note_removed(NodeIndex node) {
  if (!remember_removed_) return;
  SegmentPath path = path_of(node);
  for (LeafIndex leaf : nodes_[node].leaves) removed_.push_back({path, leaves_[leaf].method});
  if (nodes_[node].key.folded) removed_.push_back({path, ""});
  for (NodeIndex child : nodes_[node].children) note_removed(child);
}

void PathTree::mark_subtree(NodeIndex node) {
  for (LeafIndex leaf : nodes_[node].leaves) mark_leaf(leaf);
  if (nodes_[node].key.folded) mark_node(node);
  for (NodeIndex child : nodes_[node].children) mark_subtree(child);
}

std::uint64_t PathTree::requests_below(NodeIndex node) const {
  std::uint64_t requests = 0;
  for (LeafIndex leaf : nodes_[node].leaves) requests += leaves_[leaf].requests_ever;
  for (NodeIndex child : nodes_[node].children) requests += requests_below(child);
  return requests;
}

}  // namespace specular
