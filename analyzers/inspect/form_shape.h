// Bodies of forms (application/x-www-form-urlencoded, multipart/form-data) and queries, told to a SchemaWriter. All
// values are text. In bodies, names with brackets are nested values, as PHP, Rails and others write them: a[b][0]=c.
#pragma once

#include <string>
#include <string_view>

#include "analyzers/inspect/json_shape.h"
#include "analyzers/inspect/text_tree.h"

namespace specular {

class FormShapes {
 public:
  explicit FormShapes(const HashKey& key) : key_(key), writer_(key) {}

  ReadState read_urlencoded(std::string_view body, bool cut, Schema& into);
  ReadState read_multipart(std::string_view body, bool cut, Schema& into);
  void tell_places_to(NoveltyFilter* known) { writer_.tell_places_to(known); }
  std::size_t grown() const { return writer_.grown(); }

 private:
  void add_field(std::string_view name, std::string_view value, bool opaque);
  bool add_part(std::string_view part);

  HashKey key_;
  SchemaWriter writer_;
  TextTree tree_;
  std::string name_, value_;
};

// The parameters of one request in its query, its headers or its cookies; names that are there several times are lists.
class ParameterShapes {
 public:
  explicit ParameterShapes(const HashKey& key) : key_(key), writer_(key) {}

  void begin() { parameters_.clear(); }
  // `encoded`: as in a form. Requires: the value stays where it is until end().
  void add(std::string_view name, std::string_view value, bool encoded);
  bool empty() const { return parameters_.empty(); }
  void tell_places_to(NoveltyFilter* known) { writer_.tell_places_to(known); }
  std::size_t grown() const { return writer_.grown(); }
  void end(Schema& into);

 private:
  struct Parameter {
    std::string name;
    std::string_view value;
    bool encoded;
  };

  void tell(const Parameter& parameter);

  HashKey key_;
  SchemaWriter writer_;
  std::vector<Parameter> parameters_;
  std::string value_;
};

// %-escapes and plus signs of a form or query undone.
void decode_form(std::string_view text, std::string& out);

}  // namespace specular
