// RouteRules: what the user says of the paths of one host, as the routes want to know it: a trie of the templates of
// pins, splits and merges (corrections.h), walked beside the path tree.
//
// Segments that are written out are names. A parameter in braces stands for what is a parameter there, by a pin, a
// merge or the evidence; what stands behind it tells it from others ("{}.json" is not "{}"). Names go before values.
// All of it depends on which rules there are, not on the order in which they came.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "analyzers/discovery/path_template.h"
#include "analyzers/discovery/path_tree.h"

namespace specular {

class RouteRules {
 public:
  enum class Kind : std::uint8_t { pin, split, merge };

  // A place that rules have something to say about, or lead through.
  struct Place {
    std::map<std::string, std::uint32_t, std::less<>> literals;    // names here, by text
    std::map<std::string, std::uint32_t, std::less<>> parameters;  // by what stands behind them
    std::string name;                   // of the parameter that leads here; empty: none was given
    std::string id;                     // of the rule that says so: the first by id
    Kind kind = Kind::pin;              // of that rule
    bool takes_all = false;             // a merge ends here: all siblings but the names are values of the parameter
    bool pinned = false;                // a pin ends here: what has an endpoint here is a value of its parameters
    bool stated = false;                // a pin or a split ends here: there is an endpoint
    std::set<std::string> names_below;  // given to parameters further on
  };

  RouteRules() : places_(1) {}

  void add(Kind kind, const PathTemplate& path, const std::string& id);
  bool empty() const { return places_.size() == 1; }

  const Place& root() const { return places_.front(); }
  // The place behind a literal, or behind a parameter with that suffix; null if no rule leads there.
  const Place* behind_literal(const Place& place, std::string_view text) const;
  const Place* behind_parameter(const Place& place, std::string_view suffix) const;

  // The suffix of the parameter that a literal is a value of, if the rules make it one, else null. `nodes`: all of that
  // text that stand at the place.
  const std::string* suffix_of_value(const Place& place, const PathTree& tree,
                                     const std::vector<PathTree::NodeIndex>& nodes) const;

 private:
  bool fits_pin(const Place& place, const PathTree& tree, PathTree::NodeIndex node) const;
  Place& step(std::uint32_t& at, const TemplateSegment& segment);

  std::vector<Place> places_;
};

}  // namespace specular
