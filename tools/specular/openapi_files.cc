#include "tools/specular/openapi_files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

namespace specular {
namespace {

// File systems allow 255 bytes; some are left for a number and the extension.
constexpr std::size_t kLongestName = 200;

// A name with what does not fit into a file name replaced by an underscore.
std::string file_name(const std::string& text) {
  std::string name = text.substr(0, kLongestName);
  for (char& c : name) {
    bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    if (!fits) c = '_';
  }
  return name;
}

}  // namespace

Result<void> write_file(const std::string& path, const std::string& text) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"), std::fclose);
  bool written = file && std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
  // What the buffer held fails when the file is closed.
  if (written && std::fclose(file.release()) == 0) return {};
  return fail(ErrorKind::io, fmt::format("{}: {}", path, std::strerror(errno)));
}

Result<void> DocumentFolder::write(const std::string& network, const std::string& host, const std::string& text) {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) return fail(ErrorKind::io, fmt::format("{}: {}", path_, error.message()));
  return write_file(fmt::format("{}/{}.{}", path_, unique_name(network, host), extension_), text);
}

std::string DocumentFolder::unique_name(const std::string& network, const std::string& host) {
  std::string name = file_name(host);
  if (taken_.contains(name) && !network.empty()) name = file_name(host + "_" + network);
  std::string unique = name;
  for (int number = 2; !taken_.insert(unique).second; ++number) unique = fmt::format("{}_{}", name, number);
  return unique;
}

}  // namespace specular
