// GraphQL documents that clients send (GraphQL, October 2021, section 2: executable documents): which operations are in
// them, and which fields of the root type these ask for, whatever aliases they have and fragments they come by.
//
// Tolerant where it costs nothing: what stands in arguments, directives and types of variables is only balanced, and
// words of future versions are passed over. Bounded: kMaxGraphqlFields selections, kMaxGraphqlLevels levels; beyond, no
// document.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace specular {

struct GraphqlOperation {
  enum class Type : std::uint8_t { query, mutation, subscription };

  Type type = Type::query;
  std::string_view name;                 // empty: none
  std::vector<std::string_view> fields;  // of the root, each once, in their order; __typename left out
  std::uint32_t depth = 0;               // levels of selections, fragments counted in
};

inline constexpr std::size_t kMaxGraphqlFields = 4096, kMaxGraphqlLevels = 64, kMaxRootFields = 32;

// The operations of a document; none if it is no whole document. They refer to the text.
std::vector<GraphqlOperation> read_graphql(std::string_view text);

// Whether a text is a Name (section 2.1.9), of a length that a person may give to something.
bool is_graphql_name(std::string_view text);

}  // namespace specular
