// The door of analyzers: an Epoch is all that one second (or one whole capture) changed, as rows to be put or removed
// in one atomic step. Rows are whole, so putting one twice is putting it once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "analyzers/coverage.h"
#include "analyzers/discovery/corrections.h"
#include "analyzers/discovery/path_tree.h"
#include "capture/base/analysed_capture.h"
#include "capture/base/result.h"
#include "capture/base/time.h"

namespace specular {

enum class Table : std::uint8_t {
  endpoint = 'e',    // one method at one path: stored.Endpoint
  values = 'v',      // the values a parameter stands for: stored.Distinct
  tunnel = 't',      // coverage of a tunnel; `host` is its name: stored.Coverage
  host = 'h',        // coverage of a host: stored.Coverage
  total = 'c',       // a counter of capture; `host` is its name: a decimal number
  capture = 'f',     // a file of the drop folder; `host` is its name: stored.Capture
  correction = 'r',  // of the user; `host` is its id: stored.Correction
};

struct RowKey {
  Table table;
  std::string network;  // name; empty for none
  std::string host;
  std::string path;  // to_text(SegmentPath)
  std::string method;
};

struct Row {
  RowKey key;
  std::string value;  // a message of epoch.proto
};

struct Epoch {
  EpochNumber number = 0;
  std::vector<RowKey> removed;  // before the puts
  std::vector<Row> put;
};

class EpochSink {
 public:
  // All of it or nothing; an error leaves open which, and the epoch is to be committed again: rows are whole.
  virtual Result<void> commit(const Epoch& epoch) = 0;

 protected:
  ~EpochSink() = default;
};

// A path of the tree as text: /users/{integer}/orders, with the names of segments.def. Literals never contain braces.
std::string to_text(const SegmentPath& path);
Result<SegmentPath> parse_path(std::string_view text);

std::string encode(const EndpointSummary& summary);
Result<EndpointSummary> decode_summary(std::string_view value);
std::string encode(const DistinctCounter& values);
Result<DistinctCounter> decode_values(std::string_view value);
std::string encode(const CoverageCounts& counts);
Result<CoverageCounts> decode_coverage(std::string_view value);
std::string encode(const AnalysedCapture& capture);  // without its name, which is in the key
Result<AnalysedCapture> decode_capture(std::string_view value);
std::string encode(const Correction& correction);
// Nothing for one of a kind that a later version added.
Result<std::optional<Correction>> decode_correction(std::string_view value);

}  // namespace specular
