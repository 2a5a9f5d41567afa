// ShapeLearner: what of bodies and parameters goes into an endpoint's schemas, and how much of it is read. One per
// observer.
//
// Within a budget (inspect: budget), a place's responses are read in full until they bring nothing new: kSettled
// documents one after the other without a property, type or format that was not there before. By the rule of three,
// such a thing then is in at most 3 % of them. From there on every second one is read, and after each further kSettled
// the half of that, down to one in 64; which ones is decided by a hash of the exchange. Anything new, and it is read in
// full again. Requests and error responses are always read.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "analyzers/discovery/schema.h"
#include "analyzers/inspect/body_shapes.h"
#include "capture/base/hash.h"

namespace specular {

class ShapeLearner {
 public:
  static constexpr std::uint32_t kSettled = 100;
  static constexpr unsigned kRarest = 6;  // one in 2^6
  static constexpr std::size_t kMaxBody = 4u << 20;

  ShapeLearner(const HashKey& key, bool sampled);

  // Whether that response is to be read. `endpoint` and `exchange`: hashes that tell them from others.
  bool wants_response(std::uint64_t endpoint, const ShapePlace& place, std::uint64_t exchange);
  // Adds a response to its place.
  void add_response(std::uint64_t endpoint, const ShapePlace& place, const BodyView& body, ShapeTable& into);
  // A request waits for its answer before it counts: it is read into a schema of its own.
  std::unique_ptr<Schema> read_request(std::string_view type, const BodyView& body);
  ParameterShapes& parameters() { return parameters_; }

 private:
  struct Progress {
    std::uint64_t key = 0;
    std::uint32_t since_new = 0;
    NoveltyFilter known;
  };

  Progress& progress_of(std::uint64_t endpoint, const ShapePlace& place);

  HashKey key_;
  BodyShapes bodies_;
  ParameterShapes parameters_;
  std::vector<Progress> progress_;  // by hash; one takes the other's place. Empty: everything is read
};

}  // namespace specular
