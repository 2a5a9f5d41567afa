#include "analyzers/inspect/text_tree.h"

#include <algorithm>

namespace specular {
namespace {

void tell_value(std::string_view text, bool opaque, SchemaWriter& writer) {
  opaque ? writer.opaque() : writer.string(text);
}

}  // namespace

void TextTree::clear() {
  nodes_.assign(1, Node{});
  full_ = false;
}

TextTree::Index TextTree::child(Index parent, std::string_view name) {
  for (Index index : nodes_[parent].children) {
    if (nodes_[index].name == name) return index;
  }
  return add_child(parent, name);
}

TextTree::Index TextTree::add_child(Index parent, std::string_view name) {
  if (nodes_.size() > kMaxFields) {
    full_ = true;
    return kNone;
  }
  auto index = static_cast<Index>(nodes_.size());
  nodes_.push_back({std::string(name), {}, {}});
  nodes_[parent].children.push_back(index);
  return index;
}

void TextTree::add_value(Index node, std::string_view value, bool opaque) {
  if (nodes_[node].values.size() < kMaxFields) nodes_[node].values.push_back({std::string(value), opaque});
}

bool TextTree::is_list(const Node& node) const {
  return !node.children.empty() && std::all_of(node.children.begin(), node.children.end(), [&](Index child) {
    const std::string& name = nodes_[child].name;
    return name.size() <= 4 && name.find_first_not_of("0123456789") == std::string::npos;
  });
}

// One item for each value and for each child that stands at a position.
void TextTree::tell_items(Index index, SchemaWriter& writer) const {
  const Node& node = nodes_[index];
  for (const Value& value : node.values) tell_value(value.text, value.opaque, writer);
  for (Index child : node.children) {
    if (nodes_[child].children.empty()) {
      tell_items(child, writer);
    } else {
      tell(child, writer);
    }
  }
}

void TextTree::tell_properties(const Node& node, SchemaWriter& writer) const {
  std::vector<Index> children = node.children;
  std::stable_sort(children.begin(), children.end(), [&](Index a, Index b) { return nodes_[a].name < nodes_[b].name; });
  writer.begin_object();
  for (auto at = children.begin(); at != children.end();) {
    auto end = std::find_if(at, children.end(), [&](Index other) { return nodes_[other].name != nodes_[*at].name; });
    writer.key(nodes_[*at].name);
    if (end - at > 1) writer.begin_array();
    bool several = end - at > 1;
    for (; at != end; ++at) tell(*at, writer);
    if (several) writer.end_array();
  }
  writer.end_object();
}

void TextTree::tell(Index index, SchemaWriter& writer) const {
  const Node& node = nodes_[index];
  if (index == kRoot || (!node.children.empty() && !is_list(node))) return tell_properties(node, writer);
  if (node.children.empty() && node.values.size() <= 1) {
    if (node.values.empty()) return writer.string("");
    return tell_value(node.values[0].text, node.values[0].opaque, writer);
  }
  writer.begin_array();
  tell_items(index, writer);
  writer.end_array();
}

}  // namespace specular
