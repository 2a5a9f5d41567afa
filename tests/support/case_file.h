// Case files: captures written as text, for golden tests. A line is one step; `#` begins a comment.
//
//   flow a 10.0.0.1:40000 > 10.0.0.2:80      client > server; numbers begin at 1000 and 5000, or as `seq C S` says
//   a open                                   SYN, SYN/ACK, ACK
//   a > GET / HTTP/1.1\r\nHost: x\r\n\r\n    bytes of the client; C escapes; one segment
//   a < HTTP/1.1 204 No Content\r\n\r\n      bytes of the server
//   a close                                  FIN by the client, FIN by the server
//   a syn> | a fin> | a rst< | …             with the flag, and perhaps bytes behind it
//   a ack> | a ack<                          a bare acknowledgement
//   lose a > …                               the mirror loses this one: sent and acknowledged, never seen
//   clip 10 a > …                            the capture holds only that many bytes of the payload
//   late 2 a < …                             the mirror delivers this one two packets later
//   at +1.5                                  time passes; a step takes a millisecond by itself
//   tunnel 7 a > …                           through VXLAN 7
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/packet_builder.h"

namespace specular::test {

struct CasePacket {
  TcpSegment segment;
  Timestamp time{};
  std::size_t clip = 0;  // bytes of the payload that are missing at its end
  int tunnel = -1;       // VXLAN VNI; -1: none
};

// Terminates with a message on a line that it does not understand.
std::vector<CasePacket> read_case(const std::string& path);

// A capture as bytes in memory, ready to be fed to a FrameSink.
struct Capture {
  struct Stored {
    Timestamp time;
    Octets bytes;
    std::uint32_t wire_size;
  };
  std::vector<Stored> frames;

  void add(const CasePacket& packet);
  void feed(FrameSink& sink) const;
};

}  // namespace specular::test
