#include "analyzers/discovery/words.h"

#include <algorithm>
#include <map>

namespace specular {
namespace {

constexpr std::uint64_t kLargePart = 10;  // of the requests, one in so many
constexpr std::size_t kUsual = 4;        // features of so many times fewer words than the most common one are no longer
constexpr std::size_t kRare = 100;       // one word in more than so many has it
constexpr std::size_t kExceptions = 50;  // words with rare features: more than one in so many are the rule

class Features {
 public:
  explicit Features(const std::vector<WordUse>& words) {
    for (const WordUse& word : words) {
      words_ += word.features.empty() ? 0 : 1;
      for (const std::string& feature : word.features) most_ = std::max(most_, ++count_[feature]);
    }
    auto exceptions = static_cast<std::size_t>(std::count_if(
        words.begin(), words.end(), [this](const WordUse& word) { return has(word, &Features::is_rare); }));
    rare_tells_ = exceptions * kExceptions <= words_;
  }

  std::size_t words() const { return words_; }
  bool is_like_most(const WordUse& word) const {
    return has(word, &Features::is_usual) && !(rare_tells_ && has(word, &Features::is_rare));
  }

 private:
  bool is_usual(const std::string& feature) const { return count_.at(feature) * kUsual >= most_; }
  bool is_rare(const std::string& feature) const { return count_.at(feature) * kRare < words_; }
  bool has(const WordUse& word, bool (Features::*test)(const std::string&) const) const {
    return std::any_of(word.features.begin(), word.features.end(),
                       [&](const std::string& feature) { return (this->*test)(feature); });
  }

  std::map<std::string, std::size_t> count_;  // of words that have it
  std::size_t words_ = 0, most_ = 0;
  bool rare_tells_ = false;
};

// Those of a folder where anything is answered alike.
std::vector<bool> find_alike(const std::vector<WordUse>& words) {
  constexpr std::size_t kAlike = 16;
  constexpr std::uint64_t kRareRequests = 3;
  std::map<std::set<std::string>, std::size_t> count;
  auto may_be = [](const WordUse& word) {
    return word.requests <= kRareRequests && word.features.size() == 2 && word.features.contains("GET") &&
           word.features.rbegin()->starts_with("GET=");
  };
  for (const WordUse& word : words) count[word.features] += may_be(word) ? 1 : 0;
  std::vector<bool> values;
  values.reserve(words.size());
  for (const WordUse& word : words) values.push_back(may_be(word) && count[word.features] >= kAlike);
  return values;
}

}  // namespace

std::vector<bool> find_values(const std::vector<WordUse>& words) {
  Features features(words);
  if (features.words() <= kManyWords) return find_alike(words);
  std::vector<bool> values(words.size());
  std::uint64_t requests = 0;
  for (const WordUse& word : words) requests += word.requests;
  for (std::size_t i = 0; i < words.size(); ++i) {
    bool large_part = words[i].requests * kLargePart > requests;
    values[i] = words[i].features.empty() || (features.is_like_most(words[i]) && !large_part);
  }
  return values;
}

}  // namespace specular
