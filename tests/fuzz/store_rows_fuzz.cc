// The rows of the store: any bytes decode to something or are refused, what is decoded can be used, and writing it
// again gives rows that stay as they are.
#include "analyzers/epoch.h"
#include "tests/fuzz/fuzz.h"

namespace specular::fuzz {
namespace {

// `decoded` is what some bytes gave: its row must be readable, and be its own image from then on.
template <class Value>
void require_stable(const Value& decoded, Result<Value> (*decode)(std::string_view), const char* what) {
  std::string row = encode(decoded);
  auto again = decode(row);
  require(again.has_value(), what);
  require(encode(*again) == row, what);
}

void use(const LogHistogram& histogram) {
  // Nobody counts to 2^50; sums that wrap have no quantiles.
  bool plausible = std::all_of(histogram.buckets().begin(), histogram.buckets().end(),
                               [](const LogHistogram::Bucket& bucket) { return bucket.count >> 50 == 0; });
  std::uint64_t last = 0;
  for (double share : {0.0, 0.5, 0.95, 1.0}) {
    std::uint64_t value = histogram.quantile(share);
    require(value >= last || !plausible, "quantiles ascend");
    last = value;
  }
}

void use(const DistinctCounter& values) {
  (void)values.estimate();
  DistinctCounter sum = values;
  sum.add(1);
  sum.merge(values);
  require(sum.exact().empty() || sum.registers().empty(), "a distinct counter has one form");
  require(sum.exact().size() <= DistinctCounter::kExact, "a distinct counter keeps no more hashes than it may");
  DistinctCounter other;
  other.merge(values);
  (void)other.estimate();
}

void try_summary(std::string_view bytes) {
  auto summary = decode_summary(bytes);
  if (!summary) return;
  require_stable<EndpointSummary>(*summary, decode_summary, "an endpoint's row is stable");
  use(summary->clients);
  use(summary->latency_us);
  use(summary->request_bytes);
  use(summary->response_bytes);
  (void)summary->exists();
  EndpointSummary sum = *summary;
  sum.merge(*summary);
  require_stable<EndpointSummary>(sum, decode_summary, "a merged endpoint's row is stable");
}

// Names come from the wire, and may have any bytes.
void try_names(std::string_view bytes) {
  EndpointSummary summary;
  summary.request_types.add(bytes);
  summary.auth.add(bytes);
  summary.query.find(bytes)->count = 1;
  auto read = decode_summary(encode(summary));
  require(read.has_value(), "an endpoint with any names can be read");
  require(read->request_types.entries() == summary.request_types.entries(), "a content type is read as it was written");
  require(read->query.parameters().front().name == bytes, "a parameter's name is read as it was written");
}

void try_values(std::string_view bytes) {
  auto values = decode_values(bytes);
  if (!values) return;
  require_stable<DistinctCounter>(*values, decode_values, "a row of values is stable");
  use(*values);
}

void try_coverage(std::string_view bytes) {
  auto counts = decode_coverage(bytes);
  if (!counts) return;
  require_stable<CoverageCounts>(*counts, decode_coverage, "a row of coverage is stable");
}

void try_path(std::string_view bytes) {
  auto path = parse_path(bytes);
  if (!path) return;
  std::string text = to_text(*path);
  auto again = parse_path(text);
  require(again.has_value(), "a path that was read can be read again");
  require(*again == *path, "a path is read again as it was");
}

void try_correction(std::string_view bytes) {
  auto correction = decode_correction(bytes);
  if (!correction || !*correction) return;
  std::string row = encode(**correction);
  auto again = decode_correction(row);
  require(again && *again && encode(**again) == row, "a correction's row is stable");
  require((*again)->id() == (*correction)->id(), "a correction keeps its id");
  Corrections corrections;
  if (!corrections.add(**correction)) return;
  (void)corrections.rules_of((*correction)->host);
  require(corrections.remove((*correction)->id()), "a correction can be taken back");
  require(!corrections.speaks_of((*correction)->host), "a correction that was taken back is gone");
}

// What a user writes.
void try_template(std::string_view bytes) {
  if (auto pattern = parse_host_pattern(bytes)) {
    require(parse_host_pattern(*pattern) == *pattern, "a pattern is read again as it was");
  }
  auto path = parse_template(bytes);
  if (!path) return;
  auto again = parse_template(to_text(*path));
  require(again && *again == *path, "a template is read again as it was");
  require(parse_template(shape_of(*path)).has_value(), "a shape is a template");
}

}  // namespace
}  // namespace specular::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes = specular::as_text({data, size});
  specular::fuzz::try_summary(bytes);
  specular::fuzz::try_names(bytes);
  specular::fuzz::try_values(bytes);
  specular::fuzz::try_coverage(bytes);
  specular::fuzz::try_path(bytes);
  specular::fuzz::try_correction(bytes);
  specular::fuzz::try_template(bytes);
  return 0;
}
