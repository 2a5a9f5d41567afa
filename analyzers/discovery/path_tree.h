// PathTree: everything seen of one host, by path and method. The routes are a view over it (routes.h), never merged in.
//
// A node is a path segment: a literal, or a whole class of values (integers, UUIDs …). Values that no name looks like
// become their class at once; of those that may be names, a few are kept as literals beside each other, and when there
// are more (segments.def, `kept`) they fold into their class: their subtrees are merged. Since a fold depends only on
// which values there were, and merging is commutative, the tree is the same in whatever order they came. Words are
// kept, and the routes say which of them are values, up to a ceiling (kMaxWords) past which those fold too. Behind a
// fold, words go on being told apart: each new one has a place of its own until kOnTrial of them were rarely asked for,
// which then join the fold; what is asked for again and again, and is no value, stays.
//
// The same tree serves a shard, where summaries hold what the current epoch added, and the judge, where they hold all.
// Bounded: past the ceilings nothing new is added; leaves that no server has confirmed (ghosts: 404, 401 and the like)
// are kept only up to `max_ghosts` and a quarter, the oldest go first, but none that waits for an answer. Both are
// counted. Of all trees of one ceiling, leaves that were rarely asked for (strangers) are bounded too: past
// LeafCeiling::kMaxStrangers, ghosts go, and words fold early, where most of them stand beside each other
// (path_relief.cc).
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

class PathTree;

// Shared by the trees of all hosts.
struct LeafCeiling {
  // About 1.6 KB each.
  static constexpr std::size_t kMaxStrangers = 12'288;

  std::size_t limit = 100'000;
  std::size_t used = 0;
  std::size_t strangers = 0;           // of these, those that were rarely asked for
  std::size_t relief = kMaxStrangers;  // so many of them call for relief; moved up if there was none
  std::size_t shape_bytes = 0;         // what the leaves' schemas take, as far as they were charged
  std::vector<PathTree*> trees;

  // Drops ghosts and folds words, in the trees that have most strangers.
  void relieve();
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
  static constexpr std::size_t kOnTrial = 64;        // words rarely asked for, beside those that were folded
  static constexpr std::uint64_t kRareRequests = 3;  // a leaf with no more is a stranger
  // A tree takes leaves of so many methods at one path that no standard knows; further ones that are rare are one.
  static constexpr std::size_t kMaxForeignMethods = 8;
  static constexpr std::string_view kOtherMethods = "*";

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
    bool stranger = false;        // counted as one
    bool dirty = false;
  };

  struct Node {
    NodeIndex parent = kNone;
    SegmentKey key;
    std::vector<NodeIndex> children;   // ascending by text, then by kind
    std::vector<LeafIndex> leaves;     // ascending by method
    DistinctCounter values;            // of a folded node: the values it stands for, by hash
    bool dirty = false;                // values changed
    bool is_name = false;              // a word that was weighed, and not folded
    std::uint32_t words_on_trial = 0;  // below, that came since words were folded
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
  void restored(LeafRef ref) { learn_about(leaves_[ref.index]); }
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
  // As folded nodes have their values.
  std::uint64_t value_hash(std::string_view value) const { return fast_hash(key_, as_bytes(value)); }
  std::size_t leaf_count() const { return leaves_.size(); }
  std::uint64_t refused() const { return refused_; }  // requests that there was no room for
  std::uint64_t ghosts_dropped() const { return ghosts_dropped_; }
  std::size_t strangers() const { return strangers_; }

  // Makes room: all ghosts but the newest few go.
  void drop_most_ghosts();
  // Folds words at the places where at least so many of them, rarely asked for, stand beside each other.
  void fold_wide_places(std::size_t width);
  // Drops the strangers whose summaries are empty: for a tree whose leaves were all told to another one.
  void forget_told_strangers();

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
  void make_room();
  LeafRef leaf_for(NodeIndex node, std::string_view method);
  LeafIndex find_leaf(NodeIndex node, std::string_view method) const;
  LeafRef use_leaf(LeafIndex leaf);
  std::string_view place_for_method(NodeIndex node, std::string_view method);
  void link_leaf(NodeIndex node, LeafIndex leaf);
  void learn_about(Leaf& leaf);
  void mark_leaf(LeafIndex leaf);
  void mark_node(NodeIndex node);
  void drop_oldest_ghosts(std::size_t keep);
  void drop_leaf(LeafIndex leaf);
  void erase_leaf(LeafIndex leaf);
  void prune(NodeIndex node);

  // path_fold.cc
  NodeIndex fold(NodeIndex parent, SegmentClass kind, std::string_view suffix);
  // Which words fold: those that are values; and those that were rarely asked for since others folded; and all that
  // were rarely asked for.
  enum class Fold : std::uint8_t { values, on_trial, rare };
  NodeIndex fold_words(NodeIndex parent, Fold which);
  void fold_children(NodeIndex into, const std::vector<NodeIndex>& children);
  void merge_node(NodeIndex from, NodeIndex into);
  void merge_leaves(NodeIndex from, NodeIndex into);
  void merge_leaf(LeafIndex from, LeafIndex into);
  bool has_too_many_methods(NodeIndex node);
  void fold_where_needed(NodeIndex node);
  bool fold_one_class(NodeIndex node);
  void note_removed(NodeIndex node);
  void mark_subtree(NodeIndex node);
  bool has_strangers_only(NodeIndex node) const;
  bool is_confirmed_below(NodeIndex node) const;
  bool is_kept_word(NodeIndex node) const;
  std::size_t rare_words(NodeIndex parent) const;

  // path_relief.cc
  NodeIndex widest_place(std::size_t width) const;

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
  std::size_t ghosts_ = 0, strangers_ = 0;
  std::size_t slot_;         // among the trees of the ceiling
  std::size_t ghost_limit_;  // at which some are dropped; moved up if none could be
  std::uint64_t refused_ = 0, ghosts_dropped_ = 0, clock_ = 0;
};

}  // namespace specular
