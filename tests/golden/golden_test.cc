// Golden tests and the law that tests everything at once: each case is replayed with its segments split at every byte,
// swapped, repeated, tunnelled, mirrored twice and over four shards, times kept by position; the exchanges and the
// inventory must be the same.
//
// tests/golden/<condition>/in.case is the capture, out.txt what must come out. UPDATE_GOLDEN=1 rewrites the latter, and
// counts the case as skipped.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include <fmt/format.h>

#include "analyzers/discovery/endpoints.h"
#include "daemon/pipeline.h"
#include "tests/support/case_file.h"
#include "tests/support/recorder.h"

namespace specular::test {
namespace {

namespace fs = std::filesystem;
using Packets = std::vector<CasePacket>;
using Lines = std::vector<std::string>;

struct Outcome {
  Lines exchanges, inventory, notes;
  bool operator==(const Outcome& other) const { return exchanges == other.exchanges && inventory == other.inventory; }
};

// Every shard has a recorder of its own; what they say is sorted together.
Lines run_capture(const Capture& capture, std::size_t shard_count, Lines* notes) {
  CaptureOptions options;
  TunnelTable tunnels(options.tunnels);
  std::vector<std::unique_ptr<Recorder>> recorders;
  std::vector<std::unique_ptr<CaptureShard>> shards;
  std::vector<PacketSink*> sinks;
  for (std::size_t i = 0; i < shard_count; ++i) {
    recorders.push_back(std::make_unique<Recorder>());
    shards.push_back(std::make_unique<CaptureShard>(options, HashKey{}, *recorders.back()));
    sinks.push_back(shards.back().get());
  }
  Receiver receiver(options.tunnels, tunnels, HashKey{}, sinks);
  capture.feed(receiver);
  receiver.flush();
  Lines lines;
  for (const auto& recorder : recorders) {
    Lines some = recorder->exchanges();
    lines.insert(lines.end(), some.begin(), some.end());
    if (notes == nullptr) continue;
    for (const ConnectionFacts& facts : recorder->connections()) {
      const FlowTotals& totals = facts.totals;
      notes->push_back(fmt::format(
          "connection {} > {}: {}, {} exchanges, {} bytes, {} lost, {} clipped{}", facts.connection.client.text(),
          facts.connection.server.text(), to_text(facts.protocol), facts.exchanges, totals.bytes[0] + totals.bytes[1],
          totals.lost[0] + totals.lost[1], totals.clipped[0] + totals.clipped[1], anomalies_text(facts.anomalies)));
    }
  }
  std::sort(lines.begin(), lines.end());
  if (notes != nullptr) std::sort(notes->begin(), notes->end());
  return lines;
}

Lines run_pipeline(const Capture& capture, std::size_t shard_count) {
  Config config;
  (void)config.general.shards.set(std::to_string(shard_count));
  auto pipeline = Pipeline::create(config, nullptr);
  capture.feed((*pipeline)->entry());
  (void)(*pipeline)->finish();
  Lines lines;
  for (const Endpoint& endpoint : endpoints_of((*pipeline)->inventory())) {
    const EndpointSummary& summary = endpoint.route.summary;
    std::string line =
        fmt::format("{} {} {} {} requests {} clients {}", to_text(endpoint.kind), endpoint.route.method,
                    endpoint.host.host, endpoint.route.path(), summary.requests, summary.clients.estimate());
    for (const auto& [status, count] : summary.statuses.entries()) line += fmt::format(" {}:{}", status, count);
    for (const auto& [way, count] : summary.auth.entries())
      line += fmt::format(" auth {}:{}", way.empty() ? "none" : way, count);
    for (const auto& [type, count] : summary.response_types.entries()) line += fmt::format(" type {}:{}", type, count);
    for (const auto& p : summary.query.parameters()) line += fmt::format(" query {}:{}", p.name, p.count);
    lines.push_back(line);
  }
  return lines;
}

Outcome run(const Packets& packets, std::size_t shards, const std::function<Octets(const Octets&)>& wrap = nullptr) {
  Capture capture;
  for (const CasePacket& packet : packets) {
    capture.add(packet);
    if (!wrap || packet.tunnel >= 0) continue;
    Capture::Stored& stored = capture.frames.back();
    stored.bytes = wrap(stored.bytes);
    stored.wire_size = static_cast<std::uint32_t>(stored.bytes.size());
  }
  Outcome outcome;
  outcome.exchanges = run_capture(capture, shards, &outcome.notes);
  outcome.inventory = run_pipeline(capture, shards);
  return outcome;
}

// The parts of a packet's payload, cut at every multiple of `size`.
Packets split(const Packets& packets, std::size_t size) {
  Packets parts;
  for (const CasePacket& packet : packets) {
    const std::string& payload = packet.segment.payload;
    // What the handshake carries is not split: its parts could not be told from it.
    if (payload.size() <= size || packet.segment.urgent != 0 || (packet.segment.flags & kSyn) != 0) {
      parts.push_back(packet);
      continue;
    }
    std::size_t captured = payload.size() - packet.clip;
    for (std::size_t at = 0; at < payload.size(); at += size) {
      CasePacket part = packet;
      part.segment.payload = payload.substr(at, size);
      part.segment.seq += static_cast<std::uint32_t>(at);
      bool last = at + size >= payload.size();
      if (!last) part.segment.flags &= static_cast<std::uint8_t>(~kFin);
      part.clip =
          part.segment.payload.size() - std::min(part.segment.payload.size(), captured - std::min(captured, at));
      parts.push_back(part);
    }
  }
  return parts;
}

// Every two (or so many) data segments that one side sends in a row, and at once, change places; times stay where they
// are.
Packets reverse_runs(Packets packets, std::size_t window) {
  for (std::size_t begin = 0; begin < packets.size();) {
    std::size_t end = begin + 1;
    auto is_data = [&](std::size_t i) {
      bool syn = (packets[i].segment.flags & kSyn) != 0,
           soon = packets[i].time - packets[begin].time < std::chrono::milliseconds(50);
      return !packets[i].segment.payload.empty() && !syn && soon;
    };
    while (end < packets.size() && end - begin < window && is_data(begin) && is_data(end) &&
           packets[end].segment.from == packets[begin].segment.from &&
           packets[end].segment.to == packets[begin].segment.to) {
      ++end;
    }
    for (std::size_t i = begin, j = end - 1; i < j; ++i, --j) {
      std::swap(packets[i], packets[j]);
      std::swap(packets[i].time, packets[j].time);
    }
    begin = end;
  }
  return packets;
}

Packets repeat(const Packets& packets, std::size_t later) {
  Packets all;
  for (std::size_t i = 0; i < packets.size() + later; ++i) {
    if (i < packets.size()) all.push_back(packets[i]);
    if (i < later) continue;
    CasePacket copy = packets[i - later];
    copy.time = all.back().time;
    all.push_back(copy);
  }
  return all;
}

Packets mirror_twice(const Packets& packets) {
  Packets all;
  for (const CasePacket& packet : packets) {
    for (int vni : {7, 8}) {
      CasePacket copy = packet;
      if (copy.tunnel < 0) copy.tunnel = vni;
      all.push_back(copy);
      if (packet.tunnel >= 0) break;
    }
  }
  return all;
}

std::size_t longest_payload(const Packets& packets) {
  std::size_t longest = 0;
  for (const CasePacket& packet : packets) longest = std::max(longest, packet.segment.payload.size());
  return longest;
}

struct Replay {
  std::string name;
  Outcome outcome;
};

class Golden {
 public:
  explicit Golden(fs::path folder) : folder_(std::move(folder)) {}

  enum class Verdict { passed, failed, updated };

  Verdict check() {
    Packets packets = read_case(folder_ / "in.case");
    Outcome plain = run(packets, 1);
    if (std::getenv("UPDATE_GOLDEN") != nullptr) {
      std::ofstream(folder_ / "out.txt") << text_of(plain);
      return Verdict::updated;
    }
    std::ifstream file(folder_ / "out.txt");
    std::stringstream expected;
    expected << file.rdbuf();
    if (expected.str() != text_of(plain)) {
      report("plain", expected.str(), text_of(plain));
      return Verdict::failed;
    }
    return obeys_law(packets, plain) ? Verdict::passed : Verdict::failed;
  }

 private:
  static std::string text_of(const Outcome& outcome) {
    std::string text;
    for (const Lines* lines : {&outcome.exchanges, &outcome.inventory, &outcome.notes}) {
      for (const std::string& line : *lines) text += line + "\n";
      text += "\n";
    }
    return text;
  }

  bool same(const std::string& how, const Outcome& plain, const Outcome& other) {
    if (plain == other) return true;
    report(how, text_of(plain), text_of(other));
    return false;
  }

  bool obeys_law(const Packets& packets, const Outcome& plain) {
    bool good = true;
    for (std::size_t size = 1; size < std::min<std::size_t>(longest_payload(packets), 400); ++size) {
      good = good && same(fmt::format("split at every {} bytes", size), plain, run(split(packets, size), 1));
    }
    good = good && same("swapped in pairs", plain, run(reverse_runs(split(packets, 30), 2), 1));
    good = good && same("reversed in threes", plain, run(reverse_runs(split(packets, 11), 3), 1));
    good = good && same("repeated at once", plain, run(repeat(packets, 0), 1));
    good = good && same("repeated three packets later", plain, run(repeat(packets, 3), 1));
    good = good && same("in VXLAN", plain, run(packets, 1, [](const Octets& f) { return in_vxlan(f, 7); }));
    good = good && same("in GENEVE", plain, run(packets, 1, [](const Octets& f) { return in_geneve(f, 7); }));
    good = good && same("in GRE", plain, run(packets, 1, in_gre));
    good = good && same("behind a gateway load balancer", plain,
                        run(packets, 1, [](const Octets& f) { return in_gateway_load_balancer(f, 7); }));
    good = good && same("mirrored twice", plain, run(mirror_twice(packets), 1));
    good = good && same("over four shards", plain, run(packets, 4));
    good =
        good && same("all at once, over four shards", plain, run(mirror_twice(reverse_runs(split(packets, 7), 3)), 4));
    return good;
  }

  void report(const std::string& how, const std::string& expected, const std::string& found) {
    std::printf("FAILED %s, %s\n--- expected\n%s--- found\n%s\n", folder_.filename().c_str(), how.c_str(),
                expected.c_str(), found.c_str());
  }

  fs::path folder_;
};

int run_all(const char* directory, const char* only) {
  unsigned counts[3] = {0, 0, 0};
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (fs::exists(entry.path() / "in.case")) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  for (const fs::path& folder : folders) {
    if (only == nullptr || folder.filename() == only) ++counts[static_cast<int>(Golden(folder).check())];
  }
  std::printf("%u passed, %u failed, %u skipped\n", counts[0], counts[1], counts[2]);
  return counts[1] == 0 && !folders.empty() ? 0 : 1;
}

}  // namespace
}  // namespace specular::test

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  return specular::test::run_all(argv[1], argc > 2 ? argv[2] : nullptr);
}
