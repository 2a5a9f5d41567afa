// Documents of GraphQL, whole or broken: reading ends within its bounds, what it finds are names in the text, and a
// document is the same with a comment in front of it.
#include <algorithm>
#include <string>

#include "analyzers/inspect/graphql.h"
#include "tests/fuzz/fuzz.h"

namespace specular::fuzz {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  std::string commented = "# {}\"\n" + text;
  auto operations = read_graphql(text), again = read_graphql(commented);
  require(operations.size() <= kMaxRootFields, "operations are bounded");
  bool marked = text.starts_with("\xef\xbb\xbf");
  require(marked || operations.size() == again.size(), "a comment changes nothing");
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const GraphqlOperation& operation = operations[i];
    require(operation.fields.size() <= kMaxRootFields, "fields are bounded");
    require(operation.depth <= kMaxGraphqlFields, "depth is bounded");
    auto inside = [&](std::string_view part) {
      return part.empty() || (part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size());
    };
    require(inside(operation.name), "names are parts of the text");
    require(std::all_of(operation.fields.begin(), operation.fields.end(), inside), "fields are parts of the text");
    if (marked) continue;
    require(operation.name == again[i].name && operation.fields == again[i].fields, "a comment changes no name");
  }
  return 0;
}

}  // namespace specular::fuzz
