#include "analyzers/access_learner.h"

#include <algorithm>

#include "analyzers/inspect/credentials.h"

namespace specular {

void AccessLearner::begin() {
  ways_.clear();
  bearer_ = Pending::Bearer::none;
}

void AccessLearner::found(std::string_view way, std::string_view value, EndpointSummary& summary) {
  constexpr std::size_t kMost = 8;  // more is no way to authenticate
  bool again = std::find(ways_.begin(), ways_.end(), way) != ways_.end();
  if (again || ways_.size() == kMost || way.find(AccessSummary::kSeparator) != std::string_view::npos) return;
  ways_.emplace_back(way);
  summary.auth.add(way);
  if (way == "bearer") bearer_ = credentials::is_jwt(value) ? Pending::Bearer::jwt : Pending::Bearer::opaque;
  if (!way.starts_with("apiKey:")) return;
  if (CredentialValues* values = summary.access.values.find(way)) {
    ++values->requests;
    values->different.add(fast_hash(key_, as_bytes(value)));
  }
}

void AccessLearner::end(EndpointSummary& summary, Pending& pending) {
  if (ways_.empty()) summary.auth.add(std::string_view());
  std::sort(ways_.begin(), ways_.end());
  pending.set.clear();
  for (const std::string& way : ways_) {
    if (!pending.set.empty()) pending.set += AccessSummary::kSeparator;
    pending.set += way;
  }
  pending.bearer = bearer_;
  if (AccessCount* count = summary.access.sets.find(pending.set)) ++count->requests;
}

void AccessLearner::finish(const Pending& pending, std::uint16_t status, EndpointSummary& summary) {
  bool granted = status / 100 == 2 || status == 304;
  if (!granted) return;
  if (AccessCount* count = summary.access.sets.find(pending.set)) ++count->granted;
  summary.access.bearers += pending.bearer == Pending::Bearer::none ? 0 : 1;
  summary.access.jwts += pending.bearer == Pending::Bearer::jwt ? 1 : 0;
}

}  // namespace specular
