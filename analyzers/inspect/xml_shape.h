// XML bodies, told to a SchemaWriter: child elements and attributes ("@name") are properties, elements of one name
// beside each other a list; namespaces are left out, and so is text beside elements. Document types are refused:
// entities can grow without bound.
#pragma once

#include <memory>
#include <string_view>

#include "analyzers/inspect/json_shape.h"
#include "analyzers/inspect/text_tree.h"

namespace specular {

class XmlShapes {
 public:
  explicit XmlShapes(const HashKey& key) : key_(key), writer_(key) {}

  ReadState read(std::string_view body, bool cut, Schema& into);
  void tell_places_to(NoveltyFilter* known) { writer_.tell_places_to(known); }
  std::size_t grown() const { return writer_.grown(); }

 private:
  HashKey key_;
  SchemaWriter writer_;
  TextTree tree_;
};

}  // namespace specular
