#include "tests/capture/base/compress.h"

#include <cstdint>
#include <cstdlib>

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

namespace specular::test {
namespace {

// The window bits choose the wrapper: +16 gzip, negative none.
std::string zlib(std::string_view text, int level, int window, const char* name = nullptr) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK) std::abort();
  gz_header header{};
  header.name = reinterpret_cast<Bytef*>(const_cast<char*>(name));
  if (name != nullptr) deflateSetHeader(&stream, &header);
  std::size_t extra = name == nullptr ? 0 : std::char_traits<char>::length(name) + 1;
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + extra + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string brotli(std::string_view text) {
  std::size_t size = BrotliEncoderMaxCompressedSize(text.size()) + 64;
  std::string out(size, '\0');
  BrotliEncoderCompress(5, 18, BROTLI_MODE_GENERIC, text.size(), reinterpret_cast<const std::uint8_t*>(text.data()),
                        &size, reinterpret_cast<std::uint8_t*>(out.data()));
  out.resize(size);
  return out;
}

std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

}  // namespace

std::string compress(Coding coding, std::string_view text, int level) {
  switch (coding) {
    case Coding::gzip: return zlib(text, level, MAX_WBITS + 16);
    case Coding::deflate: return zlib(text, level, MAX_WBITS);
    case Coding::brotli: return brotli(text);
    case Coding::zstd: return zstd(text);
  }
  std::abort();
}

std::string raw_deflate(std::string_view text, int level) {
  return zlib(text, level, -MAX_WBITS);
}

std::string gzip_of_size(std::string_view text, std::size_t size) {
  std::size_t bare = zlib(text, 6, MAX_WBITS + 16, "").size();
  if (bare > size) std::abort();
  return zlib(text, 6, MAX_WBITS + 16, std::string(size - bare, 'n').c_str());
}

std::string skippable_frame(std::string_view content) {
  std::string frame("\x50\x2a\x4d\x18", 4);
  for (int shift = 0; shift < 32; shift += 8) frame += static_cast<char>(content.size() >> shift & 0xff);
  return frame.append(content);
}

std::string sample_text(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += "{\"id\":" + std::to_string(i * 7919 % 10007) + "},";
  text.resize(size);
  return text;
}

}  // namespace specular::test
