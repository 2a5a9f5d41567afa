// Encoders for tests: what the decoders of capture/base/decompress.h are to read.
#pragma once

#include <string>
#include <string_view>

#include "capture/base/decompress.h"

namespace specular::test {

// One member or frame. `level` 0 stores, where the coding can.
std::string compress(Coding coding, std::string_view text, int level = 6);
// RFC 1951 without any wrapper.
std::string raw_deflate(std::string_view text, int level = 6);
// A gzip member of exactly `size` bytes, made so by a file name in its header. Requires: a size that is large enough.
std::string gzip_of_size(std::string_view text, std::size_t size);
// A zstd frame that decoders skip (RFC 8878 section 3.1.2).
std::string skippable_frame(std::string_view content);

// Text of that size that compresses, but not to nothing.
std::string sample_text(std::size_t size);

}  // namespace specular::test
