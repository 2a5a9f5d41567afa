#include "capture/link/drop_folder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <set>
#include <tuple>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/base/file_descriptor.h"
#include "capture/base/sha256.h"
#include "capture/base/text.h"

namespace specular {
namespace {

constexpr std::size_t kEnd = 4096;  // bytes at either end of a file that tell its content
// Captures that are looked into at once, so that a full folder does not keep the thread from what else it does.
constexpr std::size_t kPeeks = 64;
constexpr Duration kRetry = std::chrono::minutes(1);  // for what cannot be opened
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

std::string reason() {
  return std::strerror(errno);
}

std::int64_t to_ns(const timespec& time) {
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

// What of a file changes when it does.
struct Identity {
  std::uint64_t size = 0, inode = 0;
  std::int64_t modified_ns = 0;

  bool operator==(const Identity&) const = default;
};

Identity identity_of(const struct stat& status) {
  return {static_cast<std::uint64_t>(status.st_size), status.st_ino, to_ns(status.st_mtim)};
}

Identity identity_of(const AnalysedCapture& row) {
  return {row.size, row.inode, row.modified_ns};
}

bool is_left_alone(std::string_view name) {
  return name.empty() || name.starts_with('.') || name.ends_with(".part") || name.ends_with(".tmp");
}

// Tells apart what has the same size; 0 if it cannot be read.
std::uint64_t hash_ends(int fd, std::uint64_t size) {
  std::array<std::uint8_t, kEnd> block;
  Sha256 sha;
  std::uint64_t length = std::min<std::uint64_t>(size, kEnd);
  for (std::uint64_t at : {std::uint64_t{0}, size - length}) {
    ssize_t count = pread(fd, block.data(), length, static_cast<off_t>(at));
    if (count < 0) return 0;
    sha.add(Bytes(block).first(static_cast<std::size_t>(count)));
  }
  Digest digest = sha.finish();
  std::uint64_t hash = 0;
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash == 0 ? 1 : hash;
}

// Whether some process surely has the file open for writing: a lease for reading is refused then. The signal that
// tells of a lease's end is one that nobody minds.
bool is_being_written(int fd) {
  if (fcntl(fd, F_SETSIG, SIGURG) != 0) return false;
  if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
  (void)fcntl(fd, F_SETLEASE, F_UNLCK);
  return false;
}

}  // namespace

std::span<const Frame> DroppedCapture::next() {
  while (file_) {
    auto frames = file_->next();
    if (!frames) {
      end(frames.error().text + (row_.frames > 0 ? "; what precedes it is used" : ""), true);
    } else if (frames->empty()) {
      end(file_->warning(), false);
    } else if (std::size_t passed = std::min<std::size_t>(skip_, frames->size()); passed < frames->size()) {
      skip_ = 0;
      row_.frames += frames->size() - passed;
      return frames->subspan(passed);
    } else {
      skip_ -= passed;
    }
  }
  return {};
}

void DroppedCapture::end(std::string problem, bool failed) {
  file_.reset();
  row_.failed = failed;
  row_.problem = std::move(problem);
}

// What is known of the folder and of the captures that were in it.
struct DropFolder::Files {
  struct File {
    Identity identity;
    WallTime since;               // not changed since
    Timestamp first = kEarliest;  // of its packets, once it was looked into
    std::int64_t changed_ns = 0;  // by its file system's clock; also its owner and mode
    bool complete = false;        // all there, as far as can be told
    bool told = false;            // that it cannot be opened, or not be deleted
    WallTime retry;               // not to be opened before
    bool listed = false;          // by the scan under way
  };

  Files(const FolderOptions& with, Notice tell);

  void scan(WallTime now);
  bool list(int folder, WallTime now);
  void watch(int folder);
  void take_events(WallTime now);
  void look_at(int folder, const std::string& name, WallTime now, bool closed);
  void drop(const std::string& name);
  void prepare();
  bool peek(const std::string& name, File& file);
  std::unique_ptr<DroppedCapture> take(const std::string& name);
  const AnalysedCapture* find_earlier(int fd, const std::string& name, const Identity& identity) const;
  bool is_done(const std::string& name, const Identity& identity) const;
  void refuse(const std::string& name, const std::string& why);
  void remove(const std::string& name);
  void forget_vanished();
  FileDescriptor open_folder() const {
    return FileDescriptor(::open(options.folder.value().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  std::string path_of(const std::string& name) const { return fmt::format("{}/{}", options.folder.value(), name); }

  const FolderOptions& options;
  Notice notice;
  bool deletes;
  FileDescriptor events;  // inotify
  int watched = -1;       // its watch
  std::pair<dev_t, ino_t> watched_folder;
  bool present = true;  // the folder, as was told last
  bool told_unwatched = false;
  bool starting = true;  // nothing is known from watching yet
  bool more_to_prepare = false;
  std::optional<WallTime> scanned;

  std::map<std::string, File> files;                // in the folder now, those done included
  std::set<std::string> pending;                    // of these, those neither done nor ready
  std::set<std::pair<Timestamp, std::string>> due;  // of these, those that are ready, by the time of the first packet
  std::map<std::string, AnalysedCapture> rows;
  std::set<std::string> uncommitted;  // names of rows that may not be in the store yet
  std::vector<std::string> forgotten;
  std::uint64_t done = 0, failed = 0;
};

DropFolder::Files::Files(const FolderOptions& with, Notice tell)
    : options(with),
      notice(std::move(tell)),
      deletes(with.after.value() == "delete"),
      events(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

void DropFolder::Files::scan(WallTime now) {
  scanned = now;
  FileDescriptor folder = open_folder();
  if (folder) watch(folder.get());  // first, so that nothing slips through between the two
  bool listed = folder && list(folder.get(), now);
  if (listed != present) {
    notice(fmt::format("{}: {}", options.folder.value(), listed ? "is there again" : reason() + "; waiting for it"));
    present = listed;
  }
  if (listed) {
    starting = false;
    forget_vanished();
    return;
  }
  files.clear();
  pending.clear();
  due.clear();
  starting = true;
}

// False if the folder cannot be read to its end: then nobody knows what is gone.
bool DropFolder::Files::list(int folder, WallTime now) {
  if (faccessat(folder, ".", R_OK | X_OK, AT_EACCESS) != 0) return false;
  int copy = fcntl(folder, F_DUPFD_CLOEXEC, 0);
  std::unique_ptr<DIR, int (*)(DIR*)> stream(copy < 0 ? nullptr : fdopendir(copy), closedir);
  if (!stream) return false;
  for (auto& entry : files) entry.second.listed = false;
  for (errno = 0; const dirent* entry = readdir(stream.get()); errno = 0) {
    if (entry->d_type != DT_DIR) look_at(folder, entry->d_name, now, false);
  }
  if (errno != 0) return false;
  std::vector<std::string> gone;
  for (const auto& [name, file] : files) {
    if (!file.listed) gone.push_back(name);
  }
  for (const auto& name : gone) drop(name);
  return true;
}

void DropFolder::Files::watch(int folder) {
  struct stat status {};
  if (!events || fstat(folder, &status) != 0) return;
  std::pair place(status.st_dev, status.st_ino);
  if (watched >= 0 && place == watched_folder) return;
  if (watched >= 0) (void)inotify_rm_watch(events.get(), watched);
  watched = inotify_add_watch(events.get(), fmt::format("/proc/self/fd/{}", folder).c_str(), kEvents);
  watched_folder = place;
  if (watched >= 0 || std::exchange(told_unwatched, true)) return;
  notice(fmt::format("{}: cannot be watched: {}; looked at every second or less", options.folder.value(), reason()));
}

void DropFolder::Files::take_events(WallTime now) {
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  FileDescriptor folder;
  for (;;) {
    ssize_t count = events ? read(events.get(), buffer.data(), buffer.size()) : -1;
    if (count <= 0) return;
    for (const char* at = buffer.data(); at < buffer.data() + count;) {
      inotify_event event;
      std::memcpy(&event, at, sizeof event);
      std::string name = event.len == 0 ? "" : at + sizeof event;
      at += sizeof event + event.len;
      if ((event.mask & IN_IGNORED) != 0 && event.wd == watched) watched = -1;
      bool folder_itself = (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_Q_OVERFLOW)) != 0;
      if (folder_itself) scanned.reset();
      if (folder_itself || event.wd != watched) continue;
      if (!folder) folder = open_folder();
      if (folder) look_at(folder.get(), name, now, true);
    }
  }
}

void DropFolder::Files::look_at(int folder, const std::string& name, WallTime now, bool closed) {
  struct stat status {};
  if (is_left_alone(name) || fstatat(folder, name.c_str(), &status, 0) != 0) return;
  if (!S_ISREG(status.st_mode) || status.st_size == 0) return;
  Identity identity = identity_of(status);
  File& file = files[name];
  if (file.identity != identity) {
    due.erase({file.first, name});
    file = {.identity = identity, .since = now};
  }
  std::int64_t changed_ns = to_ns(status.st_ctim);
  if (std::exchange(file.changed_ns, changed_ns) != changed_ns) file.retry = now;
  file.listed = true;
  file.since = std::min(file.since, now);  // clocks are set back
  // What was there before can't be watched; the clock of its file system, which may be another's, says how long.
  Duration unchanged = now - (starting ? WallTime(Duration(std::max(changed_ns, identity.modified_ns))) : file.since);
  file.complete |= closed || unchanged >= std::chrono::seconds(options.settle.value());
  if (is_done(name, identity)) {
    pending.erase(name);
    bool goes = deletes && !rows[name].failed && !uncommitted.contains(name);
    if (goes) remove(name);
  } else if (now >= file.retry && !due.contains({file.first, name})) {
    pending.insert(name);
  }
}

void DropFolder::Files::drop(const std::string& name) {
  due.erase({files[name].first, name});
  pending.erase(name);
  files.erase(name);
}

// Looks into what is complete, for the order.
void DropFolder::Files::prepare() {
  std::size_t peeks = 0;
  more_to_prepare = false;
  for (auto at = pending.begin(); at != pending.end() && !more_to_prepare;) {
    const std::string& name = *at;
    File& file = files[name];
    bool now = file.complete && peeks < kPeeks;
    more_to_prepare = file.complete && !now;
    if (now && ++peeks > 0 && peek(name, file)) due.insert({file.first, name});
    at = now ? pending.erase(at) : std::next(at);
  }
}

// When the capture begins. False if it cannot be opened.
bool DropFolder::Files::peek(const std::string& name, File& file) {
  auto capture = CaptureFile::open(path_of(name));
  if (!capture && capture.error().kind == ErrorKind::io) {
    refuse(name, capture.error().text);
    return false;
  }
  auto frames = capture ? (*capture)->next() : Result<std::span<const Frame>>();
  file.first = frames && !frames->empty() ? frames->front().time : kEarliest;
  return true;
}

std::unique_ptr<DroppedCapture> DropFolder::Files::take(const std::string& name) {
  auto capture = std::make_unique<DroppedCapture>();
  capture->path_ = path_of(name);
  Identity identity = files[name].identity;
  struct stat status {};
  FileDescriptor fd(::open(capture->path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::uint64_t content = fd ? hash_ends(fd.get(), identity.size) : 0;
  if (content == 0) {
    refuse(name, fmt::format("{}: {}", capture->path_, reason()));
    return nullptr;
  }
  const AnalysedCapture* earlier = find_earlier(fd.get(), name, identity);
  capture->skip_ = earlier == nullptr ? 0 : earlier->frames;
  capture->row_ = {.name = name,
                   .size = identity.size,
                   .modified_ns = identity.modified_ns,
                   .inode = identity.inode,
                   .content = content,
                   .frames = capture->skip_};
  auto file = CaptureFile::open(capture->path_);
  // All of this was about the same file, or it is looked at again.
  bool same = stat(capture->path_.c_str(), &status) == 0 && identity_of(status) == identity;
  if (!same) {
    pending.insert(name);
    return nullptr;
  }
  if (file) {
    capture->file_ = std::move(*file);
  } else if (file.error().kind == ErrorKind::io) {
    refuse(name, file.error().text);
    return nullptr;
  } else {
    capture->end(file.error().text, true);
  }
  return capture;
}

// What was analysed and is the beginning of this file, or all of it, be it under another name.
const AnalysedCapture* DropFolder::Files::find_earlier(int fd, const std::string& name,
                                                       const Identity& identity) const {
  auto begins_like = [&](const AnalysedCapture& row) {
    return row.size <= identity.size && hash_ends(fd, row.size) == row.content;
  };
  auto own = rows.find(name);
  if (own != rows.end() && begins_like(own->second)) return &own->second;
  for (const auto& [other, row] : rows) {
    bool same = row.size == identity.size && row.modified_ns == identity.modified_ns;
    bool grown = row.size < identity.size;
    // With another inode it is a copy, unless the first is gone: then it was brought to another disk.
    bool moved = row.inode == identity.inode ? same || grown : same && !files.contains(other);
    if (moved && begins_like(row)) return &row;
  }
  return nullptr;
}

bool DropFolder::Files::is_done(const std::string& name, const Identity& identity) const {
  auto row = rows.find(name);
  return row != rows.end() && identity_of(row->second) == identity;
}

void DropFolder::Files::refuse(const std::string& name, const std::string& why) {
  struct stat status {};
  if (lstat(path_of(name).c_str(), &status) != 0 && errno == ENOENT) return;  // it is gone meanwhile
  File& file = files[name];
  file.retry = *scanned + kRetry;
  if (std::exchange(file.told, true)) return;
  notice(why + "; tried again later");
  ++failed;
}

void DropFolder::Files::remove(const std::string& name) {
  std::string path = path_of(name);
  struct stat status {};
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  // Whatever is not clear now is at the next scan.
  bool same = fd && fstat(fd.get(), &status) == 0 && is_done(name, identity_of(status));
  if (!same || is_being_written(fd.get())) return;
  if (unlink(path.c_str()) == 0) {
    drop(name);
  } else {
    bool told = std::exchange(files[name].told, true);
    if (!told) notice(fmt::format("{}: was analysed, but cannot be deleted: {}", path, reason()));
  }
}

void DropFolder::Files::forget_vanished() {
  if (rows.size() <= kMaxVanished) return;
  std::vector<std::pair<std::int64_t, std::string>> vanished;
  for (const auto& [name, row] : rows) {
    if (!files.contains(name) && !uncommitted.contains(name)) vanished.emplace_back(row.analysed_ns, name);
  }
  if (vanished.size() <= kMaxVanished) return;
  auto kept = vanished.end() - kMaxVanished;
  std::nth_element(vanished.begin(), kept, vanished.end());
  for (auto at = vanished.begin(); at != kept; ++at) {
    rows.erase(at->second);
    forgotten.push_back(std::move(at->second));
  }
}

DropFolder::DropFolder(std::unique_ptr<Files> files) : files_(std::move(files)) {}

DropFolder::~DropFolder() = default;

Result<std::unique_ptr<DropFolder>> DropFolder::open(const FolderOptions& options,
                                                     const std::vector<AnalysedCapture>& known, Notice notice) {
  struct stat status {};
  bool other = stat(options.folder.value().c_str(), &status) == 0 && !S_ISDIR(status.st_mode);
  if (other) return fail(ErrorKind::invalid, fmt::format("{}: not a folder", options.folder.value()));
  auto files = std::make_unique<Files>(options, std::move(notice));
  for (const AnalysedCapture& row : known) files->rows[row.name] = row;
  return std::unique_ptr<DropFolder>(new DropFolder(std::move(files)));
}

std::unique_ptr<DroppedCapture> DropFolder::next(WallTime now) {
  Files& files = *files_;
  files.take_events(now);
  // A second for each thousand files, so that looking at them takes no more than a small share of the time.
  Duration pause = std::clamp<Duration>(std::chrono::milliseconds(files.files.size()), std::chrono::seconds(1),
                                        std::chrono::minutes(1));
  bool scan = !files.scanned || now < *files.scanned || now - *files.scanned >= pause;
  if (scan) files.scan(now);
  files.prepare();
  while (!files.more_to_prepare && !files.due.empty()) {
    std::string name = files.due.extract(files.due.begin()).value().second;
    if (auto capture = files.take(name)) return capture;
  }
  return nullptr;
}

AnalysedCapture DropFolder::finish(std::unique_ptr<DroppedCapture> capture, WallTime now) {
  AnalysedCapture& row = capture->row_;
  row.analysed_ns = now.time_since_epoch().count();
  if (!row.problem.empty()) files_->notice(row.problem);
  if (row.problem.starts_with(capture->path_ + ": ")) row.problem.erase(0, capture->path_.size() + 2);
  ++(row.failed ? files_->failed : files_->done);
  files_->rows[row.name] = row;
  files_->uncommitted.insert(row.name);
  return std::move(row);
}

void DropFolder::committed(const AnalysedCapture& row) {
  auto latest = files_->rows.find(row.name);
  if (latest == files_->rows.end() || latest->second != row) return;
  files_->uncommitted.erase(row.name);
  if (files_->deletes && !row.failed && files_->files.contains(row.name)) files_->remove(row.name);
}

std::vector<std::string> DropFolder::take_forgotten() {
  return std::exchange(files_->forgotten, {});
}

void DropFolder::wait(Duration at_most) {
  if (files_->more_to_prepare || !files_->due.empty()) return;
  pollfd events{files_->events.get(), POLLIN, 0};
  auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(at_most).count();
  (void)poll(&events, 1, static_cast<int>(milliseconds));
}

DropFolder::Progress DropFolder::progress() const {
  return {files_->pending.size() + files_->due.size(), files_->done, files_->failed};
}

}  // namespace specular
