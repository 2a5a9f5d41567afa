// Habits: what is common on a host, so that what is common everywhere proves nothing. Learned from a first view of its
// routes, each of which counts once.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "analyzers/discovery/summary.h"

namespace specular {

// The texts that segments were seen with, by the place (a number) where they stood.
using Places = std::map<std::string, std::set<std::uint32_t>>;

class Habits {
 public:
  // One endpoint: what it answers, what it is asked with, and the literals of its path.
  void add(const EndpointSummary& summary, const std::set<std::string>& path);
  // How probable it is that an endpoint has that: more than 0, less than 1. `without`: some of those that were added.
  double share_of_name(std::uint32_t name, const Habits& without) const {
    return share(&Habits::names_, name, kUnseen, without);
  }
  double share_of_query(const std::string& name, const Habits& without) const {
    return share(&Habits::queries_, name, kUnseen, without);
  }
  double share_of_kind(const std::string& kind, const Habits& without) const {
    return share(&Habits::kinds_, kind, kUnseenKind, without);
  }
  double share_of_literal(const std::string& text, const Habits& without) const {
    return share(&Habits::literals_, text, kUnseenLiteral, without);
  }

  Places values, literals;  // by text, where a first view took it for a parameter's value, and where not

 private:
  // As if so many endpoints more had been seen, of which one has it.
  static constexpr double kUnseen = 12, kUnseenKind = 4, kUnseenLiteral = 40;

  template <class Counts, class Key>
  double share(Counts Habits::*counts, const Key& key, double unseen, const Habits& without) const {
    auto count = [&](const Habits& habits) {
      auto at = (habits.*counts).find(key);
      return at == (habits.*counts).end() ? 0u : at->second;
    };
    return (count(*this) - count(without) + 1.0) / (routes_ - without.routes_ + unseen);
  }

  std::map<std::uint32_t, std::uint32_t> names_;
  std::map<std::string, std::uint32_t> queries_, kinds_, literals_;
  std::uint32_t routes_ = 0;
};

}  // namespace specular
