#include "capture/base/decompress.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>

#include <brotli/decode.h>
#include <malloc.h>
#include <zlib.h>
#include <zstd.h>

namespace specular {
namespace {

using State = Decompressor::State;

uInt clamp_to_uint(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

// Where a member ends another may begin: its magic number tells, whose bytes may come one at a time.
class Border {
 public:
  using Fits = bool (*)(std::size_t position, std::uint8_t byte);
  Border(Fits fits, std::size_t magic_size) : fits_(fits), magic_size_(magic_size) {}

  void reach() {
    open_ = true;
    known_ = 0;
  }
  // From the end of a member on until the magic number of the next is complete.
  bool open() const { return open_; }
  // Whether another member begins, or goes on, with these bytes; once it does not, none ever will.
  bool admits(Bytes in) {
    for (std::size_t i = 0; i < in.size() && known_ + i < magic_size_; ++i) over_ = over_ || !fits_(known_ + i, in[i]);
    return !over_ && !in.empty();
  }
  void pass(std::size_t count) {
    known_ += count;
    open_ = open_ && known_ < magic_size_;
  }
  void reset() { open_ = over_ = false; }

 private:
  Fits fits_;
  std::size_t magic_size_;
  std::size_t known_ = 0;
  bool open_ = false, over_ = false;
};

bool fits_gzip(std::size_t position, std::uint8_t byte) {
  return byte == (position == 0 ? 0x1f : 0x8b);
}
bool fits_nothing(std::size_t, std::uint8_t) {
  return false;
}

// RFC 8878 sections 3.1.1 and 3.1.2: a frame, or one to be skipped.
bool fits_zstd(std::size_t position, std::uint8_t byte) {
  constexpr std::uint8_t kFrame[] = {0x28, 0xb5, 0x2f, 0xfd}, kSkipped[] = {0x50, 0x2a, 0x4d, 0x18};
  return byte == kFrame[position] || (position == 0 ? byte & 0xf0 : byte) == kSkipped[position];
}

class Zlib final : public Decompressor {
 public:
  explicit Zlib(Coding coding)
      : coding_(coding), border_(coding == Coding::gzip ? fits_gzip : fits_nothing, coding == Coding::gzip ? 2 : 1) {
    if (inflateInit2(&stream_, window()) != Z_OK) std::abort();
  }
  ~Zlib() override { inflateEnd(&stream_); }

  Step decode(Bytes in, std::span<std::uint8_t> out) noexcept override {
    if (border_.open() && !border_.admits(in)) return {0, 0, State::finished};
    if (std::exchange(ended_, false)) inflateReset(&stream_);
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
    border_.pass(step.consumed);
    if (status == Z_STREAM_END) {
      ended_ = true;
      border_.reach();
      step.state = border_.admits(in.subspan(step.consumed)) ? State::more : State::finished;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      step.state = State::malformed;
    } else if (border_.open()) {
      step.state = State::finished;
    }
    return step;
  }

  void reset() noexcept override {
    inflateReset2(&stream_, window());
    started_ = ended_ = false;
    border_.reset();
  }

  std::size_t memory() const noexcept override { return 48 * 1024; }  // its window, and its tables

 private:
  int window() const { return coding_ == Coding::gzip ? MAX_WBITS + 16 : MAX_WBITS; }

  Coding coding_;
  Border border_;
  bool started_ = false, ended_ = false;
  z_stream stream_{};
};

class Brotli final : public Decompressor {
 public:
  Brotli() { open(); }
  ~Brotli() override { BrotliDecoderDestroyInstance(state_); }

  Step decode(Bytes in, std::span<std::uint8_t> out) noexcept override {
    if (BrotliDecoderIsFinished(state_) != 0) return {0, 0, State::finished};
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

  std::size_t memory() const noexcept override { return memory_; }

 private:
  void open() {
    auto take = [](void* self, std::size_t size) {
      void* block = std::malloc(size);
      static_cast<Brotli*>(self)->memory_ += malloc_usable_size(block);
      return block;
    };
    auto give_back = [](void* self, void* block) {
      static_cast<Brotli*>(self)->memory_ -= malloc_usable_size(block);
      std::free(block);
    };
    state_ = BrotliDecoderCreateInstance(take, give_back, this);
    if (state_ == nullptr) std::abort();
  }

  std::size_t memory_ = 0;
  BrotliDecoderState* state_;
};

class Zstd final : public Decompressor {
 public:
  explicit Zstd(int max_window_log) : stream_(ZSTD_createDStream()) {
    if (stream_ == nullptr) std::abort();
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, max_window_log);
  }
  ~Zstd() override { ZSTD_freeDStream(stream_); }

  Step decode(Bytes in, std::span<std::uint8_t> out) noexcept override {
    if (border_.open() && !border_.admits(in)) return {0, 0, State::finished};
    ZSTD_inBuffer input{in.data(), 0, 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    std::size_t left = 1;
    // No more at once than the decoder asks for, which is a block: of a call that fails it gives nothing.
    do {
      input.size = input.pos + std::min(in.size() - input.pos, wanted_);
      left = ZSTD_decompressStream(stream_, &output, &input);
      wanted_ = left == 0 || ZSTD_isError(left) != 0 ? kHeader : left;
    } while (left != 0 && ZSTD_isError(left) == 0 && input.pos < in.size() && output.pos < out.size());
    Step step{input.pos, output.pos, State::more};
    border_.pass(step.consumed);
    if (ZSTD_isError(left) != 0) {
      step.state = State::malformed;
    } else if (left == 0) {
      border_.reach();
      step.state = border_.admits(in.subspan(input.pos)) ? State::more : State::finished;
    } else if (border_.open()) {
      step.state = State::finished;
    }
    return step;
  }

  void reset() noexcept override {
    ZSTD_DCtx_reset(stream_, ZSTD_reset_session_only);
    wanted_ = kHeader;
    border_.reset();
  }

  std::size_t memory() const noexcept override { return ZSTD_sizeof_DStream(stream_); }

 private:
  static constexpr std::size_t kHeader = 5;  // of a frame, what the decoder asks for first

  ZSTD_DStream* stream_;
  std::size_t wanted_ = kHeader;
  Border border_{fits_zstd, 4};
};

}  // namespace

std::optional<Coding> file_coding(Bytes first) {
  auto begins = [first](Border::Fits fits, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      if (i >= first.size() || !fits(i, first[i])) return false;
    }
    return true;
  };
  if (begins(fits_gzip, 2)) return Coding::gzip;
  if (begins(fits_zstd, 4)) return Coding::zstd;
  return std::nullopt;
}

std::unique_ptr<Decompressor> make_decompressor(Coding coding, int max_window_log) {
  switch (coding) {
    case Coding::gzip:
    case Coding::deflate: return std::make_unique<Zlib>(coding);
    case Coding::brotli: return std::make_unique<Brotli>();
    case Coding::zstd: return std::make_unique<Zstd>(max_window_log);
  }
  std::abort();
}

}  // namespace specular
