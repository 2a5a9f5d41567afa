#include "tests/capture/link/capture_writer.h"

#include <cstdlib>
#include <fstream>

namespace specular::test {

Writer& Writer::number(std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) bytes_ += static_cast<char>(value >> 8 * (big_ ? size - 1 - i : i));
  return *this;
}

Writer& Writer::raw(std::string_view bytes) {
  bytes_ += bytes;
  return *this;
}

Writer& Writer::pad() {
  bytes_.resize((bytes_.size() + 3) / 4 * 4);
  return *this;
}

std::string Pcap::header() const {
  return Writer(big).u32(magic).u16(2).u16(minor).u32(0).u32(0).u32(262144).u32(link).bytes();
}

std::string Pcap::record(std::uint32_t seconds, std::uint32_t fraction, std::string_view payload,
                         std::size_t wire) const {
  Writer writer(big);
  writer.u32(seconds).u32(fraction).u32(payload.size()).u32(wire == 0 ? payload.size() : wire);
  if (magic == kModified) writer.u32(1).u32(2);
  return writer.raw(payload).bytes();
}

std::string Pcapng::block(std::uint32_t type, std::string_view body) const {
  std::string padded = Writer(big).raw(body).pad().bytes();
  return Writer(big).u32(type).u32(padded.size() + 12).raw(padded).u32(padded.size() + 12).bytes();
}

std::string Pcapng::section() const {
  return block(0x0a0d0d0a, Writer(big).u32(0x1a2b3c4d).u16(1).u16(0).u64(~std::uint64_t{0}).bytes());
}

std::string Pcapng::option(std::uint16_t code, std::string_view value) const {
  return Writer(big).u16(code).u16(static_cast<std::uint32_t>(value.size())).raw(value).pad().bytes();
}

std::string Pcapng::interface(std::uint16_t link, std::uint32_t snap_length, std::string_view options) const {
  return block(1, Writer(big).u16(link).u16(0).u32(snap_length).raw(options).bytes());
}

std::string Pcapng::packet(std::uint32_t interface_id, std::uint64_t units, std::string_view payload,
                           std::size_t wire) const {
  Writer body(big);
  body.u32(interface_id).u32(units >> 32).u32(units & 0xffffffff);
  body.u32(payload.size()).u32(wire == 0 ? payload.size() : wire).raw(payload);
  return block(6, body.bytes());
}

std::string Pcapng::simple(std::string_view payload, std::size_t wire) const {
  return block(3, Writer(big).u32(wire == 0 ? payload.size() : wire).raw(payload).bytes());
}

std::string Pcapng::obsolete(std::uint16_t interface_id, std::uint64_t units, std::string_view payload) const {
  Writer body(big);
  body.u16(interface_id).u16(0xffff).u32(units >> 32).u32(units & 0xffffffff).u32(payload.size()).u32(payload.size());
  return block(2, body.raw(payload).bytes());
}

std::string Pcapng::secrets(std::uint32_t type, std::string_view data) const {
  return block(10, Writer(big).u32(type).u32(data.size()).raw(data).bytes());
}

Folder::Folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "specular-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) std::abort();
  path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Folder::write(std::string_view name, std::string_view content) const {
  std::ofstream file(path_ / name, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  return path(name);
}

}  // namespace specular::test
