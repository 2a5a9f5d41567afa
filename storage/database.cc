#include "storage/database.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/rate_limiter.h>
#include <rocksdb/table.h>
#include <unistd.h>

namespace specular {
namespace {

namespace fs = std::filesystem;

// RocksDB's own log is of no use to users; problems come back as statuses.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// For a commit every second, for months, beside a capture that must not wait. Memory: two write buffers and the cache,
// about 24 MiB; files open: at most 64; logs: at most 32 MiB.
rocksdb::Options database_options(rocksdb::Env& env, std::size_t write_buffer) {
  rocksdb::Options options;
  options.env = &env;
  options.create_if_missing = true;
  options.info_log = std::make_shared<NoLog>();
  options.keep_log_file_num = 1;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.compression = rocksdb::kLZ4Compression;

  options.write_buffer_size = write_buffer;
  options.max_write_buffer_number = 2;
  options.max_total_wal_size = 4 * write_buffer;
  // A log may end within what was being written when the process ended; anything else in it that is wrong is told.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.max_manifest_file_size = 4u << 20;
  options.max_open_files = 64;
  options.skip_stats_update_on_db_open = true;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(8u << 20);
  table.cache_index_and_filter_blocks = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));

  options.target_file_size_base = 2 * write_buffer;
  options.max_bytes_for_level_base = 4 * write_buffer;
  options.level_compaction_dynamic_level_bytes = true;
  options.max_background_jobs = 2;
  options.max_bgerror_resume_count = 0;                                  // after a failure the database is opened anew
  options.rate_limiter.reset(rocksdb::NewGenericRateLimiter(16 << 20));  // flushes and compactions, bytes a second
  options.bytes_per_sync = 1u << 20;
  options.avoid_unnecessary_blocking_io = true;
  return options;
}

tl::unexpected<Error> in_use(const std::string& directory) {
  return fail(ErrorKind::unavailable, fmt::format("store {}: another process has it open", directory));
}

// Whether another process holds the lock that RocksDB takes for writing.
bool is_locked(const std::string& directory) {
  FileDescriptor file(::open((directory + "/LOCK").c_str(), O_RDONLY | O_CLOEXEC));
  struct flock lock {};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  return file && fcntl(file.get(), F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

// Whether nothing is in the folder but what RocksDB writes before CURRENT makes it a database: the making of a store
// was interrupted, or is under way.
bool is_unfinished(const std::string& directory) {
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename();
    bool ours = name == "LOCK" || name == "IDENTITY" || name == "MANIFEST-000001" || name.ends_with(".dbtmp");
    if (!ours) return false;
  }
  return !error;
}

// With the parents that are missing; they are there after a power loss too.
std::error_code make_directory(const fs::path& path) {
  std::error_code error;
  if (path.empty() || fs::is_directory(path, error)) return error;
  if (error = make_directory(path.parent_path()); error) return error;
  fs::create_directory(path, error);
  if (error) return error;
  fs::path above = path.has_parent_path() ? path.parent_path() : ".";
  FileDescriptor parent(::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent) (void)fsync(parent.get());
  return {};
}

Result<void> prepare_directory(const std::string& directory, bool writing) {
  std::error_code error;
  bool is_store = fs::exists(directory + "/CURRENT", error);
  if (!writing) {
    if (!is_store) return fail(ErrorKind::invalid, fmt::format("{}: there is no store here", directory));
    return is_locked(directory) ? in_use(directory) : Result<void>();
  }
  if (!is_store && fs::exists(directory, error) && !is_unfinished(directory)) {
    return fail(ErrorKind::invalid, fmt::format("{}: neither a store nor an empty folder", directory));
  }
  if (error = make_directory(directory); error) {
    return fail(ErrorKind::io, fmt::format("store {}: {}", directory, error.message()));
  }
  return {};
}

// Of the files whose names end so.
std::uint64_t bytes_of(const std::string& directory, std::string_view ending) {
  std::uint64_t sum = 0;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;  // RocksDB deletes beside us
    auto size = at->path().native().ends_with(ending) ? at->file_size(gone) : 0;
    if (!gone) sum += size;
  }
  return sum;
}

}  // namespace

// Keeps RocksDB's lock while the database is closed and opened again: nobody else may write in between.
class Database::LockKeeper final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  ~LockKeeper() override {
    if (lock_ != nullptr) (void)target()->UnlockFile(lock_, {}, nullptr);
  }

  const char* Name() const override { return "specular"; }
  rocksdb::IOStatus LockFile(const std::string& name, const rocksdb::IOOptions& options, rocksdb::FileLock** lock,
                             rocksdb::IODebugContext* context) override {
    rocksdb::IOStatus status;
    if (lock_ == nullptr) status = target()->LockFile(name, options, &lock_, context);
    *lock = lock_;
    return status;
  }
  rocksdb::IOStatus UnlockFile(rocksdb::FileLock*, const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return {};
  }

 private:
  rocksdb::FileLock* lock_ = nullptr;
};

Database::Database(std::string directory, bool writing, const DatabaseSetup& setup)
    : directory_(std::move(directory)),
      writing_(writing),
      write_buffer_(setup.write_buffer),
      env_(rocksdb::NewCompositeEnv(std::make_shared<LockKeeper>(setup.env->GetFileSystem()))) {
  env_->LowerThreadPoolIOPriority(rocksdb::Env::LOW);
  env_->LowerThreadPoolCPUPriority(rocksdb::Env::LOW);
}

Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const std::string& directory, bool writing,
                                                 const DatabaseSetup& setup) {
  if (auto prepared = prepare_directory(directory, writing); !prepared) return forward(prepared.error());
  std::unique_ptr<Database> database(new Database(directory, writing, setup));
  if (auto opened = database->opened(); !opened) return forward(opened.error());
  database->check_mark();
  return database;
}

Result<rocksdb::DB*> Database::opened() {
  if (db_) return db_.get();
  if (std::exchange(opened_before_, true)) {
    if (rocksdb::Status status = probe(); !status.ok()) return failed(status);
  }
  rocksdb::DB* raw = nullptr;
  rocksdb::Options options = database_options(*env_, write_buffer_);
  rocksdb::Status status =
      writing_ ? rocksdb::DB::Open(options, directory_, &raw) : rocksdb::DB::OpenForReadOnly(options, directory_, &raw);
  db_.reset(raw);
  if (!status.ok()) return failed(status);
  return raw;
}

// Each opening that fails leaves files behind. So first as much is written as RocksDB has to when it recovers.
rocksdb::Status Database::probe() {
  constexpr std::size_t kBesidesLogs = 64u << 10;
  std::string path = directory_ + "/PROBE";
  std::string bytes(std::min<std::uint64_t>(bytes_of(directory_, ".log"), write_buffer_) + kBesidesLogs, '\0');
  rocksdb::Status status = rocksdb::WriteStringToFile(env_.get(), bytes, path, true);
  if (status.ok()) return env_->DeleteFile(path);
  (void)env_->DeleteFile(path);
  return status;
}

// RocksDB's text says where it failed inside; the system's reason stands behind the last colon.
tl::unexpected<Error> Database::failed(const rocksdb::Status& status) const {
  std::string text = status.ToString();
  bool locked = text.starts_with("IO error: While lock file: ") || text.starts_with("IO error: lock hold by current ");
  if (locked) return in_use(directory_);
  ErrorKind kind = status.IsCorruption() ? ErrorKind::corrupt : ErrorKind::io;
  auto colon = text.rfind(": ");
  std::string reason = kind == ErrorKind::io && colon != std::string::npos ? text.substr(colon + 2) : text;
  return fail(kind, fmt::format("store {}: {}", directory_, reason));
}

Result<void> Database::write(rocksdb::WriteBatch& batch) {
  auto db = opened();
  if (!db) return forward(db.error());
  rocksdb::WriteOptions synced;
  synced.sync = true;
  rocksdb::Status status = (*db)->Write(synced, &batch);
  if (status.ok()) {
    write_mark();
    return {};
  }
  // The log may end within this batch, and what the system could not sync it may have dropped: nothing must follow
  // there. RocksDB itself refuses all further writes after most errors.
  if (writing_) db_.reset();
  return failed(status);
}

Result<bool> Database::get(const std::string& key, std::string& value) {
  auto db = opened();
  if (!db) return forward(db.error());
  rocksdb::Status status = (*db)->Get({}, key, &value);
  if (!status.ok() && !status.IsNotFound()) return failed(status);
  return status.ok();
}

Result<std::unique_ptr<rocksdb::Iterator>> Database::rows() {
  auto db = opened();
  if (!db) return forward(db.error());
  return std::unique_ptr<rocksdb::Iterator>((*db)->NewIterator({}));
}

std::uint64_t Database::bytes() const {
  return bytes_of(directory_, "");
}

// A flipped bit in the last record of the log looks like the end of a write that was killed. So beside the log stands
// how far commits went, RocksDB's sequence number, in a file that is not synced: after a power loss it may say less
// than there is, but never more.
void Database::check_mark() {
  std::uint64_t marked = 0;
  bool lost = read_mark(marked) && db_->GetLatestSequenceNumber() < marked;
  if (!lost) return;
  warning_ = fmt::format("store {}: what was committed last is missing; its log is damaged", directory_);
  if (writing_) write_mark();
}

bool Database::read_mark(std::uint64_t& sequence) const {
  FileDescriptor file(::open((directory_ + "/COMMITTED").c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 32> text;
  ssize_t count = file ? read(file.get(), text.data(), text.size()) : -1;
  const char* end = text.data() + std::max<ssize_t>(count, 0);
  auto [rest, error] = std::from_chars(text.data(), end, sequence);
  return error == std::errc() && rest != end && *rest == '\n';
}

void Database::write_mark() {
  if (!mark_) mark_ = FileDescriptor(::open((directory_ + "/COMMITTED").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  // One line of always the same length. Where it cannot be written, less is known after a power loss, no more.
  std::string line = fmt::format("{:020}\n", db_->GetLatestSequenceNumber());
  if (mark_) (void)!pwrite(mark_.get(), line.data(), line.size(), 0);
}

}  // namespace specular
