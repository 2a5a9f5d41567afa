#include "analyzers/discovery/words.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "analyzers/discovery/word_form.h"

namespace specular {
namespace {

// How often names of endpoints, and values of parameters that may be mistaken for names, are written in each form
// (WordForm). Rough, and rather too even than too sure.
constexpr std::array<double, kWordForms> kNames = {0.55, 0.12, 0.16, 0.06, 0.03, 0.012, 0.004, 0.02, 0.03, 0.004, 0.01};
constexpr std::array<double, kWordForms> kValues = {0.20, 0.02, 0.16, 0.14, 0.22, 0.08, 0.08, 0.03, 0.06, 0.04, 0.001};
constexpr double kFormPrior = 6;  // so many siblings say as much about the form of values as that table

constexpr std::uint64_t kMost = 16;  // siblings, that what stands for many values counts as
constexpr double kNewEvents = 2;     // so many visits more, of events that no other value had
constexpr double kSeveral = 2.5;     // siblings
constexpr double kAgain = 0.25;
constexpr double kCostOfValue = 0.25;           // bits
constexpr double kStrict = 3, kMostStrict = 9;  // bits, beside values of a class that leaves no room for words
constexpr double kAlike = 6;                    // bits, for as many as they are
constexpr double kAlikeAndNew = 8;              // bits more, if all below them is new
constexpr double kOneStem = 6;                  // bits, if they differ in their extension alone
constexpr double kUsualNames = 24;  // so many names at one place are nothing unusual; each further one would be,
constexpr double kManyNames = 0.3;  // by so many bits

// Bits that a parameter costs: what a name is followed by.
double cost_of_parameter(Before before) {
  switch (before) {
    case Before::nothing: return 9;
    case Before::parameter: return 8;
    case Before::parameters: return 3;  // a path as a value
    case Before::plural: return 4;
    case Before::name: return 6;
  }
  return 6;
}

// How probable a method is directly at a name.
double share_of_method(std::string_view method) {
  if (method == "GET") return 0.5;
  if (method == "POST") return 0.3;
  return method == "PUT" || method == "DELETE" || method == "PATCH" ? 0.08 : 0.03;
}

// Whether a parameter of that class takes no words.
bool is_strict(SegmentClass kind) {
  switch (kind) {
    case SegmentClass::small_integer:
    case SegmentClass::integer:
    case SegmentClass::number:
    case SegmentClass::uuid:
    case SegmentClass::ulid:
    case SegmentClass::hex:
    case SegmentClass::date:
    case SegmentClass::date_time:
    case SegmentClass::email:
    case SegmentClass::address: return true;
    case SegmentClass::word:
    case SegmentClass::version:
    case SegmentClass::boolean:
    case SegmentClass::prefixed_id:
    case SegmentClass::token:
    case SegmentClass::code:
    case SegmentClass::text: return false;
  }
  return false;
}

double damped(double visits) {
  return std::log2(1 + visits);
}

// Often enough to have shown what it answers.
bool is_often(const EventUse& seen) {
  return seen.visits >= 4 && !seen.kinds.empty();
}

// Sums over the values among the siblings.
class Values {
 public:
  struct Event {
    double visits = 0;
    double siblings = 0, with_names = 0, with_kinds = 0;
    double often = 0, often_with_names = 0;  // of those that were asked for often
    std::map<std::uint32_t, double> names;
    std::map<std::string, double> queries, kinds;
  };

  // What stands for many values counts as several.
  void add(const SiblingUse& use, double times) {
    auto many = static_cast<double>(std::min(use.distinct, kMost));
    double sign = times * many;
    size += sign;
    if (!use.is_value || use.kind != SegmentClass::word) {  // of words that were folded nobody knows how they looked
      auto form = form_of(use.text, use.kind);
      bool random = form == WordForm::random;  // some of these look merely odd
      forms[static_cast<std::size_t>(form)] += random ? 0.8 * sign : sign;
      forms[static_cast<std::size_t>(WordForm::odd)] += random ? 0.2 * sign : 0;
      with_form += sign;
    }
    for (const auto& [key, seen] : use.events) {
      Event& event = events[key];
      double count = sign * damped(static_cast<double>(seen.visits) / many);
      event.visits += count;
      visits += count;
      if (key.find('*') != std::string::npos) new_below += count;
      event.siblings += sign;
      event.with_names += seen.names.empty() ? 0 : sign;
      event.with_kinds += seen.kinds.empty() ? 0 : sign;
      event.often += is_often(seen) ? sign : 0;
      event.often_with_names += is_often(seen) && !seen.names.empty() ? sign : 0;
      for (std::uint32_t name : seen.names.hashes()) event.names[name] += sign;
      for (const std::string& name : seen.queries) event.queries[name] += sign;
      for (const std::string& kind : seen.kinds) event.kinds[kind] += sign;
    }
  }

  double size = 0, with_form = 0, visits = 0;
  double new_below = 0;  // of the visits, those of paths with what stands below one sibling alone
  std::array<double, kWordForms> forms{};
  std::map<std::string, Event> events;
};

template <class Map, class Key>
double value_of(const Map& map, const Key& key) {
  auto at = map.find(key);
  return at == map.end() ? 0 : at->second;
}

double clip(double bits, double least, double most) {
  return std::clamp(bits, least, most);
}

class Scale {
 public:
  Scale(const std::vector<SiblingUse>& siblings, const Place& place) : habits_(*place.habits), place_(place) {
    double strict = 0;  // values whose class leaves no room for words
    for (const SiblingUse& use : siblings) {
      for (const auto& [key, event] : use.events) probability_[key] = 0;
      if (!use.is_value) most_requests_.push_back(use.requests);
      if (use.is_value && is_strict(use.kind)) strict += static_cast<double>(use.distinct);
    }
    for (auto& [key, probability] : probability_) probability = probability_at_name(key);
    std::sort(most_requests_.rbegin(), most_requests_.rend());
    bool many = strict * 4 >= static_cast<double>(siblings.size());
    if (strict > 0) cost_of_strict_ = many ? std::min(kStrict + std::log2(strict), kMostStrict) : 1;
  }

  // `pool`: the values, without this one.
  Weights weigh(const SiblingUse& use, const Values& pool) const {
    Weights weights;
    weights.form = weigh_form(use, pool);
    weights.structure = weigh_structure(use, pool);
    double alike = 0, unlike = 0;
    for (const auto& [key, seen] : use.events) {
      auto at = pool.events.find(key);
      if (at == pool.events.end() || at->second.siblings < 0.5) continue;
      double bits = weigh_names(seen, at->second);
      alike = std::max(alike, bits);
      unlike += std::min(0.0, bits);
      weights.queries += weigh_queries(seen, at->second);
      weights.answers += weigh_answers(seen, at->second);
    }
    // Endpoints of different names may have some answers in common; those of one parameter have all of them.
    weights.names = unlike < -1 ? clip(unlike, -14, 0) : alike;
    weights.queries = clip(weights.queries, -4, 2);
    weights.answers = clip(weights.answers, -5, 3);
    weights.elsewhere = weigh_elsewhere(use);
    weights.popularity = weigh_popularity(use, pool);
    return weights;
  }

 private:
  double probability_at_name(const std::string& key) const {
    auto blank = key.find(' ');
    double probability = share_of_method(std::string_view(key).substr(0, blank));
    for (std::size_t at = blank; at != std::string::npos && at + 1 < key.size();) {
      auto end = std::min(key.find('/', at + 2), key.size());
      std::string text = key.substr(at + 2, end - at - 2);
      probability *= text == "*" ? 0.5 : text == "{}" ? 0.3 : habits_.share_of_literal(text, place_.own);
      at = end == key.size() ? std::string::npos : end - 1;
    }
    return probability;
  }

  double weigh_form(const SiblingUse& use, const Values& pool) const {
    auto form = static_cast<std::size_t>(form_of(use.text, use.kind));
    double among_values = (pool.forms[form] + kFormPrior * kValues[form]) / (pool.with_form + kFormPrior);
    // That all are written as names are proves nothing; nor, beyond that, that all are written alike.
    double most = std::max(0.0, std::log2(kValues[form] / kNames[form]) + 1);
    double bits = clip(std::log2(among_values / kNames[form]), -4, kNames[form] >= kValues[form] ? 0 : most);
    return use.is_value ? bits : bits - cost_of_strict_;
  }

  // As a value its visits are drawn from what the others are visited with; as a name it is visited with whatever it
  // has, each of which had to be made up first. Names of one place often have much in common, so that this is weak
  // evidence.
  double weigh_structure(const SiblingUse& use, const Values& pool) const {
    double visits = 0, as_value = 0, as_name = 0;
    for (const auto& [key, seen] : use.events) visits += damped(static_cast<double>(seen.visits));
    if (visits <= 0) return 0;
    for (const auto& [key, seen] : use.events) {
      double count = damped(static_cast<double>(seen.visits)), probability = probability_.at(key);
      auto at = pool.events.find(key);
      double others = at == pool.events.end() ? 0 : std::max(0.0, at->second.visits);
      double siblings = at == pool.events.end() ? 0 : std::max(0.0, at->second.siblings);
      // A value is asked for alike time and again; what only one is asked for is the stranger the more often it is.
      double draws = siblings < kSeveral ? count : 1 + kAgain * (count - 1);
      as_value += draws * std::log2((others + kNewEvents * probability) / (pool.visits + kNewEvents));
      double usual = pool.size > 0 ? siblings / pool.size : 0;
      as_name += std::log2(std::max(probability, 0.5 * usual)) + draws * std::log2(count / visits);
    }
    return clip(as_value - as_name, -40, 2);
  }

  double weigh_names(const EventUse& seen, const Values::Event& others) const {
    if (is_often(seen) && others.often > 1.5) {
      double with = (others.often_with_names + 0.1) / (others.often + 0.2);
      double bits = std::log2(seen.names.empty() ? 1 - with : with);
      if (bits < -1.5) return std::max(bits, -5.0);
    }
    if (seen.names.empty() || others.with_names < 0.5) return 0;
    double sum = 0, count = 0;
    for (std::uint32_t name : seen.names.hashes()) {
      double usual = habits_.share_of_name(name, place_.own);
      double share = (value_of(others.names, name) + 0.5 * usual) / (others.with_names + 0.5);
      // One endpoint does not answer now with a list, now with an object.
      if (name < NameSketch::kFirstName && share < 0.25) return -6;
      if (name < NameSketch::kFirstName) continue;
      sum += std::log2(share / usual);
      count += 1;
    }
    return count == 0 ? 0 : clip(2 * sum / count, -8, 5);
  }

  double weigh_queries(const EventUse& seen, const Values::Event& others) const {
    double bits = 0;
    for (const std::string& name : seen.queries) {
      double usual = habits_.share_of_query(name, place_.own);
      double share = (value_of(others.queries, name) + 0.5 * usual) / (others.siblings + 0.5);
      bits += clip(0.5 * std::log2(share / usual), -1, 2);
    }
    return clip(bits, -3, 2);
  }

  double weigh_answers(const EventUse& seen, const Values::Event& others) const {
    if (seen.kinds.empty() || others.with_kinds < 0.5) return 0;
    double best = -4;
    for (const std::string& kind : seen.kinds) {
      double usual = habits_.share_of_kind(kind, place_.own);
      double share = (value_of(others.kinds, kind) + 0.5 * usual) / (others.with_kinds + 0.5);
      best = std::max(best, std::log2(share / usual));
    }
    return clip(best, -4, 2);
  }

  double weigh_elsewhere(const SiblingUse& use) const {
    auto is_at_another = [&](const Places& places) {
      auto at = places.find(use.text);
      return at != places.end() && std::any_of(at->second.begin(), at->second.end(),
                                               [&](std::uint32_t place) { return !place_.seen.contains(place); });
    };
    return (is_at_another(habits_.values) ? 3 : 0) - (is_at_another(habits_.literals) ? 1 : 0);
  }

  // The most popular of many values are not much more popular than the next.
  double weigh_popularity(const SiblingUse& use, const Values& pool) const {
    constexpr std::uint64_t kFew = 16;
    constexpr std::size_t kNext = 5;
    constexpr double kUsual = 6;  // times as many as the next have
    if (use.is_value || use.requests < kFew || pool.size < 8 || most_requests_.size() <= kNext) return 0;
    double next = static_cast<double>(std::max<std::uint64_t>(1, most_requests_[kNext]));
    return -clip(4 * std::log2(static_cast<double>(use.requests) / next / kUsual), 0, 12);
  }

  const Habits& habits_;
  const Place& place_;
  double cost_of_strict_ = 0;
  std::map<std::string, double> probability_;  // of an event at a name
  std::vector<std::uint64_t> most_requests_;   // descending
};

// Where each is asked for again and again, names are all known after a while; of most values there are ever new ones.
double weigh_novelty(double values, double visits, double once) {
  constexpr double kEnough = 16;  // visits for each
  if (visits < kEnough * values) return 0;
  double value = 0.3, name = std::clamp(2 * values / visits, 0.08, 0.3);
  double bits = once * std::log2(value / name) + (values - once) * std::log2((1 - value) / (1 - name));
  return clip(bits, -5, 8);
}

double company_of(double values, double names) {
  return clip(std::log2((values + 1) / (names + 2)), -2, 5);
}

// invoice.pdf, invoice.json: one thing in several formats.
bool have_one_stem(const std::vector<SiblingUse>& siblings, const Verdict& verdict) {
  std::set<std::string> stems;
  for (std::size_t i = 0; i < siblings.size(); ++i) {
    if (!verdict.is_value[i]) continue;
    auto dot = siblings[i].text.rfind('.');
    stems.insert(dot == std::string::npos ? "" : siblings[i].text.substr(0, dot));
  }
  return stems.size() == 1 && !stems.begin()->empty();
}

// Whether the values together are worth a parameter. That they are alike is one fact, however many they are: names of
// one place may all follow one convention.
bool is_worth(const std::vector<SiblingUse>& siblings, const Verdict& verdict, const Values& pool, const Place& place) {
  double values = 0, alike = 0, each = 0, visits = 0, once = 0;
  for (std::size_t i = 0; i < siblings.size(); ++i) {
    if (!verdict.is_value[i]) continue;
    const Weights& weights = verdict.weights[i];
    values += 1;
    visits += static_cast<double>(siblings[i].requests);
    once += siblings[i].requests == 1 ? 1 : 0;
    alike += weights.alike();
    each += weights.own() - weights.alike() - kCostOfValue;
  }
  if (values < 2) return false;
  // Names that follow a convention have names below them that they share.
  double most = kAlike + kAlikeAndNew * (pool.visits > 0 ? pool.new_below / pool.visits : 0);
  double bits = std::min(alike, most) + each + kManyNames * std::max(0.0, values - kUsualNames);
  bits += weigh_novelty(values, visits, once);
  if (values > 2 && have_one_stem(siblings, verdict)) bits += kOneStem;
  return bits * (values - 1) / values > cost_of_parameter(place.before);
}

// Of a folder where anything is answered alike, to the byte: those words are values, however they are written, and what
// is answered otherwise is not.
void tell_alike(const std::vector<SiblingUse>& siblings, std::vector<bool>& is_value) {
  constexpr std::size_t kMany = 16;
  constexpr std::uint64_t kRareRequests = 3;
  std::map<std::uint64_t, std::size_t> count;
  auto answers_of = [](const SiblingUse& use) -> const std::set<std::uint64_t>* {
    auto get = use.events.find("GET");
    return get == use.events.end() || get->second.answers.empty() ? nullptr : &get->second.answers;
  };
  auto may_be = [&](const SiblingUse& use) {
    return use.events.size() == 1 && use.requests <= kRareRequests && answers_of(use) && answers_of(use)->size() == 1;
  };
  std::size_t known = 0;
  for (const SiblingUse& use : siblings) {
    known += use.events.empty() ? 0 : 1;
    if (may_be(use)) ++count[*answers_of(use)->begin()];
  }
  for (const auto& [answer, words] : count) {
    if (words < kMany) continue;
    for (std::size_t i = 0; i < siblings.size(); ++i) {
      bool same = answers_of(siblings[i]) && answers_of(siblings[i])->contains(answer);
      if (may_be(siblings[i]) && same) is_value[i] = true;
      if (words * 2 > known && !same && !siblings[i].is_value && !siblings[i].events.empty()) is_value[i] = false;
    }
  }
}

}  // namespace

std::string to_text(const Verdict& verdict) {
  constexpr double kTelling = 0.5;  // bits
  Weights sum;
  double values = 0;
  for (std::size_t i = 0; i < verdict.weights.size(); ++i) {
    if (!verdict.is_value[i]) continue;
    const Weights& weights = verdict.weights[i];
    values += 1;
    sum.form += weights.form;
    sum.structure += weights.structure;
    sum.names += weights.names;
    sum.answers += weights.answers;
    sum.queries += weights.queries;
    sum.elsewhere += weights.elsewhere;
  }
  std::vector<std::pair<double, const char*>> parts = {{sum.names, "in the names that they answer"},
                                                       {sum.form, "in how they are written"},
                                                       {sum.answers, "in how they are answered"},
                                                       {sum.structure, "in what is below them"},
                                                       {sum.queries, "in their queries"},
                                                       {sum.elsewhere, "in that they are values elsewhere too"}};
  std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text;
  for (const auto& [bits, what] : parts) {
    if (values == 0 || bits / values < kTelling) break;
    text += fmt::format("{}{} ({:.1f} bits)", text.empty() ? "alike " : ", ", what, bits / values);
  }
  return text;
}

Verdict find_values(const std::vector<SiblingUse>& siblings, const Place& place) {
  constexpr int kRounds = 12;
  Scale scale(siblings, place);
  Verdict verdict{std::vector<bool>(siblings.size(), true), std::vector<Weights>(siblings.size())};
  Values pool;
  double given = 0;
  for (std::size_t i = 0; i < siblings.size(); ++i) {
    verdict.is_value[i] = siblings[i].is_value || !siblings[i].events.empty();
    if (verdict.is_value[i]) pool.add(siblings[i], 1);
    given += siblings[i].is_value ? 1 : 0;
  }
  for (int round = 0; round < kRounds; ++round) {
    std::vector<bool> is_value(siblings.size());
    double values = 0, names = 0;
    for (std::size_t i = 0; i < siblings.size(); ++i) {
      double many = static_cast<double>(std::min<std::uint64_t>(siblings[i].distinct, kMost));
      // Numbers, however many, are no company for words.
      bool company = !siblings[i].events.empty() && !(siblings[i].is_value && is_strict(siblings[i].kind));
      if (company) (verdict.is_value[i] ? values : names) += many;
    }
    for (std::size_t i = 0; i < siblings.size(); ++i) {
      if (verdict.is_value[i]) pool.add(siblings[i], -1);
      verdict.weights[i] = scale.weigh(siblings[i], pool);
      verdict.weights[i].company = company_of(std::max(0.0, values - (verdict.is_value[i] ? 1 : 0)), names);
      if (verdict.is_value[i]) pool.add(siblings[i], 1);
      bool known = !siblings[i].events.empty();
      is_value[i] = siblings[i].is_value || (known && verdict.weights[i].all() > 0);
    }
    if (is_value == verdict.is_value) break;
    for (std::size_t i = 0; i < siblings.size(); ++i) {
      if (is_value[i] != verdict.is_value[i]) pool.add(siblings[i], is_value[i] ? 1 : -1);
    }
    verdict.is_value = is_value;
  }
  bool worth = given > 0 || is_worth(siblings, verdict, pool, place);
  for (std::size_t i = 0; i < siblings.size(); ++i) {
    // What no server knows is taken for what it looks like.
    bool unknown = siblings[i].events.empty() && !siblings[i].is_value;
    verdict.is_value[i] = worth && (verdict.is_value[i] || (unknown && verdict.weights[i].all() > 0));
  }
  tell_alike(siblings, verdict.is_value);
  return verdict;
}

std::vector<bool> find_more_values(const std::vector<SiblingUse>& siblings, const Place& place) {
  constexpr double kCertain = 4;  // bits
  Scale scale(siblings, place);
  Values pool;
  for (const SiblingUse& use : siblings) {
    if (use.is_value) pool.add(use, 1);
  }
  std::vector<bool> is_value;
  for (const SiblingUse& use : siblings) {
    is_value.push_back(use.is_value || scale.weigh(use, pool).own() > kCertain);
  }
  return is_value;
}

}  // namespace specular
