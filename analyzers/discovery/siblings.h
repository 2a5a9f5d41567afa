// Siblings: what lies below each of the segments at one place, in a form that can be compared.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "analyzers/discovery/path_tree.h"

namespace specular {

// One method at one path below a segment.
struct EventUse {
  std::uint64_t visits = 0;
  NameSketch names;                 // of members in what was answered
  std::set<std::string> queries;    // names of query parameters
  std::set<std::string> kinds;      // as kinds_of() tells them
  std::set<std::uint64_t> answers;  // as the summary has them, if that has all
};

// By what was asked: "GET", "POST /reviews", "GET /*/{}". A segment below is written out if it is below two siblings or
// more, else it is an asterisk; values that no name looks like are braces.
using Events = std::map<std::string, EventUse>;

struct SiblingUse {
  std::string text;
  SegmentClass kind = SegmentClass::word;
  bool is_value = false;       // it stands for values already
  std::uint64_t distinct = 1;  // so many
  std::uint64_t requests = 0;  // through it
  Events events;               // of what a server answered as existing
};

// Statuses of success with each content type that was answered: "200 application/json".
std::set<std::string> kinds_of(const EndpointSummary& summary);

// Nodes that are one sibling: the same text below several parents that are one, or values of one class.
struct SiblingNodes {
  std::vector<PathTree::NodeIndex> nodes;
  bool is_value = false;
};

std::vector<SiblingUse> uses_of(const PathTree& tree, const std::vector<SiblingNodes>& siblings);

}  // namespace specular
