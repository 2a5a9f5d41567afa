// PathTree: everything seen of one host, by path and method. The routes are a view over it (routes.h), never merged in.
//
// A node is a path segment: a literal, or a whole class of values (integers, UUIDs …). Values that no name looks like
// become their class at once; of those that may be names, a few are kept as literals beside each other, and when there
// are more (segments.def, `kept`) they fold into their class: their subtrees are merged. Since a fold depends only on
// which values there were, and merging is commutative, the tree is the same in whatever order they came. Words are
// kept, and the routes say which of them are values, up to a ceiling (kMaxWords) past which those fold too.
//
// The same tree serves a shard, where summaries hold what the current epoch added, and the judge, where they hold all.
// Bounded: past the ceilings nothing new is added; leaves that no server has confirmed (ghosts: 404, 401 and the like)
// are kept only up to `max_ghosts` and a quarter, the oldest go first, but none that waits for an answer. Both are
// counted.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "analyzers/discovery/segment.h"
#include "analyzers/discovery/summary.h"
#include "capture/base/hash.h"
#include "capture/base/pool.h"

namespace specular {

// Shared by the trees of all hosts.
struct LeafCeiling {
  std::size_t limit = 100'000;
  std::size_t used = 0;
  std::size_t shape_bytes = 0;  // what the leaves' schemas take, as far as they were charged
};

// One step of a path as the tree has it.
struct SegmentKey {
  SegmentClass kind = SegmentClass::word;
  bool folded = false;  // stands for every value of its class
  std::string text;     // the segment, or, folded, the suffix behind the value

  bool operator==(const SegmentKey&) const = default;
};
using SegmentPath = std::vector<SegmentKey>;

class PathTree {
 public:
  using NodeIndex = std::uint32_t;
  using LeafIndex = std::uint32_t;
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  static constexpr NodeIndex kRoot = 0;
  static constexpr std::size_t kMaxWords = 1024;

  // A leaf, as long as it is not folded into another one or given up.
  struct LeafRef {
    LeafIndex index = kNone;
    std::uint32_t generation = 0;
  };

  struct Leaf {
    NodeIndex node = kNone;
    std::string method;
    EndpointSummary summary;
    std::uint64_t requests_ever = 0;
    std::uint64_t last_used = 0;
    std::size_t shape_bytes = 0;  // charged
    bool confirmed = false;       // by any summary so far
    bool dirty = false;
  };

  struct Node {
    NodeIndex parent = kNone;
    SegmentKey key;
    std::vector<NodeIndex> children;  // ascending by text, then by kind
    std::vector<LeafIndex> leaves;    // ascending by method
    DistinctCounter values;           // of a folded node: the values it stands for, by hash
    bool dirty = false;               // values changed
  };

  // Requires: `ceiling` outlives the tree.
  PathTree(LeafCeiling& ceiling, std::size_t max_ghosts, const HashKey& key);
  ~PathTree();
  PathTree(const PathTree&) = delete;
  PathTree& operator=(const PathTree&) = delete;

  // The leaf of that method and normalised path, made if need be; LeafRef{} if the ceiling is reached.
  LeafRef find_or_add(std::string_view method, std::string_view path);
  // The same by keys, as another tree has them; what was folded there is folded here.
  LeafRef find_or_add(std::string_view method, const SegmentPath& path);
  // The same for a tree that is read back: nodes are made just as they are named, nothing is folded.
  LeafRef restore(std::string_view method, const SegmentPath& path);
  void restore_values(const SegmentPath& path, const DistinctCounter& values);
  // Null if it is gone.
  Leaf* resolve(LeafRef ref);
  // To be called after the summary was added to: marks the leaf, and learns from it whether it is confirmed.
  void touch(LeafRef ref);
  // The same without marking it: it is as the store has it.
  void restored(LeafRef ref) { learn_confirmation(leaves_[ref.index]); }
  // Charges what its schemas take now; trees in which that is never called are charged nothing.
  void charge_shapes(Leaf& leaf);
  // Adds the values that another tree's folded node stands for.
  void merge_values(const SegmentPath& path, const DistinctCounter& values);

  const Node& node(NodeIndex index) const { return nodes_[index]; }
  const Leaf& leaf(LeafIndex index) const { return leaves_[index]; }
  SegmentPath path_of(NodeIndex index) const;
  // Adds what each leaf's schemas take.
  void list_shape_bytes(std::vector<std::size_t>& out) const;
  // Shrinks the schemas of the leaves that take more; how many there were.
  std::size_t shrink_shapes(std::size_t most);
  std::uint64_t requests_below(NodeIndex node) const;  // ever
  std::size_t leaf_count() const { return leaves_.size(); }
  std::uint64_t refused() const { return refused_; }  // requests that there was no room for
  std::uint64_t ghosts_dropped() const { return ghosts_dropped_; }

  // Calls for every leaf, and every folded node, that changed since the last time.
  void visit_dirty(const std::function<void(Leaf&)>& on_leaf, const std::function<void(Node&, NodeIndex)>& on_node);

  // What folding and giving up removed, for a store: remembered only if asked for.
  struct Removed {
    SegmentPath path;
    std::string method;  // empty: a folded node
  };
  void remember_removed() { remember_removed_ = true; }
  std::vector<Removed> take_removed();

 private:
  // path_tree.cc
  NodeIndex child_for(NodeIndex parent, std::string_view segment);
  NodeIndex node_for(const SegmentPath& path, bool exactly);
  NodeIndex find_child(NodeIndex parent, SegmentClass kind, bool folded, std::string_view text) const;
  NodeIndex find_child(NodeIndex parent, const SegmentKey& key) const {
    return find_child(parent, key.kind, key.folded, key.text);
  }
  void link_child(NodeIndex parent, NodeIndex child);
  NodeIndex add_child(NodeIndex parent, SegmentKey key);
  NodeIndex folded_child(NodeIndex parent, SegmentClass kind, std::string_view suffix);
  void add_value(NodeIndex node, std::string_view value);
  std::size_t count_literals(NodeIndex parent, SegmentClass kind, std::string_view suffix) const;
  LeafRef leaf_for(NodeIndex node, std::string_view method);
  void learn_confirmation(Leaf& leaf);
  void mark_leaf(LeafIndex leaf);
  void mark_node(NodeIndex node);
  void drop_oldest_ghosts();
  void erase_leaf(LeafIndex leaf);
  void prune(NodeIndex node);

  // path_fold.cc
  NodeIndex fold(NodeIndex parent, SegmentClass kind, std::string_view suffix);
  NodeIndex fold_words(NodeIndex parent);
  NodeIndex fold_children(NodeIndex parent, SegmentKey into, const std::vector<NodeIndex>& children);
  void merge_node(NodeIndex from, NodeIndex into);
  void merge_leaves(NodeIndex from, NodeIndex into);
  void fold_where_needed(NodeIndex node);
  void note_removed(NodeIndex node);
  void mark_subtree(NodeIndex node);

  LeafCeiling& ceiling_;
  std::size_t max_ghosts_;
  HashKey key_;
  Pool<Node, 8> nodes_;  // small pages: most hosts are small
  Pool<Leaf, 8> leaves_;
  std::vector<std::uint32_t> generations_;  // by LeafIndex
  std::vector<LeafIndex> dirty_leaves_;
  std::vector<NodeIndex> dirty_nodes_;
  std::vector<Removed> removed_;
  bool remember_removed_ = false;
  std::size_t ghosts_ = 0;
  std::size_t ghost_limit_;  // at which some are dropped; moved up if none could be
  std::uint64_t refused_ = 0, ghosts_dropped_ = 0, clock_ = 0;
};

}  // namespace specular
