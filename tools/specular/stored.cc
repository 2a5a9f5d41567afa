#include "tools/specular/stored.h"

#include <cerrno>

#include <fmt/format.h>
#include <unistd.h>

#include "analyzers/judge.h"
#include "daemon/changes.h"
#include "daemon/control_client.h"
#include "daemon/loops.h"
#include "storage/store.h"

namespace specular {
namespace {

class Collected final : public AnswerSink {
 public:
  void on_row(Json row) override { answer.rows.push_back(std::move(row)); }
  void on_document(std::string text, const char*) override { answer.document = std::move(text); }

  Answer answer;
};

tl::unexpected<Refusal> refuse(int status, const std::string& text) {
  return tl::make_unexpected(Refusal{status, text, {}});
}

tl::expected<Answer, Refusal> ask_store(const Store& store, const Config& config, const Query& query) {
  if (!store.warning().empty()) warn(store.warning());
  auto stored = store.read_all();
  if (!stored) return refuse(kFailed, stored.error().text);
  Judge judge(config.inventory, store.hash_key(), false);
  if (auto restored = judge.restore(*stored); !restored) return refuse(kFailed, restored.error().text);
  Collected collected;
  auto answered = answer_query(
      query, [&](const auto& reader) { reader(judge.inventory()); }, collected);
  if (!answered) return tl::make_unexpected(Refusal{kFailed, answered.error().text, answered.error().kind});
  return std::move(collected.answer);
}

tl::expected<Answer, Refusal> change_store(Store& store, const Config& config, const Query& query) {
  if (!store.warning().empty()) warn(store.warning());
  auto stored = store.read_all();
  if (!stored) return refuse(kFailed, stored.error().text);
  Judge judge(config.inventory, store.hash_key(), true);
  if (auto restored = judge.restore(*stored); !restored) return refuse(kFailed, restored.error().text);
  Collected collected;
  auto changed = answer_change(
      query, wall_now(), [&](const auto& reader) { reader(judge.inventory()); },
      [&](const auto& make) { return make(judge) ? store.commit(judge.take_changes(0)) : Result<void>(); }, collected);
  if (!changed) return tl::make_unexpected(Refusal{kFailed, changed.error().text, changed.error().kind});
  return std::move(collected.answer);
}

// Whether the user may not look into the store, which the daemon may keep to itself.
bool is_closed(const std::string& store) {
  for (const std::string& path : {store, store + "/LOCK"}) {
    if (access(path.c_str(), R_OK) != 0 && errno == EACCES) return true;
  }
  return access(store.c_str(), X_OK) != 0 && errno == EACCES;
}

tl::unexpected<Refusal> refused(const ControlReply& reply, const Json& body) {
  Refusal refusal{kFailed, fmt::format("the daemon answers with status {}", reply.status), {}};
  bool told = body.is_object() && body.contains("error") && body["error"].is_string();
  if (told) refusal.text = body["error"].get<std::string>();
  if (told && reply.status == 400) refusal.kind = QueryError::Kind::parameter;
  if (told && reply.status == 404) refusal.kind = QueryError::Kind::nothing;
  if (told && reply.status == 409) refusal.kind = QueryError::Kind::several;
  return tl::make_unexpected(std::move(refusal));
}

// What a daemon at the socket says, as its documentation has it.
tl::expected<Answer, Refusal> read_reply(const std::string& socket, const Query& query,
                                         const Result<ControlReply>& reply) {
  if (!reply) return refuse(kFailed, reply.error().text);
  bool is_document = query.path == "openapi" && reply->status == 200;
  if (is_document) return Answer{{}, reply->body};
  Json body = Json::parse(reply->body, nullptr, false);
  if (reply->status != 200) return refused(*reply, body);
  if (body.is_object()) return Answer{{std::move(body)}, {}};
  if (!body.is_array()) return refuse(kFailed, fmt::format("what answers at {} is no daemon of this kind", socket));
  return Answer{{std::make_move_iterator(body.begin()), std::make_move_iterator(body.end())}, {}};
}

// The store at rest, or why it is not: then `by_daemon` may answer.
tl::expected<Answer, Refusal> at_store(
    const std::string& path, const Config& config, Store::Mode mode,
    const std::function<tl::expected<Answer, Refusal>(Store&)>& at_rest,
    const std::function<tl::expected<Answer, Refusal>(const std::string& socket)>& by_daemon) {
  if (path.empty()) return refuse(kUsage, "--store DIR is missing: the folder that analyze was given");
  auto store = Store::open(path, Store::Mode::read);
  if (store && mode == Store::Mode::write) {
    store->reset();  // it is there: writing would make it
    store = Store::open(path, mode);
  }
  if (store) return at_rest(**store);
  bool closed = is_closed(path);
  if (!closed && store.error().kind != ErrorKind::unavailable) return refuse(kFailed, store.error().text);
  auto answer = by_daemon(control_path(config.control, path));
  if (answer || answer.error().kind) return answer;
  std::string why = closed ? fmt::format("store {}: not open to you", path) : store.error().text;
  return refuse(kFailed, why + "; " + answer.error().text);
}

}  // namespace

tl::expected<Answer, Refusal> ask_daemon(const std::string& socket, const Query& query) {
  return read_reply(socket, query, ask_control(socket, query));
}

tl::expected<Answer, Refusal> ask(const Invocation& invocation, const Query& query) {
  return ask(invocation.store, invocation.config, query);
}

tl::expected<Answer, Refusal> ask(const std::string& path, const Config& config, const Query& query) {
  return at_store(
      path, config, Store::Mode::read, [&](Store& store) { return ask_store(store, config, query); },
      [&](const std::string& socket) { return ask_daemon(socket, query); });
}

tl::expected<Answer, Refusal> change(const Invocation& invocation, const Query& query) {
  return at_store(
      invocation.store, invocation.config, Store::Mode::write,
      [&](Store& store) { return change_store(store, invocation.config, query); },
      [&](const std::string& socket) { return read_reply(socket, query, change_by_control(socket, query)); });
}

}  // namespace specular
