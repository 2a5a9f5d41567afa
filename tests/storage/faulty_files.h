// FaultyFiles: the file system under a store's database, which fails or ends the process at a chosen operation. An
// operation is whatever changes the disk: create, append, sync, truncate, rename, delete, sync of the folder.
//
// Nothing is really synced: what would have been is known, so that a loss of power can be played.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

namespace specular::test {

enum class Fault : std::uint8_t {
  none,
  error,       // this operation and all later ones fail, until heal()
  kill,        // the process is killed, within the operation
  lost_bytes,  // … and bytes that were not synced are lost
  lost_names,  // … and also what was created, renamed or deleted since the folder was synced
};

struct FaultPlan {
  Fault fault = Fault::none;
  std::uint64_t at = 0;  // the operation, from 1
  int error = 0;         // errno
};

class FaultyFiles final : public rocksdb::FileSystemWrapper {
 public:
  using Io = rocksdb::IOStatus;
  using Options = rocksdb::IOOptions;
  using Context = rocksdb::IODebugContext;
  using FileSystemWrapper::FileSystemWrapper;

  void plan(const FaultPlan& plan);
  void heal() { plan({}); }
  std::uint64_t operations();

  const char* Name() const override { return "faulty"; }
  Io NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                     std::unique_ptr<rocksdb::FSWritableFile>* file, Context* context) override;
  Io NewDirectory(const std::string& name, const Options& options, std::unique_ptr<rocksdb::FSDirectory>* directory,
                  Context* context) override;
  Io DeleteFile(const std::string& name, const Options& options, Context* context) override;
  Io RenameFile(const std::string& from, const std::string& to, const Options& options, Context* context) override;

 private:
  friend class FaultyFile;
  friend class FaultyDirectory;
  struct Change {
    std::string made;      // to be deleted again
    std::string restored;  // to be made again, from `saved`
    std::string saved;
  };

  // Counts an operation, and lets the fault happen if it is its turn. `half` is what of it happens first.
  template <class Half>
  Io begin(const char* what, const std::string& name, Half half);
  Io begin(const char* what, const std::string& name);
  void lose();
  std::string save(const std::string& name);

  std::mutex mutex_;  // held during each operation, so that nothing happens after the fault
  FaultPlan plan_;
  std::uint64_t operations_ = 0, saved_ = 0;
  std::map<std::string, std::uint64_t> synced_;  // bytes, by name of the file
  std::vector<Change> changes_;                  // since the folder was synced
};

// The environment that has FaultyFiles, and the same to plan faults with.
struct FaultyDisk {
  FaultyDisk();

  FaultyFiles* files;
  std::unique_ptr<rocksdb::Env> env;
};

}  // namespace specular::test
