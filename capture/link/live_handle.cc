#include "capture/link/live_handle.h"

#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <sys/socket.h>

#include "capture/link/fanout.h"
#include "capture/link/live.h"

namespace specular {
namespace {

// Blocks of the ring that are not full are handed over after so long.
constexpr int kBlockTimeoutMs = 10;

// Of the kernel's own numbers, which nothing on the wire has: what is bound to it receives nothing.
constexpr int kNoProtocol = ETH_P_CONTROL;

tl::unexpected<OpenFailure> failed(OpenProblem problem, const std::string& interface, std::string_view text) {
  return tl::make_unexpected(OpenFailure{problem, fmt::format("interface {}: {}", interface, text)});
}

tl::unexpected<OpenFailure> failed_by_status(int status, const std::string& interface, pcap_t* handle) {
  switch (status) {
    case PCAP_ERROR_NO_SUCH_DEVICE: return failed(OpenProblem::absent, interface, "there is no such interface");
    case PCAP_ERROR_IFACE_NOT_UP: return failed(OpenProblem::down, interface, "it is down");
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
      return failed(OpenProblem::forbidden, interface, "not allowed to capture; this needs CAP_NET_RAW");
    default: break;
  }
  std::string_view detail = pcap_geterr(handle);
  return failed(OpenProblem::other, interface, detail.empty() ? pcap_statustostr(status) : detail);
}

// A handle with its ring, that receives nothing yet.
tl::expected<LiveHandle, OpenFailure> activate(const std::string& interface, const LiveOptions& options) {
  char error[PCAP_ERRBUF_SIZE] = "";
  LiveHandle handle(pcap_create(interface.c_str(), error));
  if (!handle) return failed(OpenProblem::other, interface, error);
  pcap_set_snaplen(handle.get(), static_cast<int>(options.snap_length.value()));
  pcap_set_promisc(handle.get(), options.promiscuous.value() ? 1 : 0);
  pcap_set_buffer_size(handle.get(), static_cast<int>(options.ring.value() << 20));
  // Without immediate mode, which would turn TPACKET_V3 off.
  pcap_set_timeout(handle.get(), kBlockTimeoutMs);
  pcap_set_protocol_linux(handle.get(), kNoProtocol);
  pcap_set_tstamp_precision(handle.get(), PCAP_TSTAMP_PRECISION_NANO);
  int status = pcap_activate(handle.get());
  if (status < 0) return failed_by_status(status, interface, handle.get());
  if (pcap_setnonblock(handle.get(), 1, error) != 0) return failed(OpenProblem::other, interface, error);
  return handle;
}

// From here on the handle would receive, did not a filter let nothing through.
bool bind_muted(int descriptor, const std::string& interface) {
  sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  sock_fprog program{1, nothing};
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  return address.sll_ifindex != 0 &&
         setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 &&
         bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// The filter that the user asked for takes the place of the one that lets nothing through. It is one even where the
// expression is empty: only filters cut at the snap length before the ring is written.
tl::expected<void, OpenFailure> unmute(pcap_t* handle, const std::string& interface, const std::string& expression) {
  bpf_program program{};
  if (pcap_compile(handle, &program, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    return failed(OpenProblem::filter, interface, fmt::format("filter '{}': {}", expression, pcap_geterr(handle)));
  }
  int status = pcap_setfilter(handle, &program);
  pcap_freecode(&program);
  if (status != 0) return failed(OpenProblem::other, interface, pcap_geterr(handle));
  return {};
}

}  // namespace

void CloseLiveHandle::operator()(pcap* handle) const {
  pcap_close(handle);
}

// A socket that is bound but not yet in the fan-out group receives everything, and so do all the others: hence each is
// muted until the last has joined.
tl::expected<std::vector<LiveHandle>, OpenFailure> open_live(const std::string& interface, const LiveOptions& options,
                                                             const TunnelOptions& tunnels, const HashKey& key,
                                                             std::size_t count) {
  // Else libpcap would look among its other kinds of devices: any, usbmon, nflog.
  if (if_nametoindex(interface.c_str()) == 0) return failed_by_status(PCAP_ERROR_NO_SUCH_DEVICE, interface, nullptr);
  std::vector<LiveHandle> handles;
  std::vector<int> descriptors;
  for (std::size_t i = 0; i < count; ++i) {
    auto handle = activate(interface, options);
    if (!handle) return tl::make_unexpected(handle.error());
    descriptors.push_back(pcap_fileno(handle->get()));
    if (!bind_muted(descriptors.back(), interface)) return failed(OpenProblem::other, interface, std::strerror(errno));
    handles.push_back(std::move(*handle));
  }
  if (count > 1) {
    auto joined = join_fanout(descriptors, tunnels, key);
    if (!joined) return failed(OpenProblem::fanout, interface, joined.error().text);
  }
  for (const LiveHandle& handle : handles) {
    auto unmuted = unmute(handle.get(), interface, options.filter.value());
    if (!unmuted) return tl::make_unexpected(unmuted.error());
  }
  return handles;
}

std::string problem_of_filter(const std::string& expression) {
  LiveHandle handle(pcap_open_dead(DLT_EN10MB, 262'144));
  bpf_program program{};
  if (pcap_compile(handle.get(), &program, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    return fmt::format("filter '{}': {}", expression, pcap_geterr(handle.get()));
  }
  pcap_freecode(&program);
  return "";
}

}  // namespace specular
