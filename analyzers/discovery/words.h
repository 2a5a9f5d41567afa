// Words: which of the segments beside each other are values of a parameter, and which are names of endpoints.
//
// Two explanations of what was seen are weighed, in bits (base-2 logarithms of likelihood ratios):
//   a value   shares one endpoint, or one tree of them, with its siblings: what is asked below it, and what is
//   answered,
//             is drawn from what the others show;
//   a name    has endpoints of its own, as unlike the others as the endpoints of that host are unlike each other.
// Each segment is weighed against those siblings that are values (itself left out) until nothing changes any more; then
// the parameter as a whole must be worth what it costs to assume one. All of it depends on what there is, not on the
// order in which it came.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "analyzers/discovery/habits.h"
#include "analyzers/discovery/siblings.h"

namespace specular {

// What stands before the segments.
enum class Before : std::uint8_t { nothing, parameter, parameters, plural, name };

struct Place {
  Before before = Before::name;
  const Habits* habits = nullptr;  // of the host
  Habits own;                      // of them, what is below these segments
  std::set<std::uint32_t> seen;    // places where a first view saw these very segments
};

// What speaks for a segment being a value, in bits; against it if negative.
struct Weights {
  double form = 0;       // how it is written, and how the other values are
  double structure = 0;  // what is asked below it
  double names = 0;      // in what it answers
  double answers = 0;    // status and content type
  double queries = 0;    // that it is asked with
  double elsewhere = 0;  // the same text as a value, or as a name, at another place
  double popularity = 0;
  double company = 0;  // how many of its siblings are values

  double alike() const { return structure + names + answers + queries; }
  // Without company.
  double own() const { return form + alike() + elsewhere + popularity; }
  double all() const { return own() + company; }
};

struct Verdict {
  std::vector<bool> is_value;
  std::vector<Weights> weights;
};

// What the values have in common, on average: "alike in what they answer (5.0 bits), in how they are written (2.1)".
std::string to_text(const Verdict& verdict);

Verdict find_values(const std::vector<SiblingUse>& siblings, const Place& place);
// Which others certainly are values like those that are given as such, which alone are what they are weighed against:
// for what cannot be taken back.
std::vector<bool> find_more_values(const std::vector<SiblingUse>& siblings, const Place& place);

}  // namespace specular
