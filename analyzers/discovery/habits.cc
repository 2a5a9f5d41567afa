#include "analyzers/discovery/habits.h"

#include "analyzers/discovery/siblings.h"

namespace specular {

void Habits::add(const EndpointSummary& summary, const std::set<std::string>& path) {
  ++routes_;
  for (std::uint32_t name : summary.names.hashes()) ++names_[name];
  for (const ParameterSummary& parameter : summary.query.parameters()) ++queries_[parameter.name];
  for (const std::string& kind : kinds_of(summary)) ++kinds_[kind];
  for (const std::string& text : path) ++literals_[text];
}

}  // namespace specular
