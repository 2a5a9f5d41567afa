#include "analyzers/shape_learner.h"

#include <algorithm>

namespace specular {
namespace {

constexpr std::size_t kPlaces = 8192;

}  // namespace

ShapeLearner::ShapeLearner(const HashKey& key, bool sampled)
    : key_(key), bodies_(key), parameters_(key), progress_(sampled ? kPlaces : 0) {}

ShapeLearner::Progress& ShapeLearner::progress_of(std::uint64_t endpoint, const ShapePlace& place) {
  std::uint64_t key = fold(endpoint ^ place.status, fast_hash(key_, as_bytes(place.type)) | 1) | 1;
  Progress& progress = progress_[key % progress_.size()];
  if (progress.key != key) progress = {key, 0, {}};
  return progress;
}

bool ShapeLearner::wants_response(std::uint64_t endpoint, const ShapePlace& place, std::uint64_t exchange) {
  if (media_kind_of(place.type) == MediaKind::binary) return false;
  if (progress_.empty() || place.status >= 400) return true;
  unsigned rarity = std::min<std::uint32_t>(progress_of(endpoint, place).since_new / kSettled, kRarest);
  return (exchange & ((std::uint64_t{1} << rarity) - 1)) == 0;
}

void ShapeLearner::add_response(std::uint64_t endpoint, const ShapePlace& place, const BodyView& body,
                                ShapeTable& into) {
  Schema* schema = into.find(place);
  if (schema == nullptr) return;
  NoveltyFilter* known = nullptr;
  Progress* progress = progress_.empty() || place.status >= 400 ? nullptr : &progress_of(endpoint, place);
  if (progress != nullptr) known = &progress->known;
  bodies_.read(media_kind_of(place.type), body, *schema, known);
  if (progress != nullptr && !body.bytes.empty())
    progress->since_new = known->take_news() ? 0 : progress->since_new + 1;
}

std::unique_ptr<Schema> ShapeLearner::read_request(std::string_view type, const BodyView& body) {
  auto schema = std::make_unique<Schema>();
  bodies_.read(media_kind_of(type), body, *schema, nullptr);
  return schema;
}

}  // namespace specular
