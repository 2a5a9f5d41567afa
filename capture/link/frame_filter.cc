#include "capture/link/frame_filter.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include <fmt/format.h>
#include <pcap/pcap.h>

namespace specular {
namespace {

constexpr int kSnapLength = 262'144;

// The ones decoded; Ethernet first, whose opinion on a mistake is told.
constexpr LinkType kLinkTypes[] = {LinkType::ethernet,    LinkType::null,      LinkType::ppp,      LinkType::raw_bsd,
                                   LinkType::raw_openbsd, LinkType::ppp_hdlc,  LinkType::raw,      LinkType::ieee802_11,
                                   LinkType::loop,        LinkType::linux_sll, LinkType::radiotap, LinkType::ipv4,
                                   LinkType::ipv6,        LinkType::linux_sll2};

using Handle = std::unique_ptr<pcap_t, decltype(&pcap_close)>;

// libpcap knows what files have for raw IP by another number.
int data_link_of(LinkType link) {
  bool raw = link == LinkType::raw || link == LinkType::raw_openbsd;
  return raw ? DLT_RAW : static_cast<int>(link);
}

Result<bpf_program> compile(const std::string& expression, LinkType link) {
  Handle handle(pcap_open_dead(data_link_of(link), kSnapLength), &pcap_close);
  bpf_program program{};
  if (pcap_compile(handle.get(), &program, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) == 0) return program;
  return fail(ErrorKind::invalid, fmt::format("filter '{}': {}", expression, pcap_geterr(handle.get())));
}

}  // namespace

// One program for each link type met. Where the expression has no meaning for a link type, its frames do not pass.
struct FrameFilter::Programs {
  std::string expression;
  std::map<LinkType, bpf_program> by_link;

  explicit Programs(std::string text) : expression(std::move(text)) {}
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;
  ~Programs() {
    for (auto& [link, program] : by_link) pcap_freecode(&program);
  }

  bool fits(LinkType link) { return of(link).bf_insns != nullptr; }

  const bpf_program& of(LinkType link) {
    auto found = by_link.find(link);
    if (found != by_link.end()) return found->second;
    auto compiled = compile(expression, link);
    return by_link[link] = compiled ? *compiled : bpf_program{};
  }
};

FrameFilter::FrameFilter(Timestamp since, Timestamp until, FrameSink& next)
    : since_(since), until_(until), next_(next) {}

FrameFilter::~FrameFilter() = default;

Result<std::unique_ptr<FrameFilter>> FrameFilter::create(const std::string& expression, Timestamp since,
                                                         Timestamp until, FrameSink& next) {
  std::unique_ptr<FrameFilter> filter(new FrameFilter(since, until, next));
  if (expression.empty()) return filter;
  // What is a mistake for one link type may have its meaning for another, as `type mgt` has.
  auto programs = std::make_unique<Programs>(expression);
  if (std::none_of(std::begin(kLinkTypes), std::end(kLinkTypes), [&](LinkType link) { return programs->fits(link); })) {
    return forward(compile(expression, kLinkTypes[0]).error());
  }
  filter->programs_ = std::move(programs);
  return filter;
}

bool FrameFilter::passes(const Frame& frame) {
  if (frame.time < since_ || frame.time >= until_) return false;
  if (!programs_) return true;
  const bpf_program& program = programs_->of(frame.link);
  if (program.bf_insns == nullptr) return false;
  pcap_pkthdr header{};
  header.caplen = static_cast<bpf_u_int32>(frame.bytes.size());
  header.len = frame.wire_size;
  return pcap_offline_filter(&program, &header, frame.bytes.data()) != 0;
}

void FrameFilter::on_frames(std::span<const Frame> frames) {
  std::array<Frame, kBatch> passed;
  std::size_t count = 0;
  for (const Frame& frame : frames) {
    if (passes(frame)) passed[count++] = frame;
  }
  if (count > 0) next_.on_frames(std::span(passed).first(count));
}

}  // namespace specular
