// ShapeLearner: what of bodies and parameters goes into an endpoint's schemas, and how much of it is read. One per
// observer.
//
// Within a budget (inspect: budget), a place's responses are read in full until they bring nothing new: kSettled
// documents one after the other without a property, type or format that was not there before. By the rule of three,
// such a thing then is in at most 3 % of them. From there on every second one is read, and after each further kSettled
// the half of that, down to one in 64; which ones is decided by a hash of the exchange: its client and its time.
// Anything new, and it is read in full again. The same for queries, headers and cookies. Request bodies and error
// responses are always read.
//
// Each shard finds out for itself how well a place is known, so with more shards more is read; what a given number of
// them reads of given captures is always the same. Read in full (inspect: full), the number makes no difference.
//
// Bounded: what was learned since the last begin_epoch(), and requests that wait for their answer, take no more memory
// than the option says. Past that nothing more is read.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "analyzers/discovery/schema.h"
#include "analyzers/inspect/body_shapes.h"
#include "capture/base/budget.h"
#include "capture/base/hash.h"

namespace specular {

class ShapeLearner {
 public:
  static constexpr std::uint32_t kSettled = 100;
  static constexpr unsigned kRarest = 6;  // one in 2^6
  static constexpr std::size_t kMaxBody = 4u << 20;

  // A request's body, which waits for its answer before it counts.
  struct Request {
    Schema schema;
    Charge charge;
  };

  // `memory`: bytes.
  ShapeLearner(const HashKey& key, bool sampled, std::size_t memory);

  // What was learned before is not there any more.
  void begin_epoch();
  // Whether there is no room for more; then what is not read is counted.
  bool is_full() const { return budget_.used() >= budget_.limit(); }
  std::uint64_t take_unread() { return std::exchange(unread_, 0); }

  // Whether that response is to be read. `endpoint` and `exchange`: hashes that tell them from others.
  bool wants_response(std::uint64_t endpoint, const ShapePlace& place, std::uint64_t exchange);
  // Adds a response to its place.
  void add_response(std::uint64_t endpoint, const ShapePlace& place, const BodyView& body, ShapeTable& into);
  // Null if there is no room.
  std::unique_ptr<Request> read_request(std::string_view type, const BodyView& body);
  void add_request(Request& request, Schema& into);
  // To be filled, and then added to its place.
  ParameterShapes& parameters() { return parameters_; }
  void add_parameters(std::uint64_t endpoint, ShapePlace::Part part, std::uint64_t exchange, ShapeTable& into);

 private:
  struct Progress {
    std::uint64_t key = 0;
    std::uint32_t since_new = 0;
    NoveltyFilter known;

    bool wants(std::uint64_t exchange) const;
    void note_read() { since_new = known.take_news() ? 0 : since_new + 1; }
  };

  Progress* progress_of(std::uint64_t endpoint, const ShapePlace& place);
  bool has_room();
  void charge(std::size_t bytes);
  std::size_t grown() const { return bodies_.grown() + parameters_.grown(); }

  HashKey key_;
  Budget budget_;
  Charge learned_;
  std::uint64_t unread_ = 0;
  BodyShapes bodies_;
  ParameterShapes parameters_;
  std::vector<Progress> progress_;  // by hash; one takes the other's place. Empty: everything is read
};

}  // namespace specular
