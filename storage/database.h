// Database: the RocksDB database under a Store: how it is set up, locked, opened, and opened again after a failure.
// For storage alone.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <rocksdb/db.h>

#include "capture/base/file_descriptor.h"
#include "capture/base/result.h"

namespace specular {

// The disk under it and the memory before it; other than these only in tests.
struct DatabaseSetup {
  rocksdb::Env* env = rocksdb::Env::Default();  // outlives the database
  std::size_t write_buffer = 8u << 20;          // bytes
};

class Database {
 public:
  // `writing`: made if it is not there, and locked against other processes until it is destroyed.
  static Result<std::unique_ptr<Database>> open(const std::string& directory, bool writing, const DatabaseSetup& setup);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Synced when it returns. After an error the batch may be there, whole, or not; the next call of any of these three
  // opens the database anew, and fails as long as the cause remains.
  Result<void> write(rocksdb::WriteBatch& batch);
  // Whether there is such a row, and its value.
  Result<bool> get(const std::string& key, std::string& value);
  // Requires: gone before the next write.
  Result<std::unique_ptr<rocksdb::Iterator>> rows();

  tl::unexpected<Error> failed(const rocksdb::Status& status) const;

  // Of all its files.
  std::uint64_t bytes() const;
  // What was committed is missing; one line. Empty if nothing is.
  const std::string& warning() const { return warning_; }

 private:
  class LockKeeper;

  Database(std::string directory, bool writing, const DatabaseSetup& setup);
  Result<rocksdb::DB*> opened();
  rocksdb::Status probe();
  void check_mark();
  void write_mark();
  bool read_mark(std::uint64_t& sequence) const;

  std::string directory_;
  bool writing_;
  std::size_t write_buffer_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> db_;  // null after a failure
  bool opened_before_ = false;
  FileDescriptor mark_;  // the file that says how far commits went
  std::string warning_;
};

}  // namespace specular
