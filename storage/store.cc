#include "storage/store.h"

#include <array>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <unistd.h>

#include "epoch.pb.h"

namespace specular {
namespace {

namespace fs = std::filesystem;

constexpr char kMetaKey[] = "m";
constexpr char kWriter[] = "specular " SPECULAR_VERSION;

std::string encode_key(const RowKey& key) {
  std::string bytes(1, static_cast<char>(key.table));
  bytes.append(key.network).append(1, '\0').append(key.host).append(1, '\0');
  return bytes.append(key.path).append(1, '\0').append(key.method);
}

bool decode_key(std::string_view bytes, RowKey& key) {
  if (bytes.empty()) return false;
  key.table = static_cast<Table>(bytes[0]);
  bytes.remove_prefix(1);
  std::array<std::string*, 4> parts{&key.network, &key.host, &key.path, &key.method};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto end = bytes.find('\0');
    bool last = i + 1 == parts.size();
    if ((end == std::string_view::npos) != last) return false;
    parts[i]->assign(bytes.substr(0, end));
    bytes.remove_prefix(last ? bytes.size() : end + 1);
  }
  return true;
}

// RocksDB's own log is of no use to users; problems come back as statuses.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::Options database_options() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.info_log = std::make_shared<NoLog>();
  options.write_buffer_size = 16u << 20;
  options.max_total_wal_size = 64u << 20;
  // A log may end within what was being written when the process ended; anything else in it that is wrong is told.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.compression = rocksdb::kLZ4Compression;
  options.keep_log_file_num = 1;
  options.stats_dump_period_sec = 0;
  return options;
}

tl::unexpected<Error> in_use(const std::string& directory) {
  return fail(ErrorKind::unavailable, fmt::format("store {}: another process has it open", directory));
}

// RocksDB's text says where it failed inside; the system's reason stands behind the last colon.
tl::unexpected<Error> failed(const std::string& directory, const rocksdb::Status& status) {
  std::string text = status.ToString();
  bool locked = text.starts_with("IO error: While lock file: ") || text.starts_with("IO error: lock hold by current ");
  if (locked) return in_use(directory);
  ErrorKind kind = status.IsCorruption() ? ErrorKind::corrupt : ErrorKind::io;
  auto colon = text.rfind(": ");
  std::string reason = kind == ErrorKind::io && colon != std::string::npos ? text.substr(colon + 2) : text;
  return fail(kind, fmt::format("store {}: {}", directory, reason));
}

// Whether another process holds the lock that RocksDB takes for writing.
bool is_locked(const std::string& directory) {
  int fd = ::open((directory + "/LOCK").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  struct flock lock {};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  bool locked = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  close(fd);
  return locked;
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

Result<void> prepare_directory(const std::string& directory, Store::Mode mode) {
  std::error_code error;
  bool is_store = fs::exists(directory + "/CURRENT", error);
  if (mode == Store::Mode::read) {
    if (!is_store) return fail(ErrorKind::invalid, fmt::format("{}: there is no store here", directory));
    return is_locked(directory) ? in_use(directory) : Result<void>();
  }
  if (!is_store && fs::exists(directory, error) && !is_unfinished(directory)) {
    return fail(ErrorKind::invalid, fmt::format("{}: neither a store nor an empty folder", directory));
  }
  fs::create_directories(directory, error);
  if (error) return fail(ErrorKind::io, fmt::format("store {}: {}", directory, error.message()));
  return {};
}

}  // namespace

struct Store::Database {
  std::unique_ptr<rocksdb::DB> db;
};

Store::Store(std::string directory, std::unique_ptr<Database> database)
    : directory_(std::move(directory)), database_(std::move(database)) {}

Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& directory, Mode mode) {
  if (auto prepared = prepare_directory(directory, mode); !prepared) return forward(prepared.error());
  rocksdb::DB* raw = nullptr;
  rocksdb::Status status = mode == Mode::write ? rocksdb::DB::Open(database_options(), directory, &raw)
                                               : rocksdb::DB::OpenForReadOnly(database_options(), directory, &raw);
  auto database = std::make_unique<Database>();
  database->db.reset(raw);
  if (!status.ok()) return failed(directory, status);
  std::unique_ptr<Store> store(new Store(directory, std::move(database)));
  if (auto meta = store->read_or_write_meta(mode); !meta) return forward(meta.error());
  return store;
}

Result<void> Store::read_or_write_meta(Mode mode) {
  std::string value;
  rocksdb::Status status = database_->db->Get({}, kMetaKey, &value);
  if (status.IsNotFound()) return mode == Mode::write ? write_first_meta() : no_store();
  if (!status.ok()) return failed(directory_, status);
  stored::Meta meta;
  if (!meta.ParseFromString(value)) return fail(ErrorKind::corrupt, fmt::format("store {}: damaged", directory_));
  if (meta.format() > kFormat) {
    return fail(ErrorKind::invalid,
                fmt::format("store {}: written by a newer version ({}, format {}); this one reads up to format {}",
                            directory_, meta.written_by(), meta.format(), kFormat));
  }
  hash_key_ = {meta.hash_key_0(), meta.hash_key_1()};
  if (meta.written_by() == kWriter) return {};
  meta.set_written_by(kWriter);
  new_meta_ = meta.SerializeAsString();
  return {};
}

Result<void> Store::write_first_meta() {
  std::unique_ptr<rocksdb::Iterator> rows(database_->db->NewIterator({}));
  rows->SeekToFirst();
  if (rows->Valid()) return no_store();
  if (!rows->status().ok()) return failed(directory_, rows->status());
  hash_key_ = HashKey::random();
  stored::Meta meta;
  meta.set_format(kFormat);
  meta.set_hash_key_0(hash_key_.k0);
  meta.set_hash_key_1(hash_key_.k1);
  meta.set_written_by(kWriter);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  rocksdb::Status status = database_->db->Put(synced, kMetaKey, meta.SerializeAsString());
  if (!status.ok()) return failed(directory_, status);
  return {};
}

Result<void> Store::no_store() const {
  return fail(ErrorKind::invalid, fmt::format("{}: a RocksDB database, but no store", directory_));
}

Result<void> Store::commit(const Epoch& epoch) {
  rocksdb::WriteBatch batch;
  if (!new_meta_.empty()) batch.Put(kMetaKey, new_meta_);
  for (const RowKey& key : epoch.removed) batch.Delete(encode_key(key));
  for (const Row& row : epoch.put) batch.Put(encode_key(row.key), row.value);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  rocksdb::Status status = database_->db->Write(synced, &batch);
  if (!status.ok()) return failed(directory_, status);
  new_meta_.clear();
  return {};
}

Result<Epoch> Store::read_all() const {
  Epoch all;
  std::unique_ptr<rocksdb::Iterator> rows(database_->db->NewIterator({}));
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    if (rows->key() == kMetaKey) continue;
    Row row;
    if (!decode_key(rows->key().ToStringView(), row.key)) {
      return fail(ErrorKind::corrupt, fmt::format("store {}: a key that cannot be read", directory_));
    }
    row.value = rows->value().ToString();
    all.put.push_back(std::move(row));
  }
  if (!rows->status().ok()) return failed(directory_, rows->status());
  return all;
}

}  // namespace specular
