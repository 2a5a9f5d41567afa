// Bodies of any kind, whole or cut: reading ends within its bounds, both readers of JSON agree, what was read survives
// being written, and merging depends neither on order nor on what was merged first.
//
// Input: a byte that says the media type and whether the end is cut, then the body; at its middle it is split into a
// second document.
#include <array>
#include <string>
#include <vector>

#include "analyzers/epoch.h"
#include "analyzers/inspect/body_shapes.h"
#include "tests/fuzz/fuzz.h"

namespace specular::fuzz {
namespace {

constexpr std::array<const char*, 5> kTypes = {"application/json", "application/x-www-form-urlencoded",
                                               "multipart/form-data", "application/xml", "text/plain"};

// With as much behind it as capture leaves there.
std::vector<std::uint8_t> padded(Bytes body) {
  std::vector<std::uint8_t> copy(body.begin(), body.end());
  copy.resize(body.size() + kBodyPadding);
  return copy;
}

Schema read(MediaKind kind, Bytes body, bool cut) {
  BodyShapes shapes{HashKey{}};
  std::vector<std::uint8_t> copy = padded(body);
  Schema schema;
  shapes.read(kind, {cut ? BodyState::clipped : BodyState::whole, Bytes(copy).first(body.size()), true}, schema,
              nullptr);
  return schema;
}

std::string bytes_of(const Schema& schema) {
  EndpointSummary summary;
  *summary.shapes.find({ShapePlace::Part::response, 200, "a"}) = schema;
  return encode(summary);
}

Schema merged(Schema a, const Schema& b) {
  a.merge(b);
  return a;
}

void check(const Schema& schema) {
  require(schema.depth <= Schema::kMaxDepth, "no schema is deeper than allowed");
  require(schema.depth == 1 || schema.root.count_nodes() <= Schema::kMaxNodes, "no schema has too many nodes");
  require(schema.partial <= schema.documents, "only documents are read in part");
  std::string bytes = bytes_of(schema);
  auto again = decode_summary(bytes);
  require(again.has_value(), "a schema can be read back");
  require(encode(*again) == bytes, "a schema survives being written");
}

// What a strict reader takes, the tolerant one reads alike.
void check_readers(Bytes body) {
  std::vector<std::uint8_t> copy = padded(body);
  JsonShapes reader{HashKey{}};
  Schema strict, tolerant;
  bool read = reader.read(Bytes(copy).first(body.size()), true, false, strict) != ReadState::unreadable;
  bool also = reader.read(Bytes(copy).first(body.size()), false, false, tolerant) != ReadState::unreadable;
  require(read == also, "both readers take a document, or none");
  require(bytes_of(strict) == bytes_of(tolerant), "both readers find the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  std::uint8_t what = input.u8();
  MediaKind kind = media_kind_of(kTypes[what % kTypes.size()]);
  bool cut = (what & 0x80) != 0;
  Bytes body = input.take_rest();
  Schema whole = read(kind, body, cut);
  Schema left = read(kind, body.first(body.size() / 2), true), right = read(kind, body.subspan(body.size() / 2), cut);
  for (const Schema* schema : {&whole, &left, &right}) check(*schema);
  require(bytes_of(merged(left, right)) == bytes_of(merged(right, left)), "merging does not depend on order");
  require(bytes_of(merged(merged(left, right), whole)) == bytes_of(merged(left, merged(right, whole))),
          "merging does not depend on what is merged first");
  check(merged(merged(left, right), whole));
  if (kind == MediaKind::json) check_readers(body);
  return 0;
}

}  // namespace specular::fuzz
