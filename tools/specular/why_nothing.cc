#include "tools/specular/why_nothing.h"

#include <fmt/format.h>

namespace specular {
namespace {

struct Reason {
  std::uint64_t count;
  std::string what;
};

struct DropText {
  const char* counter;
  const char* help;
};

constexpr DropText kDrops[] = {
#define DROP(name, help) {"dropped_" #name "_frames", help},
#include "capture/link/drops.def"
#undef DROP
};

}  // namespace

std::uint64_t Counted::counter(const std::string& name) const {
  auto found = counters.find(name);
  return found == counters.end() ? 0 : found->second;
}

Counted counted_in(const Inventory& inventory) {
  Counted counted;
  for (const auto& [name, tunnel] : inventory.tunnels) counted.coverage.merge(tunnel.counts);
  for (const auto& [name, counter] : inventory.totals) counted.counters[name] = counter.value;
  return counted;
}

std::string why_nothing(const Counted& before, const Counted& after, std::uint64_t packets,
                        const std::vector<std::string>& leave_out) {
  auto counted = [&](const std::string& name) { return after.counter(name) - before.counter(name); };
  auto covered = [&](CoverageItem item) { return after.coverage[item] - before.coverage[item]; };
  if (covered(CoverageItem::transactions) > 0) return "";
  if (packets == 0) return "no transactions: no packet was read\n";

  std::vector<Reason> reasons;
  reasons.push_back({packets - counted("frames"), fmt::format("packets left out by {}", fmt::join(leave_out, ", "))});
  for (const DropText& drop : kDrops) reasons.push_back({counted(drop.counter), drop.help});
  bool bare = covered(CoverageItem::connections) == 0;
  reasons.push_back({bare ? counted("tcp_segments") : 0, "TCP segments, none of which carries data"});
  reasons.push_back({covered(CoverageItem::encrypted_connections), "connections that are encrypted (TLS)"});
  reasons.push_back({covered(CoverageItem::http2_connections), "connections that speak HTTP/2, which is not read"});
  reasons.push_back({covered(CoverageItem::other_connections), "connections in which no HTTP was recognised"});
  std::string text = fmt::format("no transactions in {} packet{}:\n", packets, packets == 1 ? "" : "s");
  for (const Reason& reason : reasons) {
    if (reason.count > 0) text += fmt::format("  {}: {}\n", reason.what, reason.count);
  }
  return text;
}

}  // namespace specular
