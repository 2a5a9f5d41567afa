// Words: which of very many sibling words are values, such as the names of users.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace specular {

// More words than this beside each other are no longer all names of an API's own.
inline constexpr std::size_t kManyWords = 256;

// How a word is used: its methods, what may follow it, how it is answered, and how often it was asked for. Without any
// feature it is none that a server knows.
struct WordUse {
  std::set<std::string> features;  // "GET"; "GET=123", an answer's hash; "/orders", what follows
  std::uint64_t requests = 0;
};

// For each word whether it is a value. Where there are very many that a server knows, most are: names are only those
// that have nothing in common with most; those that have something that next to none has, as long as that is the
// exception; and those that a large part of the requests goes to. Where there are fewer, values are those that are only
// read, each rarely, and answered as many others are. It depends on what there is, not on its order.
std::vector<bool> find_values(const std::vector<WordUse>& words);

}  // namespace specular
