// HeadParser: the fast path for plain heads and the full parser must read a head alike, and agree with the functions
// that look for the head's beginning and end. A head that is cut anywhere must be read without a look beyond it.
#include <vector>

#include "capture/http/head.h"
#include "tests/fuzz/fuzz.h"

namespace specular::fuzz {
namespace {

void touch_all(const MessageHead& head) {
  for (std::string_view text : {head.method, head.target, head.host, head.content_encoding, head.upgrade}) touch(text);
  for (const HeaderField& field : head.fields) touch(field.name), touch(field.value);
}

void require_same(const MessageHead& plain, const MessageHead& full) {
  require(plain.is_request == full.is_request, "plain and full agree on request or response");
  require(plain.method == full.method, "plain and full read the same method");
  require(plain.target == full.target, "plain and full read the same target");
  require(plain.version == full.version, "plain and full read the same version");
  require(plain.status == full.status, "plain and full read the same status");
  require(plain.fields.size() == full.fields.size(), "plain and full read as many fields");
  for (std::size_t i = 0; i < plain.fields.size(); ++i) {
    require(plain.fields[i].name == full.fields[i].name, "plain and full read the same names");
    require(plain.fields[i].value == full.fields[i].value, "plain and full read the same values");
  }
  require(plain.anomalies.bits == full.anomalies.bits, "plain and full see the same anomalies");
  require(plain.content_length == full.content_length, "plain and full read the same Content-Length");
  require(plain.has_transfer_encoding == full.has_transfer_encoding, "plain and full see Transfer-Encoding");
  require(plain.chunked == full.chunked, "plain and full agree on chunked");
  require(plain.has_host == full.has_host && plain.host == full.host, "plain and full read the same Host");
  require(plain.content_encoding == full.content_encoding, "plain and full read the same Content-Encoding");
  require(plain.upgrade == full.upgrade, "plain and full read the same Upgrade");
}

void compare(HeadParser& plain_parser, HeadParser& full_parser, Bytes bytes) {
  MessageHead plain, full;
  std::size_t size = plain_parser.parse_plain(bytes, plain);
  if (size == 0) return;
  touch_all(plain);
  require(size <= bytes.size(), "a plain head lies within the bytes");
  require(size == find_head_end(bytes, 0), "a plain head ends where the full reading looks for its end");
  Start start = look_at_start(bytes);
  require(start == (plain.is_request ? Start::request : Start::response), "a plain head begins as heads do");
  require(full_parser.parse(bytes.first(size), false, full), "what is read as plain is read in full");
  touch_all(full);
  require_same(plain, full);
}

// As session.cc does after a loss or at a limit.
void read_cut(HeadParser& parser, Bytes bytes) {
  for (std::size_t size : {bytes.size(), bytes.size() / 2, bytes.size() - bytes.size() / 4}) {
    std::vector<std::uint8_t> part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    MessageHead head;
    if (parser.parse(part, true, head)) touch_all(head);
    if (parser.parse(part, false, head)) touch_all(head);
  }
}

void hunt_through(Bytes bytes) {
  for (int roles = 0; roles < 4; ++roles) {
    Found found = hunt_start(bytes, bytes.size() / 2, (roles & 1) != 0, (roles & 2) != 0);
    require(found.position <= bytes.size(), "what is hunted for lies within the bytes");
    require(found.start != Start::other || found.position == bytes.size(), "a hunt without success goes to the end");
    require(found.start != Start::request || (roles & 1) != 0, "no request where none was looked for");
    require(found.start != Start::response || (roles & 2) != 0, "no response where none was looked for");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // One pair for all inputs: nothing of a head may survive into the next.
  static HeadParser plain_parser, full_parser;
  Bytes bytes(data, size);
  compare(plain_parser, full_parser, bytes);
  read_cut(full_parser, bytes);
  hunt_through(bytes);
  return 0;
}

}  // namespace specular::fuzz
