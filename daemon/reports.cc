#include "daemon/reports.h"

#include <utility>

namespace specular {

void Report::apply_to(Judge& judge) const {
  for (const EndpointDelta& delta : endpoints) judge.on_endpoint(delta.host, delta.path, delta.method, delta.added);
  for (const ValuesDelta& delta : values) judge.on_values(delta.host, delta.path, delta.added);
  for (const auto& [host, added] : hosts) judge.on_host(host, added);
  for (const auto& [tunnel, added] : tunnels) judge.on_tunnel(tunnel, added);
  for (const auto& [name, added] : counters) judge.on_counter(name, added);
  if (capture) judge.on_capture(*capture);
  for (const std::string& name : forgotten_captures) judge.forget_capture(name);
}

bool Mailbox::has_room() const {
  return size() < capacity_;
}

std::size_t Mailbox::size() const {
  std::lock_guard lock(mutex_);
  return reports_.size();
}

void Mailbox::put(std::unique_ptr<Report> report) {
  std::lock_guard lock(mutex_);
  report->sent = std::chrono::steady_clock::now();
  reports_.push_back(std::move(report));
  changed_.notify_all();
}

std::unique_ptr<Report> Mailbox::take(Duration most) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, most, [&] { return !reports_.empty(); })) return nullptr;
  std::unique_ptr<Report> report = std::move(reports_.front());
  reports_.erase(reports_.begin());
  return report;
}

void CounterWatch::add(const CounterGroup& group) {
  for (const Counter* counter : group.counters()) told_.emplace_back(counter, 0);
}

void CounterWatch::tell_growth(std::vector<std::pair<std::string, std::uint64_t>>& out) {
  for (auto& [counter, told] : told_) {
    std::uint64_t grown = counter->value() - std::exchange(told, counter->value());
    if (grown > 0) out.emplace_back(counter->name(), grown);
  }
}

Report& ReportWriter::report() {
  if (!report_) report_ = std::make_unique<Report>();
  return *report_;
}

void ReportWriter::on_endpoint(const ServedHost& host, const SegmentPath& path, const std::string& method,
                               const EndpointSummary& added) {
  report().endpoints.push_back({host, path, method, added});
}

void ReportWriter::on_values(const ServedHost& host, const SegmentPath& path, const DistinctCounter& added) {
  report().values.push_back({host, path, added});
}

void ReportWriter::on_host(const ServedHost& host, const CoverageCounts& added) {
  report().hosts.emplace_back(host, added);
}

void ReportWriter::on_tunnel(const std::string& tunnel, const CoverageCounts& added) {
  report().transactions += added[CoverageItem::transactions];
  report().tunnels.emplace_back(tunnel, added);
}

void ReportWriter::on_told(EpochNumber epoch) {
  send(start_of(epoch));
}

void ReportWriter::add_traffic() {
  if (receiver_ == nullptr) return;
  std::vector<TunnelTraffic> traffic = receiver_->take_traffic();
  for (std::size_t i = 0; i < traffic.size(); ++i) {
    CoverageCounts counts = coverage_of(traffic[i]);
    if (!counts.empty()) on_tunnel(tunnels_.tunnel_name(static_cast<TunnelId>(i)), counts);
  }
  std::uint64_t jumps = receiver_->discontinuities() - discontinuities_told_;
  if (jumps > 0) report().counters.emplace_back("discontinuities", jumps);
  discontinuities_told_ += jumps;
}

void ReportWriter::send(std::optional<Timestamp> time) {
  add_traffic();
  counters_.tell_growth(report().counters);
  report().time = time;
  mailbox_.put(std::exchange(report_, nullptr));
}

void ReportWriter::send_capture(const AnalysedCapture& capture, std::vector<std::string> forgotten, Timestamp time) {
  report().capture = capture;
  report().forgotten_captures = std::move(forgotten);
  send(time);
}

}  // namespace specular
