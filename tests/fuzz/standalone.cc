// Replays inputs through a fuzz target without libFuzzer: files, and the files in folders, given as arguments. Each
// runs in a process of its own, so that one that fails does not hide the others.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> inputs_of(int argc, char** argv) {
  std::vector<fs::path> inputs;
  for (int i = 1; i < argc; ++i) {
    if (!fs::is_directory(argv[i])) {
      inputs.emplace_back(argv[i]);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(argv[i])) {
      if (entry.is_regular_file()) inputs.push_back(entry.path());
    }
  }
  std::sort(inputs.begin(), inputs.end());
  return inputs;
}

bool passes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  // A block of exactly its size, so that the sanitisers see what is read beyond it.
  std::vector<char> text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::vector<std::uint8_t> bytes(text.begin(), text.end());
  bytes.shrink_to_fit();
  std::fflush(stdout);
  pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    _exit(0);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  unsigned passed = 0, failed = 0;
  for (const fs::path& path : inputs_of(argc, argv)) {
    bool good = passes(path);
    if (!good) std::printf("FAILED %s\n", path.c_str());
    ++(good ? passed : failed);
  }
  std::printf("%u passed, %u failed, 0 skipped\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
