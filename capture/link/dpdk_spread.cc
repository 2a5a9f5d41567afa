#include "capture/link/dpdk_spread.h"

#include <array>
#include <cerrno>
#include <numeric>
#include <vector>

#include <rte_byteorder.h>
#include <rte_ethdev.h>
#include <rte_flow.h>

namespace specular {
namespace {

// Repeats every 16 bits: exchanging source and destination, of any length, then changes no bit of a Toeplitz hash.
constexpr std::uint8_t kKey[] = {0x6d, 0x5a};
constexpr std::uint32_t kUsualKeySize = 40;
// Rules with a higher number come after those with a lower.
constexpr std::uint32_t kTunnels = 0, kRest = 1;
constexpr std::uint32_t kOutermost = 1, kInner = 2;

class Rules {
 public:
  Rules(std::uint16_t port, std::size_t queues) : port_(port), queues_(queues) {
    std::iota(queues_.begin(), queues_.end(), std::uint16_t{0});
    rte_eth_dev_info info{};
    if (rte_eth_dev_info_get(port, &info) != 0) info = {};
    std::uint32_t size = info.hash_key_size > 0 ? info.hash_key_size : kUsualKeySize;
    for (std::uint32_t i = 0; i < size; ++i) key_.push_back(kKey[i % std::size(kKey)]);
  }

  bool add(const TunnelOptions& tunnels) {
    for (auto version : {RTE_FLOW_ITEM_TYPE_IPV4, RTE_FLOW_ITEM_TYPE_IPV6}) {
      for (std::uint16_t udp : tunnels.ports.vxlan()) {
        if (!add_tunnel(version, udp, RTE_FLOW_ITEM_TYPE_VXLAN)) return false;
      }
      for (std::uint16_t udp : tunnels.ports.geneve()) {
        if (!add_tunnel(version, udp, RTE_FLOW_ITEM_TYPE_GENEVE)) return false;
      }
      if (!tunnels.only_tunnelled.value() && !add_plain(version)) return false;
    }
    return add_rest();
  }

 private:
  bool add_tunnel(rte_flow_item_type version, std::uint16_t udp, rte_flow_item_type tunnel) {
    rte_flow_item_udp spec{}, mask{};
    spec.hdr.dst_port = rte_cpu_to_be_16(udp);
    mask.hdr.dst_port = 0xffff;
    std::array<rte_flow_item, 5> pattern{};
    pattern[0].type = RTE_FLOW_ITEM_TYPE_ETH;
    pattern[1].type = version;
    pattern[2].type = RTE_FLOW_ITEM_TYPE_UDP;
    pattern[2].spec = &spec;
    pattern[2].mask = &mask;
    pattern[3].type = tunnel;
    pattern[4].type = RTE_FLOW_ITEM_TYPE_END;
    return create_hashing(pattern.data(), kInner);
  }

  bool add_plain(rte_flow_item_type version) {
    std::array<rte_flow_item, 4> pattern{};
    pattern[0].type = RTE_FLOW_ITEM_TYPE_ETH;
    pattern[1].type = version;
    pattern[2].type = RTE_FLOW_ITEM_TYPE_TCP;
    pattern[3].type = RTE_FLOW_ITEM_TYPE_END;
    return create_hashing(pattern.data(), kOutermost);
  }

  bool add_rest() {
    std::array<rte_flow_item, 2> pattern{};
    pattern[0].type = RTE_FLOW_ITEM_TYPE_ETH;
    pattern[1].type = RTE_FLOW_ITEM_TYPE_END;
    rte_flow_action_queue first{};
    return create(pattern.data(), RTE_FLOW_ACTION_TYPE_QUEUE, &first, kRest);
  }

  // Addresses alone, so that fragments go where the rest of their connection goes. The function that is symmetric by
  // itself is asked for first; with this key the plain one is, too.
  bool create_hashing(const rte_flow_item* pattern, std::uint32_t level) {
    rte_flow_action_rss rss{};
    rss.level = level;
    rss.types = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6;
    rss.key = key_.data();
    rss.key_len = static_cast<std::uint32_t>(key_.size());
    rss.queue = queues_.data();
    rss.queue_num = static_cast<std::uint32_t>(queues_.size());
    for (auto function : {RTE_ETH_HASH_FUNCTION_SYMMETRIC_TOEPLITZ, RTE_ETH_HASH_FUNCTION_TOEPLITZ}) {
      rss.func = function;
      if (create(pattern, RTE_FLOW_ACTION_TYPE_RSS, &rss, kTunnels)) return true;
    }
    return false;
  }

  bool create(const rte_flow_item* pattern, rte_flow_action_type type, const void* conf, std::uint32_t priority) {
    rte_flow_attr attributes{};
    attributes.ingress = 1;
    attributes.priority = priority;
    std::array<rte_flow_action, 2> actions{};
    actions[0].type = type;
    actions[0].conf = conf;
    actions[1].type = RTE_FLOW_ACTION_TYPE_END;
    rte_flow_error error{};
    return rte_flow_create(port_, &attributes, pattern, actions.data(), &error) != nullptr;
  }

  std::uint16_t port_;
  std::vector<std::uint16_t> queues_;
  std::vector<std::uint8_t> key_;
};

}  // namespace

bool can_spread(std::uint16_t port) {
  rte_flow_attr attributes{};
  attributes.ingress = 1;
  rte_flow_item pattern{};
  pattern.type = RTE_FLOW_ITEM_TYPE_END;
  rte_flow_action action{};
  action.type = RTE_FLOW_ACTION_TYPE_END;
  rte_flow_error error{};
  return rte_flow_validate(port, &attributes, &pattern, &action, &error) != -ENOSYS;
}

bool spread_frames(std::uint16_t port, std::size_t queues, const TunnelOptions& tunnels) {
  if (Rules(port, queues).add(tunnels)) return true;
  rte_flow_error error{};
  rte_flow_flush(port, &error);
  return false;
}

}  // namespace specular
