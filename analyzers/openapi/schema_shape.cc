#include "analyzers/openapi/schema_shape.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <string>

namespace specular {
namespace {

// Takes one after the other; order counts.
class Mixer {
 public:
  Mixer& add(std::uint64_t value) {
    state_ = (std::rotl(state_, 23) ^ value) * 0x9e3779b97f4a7c15u;
    state_ ^= state_ >> 29;
    return *this;
  }
  Mixer& add(const std::string& text) { return add(std::hash<std::string>{}(text)); }
  Mixer& add(const Edge& edge) { return add(std::hash<double>{}(edge.at)).add(edge.exclusive ? 2 : 1); }
  template <class Value>
  Mixer& add(const std::optional<Value>& value) {
    return value ? add(*value) : add(std::uint64_t{0x5bd1});
  }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0x2545f4914f6cdd1du;
};

std::uint64_t own_shape(const ApiSchema& schema) {
  Mixer mixer;
  mixer.add(schema.types).add(schema.format).add(schema.pattern).add(schema.multiple_of);
  if (schema.values) {
    auto values = *schema.values;
    std::sort(values.begin(), values.end());
    for (const std::string& value : values) mixer.add(value);
  }
  for (const Bounds& range : schema.ranges) mixer.add(range.least).add(range.most);
  mixer.add((schema.unique_items ? 4u : 0u) + (schema.read_only ? 2u : 0u) + (schema.write_only ? 1u : 0u));
  for (const std::string& name : schema.required) mixer.add(name);
  for (const auto& [keyword, text] : schema.others) mixer.add(keyword).add(text);
  return mixer.value();
}

class Level {
 public:
  explicit Level(const std::vector<std::uint64_t>& below) : below_(below) {}

  std::uint64_t shape_of(std::uint64_t own, const ApiSchema& schema) const {
    Mixer mixer;
    mixer.add(own);
    for (const auto& [name, id] : schema.properties) mixer.add(name).add(below_[id]);
    for (const auto& [keyword, id] : schema.conditions) mixer.add(keyword).add(below_[id]);
    for (const auto& id : {schema.additional, schema.items}) mixer.add(id ? below_[*id] : 1);
    for (SchemaId id : schema.first_items) mixer.add(below_[id]);
    mixer.add(unordered(schema.all_of));
    for (const auto* choice : {&schema.one_of, &schema.any_of}) {
      if (*choice) mixer.add(unordered(**choice));
    }
    return mixer.value();
  }

  std::uint64_t unordered(const std::vector<SchemaId>& schemas) const {
    std::vector<std::uint64_t> shapes;
    for (SchemaId id : schemas) shapes.push_back(below_[id]);
    std::sort(shapes.begin(), shapes.end());
    Mixer mixer;
    for (std::uint64_t shape : shapes) mixer.add(shape);
    return mixer.value();
  }

 private:
  const std::vector<std::uint64_t>& below_;
};

}  // namespace

SchemaShapes::SchemaShapes(const ApiDocument& document) {
  std::vector<std::uint64_t> own;
  for (const ApiSchema& schema : document.schemas) own.push_back(own_shape(schema));
  shapes_ = own;
  for (int level = 0; level < kLevels; ++level) {
    std::vector<std::uint64_t> above;
    for (std::size_t id = 0; id < own.size(); ++id)
      above.push_back(Level(shapes_).shape_of(own[id], document.schemas[id]));
    shapes_ = std::move(above);
  }
}

std::uint64_t SchemaShapes::of(const SchemaSet& schemas) const {
  return schemas.size() == 1 ? shapes_[schemas.front()] : Level(shapes_).unordered(schemas);
}

}  // namespace specular
