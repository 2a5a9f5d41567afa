#include "tools/specular/openapi_files.h"

#include <array>
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

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path == "-" ? "/dev/stdin" : path.c_str(), "rb"),
                                                       std::fclose);
  std::string text;
  std::array<char, 65536> part;
  while (file && !std::feof(file.get()) && !std::ferror(file.get()) && text.size() <= limit) {
    text.append(part.data(), std::fread(part.data(), 1, part.size(), file.get()));
  }
  if (!file || std::ferror(file.get())) return fail(ErrorKind::io, fmt::format("{}: {}", path, std::strerror(errno)));
  return text;
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

Result<void> write_documents(const std::vector<Json>& rows, const std::string& output, DocumentFormat format) {
  std::error_code error;
  bool into_folder = rows.size() > 1 || std::filesystem::is_directory(output, error) || output.ends_with('/');
  DocumentFolder folder(output, format);
  for (const Json& row : rows) {
    const auto& text = row.at("document").get_ref<const std::string&>();
    std::string network = row.at("network").is_null() ? "" : row.at("network").get<std::string>();
    auto written =
        into_folder ? folder.write(network, row.at("host").get<std::string>(), text) : write_file(output, text);
    if (!written) return written;
  }
  return {};
}

}  // namespace specular
