#include "daemon/memory.h"

#include <algorithm>
#include <fstream>
#include <string>

#include <unistd.h>

namespace specular {
namespace {

std::uint64_t page_size() {
  return static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// cgroup v2: the limits of the own group and of all above it; "max" is none.
std::uint64_t group_limit() {
  std::uint64_t least = UINT64_MAX;
  std::ifstream self("/proc/self/cgroup");
  std::string path;
  for (std::string line; std::getline(self, line);) {
    if (line.starts_with("0::/")) path = line.substr(3);
  }
  while (!path.empty()) {
    std::ifstream file("/sys/fs/cgroup" + path + "/memory.max");
    std::uint64_t limit = 0;
    if (file >> limit) least = std::min(least, limit);
    path.resize(path.rfind('/'));
  }
  return least;
}

}  // namespace

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * page_size();
}

std::uint64_t memory_limit(std::uint64_t wanted) {
  if (wanted > 0) return wanted;
  std::uint64_t machine = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * page_size();
  return std::min(machine, group_limit()) / 4 * 3;
}

}  // namespace specular
