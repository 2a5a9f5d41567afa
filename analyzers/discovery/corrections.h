// Corrections: what the user says of the inventory, against the evidence or beside it. They are kept for ever, and are
// a view: nothing that was learned changes with them, so that taking one back shows everything as it was.
//
//   pin     a path template is so: what has an endpoint of that form is a value where it has braces, whatever it looks
//           like; the names that it gives are used; the template is an endpoint
//   split   the last segment is a name, never a value: the path is an endpoint of its own
//   merge   the last segment, in braces, takes all siblings there, whatever is below them
//   ignore  an endpoint, of one method or of all, is not listed and not exported; it is counted
//   group   hosts of a pattern are one host
//
// What a pin, split or merge writes out is a name at its place, and names go before values, as they do in OpenAPI: so a
// split is an exception to a merge. A parameter in braces stands for what is a parameter there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "analyzers/discovery/hosts.h"
#include "analyzers/discovery/path_template.h"
#include "analyzers/discovery/routes.h"
#include "capture/base/result.h"
#include "capture/base/time.h"

namespace specular {

enum class CorrectionKind : std::uint8_t { pin, split, merge, ignore, group };
const char* to_text(CorrectionKind kind);
std::optional<CorrectionKind> correction_kind(std::string_view text);

struct Correction {
  CorrectionKind kind = CorrectionKind::pin;
  HostKey host;  // of a group: its pattern
  PathTemplate path;
  std::string method;  // of what is ignored; empty: all
  Timestamp created;   // by the clock of the machine

  // The same for what says something of the same: 12 hexadecimal digits.
  std::string id() const;
};

// Checks what can be told from the correction alone; fails with `invalid`. The host is one of an inventory, as it is
// spelled there; `path` is as parse_template() takes it, and passed over for groups, whose pattern is the host.
Result<Correction> make_correction(CorrectionKind kind, HostKey host, std::string_view path, std::string method,
                                   Timestamp created);

// A pattern of hosts in the spelling of the inventory. It begins with one asterisk or several, each of which stands for
// exactly one label, as in certificates (RFC 9525 section 6.3): "*.tenant.example.com", "*.*.example.com:8443".
Result<std::string> parse_host_pattern(std::string_view text);
bool matches_host(std::string_view pattern, std::string_view host);

class Corrections {
 public:
  // More would be a program that went wrong.
  static constexpr std::size_t kMost = 10'000;

  // Puts it in the place of the one with its id, if there is one. Fails with `invalid`, and changes nothing, if it
  // contradicts another one, or if there are too many.
  Result<void> add(const Correction& correction);
  bool remove(const std::string& id);

  const std::map<std::string, Correction>& all() const { return all_; }  // by id
  const Correction* find(const std::string& id) const;

  // Pins, splits and merges of a host, or of a group.
  RouteRules rules_of(const HostKey& host) const;
  // What ignores an endpoint; null if nothing does.
  const Correction* ignoring(const HostKey& host, const Route& route) const;
  bool ignores_any() const { return !ignored_.empty(); }
  // The group that takes a host: that with the fewest asterisks. Null: none does.
  const Correction* group_of(const HostKey& host) const;
  // Whether a host is in a group, or has a correction of its own.
  bool speaks_of(const HostKey& host) const;

 private:
  Result<void> check_names(const Correction& correction, const std::string& id) const;
  void forget_names(const Correction& correction, const std::string& id);

  using Ids = std::map<std::string, std::string>;    // by method; "" for all
  using Names = std::map<std::string, std::string>;  // given to one parameter, all alike, by id

  std::map<std::string, Correction> all_;
  std::map<HostKey, std::set<std::string>> rules_;         // ids of pins, splits and merges
  std::map<HostKey, std::map<std::string, Ids>> ignored_;  // by shape
  std::map<HostKey, std::map<std::string, Names>> names_;  // by the shape of the path up to the parameter
  std::map<HostKey, std::string> groups_;                  // ids
};

}  // namespace specular
