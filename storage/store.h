// The door of storage: a Store keeps what must survive a restart, in one RocksDB database.
//
// Layout, format 1. A key is the table's letter (epoch.h) followed by network, host, path and method with a NUL between
// them; none of them contains one. The value is the message of epoch.proto that the table names; of a total it is the
// decimal number. The key "m" holds stored.Meta.
//
// Rows of a table that a later version added are kept and passed over, so that a new table is no new format.
//
// Not thread-safe. One process has a store open for writing; any number may read one at rest.
#pragma once

#include <memory>
#include <string>

#include "analyzers/epoch.h"
#include "capture/base/hash.h"

namespace specular {

class Database;
struct DatabaseSetup;

class Store final : public EpochSink {
 public:
  static constexpr std::uint32_t kFormat = 1;

  enum class Mode : std::uint8_t {
    write,  // made if it is not there
    read,   // must be there and at rest; nothing is written, so that it may stand on a read-only disk
  };

  static Result<std::unique_ptr<Store>> open(const std::string& directory, Mode mode);
  // The same on another disk than the system's: for tests, with storage/database.h.
  static Result<std::unique_ptr<Store>> open(const std::string& directory, Mode mode, const DatabaseSetup& setup);
  ~Store();

  // Synced when it returns. After an error, as of a disk that is full or cannot be written, the epoch may be there or
  // not, whole; it should be committed again, which succeeds once the cause is gone.
  Result<void> commit(const Epoch& epoch) override;
  // Every row, as one epoch that puts them all.
  Result<Epoch> read_all() const;
  // Of this installation: for all keyed hashes that the store holds.
  const HashKey& hash_key() const { return hash_key_; }
  // What it takes on the disk. Looks at every file, a few dozen.
  std::uint64_t bytes() const;
  // One line if what was committed last was found missing, which nothing but a damaged disk does; else empty.
  const std::string& warning() const;

 private:
  Store(std::string directory, std::unique_ptr<Database> database);
  Result<void> read_or_write_meta(Mode mode);
  Result<void> write_first_meta();
  Result<void> require_empty() const;
  Result<void> no_store() const;

  std::string directory_;
  std::unique_ptr<Database> database_;
  HashKey hash_key_;
  std::string new_meta_;  // for the next commit, if another version wrote last; else empty
};

}  // namespace specular
