#include "capture/link/interface_facts.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "capture/base/file_descriptor.h"

namespace specular {
namespace {

class Asker {
 public:
  explicit Asker(const std::string& name) : socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    name.copy(request_.ifr_name, IFNAMSIZ - 1);
  }

  // The answer, or nothing.
  ifreq* ask(unsigned long what) { return ioctl(socket_.get(), what, &request_) == 0 ? &request_ : nullptr; }
  std::uint32_t ethtool(std::uint32_t what) {
    ethtool_value value{what, 0};
    request_.ifr_data = reinterpret_cast<char*>(&value);
    return ask(SIOCETHTOOL) != nullptr ? value.data : 0;
  }

 private:
  FileDescriptor socket_;
  ifreq request_{};
};

}  // namespace

std::optional<InterfaceFacts> interface_facts(const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ) return std::nullopt;
  Asker asker(name);
  InterfaceFacts facts;
  const ifreq* answer = asker.ask(SIOCGIFINDEX);
  if (answer == nullptr) return std::nullopt;
  facts.index = answer->ifr_ifindex;
  if ((answer = asker.ask(SIOCGIFFLAGS)) != nullptr) facts.up = (answer->ifr_flags & IFF_UP) != 0;
  if ((answer = asker.ask(SIOCGIFMTU)) != nullptr) facts.mtu = static_cast<std::uint32_t>(answer->ifr_mtu);
  facts.gro = asker.ethtool(ETHTOOL_GGRO) != 0;
  facts.lro = (asker.ethtool(ETHTOOL_GFLAGS) & ETH_FLAG_LRO) != 0;
  return facts;
}

}  // namespace specular
