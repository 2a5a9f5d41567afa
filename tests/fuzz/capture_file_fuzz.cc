// CaptureFile and CaptureFiles: any bytes as a file give frames that lie within what was read, end, and are the same
// whether the file is plain, gzip or zstd, and whether it is read alone or among others.
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "capture/link/capture_file.h"
#include "tests/fuzz/fuzz.h"

namespace specular::fuzz {
namespace {

// A file without a place on disk.
class MemoryFile {
 public:
  explicit MemoryFile(Bytes bytes) : fd_(memfd_create("input", MFD_CLOEXEC)) {
    require(fd_ >= 0, "memfd_create works");
    auto written = write(fd_, bytes.data(), bytes.size());
    require(written == static_cast<ssize_t>(bytes.size()), "a file in memory takes all that is written");
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

// What a file came to, as far as it must be the same however the file was read.
struct Outcome {
  std::uint64_t frames = 0, bytes = 0, hash = 1469598103934665603ULL;
  bool failed = false;

  void add(const Frame& frame) {
    require(frame.wire_size >= frame.bytes.size(), "no frame is larger than it was on the wire");
    ++frames;
    bytes += frame.bytes.size();
    mix(static_cast<std::uint64_t>(frame.time.time_since_epoch().count()));
    mix(frame.wire_size);
    mix(static_cast<std::uint64_t>(frame.link));
    for (std::uint8_t byte : frame.bytes) mix(byte);
  }
  void mix(std::uint64_t value) { hash = (hash ^ value) * 1099511628211ULL; }
  bool operator==(const Outcome&) const = default;
};

// Nothing if it is no capture.
std::optional<Outcome> read_file(const std::string& path, std::uint64_t stored_size) {
  auto file = CaptureFile::open(path);
  if (!file) return std::nullopt;
  Outcome outcome;
  for (bool ended = false; !ended;) {
    auto frames = (*file)->next();
    ended = !frames || frames->empty();
    if (!frames) outcome.failed = true;
    if (ended) break;
    require(frames->size() <= kBatch, "a batch is no larger than it may be");
    for (const Frame& frame : *frames) outcome.add(frame);
    require((*file)->file_bytes_read() <= stored_size, "no more is read than is there");
  }
  auto after = (*file)->next();
  require(after.has_value() && after->empty(), "the end of a file stays its end");
  for (const DecryptionSecrets& secrets : (*file)->secrets()) touch(secrets.data);
  touch((*file)->warning());
  return outcome;
}

class Collector final : public FrameSink {
 public:
  void on_frames(std::span<const Frame> frames) override {
    require(!frames.empty() && frames.size() <= kBatch, "a source pushes between one frame and a batch");
    for (const Frame& frame : frames) outcome.add(frame);
  }
  Outcome outcome;
};

Outcome read_among(const std::vector<std::string>& paths) {
  CaptureFiles files(paths);
  Collector collector;
  for (Poll poll = Poll::frames; poll != Poll::finished;) {
    auto result = files.poll(collector, Duration(0));
    require(result.has_value(), "one bad file is no error of the source");
    poll = *result;
  }
  return collector.outcome;
}

std::vector<std::uint8_t> gzip(Bytes bytes) {
  z_stream stream{};
  require(deflateInit2(&stream, 1, Z_DEFLATED, 9 + 16, 1, Z_DEFAULT_STRATEGY) == Z_OK, "zlib works");
  std::vector<std::uint8_t> out(deflateBound(&stream, static_cast<uLong>(bytes.size())) + 32);
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  require(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib compresses all at once");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::vector<std::uint8_t> zstd(Bytes bytes) {
  std::vector<std::uint8_t> out(ZSTD_compressBound(bytes.size()));
  std::size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 1);
  require(ZSTD_isError(size) == 0, "zstd compresses all at once");
  out.resize(size);
  return out;
}

// Two members or frames on end are one stream, as cat makes them.
template <class Compress>
std::vector<std::uint8_t> in_two_parts(Bytes bytes, Compress compress) {
  std::vector<std::uint8_t> parts = compress(bytes.first(bytes.size() / 2));
  std::vector<std::uint8_t> second = compress(bytes.subspan(bytes.size() / 2));
  parts.insert(parts.end(), second.begin(), second.end());
  return parts;
}

bool is_compressed(Bytes bytes) {
  bool is_gzip = bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
  return is_gzip || (bytes.size() >= 4 && as_text(bytes.first(4)) == "\x28\xb5\x2f\xfd");
}

// The largest record that a file may announce, and a block of compressed bytes; see capture_format.cc, byte_stream.cc.
constexpr std::uint64_t kMostDecoded = 1u << 30;

void run(Bytes bytes) {
  MemoryFile plain(bytes);
  auto outcome = read_file(plain.path(), bytes.size());
  Outcome among = read_among({plain.path()});
  if (!outcome) {
    require(among.frames == 0, "what is no capture gives no frames");
    return;
  }
  bool compressed = is_compressed(bytes);
  // A frame costs its record 16 bytes at least, and its bytes stand in it.
  std::uint64_t most = compressed ? kMostDecoded : bytes.size();
  require(outcome->bytes <= most && outcome->frames <= most / 16, "no more frames than a file has room for");
  require(among.frames == outcome->frames && among.hash == outcome->hash, "a file alone is read as among others");
  if (compressed) return;
  require(read_among({plain.path(), plain.path()}).frames == 2 * outcome->frames, "a file given twice counts twice");
  for (const auto& form : {gzip(bytes), zstd(bytes), in_two_parts(bytes, gzip), in_two_parts(bytes, zstd)}) {
    MemoryFile packed(form);
    auto unpacked = read_file(packed.path(), form.size());
    require(unpacked && *unpacked == *outcome, "a compressed file is read as the plain one");
  }
  if (outcome->frames == 0) return;
  auto wrong = gzip(bytes);
  wrong[wrong.size() - 8] ^= 1;  // the checksum
  MemoryFile damaged(wrong);
  auto unpacked = read_file(damaged.path(), wrong.size());
  require(unpacked && unpacked->failed && unpacked->hash == outcome->hash, "what precedes a damage is read");
}

}  // namespace
}  // namespace specular::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  specular::fuzz::run({data, size});
  return 0;
}
