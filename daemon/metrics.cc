#include "daemon/metrics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include <fmt/format.h>

namespace specular {
namespace {

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '\\' || (c == '"' && quotes)) out += '\\';
      out += c;
    }
  }
}

// {shard="0",stage="queue"}; nothing without labels.
std::string labels_text(const Metrics::Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text += text.empty() ? "{" : ",";
    text += name + "=\"";
    append_escaped(text, value, true);
    text += '"';
  }
  return text.empty() ? text : text + "}";
}

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

// The samples of a name stand together, below what the name means.
class Families {
 public:
  std::string& samples(const std::string& name, const char* type, std::string_view help) {
    std::string& text = families_[name];
    if (text.empty()) {
      text = fmt::format("# HELP {} ", name);
      append_escaped(text, help, false);
      text += fmt::format("\n# TYPE {} {}\n", name, type);
    }
    return text;
  }
  std::string text() const {
    std::string all;
    for (const auto& [name, text] : families_) all += text;
    return all;
  }

 private:
  std::map<std::string, std::string> families_;
};

Metrics::Labels with(Metrics::Labels labels, const char* name, std::string value) {
  labels.emplace_back(name, std::move(value));
  return labels;
}

// A reader may come between two of the writer's steps: the total is then that of the buckets at least, since a
// histogram never falls from one bucket to the next.
void append_histogram(std::string& out, const std::string& name, const LatencyHistogram& histogram,
                      const Metrics::Labels& labels) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < LatencyHistogram::kBuckets; ++i) {
    below += histogram.bucket(i);
    double seconds = static_cast<double>(std::uint64_t{1} << i) / 1e6;
    out += fmt::format("{}_bucket{} {}\n", name, labels_text(with(labels, "le", number_text(seconds))), below);
  }
  std::uint64_t count = std::max(below, histogram.count());
  out += fmt::format("{}_bucket{} {}\n", name, labels_text(with(labels, "le", "+Inf")), count);
  double sum = std::chrono::duration<double>(histogram.sum()).count();
  out += fmt::format("{}_sum{} {}\n{}_count{} {}\n", name, labels_text(labels), number_text(sum), name,
                     labels_text(labels), count);
}

}  // namespace

void LatencyHistogram::add(Duration duration) {
  std::int64_t ns = std::max<std::int64_t>(0, duration.count());
  for (std::size_t i = 0; i < kBuckets; ++i) {
    if (ns > (std::int64_t{1000} << i)) continue;
    buckets_[i].fetch_add(1, std::memory_order_relaxed);
    break;
  }
  count_.fetch_add(1, std::memory_order_relaxed);
  sum_ns_.fetch_add(ns, std::memory_order_relaxed);
}

void Metrics::add(const CounterGroup& group, Labels labels) {
  counters_.push_back({&group, std::move(labels)});
}

void Metrics::add(const LatencyHistogram& histogram, const char* stage, Labels labels) {
  latencies_.push_back({&histogram, stage, std::move(labels)});
}

void Metrics::add_gauge(const char* name, const char* help, Labels labels, std::function<double()> read) {
  gauges_.push_back({name, help, std::move(labels), std::move(read)});
}

std::uint64_t Metrics::total(std::string_view counter) const {
  std::uint64_t sum = 0;
  for (const Counters& registered : counters_) {
    for (const Counter* one : registered.group->counters()) {
      if (one->name() == counter) sum += one->value();
    }
  }
  return sum;
}

std::string Metrics::prometheus_text() const {
  Families families;
  for (const Counters& registered : counters_) {
    for (const Counter* counter : registered.group->counters()) {
      std::string name = fmt::format("specular_{}_total", counter->name());
      families.samples(name, "counter", counter->help()) +=
          fmt::format("{}{} {}\n", name, labels_text(registered.labels), counter->value());
    }
  }
  for (const Gauge& gauge : gauges_) {
    std::string name = fmt::format("specular_{}", gauge.name);
    families.samples(name, "gauge", gauge.help) +=
        fmt::format("{}{} {}\n", name, labels_text(gauge.labels), number_text(gauge.read()));
  }
  for (const Latency& latency : latencies_) {
    const std::string name = "specular_stage_seconds";
    append_histogram(families.samples(name, "histogram", "How long a stage took"), name, *latency.histogram,
                     with(latency.labels, "stage", latency.stage));
  }
  return families.text();
}

}  // namespace specular
