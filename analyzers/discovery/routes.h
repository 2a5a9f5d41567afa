// Routes: path templates as a view over the path tree; a pure function of it and of what the user says, computed anew
// whenever they are asked for. Nothing is merged in the tree, so a template splits again when the evidence turns.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "analyzers/discovery/path_tree.h"
#include "analyzers/discovery/route_rules.h"

namespace specular {

// Why a segment is taken for a parameter.
struct ParameterEvidence {
  std::string name;                                      // userId: from the segment before it
  std::uint64_t distinct = 0;                            // values seen; an estimate past a few hundred
  std::uint64_t visits = 0;                              // requests through it
  std::array<std::uint64_t, kSegmentClasses> classes{};  // distinct values by what they look like
  std::string likeness;                                  // what else speaks for it, where values look like names
  std::string stated;                                    // "pinned by the user", "merged by the user"; else empty

  // In one line: "139 distinct in 268 visits, 51.1 % word; alike in what they answer (5.0 bits), …", with what the user
  // says before it.
  std::string why() const;
  SegmentClass main_class() const;
  const char* type() const;    // OpenAPI
  const char* format() const;  // OpenAPI; empty: none
};

struct RouteSegment {
  bool is_parameter = false;
  std::string text;  // a literal; or what stands behind the parameter's value: ".json", ":cancel"
  ParameterEvidence evidence;
  std::string correction;  // id of the user's that says so; empty: the evidence does
};

struct Route {
  std::string method;
  std::vector<RouteSegment> segments;
  EndpointSummary summary;
  std::vector<PathTree::LeafIndex> leaves;  // of the tree, that it stands for
  bool stated = false;                      // the user says that there is an endpoint at this path

  std::string path() const;   // /users/{userId}/orders
  std::string shape() const;  // the same with no names: /users/{}/orders
};

// In ascending order of path and method; what no server answered as existing is among them.
std::vector<Route> routes_of(const PathTree& tree, const RouteRules& rules = {});

}  // namespace specular
