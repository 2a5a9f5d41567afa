// OperationLearner: the calls of an exchange, from its request to what its answer says of them. One per observer.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "analyzers/inspect/calls.h"

namespace specular {

class OperationLearner {
 public:
  // What an exchange under way calls; null while nothing is known.
  struct Pending {
    std::vector<Call> calls;
    std::string soap_action;
    std::string grpc_status;
    Timestamp time;
    bool judged = false;
  };
  using Slot = std::unique_ptr<Pending>;

  static constexpr std::size_t kMaxEvents = 256u << 10;  // of an event stream, bytes that are read

  explicit OperationLearner(const HashKey& key) : key_(key) {}

  void read_head(const RequestHead& head, std::string_view type, Slot& pending);
  // `shape`: what was read of the body.
  void read_body(std::string_view type, const Schema& shape, const BodyView& body, Timestamp time, Slot& pending);
  // How much of the answer is to be read for its sake; 0: nothing.
  static std::size_t wish_of(const Slot& pending, std::string_view type);
  void note_answer(const ResponseHead& head, Slot& pending);
  void read_answer(std::uint16_t status, std::string_view type, const BodyView& body, Slot& pending);
  // At the end of the exchange; `status` 0: no answer was seen.
  void finish(std::uint16_t status, std::string_view type, Slot& pending, OperationTable& into);

 private:
  HashKey key_;
  CallReader reader_;
};

}  // namespace specular
