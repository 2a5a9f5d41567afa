// A folder for one test, and the test program started again to play another process on the same store.
#pragma once

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "analyzers/epoch.h"

namespace specular::test {

// Gone when the test ends.
class Folder {
 public:
  Folder();
  explicit Folder(const std::filesystem::path& in);
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path(const std::string& name = "store") const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

// Another process that runs the test case of that name, which is skipped otherwise; it finds `store` by
// store_of_helper().
class Helper {
 public:
  Helper(const std::string& test_case, const std::string& store);
  ~Helper();
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  // Whether it says to be ready, as it does by calling say_ready().
  bool wait_until_ready();
  void kill() { ::kill(process_, SIGKILL); }
  // Whether all its checks were good.
  bool succeeded();

 private:
  int process_ = -1, pipe_ = -1;
};

std::string store_of_helper();
void say_ready();

Epoch epoch_of_rows(const std::vector<Row>& rows);
Row row(Table table, const std::string& host, const std::string& path, const std::string& value);
// "e net|host|path|method=value", sorted.
std::vector<std::string> text_of(const Epoch& epoch);

}  // namespace specular::test
