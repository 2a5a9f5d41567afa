#include "analyzers/shape_learner.h"

#include <algorithm>

namespace specular {
namespace {

constexpr std::size_t kPlaces = 8192;

}  // namespace

ShapeLearner::ShapeLearner(const HashKey& key, bool sampled, std::size_t memory)
    : key_(key), budget_(memory), bodies_(key), parameters_(key), progress_(sampled ? kPlaces : 0) {}

void ShapeLearner::begin_epoch() {
  learned_.release();
}

bool ShapeLearner::has_room() {
  unread_ += is_full() ? 1 : 0;
  return !is_full();
}

// The last one may be larger than what is left: then the budget is used up.
void ShapeLearner::charge(std::size_t bytes) {
  std::size_t more = std::min(bytes, budget_.limit() - budget_.used());
  (void)learned_.resize(budget_, learned_.size() + more);
}

// Null where everything is read.
ShapeLearner::Progress* ShapeLearner::progress_of(std::uint64_t endpoint, const ShapePlace& place) {
  if (progress_.empty() || place.status >= 400) return nullptr;
  std::uint64_t what = std::uint64_t{place.status} << 8 | static_cast<std::uint64_t>(place.part);
  std::uint64_t key = fold(endpoint ^ fast_hash(key_, what), fast_hash(key_, as_bytes(place.type)) | 1) | 1;
  Progress& progress = progress_[key % progress_.size()];
  if (progress.key != key) progress = {key, 0, {}};
  return &progress;
}

bool ShapeLearner::Progress::wants(std::uint64_t exchange) const {
  unsigned rarity = std::min<std::uint32_t>(since_new / kSettled, kRarest);
  return (exchange & ((std::uint64_t{1} << rarity) - 1)) == 0;
}

bool ShapeLearner::wants_response(std::uint64_t endpoint, const ShapePlace& place, std::uint64_t exchange) {
  if (media_kind_of(place.type) == MediaKind::binary) return false;
  Progress* progress = progress_of(endpoint, place);
  bool wanted = progress == nullptr || progress->wants(exchange);
  return wanted && has_room();
}

void ShapeLearner::add_response(std::uint64_t endpoint, const ShapePlace& place, const BodyView& body,
                                ShapeTable& into) {
  Schema* schema = into.find(place);
  if (schema == nullptr) return;
  Progress* progress = progress_of(endpoint, place);
  std::size_t before = grown();
  bodies_.read(media_kind_of(place.type), body, *schema, progress == nullptr ? nullptr : &progress->known);
  charge(grown() - before);
  if (progress != nullptr && !body.bytes.empty()) progress->note_read();
}

std::unique_ptr<ShapeLearner::Request> ShapeLearner::read_request(std::string_view type, const BodyView& body) {
  if (!has_room()) return nullptr;
  auto request = std::make_unique<Request>();
  bodies_.read(media_kind_of(type), body, request->schema, nullptr);
  (void)request->charge.resize(budget_, std::min(request->schema.bytes(), budget_.limit() - budget_.used()));
  return request;
}

void ShapeLearner::add_request(Request& request, Schema& into) {
  std::size_t before = into.bytes();
  into.merge(request.schema);
  std::size_t after = into.bytes();
  request.charge.release();
  charge(after - std::min(before, after));
}

void ShapeLearner::add_parameters(std::uint64_t endpoint, ShapePlace::Part part, std::uint64_t exchange,
                                  ShapeTable& into) {
  if (parameters_.empty()) return;
  ShapePlace place{part, 0, ""};
  Progress* progress = progress_of(endpoint, place);
  Schema* schema = into.find(place);
  if (schema == nullptr) return;
  if ((progress != nullptr && !progress->wants(exchange)) || !has_room()) {
    ++schema->passed_over;
    return;
  }
  std::size_t before = grown();
  parameters_.tell_places_to(progress == nullptr ? nullptr : &progress->known);
  parameters_.end(*schema);
  charge(grown() - before);
  if (progress != nullptr) progress->note_read();
}

}  // namespace specular
