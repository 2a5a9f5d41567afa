#include "capture/http/body.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace specular {
namespace {

// Codings laid over each other are a curiosity, or an attempt on our time.
constexpr std::size_t kMaxCodings = 4;
constexpr std::size_t kDecodeBlock = 16 * 1024;
constexpr std::size_t kKeptCapacity = 256 * 1024;

std::string_view next_coding(std::string_view& list) {
  auto comma = list.find(',');
  std::string_view item = list.substr(0, comma);
  list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  auto begin = item.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return item.substr(begin, item.find_last_not_of(" \t") - begin + 1);
}

std::optional<Coding> coding_of(std::string_view name) {
  if (equals_ignoring_case(name, "gzip") || equals_ignoring_case(name, "x-gzip")) return Coding::gzip;
  if (equals_ignoring_case(name, "deflate")) return Coding::deflate;
  if (equals_ignoring_case(name, "br")) return Coding::brotli;
  if (equals_ignoring_case(name, "zstd")) return Coding::zstd;
  return std::nullopt;
}

bool is_identity_name(std::string_view name) {
  return name.empty() || equals_ignoring_case(name, "identity");
}

}  // namespace

std::unique_ptr<Decompressor> DecompressorPool::take(Coding coding) {
  auto& free = free_[static_cast<std::size_t>(coding)];
  if (free.empty()) return make_decompressor(coding);
  auto decompressor = std::move(free.back());
  free.pop_back();
  return decompressor;
}

void DecompressorPool::give_back(Coding coding, std::unique_ptr<Decompressor> decompressor) {
  auto& free = free_[static_cast<std::size_t>(coding)];
  decompressor->reset();
  if (free.size() < kKept && decompressor->memory() <= kKeptMemory) free.push_back(std::move(decompressor));
}

void BodyReader::begin(const BodyWish& wish, std::string_view coding) {
  wish_ = wish;
  state_ = BodyState::whole;
  anomalies_ = {};
  size_ = 0;
  raw_ = decoded_ = 0;
  while (!coding.empty()) {
    std::string_view name = next_coding(coding);
    if (is_identity_name(name)) continue;
    auto known = coding_of(name);
    if (!known || stages_.size() == kMaxCodings) return fail(BodyState::undecodable, Anomaly::unknown_coding);
    // The list is in the order of encoding.
    stages_.insert(stages_.begin(), Stage{*known, decompressors_.take(*known), {}});
    account(stages_.front());
    if (state_ != BodyState::whole) return;
  }
}

// A decoder for which there is no room decodes no further.
void BodyReader::account(Stage& stage) {
  if (!stage.charge.resize(budget_, stage.decompressor->memory())) lose(BodyState::clipped);
}

void BodyReader::end() {
  for (Stage& stage : stages_) decompressors_.give_back(stage.coding, std::move(stage.decompressor));
  stages_.clear();
  charge_.release();
  if (buffer_.size() > kKeptCapacity) buffer_ = {};
}

void BodyReader::fail(BodyState state, Anomaly anomaly) {
  state_ = state;
  anomalies_.add(anomaly);
}

void BodyReader::lose(BodyState why) {
  if (state_ == BodyState::whole) state_ = why;
}

void BodyReader::add(Bytes bytes, ExchangeSink& sink, ExchangeId id, bool of_request) {
  if (state_ != BodyState::whole) return;
  raw_ += bytes.size();
  decode(0, bytes, {sink, id, of_request});
}

void BodyReader::decode(std::size_t index, Bytes bytes, const Target& target) {
  if (index == stages_.size()) return emit(bytes, target);
  Stage& stage = stages_[index];
  std::array<std::uint8_t, kDecodeBlock> block;
  // A full block may mean that more is ready without further input.
  for (bool full = false; (!bytes.empty() || full) && state_ == BodyState::whole;) {
    auto step = stage.decompressor->decode(bytes, block);
    account(stage);
    bytes = bytes.subspan(step.consumed);
    full = step.produced == block.size();
    if (step.produced > 0) decode(index + 1, Bytes(block).first(step.produced), target);
    if (step.state == Decompressor::State::malformed) fail(BodyState::undecodable, Anomaly::bad_coding);
    stage.finished = step.state == Decompressor::State::finished;
    if (step.consumed == 0 && step.produced == 0) break;
  }
}

void BodyReader::emit(Bytes bytes, const Target& target) {
  decoded_ += bytes.size();
  constexpr std::uint64_t kFree = 1u << 20;
  bool too_much =
      decoded_ > options_.max_decoded.size() << 20 || (decoded_ > kFree && decoded_ / options_.max_ratio.size() > raw_);
  if (!stages_.empty() && too_much) return fail(BodyState::bomb, Anomaly::bomb);
  if (wish_.mode == BodyWish::Mode::pieces) return target.sink.on_body_piece(target.id, target.of_request, bytes);
  std::size_t taken = std::min(bytes.size(), wish_.limit - size_);
  if (!charge_.resize(budget_, std::max(size_ + taken, charge_.size()))) taken = 0;
  if (taken < bytes.size()) state_ = BodyState::clipped;
  if (buffer_.size() < size_ + taken + kBodyPadding) {
    buffer_.resize(std::max(size_ + taken + kBodyPadding, std::min(buffer_.size() * 2, wish_.limit + kBodyPadding)));
  }
  std::memcpy(buffer_.data() + size_, bytes.data(), taken);
  size_ += taken;
}

BodyView BodyReader::view(bool ended_early) const {
  BodyState state = state_;
  bool unfinished = std::any_of(stages_.begin(), stages_.end(), [](const Stage& stage) { return !stage.finished; });
  if (state == BodyState::whole && ended_early) state = BodyState::clipped;
  if (state == BodyState::whole && raw_ == 0) state = BodyState::absent;
  if (state == BodyState::whole && unfinished) state = BodyState::undecodable;
  return {state, Bytes(buffer_).first(std::min(size_, buffer_.size())), buffer_.size() >= size_ + kBodyPadding};
}

}  // namespace specular
