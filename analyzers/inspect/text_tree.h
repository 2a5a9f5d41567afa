// TextTree: a document of texts whose parts come in any order, gathered to be told in one go. Bounded by kMaxFields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "analyzers/discovery/schema_writer.h"

namespace specular {

class TextTree {
 public:
  using Index = std::uint32_t;
  static constexpr Index kRoot = 0;
  static constexpr Index kNone = ~Index{0};
  static constexpr std::size_t kMaxFields = 1000;

  TextTree() { clear(); }
  void clear();
  bool empty() const { return nodes_.size() == 1; }
  bool is_full() const { return full_; }

  // The child of that name, made if need be; kNone if the tree is full.
  Index child(Index parent, std::string_view name);
  // Another child, whether or not there is one of that name.
  Index add_child(Index parent, std::string_view name);
  void add_value(Index node, std::string_view value, bool opaque);

  // A value, or several: a list. Children: a list if their names are positions, else an object, in which children of
  // one name are a list.
  void tell(SchemaWriter& writer) const { tell(kRoot, writer); }

 private:
  struct Value {
    std::string text;
    bool opaque;
  };
  struct Node {
    std::string name;
    std::vector<Value> values;
    std::vector<Index> children;
  };

  void tell(Index index, SchemaWriter& writer) const;
  void tell_items(Index index, SchemaWriter& writer) const;
  void tell_properties(const Node& node, SchemaWriter& writer) const;
  bool is_list(const Node& node) const;

  std::vector<Node> nodes_;
  bool full_ = false;
};

}  // namespace specular
