#include "tests/storage/faulty_files.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

namespace specular::test {

namespace fs = std::filesystem;
using Io = rocksdb::IOStatus;

class FaultyFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using Options = rocksdb::IOOptions;
  using Context = rocksdb::IODebugContext;

  FaultyFile(FaultyFiles& files, std::string name, std::unique_ptr<rocksdb::FSWritableFile>&& file)
      : FSWritableFileOwnerWrapper(std::move(file)), files_(files), name_(std::move(name)) {}

  Io Append(const rocksdb::Slice& bytes, const Options& options, Context* context) override {
    std::lock_guard lock(files_.mutex_);
    auto half = [&] { (void)append(rocksdb::Slice(bytes.data(), bytes.size() / 2), options, context); };
    Io begun = files_.begin("append", name_, half);
    return begun.ok() ? append(bytes, options, context) : begun;
  }
  Io Append(const rocksdb::Slice& bytes, const Options& options, const rocksdb::DataVerificationInfo&,
            Context* context) override {
    return Append(bytes, options, context);
  }
  Io Truncate(std::uint64_t size, const Options& options, Context* context) override {
    std::lock_guard lock(files_.mutex_);
    Io begun = files_.begin("truncate", name_);
    return begun.ok() ? FSWritableFileOwnerWrapper::Truncate(size, options, context) : begun;
  }
  Io Sync(const Options&, Context*) override {
    std::lock_guard lock(files_.mutex_);
    Io begun = files_.begin("sync", name_);
    if (begun.ok()) files_.synced_[name_] = size_;
    return begun;
  }
  Io Fsync(const Options& options, Context* context) override { return Sync(options, context); }
  Io RangeSync(std::uint64_t, std::uint64_t, const Options&, Context*) override { return {}; }

 private:
  Io append(const rocksdb::Slice& bytes, const Options& options, Context* context) {
    Io appended = FSWritableFileOwnerWrapper::Append(bytes, options, context);
    if (appended.ok()) size_ += bytes.size();
    return appended;
  }

  FaultyFiles& files_;
  std::string name_;
  std::uint64_t size_ = 0;
};

class FaultyDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  FaultyDirectory(FaultyFiles& files, std::string name, std::unique_ptr<rocksdb::FSDirectory>&& directory)
      : FSDirectoryWrapper(std::move(directory)), files_(files), name_(std::move(name)) {}

  Io Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    std::lock_guard lock(files_.mutex_);
    Io begun = files_.begin("sync the folder", name_);
    if (begun.ok()) files_.changes_.clear();
    return begun;
  }
  Io FsyncWithDirOptions(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context,
                         const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, context);
  }

 private:
  FaultyFiles& files_;
  std::string name_;
};

void FaultyFiles::plan(const FaultPlan& plan) {
  std::lock_guard lock(mutex_);
  plan_ = plan;
  operations_ = 0;
}

std::uint64_t FaultyFiles::operations() {
  std::lock_guard lock(mutex_);
  return operations_;
}

template <class Half>
Io FaultyFiles::begin(const char* what, const std::string& name, Half half) {
  ++operations_;
  if (plan_.fault == Fault::none || operations_ < plan_.at) return {};
  half();
  if (plan_.fault == Fault::error) {
    std::string where = fmt::format("While trying to {}: {}", what, name), why = std::strerror(plan_.error);
    return plan_.error == ENOSPC ? Io::NoSpace(where, why) : Io::IOError(where, why);
  }
  if (plan_.fault != Fault::kill) lose();
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

Io FaultyFiles::begin(const char* what, const std::string& name) {
  return begin(what, name, [] {});
}

void FaultyFiles::lose() {
  for (const auto& [name, size] : synced_) {
    std::error_code error;
    if (fs::file_size(name, error) > size && !error) fs::resize_file(name, size, error);
  }
  if (plan_.fault != Fault::lost_names) return;
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
    if (!change->made.empty()) fs::remove(change->made);
    if (!change->restored.empty()) fs::rename(change->saved, change->restored);
  }
}

// Another name for what is about to be replaced or deleted.
std::string FaultyFiles::save(const std::string& name) {
  std::string folder = fs::path(name).parent_path().string() + ".lost";
  fs::create_directories(folder);
  std::string saved = fmt::format("{}/{}.{}", folder, getpid(), ++saved_);
  fs::create_hard_link(name, saved);
  if (auto synced = synced_.find(name); synced != synced_.end()) synced_[saved] = synced->second;
  return saved;
}

Io FaultyFiles::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                std::unique_ptr<rocksdb::FSWritableFile>* file, Context* context) {
  std::lock_guard lock(mutex_);
  Io status = begin("create", name);
  if (!status.ok()) return status;
  status = FileSystemWrapper::NewWritableFile(name, options, file, context);
  if (!status.ok()) return status;
  synced_[name] = 0;
  changes_.push_back({.made = name, .restored = "", .saved = ""});
  *file = std::make_unique<FaultyFile>(*this, name, std::move(*file));
  return status;
}

Io FaultyFiles::NewDirectory(const std::string& name, const Options& options,
                             std::unique_ptr<rocksdb::FSDirectory>* directory, Context* context) {
  Io status = FileSystemWrapper::NewDirectory(name, options, directory, context);
  if (status.ok()) *directory = std::make_unique<FaultyDirectory>(*this, name, std::move(*directory));
  return status;
}

Io FaultyFiles::DeleteFile(const std::string& name, const Options& options, Context* context) {
  std::lock_guard lock(mutex_);
  Io status = begin("delete", name);
  if (!status.ok()) return status;
  if (fs::exists(name)) changes_.push_back({.made = "", .restored = name, .saved = save(name)});
  synced_.erase(name);
  return FileSystemWrapper::DeleteFile(name, options, context);
}

Io FaultyFiles::RenameFile(const std::string& from, const std::string& to, const Options& options, Context* context) {
  std::lock_guard lock(mutex_);
  Io status = begin("rename", from);
  if (!status.ok()) return status;
  Change back{.made = to, .restored = from, .saved = save(from)};
  if (fs::exists(to)) changes_.push_back({.made = "", .restored = to, .saved = save(to)});
  changes_.push_back(std::move(back));
  if (auto synced = synced_.find(from); synced != synced_.end()) synced_[to] = synced->second;
  synced_.erase(from);
  return FileSystemWrapper::RenameFile(from, to, options, context);
}

FaultyDisk::FaultyDisk() {
  auto faulty = std::make_shared<FaultyFiles>(rocksdb::Env::Default()->GetFileSystem());
  files = faulty.get();
  env = rocksdb::NewCompositeEnv(faulty);
}

}  // namespace specular::test
