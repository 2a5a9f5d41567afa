// Decompressor: one interface to the stream decoders, for compressed captures and for HTTP content codings.
//
// Bounded by its caller, who says how much output there is room for at every step. Malformed input ends it for good.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "capture/base/bytes.h"

namespace specular {

enum class Coding : std::uint8_t {
  gzip,     // RFC 1952, any number of members
  deflate,  // RFC 1950; RFC 1951 without its wrapper is recognised too, since many servers send that
  brotli,   // RFC 7932
  zstd,     // RFC 8878, any number of frames
};

class Decompressor {
 public:
  enum class State : std::uint8_t { more, finished, malformed };
  struct Step {
    std::size_t consumed = 0;
    std::size_t produced = 0;
    State state = State::more;
  };

  virtual ~Decompressor() = default;

  // Decodes from `in` to `out` until one of them is used up. `finished` is said where the coding may end; what follows
  // is not consumed, unless it is, or may become, another member or frame: then the next call goes on with that.
  virtual Step decode(Bytes in, std::span<std::uint8_t> out) noexcept = 0;
  // Ready for another stream; keeps the memory.
  virtual void reset() noexcept = 0;
  // What it takes now, more or less; a text may say how large its window is.
  virtual std::size_t memory() const noexcept = 0;
};

// The largest window of zstd, as a power of two: RFC 9659 allows a content coding 8 MiB; a file may want more.
inline constexpr int kContentWindowLog = 23, kFileWindowLog = 27;

// What the magic number at the beginning of a file says; of gzip and zstd alone, the others have none.
std::optional<Coding> file_coding(Bytes first);

// Never null: out of memory ends the process.
std::unique_ptr<Decompressor> make_decompressor(Coding coding, int max_window_log = kContentWindowLog);

}  // namespace specular
