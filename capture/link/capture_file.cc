#include "capture/link/capture_file.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <sys/stat.h>

namespace specular {

CaptureFile::CaptureFile(std::string path, std::unique_ptr<ByteStream> stream, std::unique_ptr<CaptureFormat> format)
    : path_(std::move(path)), stream_(std::move(stream)), format_(std::move(format)) {
  frames_.reserve(kBatch);
}

Result<std::unique_ptr<CaptureFile>> CaptureFile::open(const std::string& path) {
  auto stream = ByteStream::open(path);
  if (!stream) return forward(stream.error());
  if (auto filled = (*stream)->fill(24); !filled) return forward(filled.error());
  auto format = recognise_format(**stream);
  std::string name = (*stream)->name();
  if (!format) return fail(format.error().kind, fmt::format("{}: {}", name, format.error().text));
  return std::unique_ptr<CaptureFile>(new CaptureFile(name, std::move(*stream), std::move(*format)));
}

Result<std::span<const Frame>> CaptureFile::next() {
  if (pending_) {
    finished_ = true;
    return forward(*std::exchange(pending_, std::nullopt));
  }
  frames_.clear();
  while (!finished_) {
    auto wanted = format_->read(*stream_, frames_);
    if (!wanted) pending_ = {wanted.error().kind, fmt::format("{}: {}", path_, wanted.error().text)};
    if (!frames_.empty()) return std::span<const Frame>(frames_);
    if (pending_) return next();
    if (stream_->ended()) return finish();
    if (auto filled = stream_->fill(*wanted); !filled) {
      finished_ = true;
      return forward(filled.error());
    }
  }
  return std::span<const Frame>();
}

std::span<const Frame> CaptureFile::finish() {
  finished_ = true;
  if (!stream_->buffered().empty() || stream_->cut()) {
    warning_ =
        fmt::format("{}: cut off inside a packet at byte {}; what precedes it is used", path_, stream_->offset());
  } else if (!format_->oddity.empty()) {
    warning_ = fmt::format("{}: {}", path_, format_->oddity);
  }
  return {};
}

struct CaptureFiles::Input {
  std::string path;
  std::size_t order = 0;  // of the user: decides between equal times
  bool named = true;      // by the user, not found in a directory
  std::size_t round = 0;  // how often it was given before: what is given again comes behind all else
  Timestamp first{};
  std::unique_ptr<CaptureFile> file;
  std::span<const Frame> frames;

  Timestamp head() const { return frames.front().time; }
};

CaptureFiles::CaptureFiles(const std::vector<std::string>& paths) {
  for (const auto& path : paths) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) {
      add_directory(path);
    } else {
      add_file(path, true);
    }
  }
  std::map<std::pair<dev_t, ino_t>, std::size_t> seen;
  for (const auto& input : waiting_) {
    struct stat status {};
    if (input->path == "-" || stat(input->path.c_str(), &status) != 0) continue;
    total_bytes_ += static_cast<std::uint64_t>(status.st_size);
    if (S_ISREG(status.st_mode)) input->round = seen[{status.st_dev, status.st_ino}]++;
    if (input->round == 1) {
      problems_.push_back({fmt::format("{}: given more than once, and counted as often", input->path), false});
    }
  }
}

CaptureFiles::~CaptureFiles() = default;

void CaptureFiles::add_directory(const std::string& path) {
  std::error_code error;
  std::vector<std::string> found;
  for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->is_regular_file(error)) found.push_back(entry->path().string());
  }
  if (error) problems_.push_back({fmt::format("{}: {}", path, error.message()), true});
  std::sort(found.begin(), found.end());
  for (const auto& file : found) add_file(file, false);
}

void CaptureFiles::add_file(const std::string& path, bool named) {
  auto input = std::make_unique<Input>();
  input->path = path;
  input->order = waiting_.size();
  input->named = named;
  waiting_.push_back(std::move(input));
}

// Opens each file once to learn when it begins, then keeps those closed that begin later than others.
void CaptureFiles::peek_times() {
  prepared_ = true;
  std::vector<std::unique_ptr<Input>> readable;
  for (auto& input : waiting_) {
    auto file = CaptureFile::open(input->path);
    if (!file) {
      bool no_capture = !input->named && file.error().kind == ErrorKind::invalid;
      problems_.push_back({no_capture ? file.error().text + "; left out" : file.error().text, !no_capture});
      continue;
    }
    input->file = std::move(*file);
    refill(*input);
    if (input->frames.empty()) continue;
    input->first = input->head();
    std::error_code error;  // pipes cannot be opened again
    if (waiting_.size() > 1 && std::filesystem::is_regular_file(input->path, error)) {
      input->file.reset();
      input->frames = {};
    }
    readable.push_back(std::move(input));
  }
  waiting_ = std::move(readable);
  std::stable_sort(waiting_.begin(), waiting_.end(), [](const auto& a, const auto& b) {
    return std::tie(a->round, a->first, a->order) > std::tie(b->round, b->first, b->order);
  });
}

void CaptureFiles::activate_due() {
  auto earliest_active = [this] {
    Timestamp earliest = Timestamp::max();
    for (const auto& input : active_) earliest = std::min(earliest, input->head());
    return earliest;
  };
  while (!waiting_.empty() && waiting_.back()->round == round_ && waiting_.back()->first <= earliest_active()) {
    auto input = std::move(waiting_.back());
    waiting_.pop_back();
    if (!input->file) {
      auto file = CaptureFile::open(input->path);
      if (!file) {
        problems_.push_back({file.error().text, true});
        continue;
      }
      input->file = std::move(*file);
      refill(*input);
    }
    if (!input->frames.empty()) active_.push_back(std::move(input));
  }
}

void CaptureFiles::refill(Input& input) {
  auto frames = input.file->next();
  if (frames) {
    input.frames = *frames;
    if (!frames->empty() || input.file->warning().empty()) return;
    problems_.push_back({input.file->warning(), false});
  } else {
    input.frames = {};
    problems_.push_back({frames.error().text + "; what precedes it is used", true});
  }
}

std::size_t CaptureFiles::run_length(const Input& input) const {
  bool others = !waiting_.empty() && waiting_.back()->round == round_;
  Timestamp limit = others ? waiting_.back()->first : Timestamp::max();
  for (const auto& other : active_) {
    if (other.get() != &input) limit = std::min(limit, other->head());
  }
  std::size_t length = 1;
  while (length < input.frames.size() && input.frames[length].time < limit) ++length;
  return length;
}

Result<Poll> CaptureFiles::poll(FrameSink& sink, Duration) {
  if (!prepared_) peek_times();
  activate_due();
  while (active_.empty() && !waiting_.empty()) {
    round_ = waiting_.back()->round;
    sink.flush();
    activate_due();
  }
  if (active_.empty()) return Poll::finished;
  auto earliest = std::min_element(active_.begin(), active_.end(), [](const auto& a, const auto& b) {
    return std::pair(a->head(), a->order) < std::pair(b->head(), b->order);
  });
  Input& input = **earliest;
  std::size_t length = run_length(input);
  sink.on_frames(input.frames.first(length));
  input.frames = input.frames.subspan(length);
  if (input.frames.empty()) refill(input);
  if (input.frames.empty()) {
    finished_bytes_ += input.file->file_bytes_read();
    active_.erase(earliest);
  }
  return Poll::frames;
}

std::uint64_t CaptureFiles::bytes_read() const {
  std::uint64_t bytes = finished_bytes_;
  for (const auto& input : active_) bytes += input->file->file_bytes_read();
  return bytes;
}

}  // namespace specular
