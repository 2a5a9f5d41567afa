#include "analyzers/discovery/path_tree.h"

#include <algorithm>
#include <tuple>

#include "analyzers/discovery/methods.h"

namespace specular {

PathTree::PathTree(LeafCeiling& ceiling, std::size_t max_ghosts, const HashKey& key)
    : ceiling_(ceiling),
      max_ghosts_(max_ghosts),
      key_(key),
      slot_(ceiling.trees.size()),
      ghost_limit_(max_ghosts + max_ghosts / 4) {
  nodes_.add();
  ceiling_.trees.push_back(this);
}

PathTree::~PathTree() {
  ceiling_.used -= leaves_.size();
  ceiling_.strangers -= strangers_;
  ceiling_.trees.back()->slot_ = slot_;
  ceiling_.trees[slot_] = ceiling_.trees.back();
  ceiling_.trees.pop_back();
}

void PathTree::make_room() {
  if (ghosts_ >= ghost_limit_) drop_oldest_ghosts(max_ghosts_);
  if (ceiling_.strangers >= ceiling_.relief) ceiling_.relieve();
}

PathTree::LeafRef PathTree::find_or_add(std::string_view method, std::string_view path) {
  make_room();
  NodeIndex node = kRoot;
  for (std::string_view rest = path.substr(1); !rest.empty();) {
    auto end = std::min(rest.find('/'), rest.size());
    node = child_for(node, rest.substr(0, end));
    if (node == kNone) return {};
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return leaf_for(node, place_for_method(node, method));
}

PathTree::NodeIndex PathTree::node_for(const SegmentPath& path, bool exactly) {
  NodeIndex node = kRoot;
  for (const SegmentKey& key : path) {
    NodeIndex parent = node;
    node = exactly ? find_child(parent, key) : kNone;
    if (node == kNone && exactly) {
      node = add_child(parent, key);
      nodes_[node].is_name = true;  // nobody knows any more
    }
    if (!exactly) node = key.folded ? folded_child(parent, key.kind, key.text) : child_for(parent, key.text);
    if (node == kNone) return kNone;
  }
  return node;
}

PathTree::LeafRef PathTree::find_or_add(std::string_view method, const SegmentPath& path) {
  make_room();
  NodeIndex node = node_for(path, false);
  return node == kNone ? LeafRef{} : leaf_for(node, place_for_method(node, method));
}

PathTree::LeafRef PathTree::restore(std::string_view method, const SegmentPath& path) {
  return leaf_for(node_for(path, true), method);
}

void PathTree::restore_values(const SegmentPath& path, const DistinctCounter& values) {
  nodes_[node_for(path, true)].values.merge(values);
}

PathTree::NodeIndex PathTree::find_child(NodeIndex parent, SegmentClass kind, bool folded,
                                         std::string_view text) const {
  const auto& children = nodes_[parent].children;
  auto wanted = std::tuple(text, kind, folded);
  auto at = std::lower_bound(children.begin(), children.end(), wanted, [this](NodeIndex child, const auto& key) {
    const SegmentKey& own = nodes_[child].key;
    return std::tuple(std::string_view(own.text), own.kind, own.folded) < key;
  });
  if (at == children.end()) return kNone;
  const SegmentKey& key = nodes_[*at].key;
  return key.text == text && key.kind == kind && key.folded == folded ? *at : kNone;
}

void PathTree::link_child(NodeIndex parent, NodeIndex child) {
  auto order = [this](NodeIndex node) {
    const SegmentKey& key = nodes_[node].key;
    return std::tuple(std::string_view(key.text), key.kind, key.folded);
  };
  auto& children = nodes_[parent].children;
  auto at = std::lower_bound(children.begin(), children.end(), child,
                             [&](NodeIndex a, NodeIndex b) { return order(a) < order(b); });
  children.insert(at, child);
  nodes_[child].parent = parent;
}

PathTree::NodeIndex PathTree::add_child(NodeIndex parent, SegmentKey key) {
  NodeIndex child = nodes_.add();
  nodes_[child].key = std::move(key);
  link_child(parent, child);
  return child;
}

PathTree::NodeIndex PathTree::child_for(NodeIndex parent, std::string_view segment) {
  SegmentShape shape = classify_segment(segment);
  // Of a class that is never kept there are no literals to look for.
  bool may_be_literal = shape.kind == SegmentClass::word || kept_literals(shape.kind) > 0;
  NodeIndex literal = may_be_literal ? find_child(parent, shape.kind, false, segment) : kNone;
  if (literal != kNone) return literal;
  NodeIndex folded = find_child(parent, shape.kind, true, shape.suffix);
  bool word = shape.kind == SegmentClass::word;
  if (folded != kNone && word && ceiling_.used < ceiling_.limit && nodes_[parent].children.size() < 2 * kMaxWords) {
    if (nodes_[parent].words_on_trial >= kOnTrial) fold_words(parent, Fold::on_trial);
    ++nodes_[parent].words_on_trial;
    return add_child(parent, {shape.kind, false, std::string(segment)});
  }
  if (folded == kNone) {
    std::size_t kept = word ? kMaxWords : kept_literals(shape.kind);
    std::size_t beside = kept == 0 ? 0 : count_literals(parent, shape.kind, shape.suffix);
    // A node has a leaf at its end, or is pruned: the ceiling of leaves bounds both.
    if ((beside < kept || kept == 0) && ceiling_.used >= ceiling_.limit) {
      ++refused_;
      return kNone;
    }
    if (beside < kept) return add_child(parent, {shape.kind, false, std::string(segment)});
    folded = word ? fold_words(parent, Fold::values) : fold(parent, shape.kind, shape.suffix);
  }
  add_value(folded, segment);
  return folded;
}

PathTree::NodeIndex PathTree::folded_child(NodeIndex parent, SegmentClass kind, std::string_view suffix) {
  NodeIndex folded = find_child(parent, kind, true, suffix);
  if (folded != kNone) return folded;
  return kind == SegmentClass::word ? fold_words(parent, Fold::values) : fold(parent, kind, suffix);
}

void PathTree::add_value(NodeIndex node, std::string_view value) {
  nodes_[node].values.add(value_hash(value));
  mark_node(node);
}

std::size_t PathTree::count_literals(NodeIndex parent, SegmentClass kind, std::string_view suffix) const {
  const auto& children = nodes_[parent].children;
  return static_cast<std::size_t>(std::count_if(children.begin(), children.end(), [&](NodeIndex child) {
    const SegmentKey& key = nodes_[child].key;
    if (key.kind != kind || key.folded) return false;
    return kind == SegmentClass::word || classify_segment(key.text).suffix == suffix;
  }));
}

PathTree::LeafIndex PathTree::find_leaf(NodeIndex node, std::string_view method) const {
  const auto& leaves = nodes_[node].leaves;
  auto at = std::lower_bound(leaves.begin(), leaves.end(), method,
                             [this](LeafIndex leaf, std::string_view m) { return leaves_[leaf].method < m; });
  return at != leaves.end() && leaves_[*at].method == method ? *at : kNone;
}

PathTree::LeafRef PathTree::use_leaf(LeafIndex leaf) {
  leaves_[leaf].last_used = ++clock_;
  return {leaf, generations_[leaf]};
}

PathTree::LeafRef PathTree::leaf_for(NodeIndex node, std::string_view method) {
  if (LeafIndex known = find_leaf(node, method); known != kNone) return use_leaf(known);
  if (ceiling_.used >= ceiling_.limit) {
    ++refused_;
    prune(node);
    return {};
  }
  LeafIndex index = leaves_.add();
  if (index >= generations_.size()) generations_.resize(index + 1);
  Leaf& leaf = leaves_[index];
  leaf.node = node;
  leaf.method = method;
  leaf.stranger = true;
  link_leaf(node, index);
  ++ceiling_.used;
  ++ghosts_;
  ++strangers_;
  ++ceiling_.strangers;
  return use_leaf(index);
}

std::string_view PathTree::place_for_method(NodeIndex node, std::string_view method) {
  if (is_standard_method(method) || method == kOtherMethods || find_leaf(node, method) != kNone) return method;
  return has_too_many_methods(node) ? kOtherMethods : method;
}

void PathTree::link_leaf(NodeIndex node, LeafIndex leaf) {
  auto& leaves = nodes_[node].leaves;
  auto at = std::lower_bound(leaves.begin(), leaves.end(), leaves_[leaf].method,
                             [this](LeafIndex other, const std::string& m) { return leaves_[other].method < m; });
  leaves.insert(at, leaf);
  leaves_[leaf].node = node;
}

PathTree::Leaf* PathTree::resolve(LeafRef ref) {
  bool live = ref.index != kNone && generations_[ref.index] == ref.generation;
  return live ? &leaves_[ref.index] : nullptr;
}

void PathTree::touch(LeafRef ref) {
  learn_about(leaves_[ref.index]);
  mark_leaf(ref.index);
}

void PathTree::learn_about(Leaf& leaf) {
  if (leaf.stranger && leaf.requests_ever > kRareRequests) {
    leaf.stranger = false;
    --strangers_;
    --ceiling_.strangers;
  }
  if (leaf.confirmed || !leaf.summary.confirmed()) return;
  leaf.confirmed = true;
  --ghosts_;
}

void PathTree::merge_values(const SegmentPath& path, const DistinctCounter& values) {
  NodeIndex node = node_for(path, false);
  if (node == kNone) return;
  nodes_[node].values.merge(values);
  mark_node(node);
}

SegmentPath PathTree::path_of(NodeIndex index) const {
  SegmentPath path;
  for (; index != kRoot; index = nodes_[index].parent) path.push_back(nodes_[index].key);
  std::reverse(path.begin(), path.end());
  return path;
}

void PathTree::mark_leaf(LeafIndex leaf) {
  if (!leaves_[leaf].dirty) dirty_leaves_.push_back(leaf);
  leaves_[leaf].dirty = true;
}

void PathTree::mark_node(NodeIndex node) {
  if (!nodes_[node].dirty) dirty_nodes_.push_back(node);
  nodes_[node].dirty = true;
}

void PathTree::visit_dirty(const std::function<void(Leaf&)>& on_leaf,
                           const std::function<void(Node&, NodeIndex)>& on_node) {
  // Erased ones are not dirty any more, and a number used again is marked again.
  for (LeafIndex index : dirty_leaves_) {
    if (!std::exchange(leaves_[index].dirty, false)) continue;
    on_leaf(leaves_[index]);
  }
  for (NodeIndex index : dirty_nodes_) {
    if (!std::exchange(nodes_[index].dirty, false)) continue;
    on_node(nodes_[index], index);
  }
  dirty_leaves_.clear();
  dirty_nodes_.clear();
}

std::vector<PathTree::Removed> PathTree::take_removed() {
  return std::exchange(removed_, {});
}

void PathTree::charge_shapes(Leaf& leaf) {
  std::size_t bytes = leaf.summary.shapes.bytes();
  ceiling_.shape_bytes += bytes - leaf.shape_bytes;
  leaf.shape_bytes = bytes;
}

void PathTree::list_shape_bytes(std::vector<std::size_t>& out) const {
  for (LeafIndex index = 0; index < leaves_.end(); ++index) {
    if (leaves_[index].shape_bytes > 0) out.push_back(leaves_[index].shape_bytes);
  }
}

std::size_t PathTree::shrink_shapes(std::size_t most) {
  std::size_t shrunk = 0;
  for (LeafIndex index = 0; index < leaves_.end(); ++index) {
    Leaf& leaf = leaves_[index];
    if (leaf.shape_bytes <= most) continue;
    leaf.summary.shapes.shrink(most);
    charge_shapes(leaf);
    mark_leaf(index);
    ++shrunk;
  }
  return shrunk;
}

void PathTree::drop_oldest_ghosts(std::size_t keep) {
  std::vector<std::pair<std::uint64_t, LeafIndex>> ghosts;
  for (LeafIndex index = 0; index < leaves_.end(); ++index) {
    const Leaf& leaf = leaves_[index];
    if (leaf.node != kNone && !leaf.confirmed && !leaf.summary.waits()) ghosts.emplace_back(leaf.last_used, index);
  }
  auto drop = static_cast<std::ptrdiff_t>(ghosts.size() - std::min(ghosts.size(), keep));
  std::nth_element(ghosts.begin(), ghosts.begin() + drop, ghosts.end());
  for (std::ptrdiff_t i = 0; i < drop; ++i) drop_leaf(ghosts[static_cast<std::size_t>(i)].second);
  ghosts_dropped_ += static_cast<std::uint64_t>(drop);
  ghost_limit_ = std::max(max_ghosts_, ghosts_) + max_ghosts_ / 4;
}

void PathTree::drop_leaf(LeafIndex index) {
  NodeIndex node = leaves_[index].node;
  if (remember_removed_) removed_.push_back({path_of(node), leaves_[index].method});
  std::erase(nodes_[node].leaves, index);
  erase_leaf(index);
  prune(node);
}

// Requires: its node does not list it any more.
void PathTree::erase_leaf(LeafIndex index) {
  if (!leaves_[index].confirmed) --ghosts_;
  if (leaves_[index].stranger) {
    --strangers_;
    --ceiling_.strangers;
  }
  --ceiling_.used;
  ceiling_.shape_bytes -= leaves_[index].shape_bytes;
  ++generations_[index];
  leaves_.erase(index);
}

// Removes the node and its parents as far as they lead nowhere.
void PathTree::prune(NodeIndex node) {
  while (node != kRoot && nodes_[node].children.empty() && nodes_[node].leaves.empty()) {
    NodeIndex parent = nodes_[node].parent;
    if (remember_removed_ && nodes_[node].key.folded) removed_.push_back({path_of(node), ""});
    std::erase(nodes_[parent].children, node);
    nodes_.erase(node);
    node = parent;
  }
}

}  // namespace specular
