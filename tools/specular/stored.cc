#include "tools/specular/stored.h"

#include "analyzers/judge.h"
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

tl::expected<Answer, Refusal> ask_judge(const Judge& judge, const Query& query) {
  Collected collected;
  auto answered = answer(
      query, [&](const auto& reader) { reader(judge.inventory()); }, collected);
  if (!answered) return tl::make_unexpected(Refusal{kFailed, answered.error().text, answered.error().kind});
  return std::move(collected.answer);
}

}  // namespace

tl::expected<Answer, Refusal> ask(const Invocation& invocation, const Query& query) {
  if (invocation.store.empty()) return refuse(kUsage, "--store DIR is missing: the folder that analyze was given");
  auto store = Store::open(invocation.store, Store::Mode::read);
  if (!store) return refuse(kFailed, store.error().text);
  auto stored = (*store)->read_all();
  if (!stored) return refuse(kFailed, stored.error().text);
  Judge judge(invocation.config.inventory, (*store)->hash_key(), false);
  if (auto restored = judge.restore(*stored); !restored) return refuse(kFailed, restored.error().text);
  return ask_judge(judge, query);
}

}  // namespace specular
