// Relief: what goes when too many paths were asked for that hardly anybody asks for again.
#include <algorithm>

#include "analyzers/discovery/path_tree.h"

namespace specular {
namespace {

constexpr std::size_t kNewestGhosts = 16;             // are kept, or fewer where hosts are many
constexpr std::size_t kWide = 256, kFairlyWide = 64;  // words, rarely asked for, beside each other

}  // namespace

void LeafCeiling::relieve() {
  constexpr std::size_t kEnough = kMaxStrangers - kMaxStrangers / 4;
  std::vector<PathTree*> order = trees;
  std::stable_sort(order.begin(), order.end(),
                   [](const PathTree* a, const PathTree* b) { return a->strangers() > b->strangers(); });
  auto in_turn = [&](auto make_room) {
    for (PathTree* tree : order) {
      if (strangers <= kEnough) return;
      make_room(*tree);
    }
  };
  in_turn([](PathTree& tree) { tree.drop_most_ghosts(); });
  in_turn([](PathTree& tree) { tree.fold_wide_places(kWide); });
  in_turn([](PathTree& tree) { tree.fold_wide_places(kFairlyWide); });
  relief = std::max(kMaxStrangers, strangers + kMaxStrangers / 4);
}

void PathTree::drop_most_ghosts() {
  std::size_t keep = std::min(kNewestGhosts, LeafCeiling::kMaxStrangers / 2 / ceiling_.trees.size());
  if (ghosts_ > keep) drop_oldest_ghosts(keep);
}

void PathTree::fold_wide_places(std::size_t width) {
  for (NodeIndex place = kNone; strangers_ >= width && (place = widest_place(width)) != kNone;) {
    std::size_t before = nodes_.size();
    fold_words(place, Fold::rare);
    if (nodes_.size() >= before) return;
  }
}

// The one with most words that were rarely asked for, of those with at least `width`; the first of several.
PathTree::NodeIndex PathTree::widest_place(std::size_t width) const {
  NodeIndex widest = kNone;
  std::vector<NodeIndex> open = {kRoot};
  while (!open.empty()) {
    NodeIndex place = open.back();
    open.pop_back();
    const auto& children = nodes_[place].children;
    open.insert(open.end(), children.rbegin(), children.rend());
    std::size_t words = children.size() < width ? 0 : rare_words(place);
    if (words < width) continue;
    width = words + 1;
    widest = place;
  }
  return widest;
}

void PathTree::forget_told_strangers() {
  for (LeafIndex index = 0; index < leaves_.end(); ++index) {
    const Leaf& leaf = leaves_[index];
    if (leaf.node != kNone && leaf.stranger && !leaf.dirty && leaf.summary.requests == 0) drop_leaf(index);
  }
}

}  // namespace specular
