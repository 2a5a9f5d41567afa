#include "tests/capture/link/bpf_machine.h"

#include <array>
#include <cstdlib>
#include <optional>

#include <linux/if_arp.h>
#include <linux/if_packet.h>

namespace specular::test {
namespace {

class Machine {
 public:
  Machine(const Octets& frame, Way way) : outgoing_(way == Way::leaving) {
    std::size_t start = 14;
    protocol_ = static_cast<std::uint32_t>(frame[12] << 8 | frame[13]);
    if (protocol_ == 0x8100 || protocol_ == 0x88a8) {
      protocol_ = static_cast<std::uint32_t>(frame[16] << 8 | frame[17]);
      start = 18;
    }
    if (outgoing_) start = 0;
    bytes_.assign(frame.begin() + static_cast<std::ptrdiff_t>(start), frame.end());
  }

  std::uint32_t run(const std::vector<sock_filter>& program) {
    for (std::size_t at = 0; at < program.size(); ++at) {
      const sock_filter& step = program[at];
      switch (BPF_CLASS(step.code)) {
        case BPF_RET: return BPF_RVAL(step.code) == BPF_A ? a_ : step.k;
        case BPF_JMP: at += jump(step); break;
        case BPF_LD:
          if (!load(step)) return 0;
          break;
        default: compute(step); break;
      }
    }
    std::abort();
  }

 private:
  bool load(const sock_filter& step) {
    if (BPF_MODE(step.code) == BPF_MEM) {
      a_ = memory_.at(step.k);
      return true;
    }
    auto offset = static_cast<std::int32_t>(step.k);
    if (BPF_MODE(step.code) == BPF_ABS && offset < 0) {
      switch (offset - SKF_AD_OFF) {
        case SKF_AD_PKTTYPE: a_ = outgoing_ ? PACKET_OUTGOING : PACKET_HOST; return true;
        case SKF_AD_PROTOCOL: a_ = protocol_; return true;
        case SKF_AD_HATYPE: a_ = ARPHRD_ETHER; return true;
        default: std::abort();
      }
    }
    if (BPF_MODE(step.code) != BPF_IND) std::abort();
    std::size_t size = BPF_SIZE(step.code) == BPF_B ? 1 : BPF_SIZE(step.code) == BPF_H ? 2 : 4;
    std::size_t from = std::size_t{x_} + step.k;
    if (from + size > bytes_.size()) return false;
    a_ = 0;
    for (std::size_t i = 0; i < size; ++i) a_ = a_ << 8 | bytes_[from + i];
    return true;
  }

  std::size_t jump(const sock_filter& step) const {
    switch (BPF_OP(step.code)) {
      case BPF_JA: return step.k;
      case BPF_JEQ: return a_ == step.k ? step.jt : step.jf;
      default: std::abort();
    }
  }

  void compute(const sock_filter& step) {
    switch (step.code) {
      case BPF_ST: memory_.at(step.k) = a_; return;
      case BPF_STX: memory_.at(step.k) = x_; return;
      case BPF_LDX | BPF_IMM: x_ = step.k; return;
      case BPF_LDX | BPF_MEM: x_ = memory_.at(step.k); return;
      case BPF_MISC | BPF_TAX: x_ = a_; return;
      case BPF_MISC | BPF_TXA: a_ = x_; return;
      default: break;
    }
    if (BPF_CLASS(step.code) != BPF_ALU) std::abort();
    std::uint32_t operand = BPF_SRC(step.code) == BPF_X ? x_ : step.k;
    switch (BPF_OP(step.code)) {
      case BPF_ADD: a_ += operand; return;
      case BPF_AND: a_ &= operand; return;
      case BPF_MUL: a_ *= operand; return;
      case BPF_LSH: a_ <<= operand; return;
      case BPF_RSH: a_ >>= operand; return;
      case BPF_XOR: a_ ^= operand; return;
      default: std::abort();
    }
  }

  const bool outgoing_;
  std::uint32_t protocol_;
  Octets bytes_;  // from where the program's offsets count
  std::uint32_t a_ = 0, x_ = 0;
  std::array<std::uint32_t, BPF_MEMWORDS> memory_{};
};

}  // namespace

std::uint32_t run_bpf(const std::vector<sock_filter>& program, const Octets& frame, Way way) {
  return Machine(frame, way).run(program);
}

}  // namespace specular::test
