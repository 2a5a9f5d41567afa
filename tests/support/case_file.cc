#include "tests/support/case_file.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

namespace specular::test {
namespace {

struct Flow {
  SocketAddress client, server;
  std::uint32_t next[2] = {1000, 5000};
};

class CaseReader {
 public:
  explicit CaseReader(const std::string& path) : path_(path) {}

  std::vector<CasePacket> read() {
    std::ifstream file(path_);
    if (!file) stop("cannot be read");
    for (std::string line; std::getline(file, line);) {
      ++number_;
      if (line.empty() || line[0] == '#') continue;
      std::istringstream words(line);
      step(words);
    }
    for (auto& [due, packet] : late_) packets_.push_back(packet);
    return packets_;
  }

 private:
  [[noreturn]] void stop(const std::string& why) const {
    std::fprintf(stderr, "%s:%d: %s\n", path_.c_str(), number_, why.c_str());
    std::abort();
  }

  void step(std::istringstream& words) {
    std::string word;
    words >> word;
    lost_ = false;
    clip_ = std::string::npos;
    delay_ = 0;
    tunnel_ = -1;
    for (bool prefix = true; prefix;) {
      prefix = true;
      if (word == "lose")
        lost_ = true;
      else if (word == "clip")
        words >> clip_;
      else if (word == "late")
        words >> delay_;
      else if (word == "tunnel")
        words >> tunnel_;
      else
        prefix = false;
      if (prefix) words >> word;
    }
    if (word == "flow") return define(words);
    if (word == "at") return pass(words);
    auto flow = flows_.find(word);
    if (flow == flows_.end()) stop("no flow called " + word);
    act(flow->second, words);
  }

  void define(std::istringstream& words) {
    std::string name, client, arrow, server, seq;
    words >> name >> client >> arrow >> server;
    Flow flow{socket_address(client), socket_address(server)};
    if (words >> seq) words >> flow.next[0] >> flow.next[1];
    flows_[name] = flow;
  }

  void pass(std::istringstream& words) {
    double seconds = 0;
    words.ignore(1, '+');
    char plus = 0;
    words >> plus >> seconds;
    time_ += Duration(static_cast<std::int64_t>(seconds * 1e9));
  }

  void act(Flow& flow, std::istringstream& words) {
    std::string what;
    words >> what;
    if (what == ">" || what == "<") {
      std::string text;
      words.ignore(1);
      std::getline(words, text);
      return send(flow, what == ">" ? 0 : 1, kAck, unescape(text));
    }
    if (what == "open") {
      send(flow, 0, kSyn, "");
      send(flow, 1, kSyn | kAck, "");
      return send(flow, 0, kAck, "");
    }
    if (what == "close") {
      send(flow, 0, kAck | kFin, "");
      return send(flow, 1, kAck | kFin, "");
    }
    int side = what.ends_with('>') ? 0 : 1;
    std::string kind = what.substr(0, what.size() - 1), text;
    words.ignore(1);
    std::getline(words, text);
    if (kind == "fin") return send(flow, side, kAck | kFin, unescape(text));
    if (kind == "rst") return send(flow, side, kAck | kRst, unescape(text));
    if (kind == "ack") return send(flow, side, kAck, "");
    if (kind == "syn") return send(flow, side, side == 0 ? kSyn : kSyn | kAck, unescape(text));
    stop("what is " + what + "?");
  }

  void send(Flow& flow, int side, int flags, const std::string& payload) {
    CasePacket packet;
    time_ += std::chrono::milliseconds(1);
    packet.time = time_;
    packet.tunnel = tunnel_;
    packet.segment = {side == 0 ? flow.client : flow.server,
                      side == 0 ? flow.server : flow.client,
                      flow.next[side],
                      (flags & kAck) != 0 ? flow.next[1 - side] : 0,
                      static_cast<std::uint8_t>(flags),
                      0,
                      payload};
    if (clip_ < payload.size()) packet.clip = payload.size() - clip_;
    flow.next[side] += static_cast<std::uint32_t>(payload.size()) + ((flags & (kSyn | kFin)) != 0 ? 1 : 0);
    if (!lost_ && delay_ > 0)
      late_.emplace_back(delay_ + 1, packet);
    else if (!lost_)
      packets_.push_back(packet);
    deliver_late();
  }

  void deliver_late() {
    for (auto it = late_.begin(); it != late_.end();) {
      if (--it->first > 0) {
        ++it;
        continue;
      }
      it->second.time = time_ + std::chrono::microseconds(10);
      packets_.push_back(it->second);
      it = late_.erase(it);
    }
  }

  std::string unescape(const std::string& text) const {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\') {
        out += text[i];
        continue;
      }
      switch (text[++i]) {
        case 'r': out += '\r'; break;
        case 'n': out += '\n'; break;
        case 't': out += '\t'; break;
        case '0': out += '\0'; break;
        case 's': out += ' '; break;
        case '\\': out += '\\'; break;
        case 'x':
          out += static_cast<char>(std::strtoul(text.substr(i + 1, 2).c_str(), nullptr, 16));
          i += 2;
          break;
        case '*': {  // \*100 repeats the character before
          char* end = nullptr;
          auto count = std::strtoul(text.c_str() + i + 1, &end, 10);
          out.append(count - 1, out.back());
          i = static_cast<std::size_t>(end - text.c_str()) - 1;
          break;
        }
        default: stop("unknown escape");
      }
    }
    return out;
  }

  std::string path_;
  int number_ = 0;
  std::map<std::string, Flow> flows_;
  std::vector<CasePacket> packets_;
  std::vector<std::pair<int, CasePacket>> late_;
  Timestamp time_{std::chrono::seconds(1'700'000'000)};
  bool lost_ = false;
  std::size_t clip_ = 0;
  int delay_ = 0, tunnel_ = -1;
};

}  // namespace

std::vector<CasePacket> read_case(const std::string& path) {
  return CaseReader(path).read();
}

void Capture::add(const CasePacket& packet) {
  Octets frame = ethernet_frame(packet.segment);
  auto wire = static_cast<std::uint32_t>(frame.size());
  frame.resize(frame.size() - packet.clip);
  if (packet.tunnel >= 0) {
    frame = in_vxlan(frame, static_cast<std::uint32_t>(packet.tunnel));
    wire = static_cast<std::uint32_t>(frame.size());
  }
  frames.push_back({packet.time, std::move(frame), wire});
}

void Capture::feed(FrameSink& sink) const {
  std::vector<Frame> batch;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    batch.push_back({frames[i].time, frames[i].bytes, frames[i].wire_size, LinkType::ethernet});
    if (batch.size() < kBatch && i + 1 < frames.size()) continue;
    sink.on_frames(batch);
    batch.clear();
  }
}

}  // namespace specular::test
