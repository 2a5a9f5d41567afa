#include "capture/link/capture_format.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

namespace specular {
namespace {

// No link layer has larger frames; a larger length is damage, and would make us buffer it.
constexpr std::size_t kMaxRecord = 64u << 20;

// Little- or big-endian loads, as the file's writer had it.
class Order {
 public:
  explicit Order(bool big) : big_(big) {}

  std::uint16_t u16(Bytes bytes, std::size_t at) const {
    return static_cast<std::uint16_t>(big_ ? bytes[at] << 8 | bytes[at + 1] : bytes[at + 1] << 8 | bytes[at]);
  }
  std::uint32_t u32(Bytes bytes, std::size_t at) const {
    std::uint32_t first = u16(bytes, at), second = u16(bytes, at + 2);
    return big_ ? first << 16 | second : second << 16 | first;
  }
  std::uint64_t u64(Bytes bytes, std::size_t at) const {
    std::uint64_t first = u32(bytes, at), second = u32(bytes, at + 4);
    return big_ ? first << 32 | second : second << 32 | first;
  }

 private:
  bool big_;
};

LinkType link_type(std::uint32_t value) {
  // The upper bits tell of a frame check sequence; the IP length cuts that off anyway.
  return static_cast<LinkType>(value & 0xffff);
}

tl::unexpected<Error> damaged(const ByteStream& stream, const char* what) {
  return fail(ErrorKind::corrupt, fmt::format("damaged at byte {}: {}", stream.offset(), what));
}

class Pcap final : public CaptureFormat {
 public:
  static constexpr std::size_t kHeader = 24;

  Pcap(Bytes header, bool big, std::int64_t unit_ns, std::size_t record_header)
      : order_(big), unit_ns_(unit_ns), record_header_(record_header) {
    minor_version_ = order_.u16(header, 6);
    link_ = link_type(order_.u32(header, 20));
  }

  Result<std::size_t> read(ByteStream& stream, std::vector<Frame>& frames) override {
    while (frames.size() < kBatch) {
      Bytes record = stream.buffered();
      if (record.size() < record_header_) return record_header_;
      std::uint32_t captured = order_.u32(record, 8), wire = order_.u32(record, 12);
      // Versions before 2.4 wrote the two lengths the other way round, 2.3 either way.
      if (minor_version_ < 3 || (minor_version_ == 3 && captured > wire)) std::swap(captured, wire);
      if (captured > kMaxRecord) return damaged(stream, "a packet of more than 64 MiB");
      std::size_t size = record_header_ + captured;
      if (record.size() < size) return size;
      Timestamp time(Duration(order_.u32(record, 0) * std::int64_t{1'000'000'000} + order_.u32(record, 4) * unit_ns_));
      frames.push_back({time, record.subspan(record_header_, captured), std::max(wire, captured), link_});
      stream.consume(size);
    }
    return record_header_;
  }

 private:
  Order order_;
  std::int64_t unit_ns_;
  std::size_t record_header_;
  std::uint16_t minor_version_;
  LinkType link_;
};

class Pcapng final : public CaptureFormat {
 public:
  Result<std::size_t> read(ByteStream& stream, std::vector<Frame>& frames) override {
    while (frames.size() < kBatch) {
      Bytes block = stream.buffered();
      if (block.size() < 12) return 12;
      // A section header has its own byte order, and its type reads alike in both.
      std::uint32_t type = order_.u32(block, 0);
      if (type == kSectionHeader && !begin_section(block)) return damaged(stream, "a section without byte order");
      std::size_t size = order_.u32(block, 4);
      if (size < 12 || size % 4 != 0) return damaged(stream, "an impossible block length");
      if (size > kMaxRecord) return damaged(stream, "a block of more than 64 MiB");
      if (block.size() < size) return size;
      block = block.first(size);
      if (order_.u32(block, size - 4) != size) return damaged(stream, "a block whose two lengths differ");
      if (!read_block(type, block.subspan(8, size - 12), frames)) return damaged(stream, "a block that is too short");
      stream.consume(size);
    }
    return 12;
  }

 private:
  static constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a, kInterface = 1, kPacket = 2, kSimplePacket = 3,
                                 kEnhancedPacket = 6, kDecryptionSecrets = 10;

  struct Interface {
    LinkType link;
    std::uint32_t snap_length;
    std::uint8_t resolution = 6;  // if_tsresol: a power of ten, or of two with the top bit
    std::int64_t offset_seconds = 0;

    Timestamp time(std::uint64_t units) const {
      __extension__ using Wide = __int128;
      constexpr Wide kSecond = 1'000'000'000;
      unsigned exponent = resolution & 0x7f;
      Wide ns = units;
      if ((resolution & 0x80) != 0) {
        ns = exponent < 64 ? ns * kSecond >> exponent : 0;
      } else {
        for (; exponent < 9; ++exponent) ns *= 10;
        for (; exponent > 9; --exponent) ns /= 10;
      }
      ns += Wide(offset_seconds) * kSecond;
      constexpr Wide kLeast = kEarliest.time_since_epoch().count(), kMost = kLatest.time_since_epoch().count();
      return Timestamp(Duration(static_cast<std::int64_t>(std::clamp(ns, kLeast, kMost))));
    }
  };

  bool begin_section(Bytes block) {
    interfaces_.clear();
    Order big(true);
    std::uint32_t magic = big.u32(block, 8);
    if (magic != 0x1a2b3c4d && magic != 0x4d3c2b1a) return false;
    order_ = Order(magic == 0x1a2b3c4d);
    return true;
  }

  // `body` lies between the two lengths. False if it is shorter than its type needs.
  bool read_block(std::uint32_t type, Bytes body, std::vector<Frame>& frames) {
    switch (type) {
      case kInterface: return read_interface(body);
      case kEnhancedPacket: return body.size() >= 20 && read_packet(body, order_.u32(body, 0), frames);
      case kPacket: return body.size() >= 20 && read_packet(body, order_.u16(body, 0), frames);
      case kSimplePacket: return read_simple(body, frames);
      case kDecryptionSecrets: return read_secrets(body);
      default: return true;
    }
  }

  bool read_interface(Bytes body) {
    if (body.size() < 8) return false;
    Interface interface { link_type(order_.u16(body, 0)), order_.u32(body, 4) };
    for (Bytes options = body.subspan(8); options.size() >= 4;) {
      std::uint16_t code = order_.u16(options, 0), length = order_.u16(options, 2);
      std::size_t padded = (length + 3u) & ~3u;
      if (code == 0 || options.size() < 4 + padded) break;
      Bytes value = options.subspan(4, length);
      if (code == 9 && length == 1) interface.resolution = value[0];
      if (code == 14 && length == 8) interface.offset_seconds = static_cast<std::int64_t>(order_.u64(value, 0));
      options = options.subspan(4 + padded);
    }
    interfaces_.push_back(interface);
    return true;
  }

  // Both kinds of packet block have a header of 20 bytes, with times and lengths at the same places.
  bool read_packet(Bytes body, std::uint32_t interface_id, std::vector<Frame>& frames) {
    constexpr std::size_t header = 20;
    std::uint32_t captured = order_.u32(body, 12), wire = order_.u32(body, 16);
    if (body.size() - header < captured) return false;
    if (interface_id >= interfaces_.size()) {
      oddity = "packets of an interface that was not described are left out";
      return true;
    }
    const Interface& interface = interfaces_[interface_id];
    std::uint64_t units = static_cast<std::uint64_t>(order_.u32(body, 4)) << 32 | order_.u32(body, 8);
    last_ = interface.time(units);
    frames.push_back({last_, body.subspan(header, captured), std::max(wire, captured), interface.link});
    return true;
  }

  // Has neither a time nor an interface: those of the packet before and of the first.
  bool read_simple(Bytes body, std::vector<Frame>& frames) {
    if (body.size() < 4) return false;
    if (interfaces_.empty()) {
      oddity = "packets of an interface that was not described are left out";
      return true;
    }
    std::uint32_t wire = order_.u32(body, 0);
    std::size_t captured = std::min<std::size_t>(wire, body.size() - 4);
    if (interfaces_[0].snap_length != 0) captured = std::min<std::size_t>(captured, interfaces_[0].snap_length);
    frames.push_back({last_, body.subspan(4, captured), wire, interfaces_[0].link});
    return true;
  }

  bool read_secrets(Bytes body) {
    if (body.size() < 8) return false;
    std::size_t length = order_.u32(body, 4);
    if (body.size() - 8 < length) return false;
    secrets.push_back({order_.u32(body, 0), std::string(as_text(body.subspan(8, length)))});
    return true;
  }

  Order order_{false};
  std::vector<Interface> interfaces_;
  Timestamp last_{};
};

}  // namespace

Result<std::unique_ptr<CaptureFormat>> recognise_format(ByteStream& stream) {
  Bytes head = stream.buffered();
  auto unknown = [] {
    return fail(ErrorKind::invalid, "neither pcap nor pcapng, plain or compressed by gzip or zstd");
  };
  if (head.empty()) return fail(ErrorKind::invalid, "empty");
  if (head.size() < 4) return unknown();
  struct Magic {
    std::uint32_t big_endian;
    std::int64_t unit_ns;
    std::size_t record_header;
  };
  // The third is that of the "modified" format, whose records carry eight bytes more.
  constexpr std::array<Magic, 3> kMagics{{{0xa1b2c3d4, 1000, 16}, {0xa1b23c4d, 1, 16}, {0xa1b2cd34, 1000, 24}}};
  std::uint32_t as_big = Order(true).u32(head, 0), as_little = Order(false).u32(head, 0);
  if (as_big == 0x0a0d0d0a) return std::make_unique<Pcapng>();
  for (const Magic& magic : kMagics) {
    bool big = as_big == magic.big_endian;
    if (!big && as_little != magic.big_endian) continue;
    if (head.size() < Pcap::kHeader) return fail(ErrorKind::corrupt, "cut off inside its header");
    auto format = std::make_unique<Pcap>(head, big, magic.unit_ns, magic.record_header);
    stream.consume(Pcap::kHeader);
    return format;
  }
  return unknown();
}

}  // namespace specular
