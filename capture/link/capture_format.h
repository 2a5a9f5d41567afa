// The two file formats behind CaptureFile: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "capture/base/result.h"
#include "capture/link/byte_stream.h"
#include "capture/link/source.h"

namespace specular {

// A pcapng decryption secrets block: for TLS, lines of an NSS key log.
struct DecryptionSecrets {
  std::uint32_t type;  // 0x544c534b: TLS key log
  std::string data;
};

class CaptureFormat {
 public:
  virtual ~CaptureFormat() = default;

  // Takes whole records off the stream's buffer, into `frames` until these are kBatch. Returns how many bytes must be
  // buffered before it can go on; the frames point into the buffer. Never reads from the stream itself.
  virtual Result<std::size_t> read(ByteStream& stream, std::vector<Frame>& frames) = 0;

  std::vector<DecryptionSecrets> secrets;  // met so far
  std::string oddity;                      // what was passed over, for a warning; empty if nothing was
};

// By the magic number in the first four bytes. Requires: stream.buffered() has at least 24 bytes, or the stream ended.
Result<std::unique_ptr<CaptureFormat>> recognise_format(ByteStream& stream);

}  // namespace specular
