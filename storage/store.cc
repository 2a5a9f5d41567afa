#include "storage/store.h"

#include <array>

#include <fmt/format.h>

#include "epoch.pb.h"
#include "storage/database.h"

namespace specular {
namespace {

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

}  // namespace

Store::Store(std::string directory, std::unique_ptr<Database> database)
    : directory_(std::move(directory)), database_(std::move(database)) {}

Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& directory, Mode mode) {
  return open(directory, mode, {});
}

Result<std::unique_ptr<Store>> Store::open(const std::string& directory, Mode mode, const DatabaseSetup& setup) {
  auto database = Database::open(directory, mode == Mode::write, setup);
  if (!database) return forward(database.error());
  std::unique_ptr<Store> store(new Store(directory, std::move(*database)));
  if (auto meta = store->read_or_write_meta(mode); !meta) return forward(meta.error());
  return store;
}

Result<void> Store::read_or_write_meta(Mode mode) {
  std::string value;
  auto found = database_->get(kMetaKey, value);
  if (!found) return forward(found.error());
  if (!*found) return mode == Mode::write ? write_first_meta() : no_store();
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
  if (auto empty = require_empty(); !empty) return empty;
  hash_key_ = HashKey::random();
  stored::Meta meta;
  meta.set_format(kFormat);
  meta.set_hash_key_0(hash_key_.k0);
  meta.set_hash_key_1(hash_key_.k1);
  meta.set_written_by(kWriter);
  rocksdb::WriteBatch batch;
  batch.Put(kMetaKey, meta.SerializeAsString());
  return database_->write(batch);
}

// Something that is no store has rows, but no description.
Result<void> Store::require_empty() const {
  auto rows = database_->rows();
  if (!rows) return forward(rows.error());
  (*rows)->SeekToFirst();
  if ((*rows)->Valid()) return no_store();
  if (!(*rows)->status().ok()) return database_->failed((*rows)->status());
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
  if (auto written = database_->write(batch); !written) return written;
  new_meta_.clear();
  return {};
}

Result<Epoch> Store::read_all() const {
  Epoch all;
  auto opened = database_->rows();
  if (!opened) return forward(opened.error());
  rocksdb::Iterator* rows = opened->get();
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    if (rows->key() == kMetaKey) continue;
    Row row;
    if (!decode_key(rows->key().ToStringView(), row.key)) {
      return fail(ErrorKind::corrupt, fmt::format("store {}: a key that cannot be read", directory_));
    }
    row.value = rows->value().ToString();
    all.put.push_back(std::move(row));
  }
  if (!rows->status().ok()) return database_->failed(rows->status());
  return all;
}

std::uint64_t Store::bytes() const {
  return database_->bytes();
}

const std::string& Store::warning() const {
  return database_->warning();
}

}  // namespace specular
