// Calls in requests and what answers say of them, of any media type: reading ends within its bounds, names are short
// and printable, and reading the same again finds the same.
//
// Input: a byte for the media types, then the request's body up to a zero byte, then the answer's.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "analyzers/inspect/body_shapes.h"
#include "analyzers/inspect/calls.h"
#include "tests/fuzz/fuzz.h"

namespace specular::fuzz {
namespace {

constexpr std::array<const char*, 6> kTypes = {"application/json",  "application/graphql",
                                               "text/xml",          "application/x-www-form-urlencoded",
                                               "text/event-stream", "application/grpc-web+proto"};

std::vector<Call> read(std::string_view type, std::string_view answer_type, Bytes body, Bytes answer) {
  CallReader reader;
  std::vector<Call> calls;
  std::string target = "/a?" + std::string(as_text(body)), path = "/" + std::string(as_text(body));
  RequestHead head{};
  head.method = "GET";
  head.path = type.ends_with("proto") ? std::string_view(path) : std::string_view(target);
  reader.read_head(head, type, calls);
  Schema shape;
  BodyShapes(HashKey{}).read(media_kind_of(type), {BodyState::whole, body, false}, shape, nullptr);
  reader.read_body(type, shape, "Action", {BodyState::whole, body, false}, calls);
  reader.judge(200, answer_type, "", {BodyState::whole, answer, false}, calls);
  return calls;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  std::uint8_t what = input.u8();
  std::string_view type = kTypes[what % kTypes.size()], answer_type = kTypes[what / kTypes.size() % kTypes.size()];
  Bytes rest = input.take_rest();
  auto middle = static_cast<std::size_t>(std::find(rest.begin(), rest.end(), 0) - rest.begin());
  Bytes body = rest.first(middle), answer = rest.subspan(std::min(middle + 1, rest.size()));
  std::vector<Call> calls = read(type, answer_type, body, answer), again = read(type, answer_type, body, answer);
  require(calls.size() <= kMaxCalls && calls.size() == again.size(), "calls are bounded");
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const std::string& name = calls[i].name;
    require(!name.empty() && name.size() <= OperationTable::kMaxNameSize, "names are short");
    require(std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 127; }), "names are printable");
    require(name == again[i].name && calls[i].outcome == again[i].outcome, "reading again finds the same");
  }
  return 0;
}

}  // namespace specular::fuzz
