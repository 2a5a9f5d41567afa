// BodyReader: gathers and content-decodes one body, as far as somebody wishes, within limits.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "capture/base/budget.h"
#include "capture/base/decompress.h"
#include "capture/base/option.h"
#include "capture/exchange.h"

namespace specular {

struct BodyOptions : OptionGroup {
  IntOption max_decoded{
      *this, "max_decoded_mb", 64, {1, 4096}, "MiB", "A compressed body is decoded so far and no further."};
  IntOption max_ratio{*this,   "max_ratio",
                      200,     {10, 1'000'000},
                      "times", "Past its first MiB a body may not decode to more than so many times its size."};
  IntOption gathered{*this,       "gathered_mb", 64,
                     {1, 65'536}, "MiB",         "Bodies gathered, and their decoders, at once, per shard."};
};

// Decompressors in use cost tens of KiB each, so they are used again; a few, and no large ones.
class DecompressorPool {
 public:
  std::unique_ptr<Decompressor> take(Coding coding);
  void give_back(Coding coding, std::unique_ptr<Decompressor> decompressor);

 private:
  static constexpr std::size_t kKept = 16, kKeptMemory = 4 << 20;  // of one coding; the latter of one decompressor

  std::array<std::vector<std::unique_ptr<Decompressor>>, 4> free_;
};

class BodyReader {
 public:
  BodyReader(const BodyOptions& options, Budget& budget, DecompressorPool& decompressors)
      : options_(options), budget_(budget), decompressors_(decompressors) {}
  ~BodyReader() { end(); }

  // `coding` is the value of Content-Encoding (RFC 9110 section 8.4), `wish` is not to skip.
  void begin(const BodyWish& wish, std::string_view coding);
  // Takes the next bytes, after transfer coding. What was decoded goes to `sink` if pieces are wished.
  void add(Bytes bytes, ExchangeSink& sink, ExchangeId id, bool of_request);
  // From here on nothing can be decoded: bytes are missing.
  void lose(BodyState why);
  // What was gathered; valid until the next begin().
  BodyView view(bool ended_early) const;
  void end();

  // Whether a body that is there at once needs no copy: it is wished whole, and not encoded.
  bool takes_in_place(std::size_t size) const {
    return wish_.mode == BodyWish::Mode::whole && stages_.empty() && state_ == BodyState::whole && size <= wish_.limit;
  }
  Anomalies anomalies() const { return anomalies_; }

 private:
  struct Stage {
    Coding coding;
    std::unique_ptr<Decompressor> decompressor;
    Charge charge;
    bool finished = false;
  };
  struct Target {
    ExchangeSink& sink;
    ExchangeId id;
    bool of_request;
  };

  void account(Stage& stage);
  void decode(std::size_t stage, Bytes bytes, const Target& target);
  void emit(Bytes bytes, const Target& target);
  void fail(BodyState state, Anomaly anomaly);

  const BodyOptions& options_;
  Budget& budget_;
  DecompressorPool& decompressors_;
  BodyWish wish_;
  BodyState state_ = BodyState::whole;
  Anomalies anomalies_;
  std::vector<Stage> stages_;  // in the order of decoding
  std::vector<std::uint8_t> buffer_;
  std::size_t size_ = 0;
  Charge charge_;
  std::uint64_t raw_ = 0, decoded_ = 0;
};

}  // namespace specular
