#include "capture/base/decompress.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

namespace specular {
namespace {

using State = Decompressor::State;

uInt clamp_to_uint(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

class Zlib final : public Decompressor {
 public:
  explicit Zlib(Coding coding) : coding_(coding) {
    if (inflateInit2(&stream_, window()) != Z_OK) std::abort();
  }
  ~Zlib() override { inflateEnd(&stream_); }

  Step decode(Bytes in, std::span<std::uint8_t> out) noexcept override {
    if (!started_ && !in.empty()) {
      started_ = true;
      // RFC 1950: the low nibble of the first byte is the method, 8. Anything else is taken for bare RFC 1951.
      if (coding_ == Coding::deflate && (in[0] & 0x0f) != Z_DEFLATED) inflateReset2(&stream_, -MAX_WBITS);
    }
    stream_.next_in = const_cast<Bytef*>(in.data());
    stream_.avail_in = clamp_to_uint(in.size());
    stream_.next_out = out.data();
    stream_.avail_out = clamp_to_uint(out.size());
    int status = inflate(&stream_, Z_NO_FLUSH);
    Step step;
    step.consumed = static_cast<std::size_t>(stream_.next_in - in.data());
    step.produced = static_cast<std::size_t>(stream_.next_out - out.data());
    if (status == Z_STREAM_END) {
      step.state = next_member(in.subspan(step.consumed)) ? State::more : State::finished;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      step.state = State::malformed;
    }
    return step;
  }

  void reset() noexcept override {
    inflateReset2(&stream_, window());
    started_ = false;
  }

 private:
  int window() const { return coding_ == Coding::gzip ? MAX_WBITS + 16 : MAX_WBITS; }

  bool next_member(Bytes rest) {
    if (coding_ != Coding::gzip || rest.size() < 2 || rest[0] != 0x1f || rest[1] != 0x8b) return false;
    inflateReset(&stream_);
    return true;
  }

  Coding coding_;
  bool started_ = false;
  z_stream stream_{};
};

class Brotli final : public Decompressor {
 public:
  Brotli() { open(); }
  ~Brotli() override { BrotliDecoderDestroyInstance(state_); }

  Step decode(Bytes in, std::span<std::uint8_t> out) noexcept override {
    std::size_t in_left = in.size(), out_left = out.size();
    const std::uint8_t* next_in = in.data();
    std::uint8_t* next_out = out.data();
    auto result = BrotliDecoderDecompressStream(state_, &in_left, &next_in, &out_left, &next_out, nullptr);
    Step step{in.size() - in_left, out.size() - out_left, State::more};
    if (result == BROTLI_DECODER_RESULT_SUCCESS) step.state = State::finished;
    if (result == BROTLI_DECODER_RESULT_ERROR) step.state = State::malformed;
    return step;
  }

  void reset() noexcept override {
    BrotliDecoderDestroyInstance(state_);
    open();
  }

 private:
  void open() {
    state_ = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
    if (state_ == nullptr) std::abort();
  }

  BrotliDecoderState* state_;
};

class Zstd final : public Decompressor {
 public:
  Zstd() : stream_(ZSTD_createDStream()) {
    if (stream_ == nullptr) std::abort();
    // RFC 9659: a content coding needs no more than 8 MiB of window; a capture is not larger than that either by
    // default.
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, 27);
  }
  ~Zstd() override { ZSTD_freeDStream(stream_); }

  Step decode(Bytes in, std::span<std::uint8_t> out) noexcept override {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    std::size_t left = ZSTD_decompressStream(stream_, &output, &input);
    Step step{input.pos, output.pos, State::more};
    if (ZSTD_isError(left) != 0) {
      step.state = State::malformed;
    } else if (left == 0 && !starts_frame(in.subspan(input.pos))) {
      step.state = State::finished;
    }
    return step;
  }

  void reset() noexcept override { ZSTD_DCtx_reset(stream_, ZSTD_reset_session_only); }

 private:
  static bool starts_frame(Bytes rest) {
    return rest.size() >= 4 && rest[1] == 0xb5 && rest[2] == 0x2f && rest[3] == 0xfd;
  }

  ZSTD_DStream* stream_;
};

}  // namespace

std::unique_ptr<Decompressor> make_decompressor(Coding coding) {
  switch (coding) {
    case Coding::gzip:
    case Coding::deflate: return std::make_unique<Zlib>(coding);
    case Coding::brotli: return std::make_unique<Brotli>();
    case Coding::zstd: return std::make_unique<Zstd>();
  }
  std::abort();
}

}  // namespace specular
