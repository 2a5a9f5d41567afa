#include "analyzers/discovery/corrections.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "analyzers/names.h"
#include "capture/base/sha256.h"

namespace specular {
namespace {

constexpr std::array<const char*, 5> kKinds = {"pin", "split", "merge", "ignore", "group"};
constexpr std::string_view kAnyLabel = "*.";
constexpr std::size_t kIdBytes = 6;

tl::unexpected<Error> wrong(std::string text) {
  return fail(ErrorKind::invalid, std::move(text));
}

// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool may_stand_in_host(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("-_.:").find(c) != std::string_view::npos;
}

std::size_t asterisks_of(std::string_view pattern) {
  std::size_t count = 0;
  for (; pattern.starts_with(kAnyLabel); pattern.remove_prefix(kAnyLabel.size())) ++count;
  return count;
}

// Whether a path says what its kind is about.
Result<void> check_path(CorrectionKind kind, const PathTemplate& path) {
  auto is_parameter = [](const TemplateSegment& segment) { return segment.is_parameter; };
  bool parameters = std::any_of(path.begin(), path.end(), is_parameter);
  bool ends_in_parameter = !path.empty() && path.back().is_parameter;
  if (kind == CorrectionKind::pin && !parameters) {
    return wrong("a pin has a parameter in braces, as /users/{userId}; split keeps a path as it is written");
  }
  if (kind == CorrectionKind::merge && !ends_in_parameter) {
    return wrong("a merge ends in braces, for the siblings that are values: /users/{userId}");
  }
  if (kind == CorrectionKind::split && (path.empty() || ends_in_parameter)) {
    return wrong("a split ends in the segment that stays an endpoint of its own: /projects/active");
  }
  for (const TemplateSegment& segment : path) {
    SegmentClass looks_like = classify_segment(segment.text).kind;
    if (segment.is_parameter || looks_like == SegmentClass::word || kept_literals(looks_like) > 0) continue;
    return wrong(
        fmt::format("'{}' looks like an identifier ({}): such segments are never kept one by one, so nothing "
                    "can be said of one alone; {{}} means all of them",
                    segment.text, to_text(looks_like)));
  }
  return {};
}

RouteRules::Kind rule_of(CorrectionKind kind) {
  return kind == CorrectionKind::pin     ? RouteRules::Kind::pin
         : kind == CorrectionKind::split ? RouteRules::Kind::split
                                         : RouteRules::Kind::merge;
}

bool gives_names(CorrectionKind kind) {
  return kind == CorrectionKind::pin || kind == CorrectionKind::merge;
}

// Those that a pin or a merge gives, by the shape of the path up to the parameter.
std::vector<std::pair<std::string, std::string>> names_given(const Correction& correction) {
  std::vector<std::pair<std::string, std::string>> names;
  if (!gives_names(correction.kind)) return names;
  PathTemplate place;
  for (const TemplateSegment& segment : correction.path) {
    place.push_back(segment);
    if (!segment.name.empty()) names.emplace_back(shape_of(place), segment.name);
  }
  return names;
}

}  // namespace

const char* to_text(CorrectionKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

std::optional<CorrectionKind> correction_kind(std::string_view text) {
  auto found = std::find(kKinds.begin(), kKinds.end(), text);
  if (found == kKinds.end()) return std::nullopt;
  return static_cast<CorrectionKind>(found - kKinds.begin());
}

std::string Correction::id() const {
  std::string what = to_text(kind);
  for (const std::string& part : {host.network, host.host, shape_of(path), method}) what += '\0' + part;
  return to_hex(Bytes(sha256(as_bytes(what))).first(kIdBytes));
}

Result<Correction> make_correction(CorrectionKind kind, HostKey host, std::string_view path, std::string method,
                                   Timestamp created) {
  Correction correction{kind, std::move(host), {}, std::move(method), created};
  if (!correction.method.empty() && (kind != CorrectionKind::ignore || !is_token(correction.method))) {
    return wrong(kind == CorrectionKind::ignore ? fmt::format("'{}' is no method", correction.method)
                                                : "a method is for what is ignored");
  }
  if (kind == CorrectionKind::group) {
    auto pattern = parse_host_pattern(correction.host.host);
    if (!pattern) return forward(pattern.error());
    correction.host.host = *pattern;
    return correction;
  }
  auto parsed = parse_template(path);
  if (!parsed) return forward(parsed.error());
  if (auto checked = check_path(kind, *parsed); !checked) return forward(checked.error());
  correction.path = std::move(*parsed);
  return correction;
}

Result<std::string> parse_host_pattern(std::string_view text) {
  std::size_t labels = asterisks_of(text);
  std::string_view rest = text.substr(labels * kAnyLabel.size());
  bool right = labels > 0 && !rest.empty() && rest[0] != '.' && std::count(rest.begin(), rest.end(), ':') <= 1 &&
               rest[0] != ':' && rest.find("..") == std::string_view::npos &&
               std::all_of(rest.begin(), rest.end(), may_stand_in_host);
  std::string named = right ? normalise_host(rest, {}) : "";
  if (!right || named.size() + text.size() - rest.size() > 255) {
    return wrong(
        fmt::format("'{}' is no pattern of hosts: '*.' for each label that differs, then the labels that they "
                    "have in common, as *.tenant.example.com",
                    text));
  }
  return std::string(text.substr(0, labels * kAnyLabel.size())) + named;
}

bool matches_host(std::string_view pattern, std::string_view host) {
  bool any = false;
  for (; pattern.starts_with(kAnyLabel); pattern.remove_prefix(kAnyLabel.size()), any = true) {
    auto dot = host.find('.');
    if (dot == 0 || dot == std::string_view::npos) return false;
    host.remove_prefix(dot + 1);
  }
  return any && host == pattern;
}

// No two call one parameter differently.
Result<void> Corrections::check_names(const Correction& correction, const std::string& id) const {
  auto host = names_.find(correction.host);
  if (host == names_.end()) return {};
  for (const auto& [place, name] : names_given(correction)) {
    auto known = host->second.find(place);
    if (known == host->second.end()) continue;
    for (const auto& [other, others_name] : known->second) {
      if (other == id) continue;
      if (others_name == name) break;  // and so does every further one
      return wrong(fmt::format("a contradiction: {} {} calls a parameter '{}' ({}), which is not '{}'",
                               to_text(all_.at(other).kind), other, others_name, specular::to_text(all_.at(other).path),
                               name));
    }
  }
  return {};
}

void Corrections::forget_names(const Correction& correction, const std::string& id) {
  auto host = names_.find(correction.host);
  for (const auto& [place, name] : names_given(correction)) {
    auto known = host->second.find(place);
    known->second.erase(id);
    if (known->second.empty()) host->second.erase(known);
  }
  if (host != names_.end() && host->second.empty()) names_.erase(host);
}

Result<void> Corrections::add(const Correction& correction) {
  std::string id = correction.id();
  if (auto checked = check_names(correction, id); !checked) return checked;
  const Correction* before = find(id);
  if (before == nullptr && all_.size() >= kMost) return wrong(fmt::format("there are {} corrections already", kMost));
  if (before != nullptr) forget_names(*before, id);
  for (auto& [place, name] : names_given(correction)) names_[correction.host][place][id] = name;
  all_[id] = correction;
  switch (correction.kind) {
    case CorrectionKind::pin:
    case CorrectionKind::split:
    case CorrectionKind::merge: rules_[correction.host].insert(id); break;
    case CorrectionKind::ignore: ignored_[correction.host][shape_of(correction.path)][correction.method] = id; break;
    case CorrectionKind::group: groups_[correction.host] = id; break;
  }
  return {};
}

bool Corrections::remove(const std::string& id) {
  auto found = all_.find(id);
  if (found == all_.end()) return false;
  const Correction& gone = found->second;
  forget_names(gone, id);
  switch (gone.kind) {
    case CorrectionKind::pin:
    case CorrectionKind::split:
    case CorrectionKind::merge: {
      auto host = rules_.find(gone.host);
      host->second.erase(id);
      if (host->second.empty()) rules_.erase(host);
      break;
    }
    case CorrectionKind::ignore: {
      auto host = ignored_.find(gone.host);
      auto shape = host->second.find(shape_of(gone.path));
      shape->second.erase(gone.method);
      if (shape->second.empty()) host->second.erase(shape);
      if (host->second.empty()) ignored_.erase(host);
      break;
    }
    case CorrectionKind::group: groups_.erase(gone.host); break;
  }
  all_.erase(found);
  return true;
}

const Correction* Corrections::find(const std::string& id) const {
  auto found = all_.find(id);
  return found == all_.end() ? nullptr : &found->second;
}

RouteRules Corrections::rules_of(const HostKey& host) const {
  RouteRules rules;
  auto found = rules_.find(host);
  if (found == rules_.end()) return rules;
  for (const std::string& id : found->second) {
    const Correction& correction = all_.at(id);
    rules.add(rule_of(correction.kind), correction.path, id);
  }
  return rules;
}

const Correction* Corrections::ignoring(const HostKey& host, const Route& route) const {
  auto paths = ignored_.find(host);
  if (paths == ignored_.end()) return nullptr;
  auto ids = paths->second.find(route.shape());
  if (ids == paths->second.end()) return nullptr;
  auto found = ids->second.find("");
  if (found == ids->second.end()) found = ids->second.find(route.method);
  return found == ids->second.end() ? nullptr : find(found->second);
}

const Correction* Corrections::group_of(const HostKey& host) const {
  if (groups_.empty()) return nullptr;
  std::string pattern;
  for (std::string_view rest = host.host;;) {
    auto dot = rest.find('.');
    if (dot == 0 || dot == std::string_view::npos) return nullptr;
    rest.remove_prefix(dot + 1);
    pattern += kAnyLabel;
    auto found = groups_.find({host.network, pattern + std::string(rest)});
    if (found != groups_.end()) return find(found->second);
  }
}

bool Corrections::speaks_of(const HostKey& host) const {
  return rules_.contains(host) || ignored_.contains(host) || group_of(host) != nullptr;
}

}  // namespace specular
