// Capture files for tests, byte by byte: both formats, both byte orders, and whatever is wrong with them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace specular::test {

// Numbers in the byte order of a capture's writer.
class Writer {
 public:
  explicit Writer(bool big) : big_(big) {}

  Writer& u16(std::uint32_t value) { return number(value, 2); }
  Writer& u32(std::uint64_t value) { return number(value, 4); }
  Writer& u64(std::uint64_t value) { return number(value, 8); }
  Writer& raw(std::string_view bytes);
  Writer& pad();  // to a multiple of four
  const std::string& bytes() const { return bytes_; }

 private:
  Writer& number(std::uint64_t value, int size);

  bool big_;
  std::string bytes_;
};

struct Pcap {
  bool big = false;
  std::uint32_t magic = 0xa1b2c3d4;
  std::uint16_t minor = 4;
  std::uint32_t link = 1;

  std::string header() const;
  // `wire` is the payload's size if nothing is said.
  std::string record(std::uint32_t seconds, std::uint32_t fraction, std::string_view payload,
                     std::size_t wire = 0) const;
};

inline constexpr std::uint32_t kMicroseconds = 0xa1b2c3d4, kNanoseconds = 0xa1b23c4d, kModified = 0xa1b2cd34;

struct Pcapng {
  bool big = false;

  std::string block(std::uint32_t type, std::string_view body) const;
  std::string section() const;
  std::string option(std::uint16_t code, std::string_view value) const;
  std::string interface(std::uint16_t link = 1, std::uint32_t snap_length = 0, std::string_view options = "") const;
  std::string packet(std::uint32_t interface_id, std::uint64_t units, std::string_view payload,
                     std::size_t wire = 0) const;
  std::string simple(std::string_view payload, std::size_t wire = 0) const;
  std::string obsolete(std::uint16_t interface_id, std::uint64_t units, std::string_view payload) const;
  std::string secrets(std::uint32_t type, std::string_view data) const;
};

// A folder of its own, gone at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path(std::string_view name) const { return (path_ / name).string(); }
  // Writes a file and returns its path.
  std::string write(std::string_view name, std::string_view content) const;
  std::string string() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace specular::test
