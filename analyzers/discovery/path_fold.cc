#include <algorithm>
#include <map>
#include <tuple>

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
  return fold_children(parent, {kind, true, std::string(suffix)}, values);
}

PathTree::NodeIndex PathTree::fold_words(NodeIndex parent) {
  std::vector<SiblingNodes> words;
  for (NodeIndex child : nodes_[parent].children) {
    const SegmentKey& key = nodes_[child].key;
    if (key.kind == SegmentClass::word && !key.folded) words.push_back({{child}, false});
  }
  Habits habits;
  std::vector<SiblingUse> uses = uses_of(*this, words);
  Verdict verdict = find_values(uses, Place{Before::name, &habits, {}, {}});
  std::vector<NodeIndex> values;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (verdict.is_value[i] || uses[i].events.empty()) values.push_back(words[i].nodes.front());
  }
  return fold_children(parent, {SegmentClass::word, true, ""}, values);
}

PathTree::NodeIndex PathTree::fold_children(NodeIndex parent, SegmentKey into, const std::vector<NodeIndex>& children) {
  NodeIndex folded = add_child(parent, std::move(into));
  mark_node(folded);
  for (NodeIndex child : children) {
    note_removed(child);
    add_value(folded, nodes_[child].key.text);
    merge_node(child, folded);
  }
  mark_subtree(folded);
  return folded;
}

// Moves all that `from` has into `into`, and removes it.
void PathTree::merge_node(NodeIndex from, NodeIndex into) {
  nodes_[into].values.merge(nodes_[from].values);
  merge_leaves(from, into);
  std::vector<NodeIndex> children = std::exchange(nodes_[from].children, {});
  for (NodeIndex child : children) {
    SegmentKey key = nodes_[child].key;
    NodeIndex same = find_child(into, key);
    if (same == kNone && !key.folded) {
      same = find_child(into, key.kind, true, classify_segment(key.text).suffix);
      if (same != kNone) add_value(same, key.text);
    }
    if (same != kNone) {
      merge_node(child, same);
      continue;
    }
    link_child(into, child);
  }
  std::erase(nodes_[nodes_[from].parent].children, from);
  nodes_.erase(from);
  fold_where_needed(into);
}

void PathTree::merge_leaves(NodeIndex from, NodeIndex into) {
  std::vector<LeafIndex> leaves = std::exchange(nodes_[from].leaves, {});
  for (LeafIndex index : leaves) {
    auto& others = nodes_[into].leaves;
    auto at = std::lower_bound(others.begin(), others.end(), leaves_[index].method,
                               [this](LeafIndex leaf, const std::string& m) { return leaves_[leaf].method < m; });
    if (at == others.end() || leaves_[*at].method != leaves_[index].method) {
      leaves_[index].node = into;
      others.insert(at, index);
      continue;
    }
    Leaf& ours = leaves_[*at];
    ours.summary.merge(leaves_[index].summary);
    if (ours.shape_bytes + leaves_[index].shape_bytes > 0) charge_shapes(ours);
    ours.requests_ever += leaves_[index].requests_ever;
    ours.last_used = std::max(ours.last_used, leaves_[index].last_used);
    if (!ours.confirmed && leaves_[index].confirmed) {
      ours.confirmed = true;
      --ghosts_;
    }
    erase_leaf(index);
  }
}

// A merged node may have more literals than are kept beside each other, or literals beside their own class.
void PathTree::fold_where_needed(NodeIndex node) {
  for (bool again = true; again;) {
    again = false;
    std::map<std::pair<SegmentClass, std::string>, std::size_t> literals;
    for (NodeIndex child : nodes_[node].children) {
      const SegmentKey& key = nodes_[child].key;
      if (key.folded) continue;
      std::string suffix(classify_segment(key.text).suffix);
      bool word = key.kind == SegmentClass::word;
      NodeIndex folded = word ? kNone : find_child(node, key.kind, true, suffix);
      if (folded != kNone) {
        note_removed(child);
        add_value(folded, key.text);
        merge_node(child, folded);
        again = true;
        break;
      }
      std::size_t kept = word ? kMaxWords : kept_literals(key.kind);
      if (++literals[{key.kind, suffix}] <= kept) continue;
      if (word && find_child(node, SegmentClass::word, true, "") != kNone) continue;
      word ? fold_words(node) : fold(node, key.kind, suffix);
      again = true;
      break;
    }
  }
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
