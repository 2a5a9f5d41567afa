// OpenAPI documents of any kind: one is read, or refused with its line; nothing differs between a document and itself;
// and it becomes a collection.
//
// Input: a document, or two with a NUL between, which are compared.
#include <string>

#include <nlohmann/json.hpp>

#include "analyzers/openapi/diff.h"
#include "analyzers/openapi/postman.h"
#include "tests/fuzz/fuzz.h"

namespace specular::fuzz {
namespace {

Result<ApiDocument> read(std::string_view text) {
  auto document = read_document(text, "fuzz");
  if (!document) {
    const std::string& why = document.error().text;
    require(why.starts_with("fuzz:") && why.size() > 6, "a refusal names the file and says why");
  }
  return document;
}

void check(const ApiDocument& document) {
  for (const ApiOperation& operation : document.operations) {
    require(operation.path.starts_with('/') && !operation.servers.empty(), "an operation has a path and a server");
    require(operation.line > 0, "an operation stands in a line");
  }
  auto changes = compare_documents(document, document, {});
  require(!changes || changes->empty(), "nothing differs between a document and itself");
  std::string collection = to_postman(document).dump(0, ' ', true, nlohmann::json::error_handler_t::replace);
  touch(collection);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(data, data + size);
  auto end = std::min(text.find('\0'), text.size());
  auto first = read(std::string_view(text).substr(0, end));
  if (first) check(*first);
  if (end == text.size()) return 0;
  auto second = read(std::string_view(text).substr(end + 1));
  if (!second) return 0;
  check(*second);
  if (!first) return 0;
  for (bool observed : {false, true}) {
    auto changes = compare_documents(*first, *second, {observed});
    for (const Change& change : changes.value_or(std::vector<Change>{})) {
      require(!change.subject.empty() && !change.reason.empty(), "a change says what and why");
    }
  }
  return 0;
}

}  // namespace specular::fuzz
