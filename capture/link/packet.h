// Packet: one TCP segment with the flow it belongs to; all views.
#pragma once

#include <cstdint>
#include <tuple>

#include "capture/base/bytes.h"
#include "capture/base/hash.h"
#include "capture/base/ip.h"
#include "capture/base/time.h"
#include "capture/link/tunnels.h"

namespace specular {

struct TcpFlags {
  std::uint8_t bits = 0;

  bool fin() const { return (bits & 0x01) != 0; }
  bool syn() const { return (bits & 0x02) != 0; }
  bool rst() const { return (bits & 0x04) != 0; }
  bool ack() const { return (bits & 0x10) != 0; }
  bool urg() const { return (bits & 0x20) != 0; }
};

// The two ends of a connection in a fixed order, so that both directions have one key. The whole key is compared, never
// a bare hash.
struct FlowKey {
  IpAddress low_address, high_address;
  std::uint16_t low_port = 0, high_port = 0;
  NetworkId network = NetworkId::none;

  SocketAddress low() const { return {low_address, low_port}; }
  SocketAddress high() const { return {high_address, high_port}; }
  // The same ends, whatever the network.
  bool same_ends(const FlowKey& other) const {
    return low_address == other.low_address && high_address == other.high_address && low_port == other.low_port &&
           high_port == other.high_port;
  }
  bool operator==(const FlowKey&) const = default;
};

// Of the ends only: both mirrors of one connection, in different networks, must meet in one shard and one chain.
inline std::uint64_t hash_ends(const HashKey& key, const FlowKey& flow) {
  std::uint64_t ports = static_cast<std::uint64_t>(flow.low_port) << 16 | flow.high_port;
  std::uint64_t low = fast_hash(key, flow.low_address);
  return fold(low ^ ports ^ key.k1, fast_hash(key, flow.high_address) ^ 0x9fb21c651e98df25ULL);
}

// Which end sent: the one that sorts lower by address and port, or the other.
enum class Side : std::uint8_t { low, high };

inline Side opposite(Side side) {
  return side == Side::low ? Side::high : Side::low;
}
inline std::size_t index_of(Side side) {
  return static_cast<std::size_t>(side);
}

struct Packet {
  Timestamp time;
  FlowKey flow;
  Side from = Side::low;
  TcpFlags flags;
  std::uint32_t seq = 0, ack = 0;
  std::uint16_t urgent = 0;  // with URG: how many bytes from seq on up to and including the urgent one
  TunnelId tunnel = TunnelId::none;
  Bytes payload;                   // what was captured of it
  void* buffer = nullptr;          // of the source's FrameBuffers, if the payload stands in one
  std::uint32_t payload_size = 0;  // what the sender sent; larger than payload.size() where the capture cut
};

}  // namespace specular
