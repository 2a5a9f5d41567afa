#include "tests/storage/helper.h"

#include <algorithm>
#include <cstdlib>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace specular::test {
namespace {

constexpr const char* kStore = "SPECULAR_HELPER_STORE";
constexpr int kReadyPipe = 9;

}  // namespace

Folder::Folder() : Folder(std::filesystem::temp_directory_path()) {}

Folder::Folder(const std::filesystem::path& in) {
  std::string name = (in / "specular_test_XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) std::abort();
  folder_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Helper::Helper(const std::string& test_case, const std::string& store) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
  setenv(kStore, store.c_str(), 1);
  std::string only = "--test-case=" + test_case, program = "/proc/self/exe", all = "--no-skip=true";
  char* arguments[] = {program.data(), only.data(), all.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], kReadyPipe);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  if (posix_spawn(&process_, program.c_str(), &actions, nullptr, arguments, environ) != 0) std::abort();
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  pipe_ = ends[0];
}

Helper::~Helper() {
  if (process_ > 0) {
    kill();
    waitpid(process_, nullptr, 0);
  }
  close(pipe_);
}

bool Helper::wait_until_ready() {
  char byte = 0;
  return read(pipe_, &byte, 1) == 1;
}

bool Helper::succeeded() {
  int status = 0;
  bool ended = waitpid(process_, &status, 0) == process_;
  process_ = -1;
  return ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string store_of_helper() {
  const char* store = std::getenv(kStore);
  return store == nullptr ? "" : store;
}

void say_ready() {
  if (write(kReadyPipe, "!", 1) != 1) std::abort();
}

Epoch epoch_of_rows(const std::vector<Row>& rows) {
  Epoch epoch;
  epoch.put = rows;
  return epoch;
}

Row row(Table table, const std::string& host, const std::string& path, const std::string& value) {
  return {{table, "", host, path, table == Table::endpoint ? "GET" : ""}, value};
}

std::vector<std::string> text_of(const Epoch& epoch) {
  std::vector<std::string> lines;
  for (const Row& row : epoch.put) {
    const RowKey& key = row.key;
    std::string line(1, static_cast<char>(key.table));
    line.append(" ").append(key.network).append("|").append(key.host).append("|").append(key.path);
    lines.push_back(line.append("|").append(key.method).append("=").append(row.value));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace specular::test
