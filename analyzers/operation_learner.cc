#include "analyzers/operation_learner.h"

#include "analyzers/inspect/body_shapes.h"
#include "analyzers/shape_learner.h"

namespace specular {

void OperationLearner::read_head(const RequestHead& head, std::string_view type, Slot& pending) {
  std::vector<Call> calls;
  reader_.read_head(head, type, calls);
  std::string_view action = media_kind_of(type) == MediaKind::xml ? soap_action_of(head) : std::string_view();
  if (calls.empty() && action.empty()) return;
  pending = std::make_unique<Pending>();
  pending->calls = std::move(calls);
  pending->soap_action = action;
  pending->time = head.time;
}

void OperationLearner::read_body(std::string_view type, const Schema& shape, const BodyView& body, Timestamp time,
                                 Slot& pending) {
  std::vector<Call> calls;
  reader_.read_body(type, shape, pending ? std::string_view(pending->soap_action) : std::string_view(), body, calls);
  if (calls.empty()) return;
  if (!pending) pending = std::make_unique<Pending>();
  pending->calls = std::move(calls);
  pending->time = time;
}

std::size_t OperationLearner::wish_of(const Slot& pending, std::string_view type) {
  if (!pending || pending->calls.empty()) return 0;
  return type == "text/event-stream" ? kMaxEvents : ShapeLearner::kMaxBody;
}

void OperationLearner::note_answer(const ResponseHead& head, Slot& pending) {
  if (pending) pending->grpc_status = find_header(head.headers, "grpc-status").value_or("");
}

void OperationLearner::read_answer(std::uint16_t status, std::string_view type, const BodyView& body, Slot& pending) {
  if (!pending) return;
  reader_.judge(status, type, pending->grpc_status, body, pending->calls);
  pending->judged = true;
}

void OperationLearner::finish(std::uint16_t status, std::string_view type, Slot& pending, OperationTable& into) {
  if (!pending) return;
  if (!pending->judged && status != 0) read_answer(status, type, {}, pending);
  for (Call& call : pending->calls) {
    std::uint64_t hash = OperationTable::hash_of(key_, call.kind, call.name);
    bool succeeded = call.outcome == Call::Outcome::done && status / 100 == 2;
    if (succeeded) {
      Operation operation{call.kind,     hash,          std::move(call.name), 1,
                          pending->time, pending->time, {{status, 1}},        call.depth};
      into.add(operation);
    } else if (call.outcome == Call::Outcome::failed) {
      into.add_errors(hash, 1);
    } else {
      into.add_unconfirmed(1);
    }
  }
}

}  // namespace specular
