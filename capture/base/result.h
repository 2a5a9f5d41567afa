// Error and Result: how a failing environment (files, memory of others, the network) is reported.
//
// Malformed traffic is never an Error: it is data, counted by the stage that met it (drops.def, anomalies.def).
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace specular {

enum class ErrorKind : std::uint8_t {
  invalid,      // what the user gave is wrong: a file that is no capture, a bad option
  io,           // the system refused: no such file, disk full, read-only
  corrupt,      // what was read is damaged
  unavailable,  // somebody else holds it: a locked store
};

struct Error {
  ErrorKind kind;
  std::string text;  // one line, for people, without a full stop
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorKind kind, std::string text) {
  return tl::make_unexpected(Error{kind, std::move(text)});
}

inline tl::unexpected<Error> forward(Error error) {
  return tl::make_unexpected(std::move(error));
}

}  // namespace specular
