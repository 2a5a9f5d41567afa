#include "capture/link/fanout.h"

#include <cerrno>
#include <cstring>
#include <initializer_list>

#include <fmt/format.h>
#include <linux/if_arp.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

namespace specular {
namespace {

// Deeper tunnels, and frames with more tags or IPv6 extension headers than that, are left to socket 0.
constexpr int kTunnels = 4, kTags = 2, kExtensions = 2;

constexpr std::uint32_t kIpv4Type = 0x0800, kIpv6Type = 0x86dd, kEthernetType = 0x6558;
constexpr std::uint32_t kTagTypes[] = {0x8100, 0x88a8, 0x9100};
constexpr std::uint32_t kUdp = 17, kFragment = 44, kExtensionTypes[] = {0, 43, 60};
// IP in IP, GRE, authentication header: the decoder looks into these, the program does not.
constexpr std::uint32_t kWrappingProtocols[] = {4, 41, 47, 51};
constexpr std::uint32_t kGtpPort = 2152, kTeredoPort = 3544;

// Cells of the program's memory.
enum Cell : std::uint32_t { kSum, kScratch, kHeader, kProtocol };

enum class Label : std::size_t {};

// Puts a program together. Jumps go forward, as the kernel demands. Conditional ones reach 255 instructions, so each
// skips an unconditional one that reaches everything.
class Assembler {
 public:
  Label label() {
    places_.push_back(0);
    return static_cast<Label>(places_.size() - 1);
  }
  void place(Label label) { places_[static_cast<std::size_t>(label)] = code_.size(); }
  void emit(int code, std::uint32_t k = 0) { code_.push_back({static_cast<std::uint16_t>(code), 0, 0, k}); }
  void jump(Label label) {
    jumps_.push_back({code_.size(), label});
    emit(BPF_JMP | BPF_JA);
  }
  void jump_if_equal(std::uint32_t k, Label label) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1));
    jump(label);
  }
  void jump_if_not_equal(std::uint32_t k, Label label) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 1, 0));
    jump(label);
  }
  // Loads from the frame: A from X + offset.
  void load8(std::uint32_t offset) { emit(BPF_LD | BPF_B | BPF_IND, offset); }
  void load16(std::uint32_t offset) { emit(BPF_LD | BPF_H | BPF_IND, offset); }
  void load32(std::uint32_t offset) { emit(BPF_LD | BPF_W | BPF_IND, offset); }
  void load_fact(int what) { emit(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + what)); }
  // A := memory, X := memory, and back.
  void fetch(Cell cell) { emit(BPF_LD | BPF_MEM, cell); }
  void fetch_x(Cell cell) { emit(BPF_LDX | BPF_MEM, cell); }
  void store(Cell cell) { emit(BPF_ST, cell); }
  void store_x(Cell cell) { emit(BPF_STX, cell); }
  void set_x(std::uint32_t k) { emit(BPF_LDX | BPF_IMM, k); }
  void set_x_to_a() { emit(BPF_MISC | BPF_TAX); }
  void set_a_to_x() { emit(BPF_MISC | BPF_TXA); }
  // A := A op k, A op X.
  void with(int operation, std::uint32_t k) { emit(BPF_ALU | operation | BPF_K, k); }
  void with_x(int operation) { emit(BPF_ALU | operation | BPF_X); }
  // X := X + k; A stays.
  void advance(std::uint32_t k) {
    store(kScratch);
    set_a_to_x();
    with(BPF_ADD, k);
    set_x_to_a();
    fetch(kScratch);
  }

  std::vector<sock_filter> finish() {
    for (const Jump& jump : jumps_) {
      std::size_t target = places_[static_cast<std::size_t>(jump.label)];
      code_[jump.at].k = static_cast<std::uint32_t>(target - jump.at - 1);
    }
    return std::move(code_);
  }

 private:
  struct Jump {
    std::size_t at;
    Label label;
  };
  std::vector<sock_filter> code_;
  std::vector<std::size_t> places_;
  std::vector<Jump> jumps_;
};

// Writes the program, one function a header; X is where the header begins. Nothing can be called and no jump goes back:
// what a tunnel may carry is written once more for each tunnel.
class Writer {
 public:
  Writer(const TunnelPortsOption& ports, const HashKey& key)
      : ports_(ports),
        address_factor_(static_cast<std::uint32_t>(key.k0) | 1),
        sum_factor_(static_cast<std::uint32_t>(key.k1) | 1) {}

  std::vector<sock_filter> write() {
    start();
    for (int depth = 0; depth <= kTunnels; ++depth) {
      out_.place(inside_);
      inside_ = depth < kTunnels ? out_.label() : first_socket_;
      network();
    }
    out_.place(found_);
    out_.fetch(kSum);
    out_.with(BPF_MUL, sum_factor_);
    out_.with(BPF_RSH, 16);
    out_.emit(BPF_RET | BPF_A);
    out_.place(first_socket_);
    out_.emit(BPF_RET | BPF_K, 0);
    return out_.finish();
  }

 private:
  // Puts the Ethertype into A. Frames that arrive have had their link header (and outermost tag) stripped when the
  // program runs, and offsets count from the network header; for those that leave, they count from the link header.
  // Loads relative to SKF_NET_OFF are alike for both, but before Linux 6.16 they reached the linear part of a packet
  // only. Many drivers put nothing there but the outer headers; and a load that fails ends the program with 0.
  void start() {
    Label stripped = out_.label();
    out_.set_x(0);
    out_.load_fact(SKF_AD_PKTTYPE);
    out_.jump_if_not_equal(PACKET_OUTGOING, stripped);
    out_.load_fact(SKF_AD_HATYPE);
    out_.jump_if_not_equal(ARPHRD_ETHER, stripped);
    link();
    out_.place(stripped);
    out_.load_fact(SKF_AD_PROTOCOL);
    out_.jump(inside_);
  }

  // Ethernet, at X.
  void link() {
    out_.load16(12);
    out_.advance(14);
    out_.jump(inside_);
  }

  // What an Ethertype, in A, announces at X.
  void network() {
    Label v4 = out_.label(), v6 = out_.label(), udp = out_.label();
    tags();
    out_.jump_if_equal(kIpv4Type, v4);
    out_.jump_if_equal(kIpv6Type, v6);
    out_.jump(first_socket_);
    out_.place(v4);
    ipv4(udp);
    out_.place(v6);
    ipv6(udp);
    out_.place(udp);
    tunnels();
  }

  void tags() {
    Label untagged = out_.label();
    for (int i = 0; i < kTags; ++i) {
      Label tagged = out_.label();
      for (std::uint32_t type : kTagTypes) out_.jump_if_equal(type, tagged);
      out_.jump(untagged);
      out_.place(tagged);
      out_.load16(2);
      out_.advance(4);
    }
    out_.place(untagged);
  }

  void ipv4(Label udp) {
    Label datagram = out_.label();
    version(0x40);
    for (std::uint32_t at : {12u, 16u}) {
      out_.load32(at);
      out_.with(BPF_MUL, address_factor_);
      add_address(at == 12);
    }
    out_.load8(9);
    out_.jump_if_equal(kUdp, datagram);
    transport();
    // A fragment of UDP may be of a tunnel, and only the first has the port: all of them go together.
    out_.place(datagram);
    out_.load16(6);
    out_.with(BPF_AND, 0x3fff);
    out_.jump_if_not_equal(0, first_socket_);
    out_.load8(0);
    out_.with(BPF_AND, 0x0f);
    out_.with(BPF_LSH, 2);
    out_.with_x(BPF_ADD);
    out_.set_x_to_a();
    out_.jump(udp);
  }

  void ipv6(Label udp) {
    version(0x60);
    for (std::uint32_t address : {8u, 24u}) {
      for (std::uint32_t word = 0; word < 16; word += 4) {
        out_.load32(address + word);
        if (word > 0) {
          out_.fetch_x(kScratch);
          out_.with_x(BPF_ADD);
        }
        out_.with(BPF_MUL, address_factor_);
        out_.store(kScratch);
        out_.fetch_x(kHeader);
      }
      add_address(address == 8);
    }
    out_.load8(6);
    out_.advance(40);
    extensions();
    out_.jump_if_equal(kUdp, udp);
    transport();
  }

  void version(std::uint32_t wanted) {
    out_.load8(0);
    out_.with(BPF_AND, 0xf0);
    out_.jump_if_not_equal(wanted, first_socket_);
    out_.store_x(kHeader);
  }

  // Adds what A has of an address to the sum, stirred: else nets with the same bits would cancel each other out.
  void add_address(bool first) {
    out_.store(kScratch);
    out_.with(BPF_RSH, 15);
    out_.fetch_x(kScratch);
    out_.with_x(BPF_XOR);
    if (!first) {
      out_.fetch_x(kSum);
      out_.with_x(BPF_ADD);
    }
    out_.store(kSum);
    out_.fetch_x(kHeader);
  }

  // Goes past IPv6 extension headers, the next of which A tells.
  void extensions() {
    Label end = out_.label();
    for (int i = 0; i < kExtensions; ++i) {
      Label fragment = out_.label(), extension = out_.label(), next = out_.label();
      for (std::uint32_t type : kExtensionTypes) out_.jump_if_equal(type, extension);
      out_.jump_if_equal(kFragment, fragment);
      out_.jump(end);
      out_.place(fragment);
      out_.load8(0);
      out_.jump_if_equal(kUdp, first_socket_);
      out_.advance(8);
      out_.jump(next);
      out_.place(extension);
      out_.load8(0);
      out_.store(kProtocol);
      out_.load8(1);
      out_.with(BPF_LSH, 3);
      out_.with(BPF_ADD, 8);
      out_.with_x(BPF_ADD);
      out_.set_x_to_a();
      out_.fetch(kProtocol);
      out_.place(next);
    }
    for (std::uint32_t type : kExtensionTypes) out_.jump_if_equal(type, first_socket_);
    out_.jump_if_equal(kFragment, first_socket_);
    out_.place(end);
  }

  // Any protocol but UDP, in A: these are the innermost addresses, unless it wraps what is not looked into.
  void transport() {
    for (std::uint32_t protocol : kWrappingProtocols) out_.jump_if_equal(protocol, first_socket_);
    out_.jump(found_);
  }

  void tunnels() {
    Label in_vxlan = out_.label(), in_geneve = out_.label();
    out_.load16(2);
    for (std::uint16_t port : ports_.vxlan()) out_.jump_if_equal(port, in_vxlan);
    for (std::uint16_t port : ports_.geneve()) out_.jump_if_equal(port, in_geneve);
    for (std::uint32_t at : {2u, 0u}) {
      out_.load16(at);
      for (std::uint32_t port : {kGtpPort, kTeredoPort}) out_.jump_if_equal(port, first_socket_);
    }
    out_.jump(found_);
    out_.place(in_vxlan);
    out_.set_a_to_x();
    out_.with(BPF_ADD, 8 + 8);
    out_.set_x_to_a();
    link();
    out_.place(in_geneve);
    geneve();
  }

  void geneve() {
    Label ethernet = out_.label();
    out_.load16(8 + 2);
    out_.store(kProtocol);
    out_.load8(8);
    out_.with(BPF_AND, 0x3f);
    out_.with(BPF_LSH, 2);
    out_.with(BPF_ADD, 8 + 8);
    out_.with_x(BPF_ADD);
    out_.set_x_to_a();
    out_.fetch(kProtocol);
    out_.jump_if_equal(kEthernetType, ethernet);
    out_.jump(inside_);
    out_.place(ethernet);
    link();
  }

  const TunnelPortsOption& ports_;
  const std::uint32_t address_factor_, sum_factor_;
  Assembler out_;
  Label inside_ = out_.label();  // where what is in the next tunnel is looked at
  Label found_ = out_.label(), first_socket_ = out_.label();
};

Result<void> refused(const char* what) {
  return fail(ErrorKind::unavailable,
              fmt::format("the kernel refuses to spread packets ({}: {})", what, std::strerror(errno)));
}

template <class T>
bool set_option(int descriptor, int option, const T& value) {
  return setsockopt(descriptor, SOL_PACKET, option, &value, sizeof value) == 0;
}

}  // namespace

std::vector<sock_filter> fanout_program(const TunnelOptions& options, const HashKey& key) {
  return Writer(options.ports, key).write();
}

Result<void> join_fanout(std::span<const int> descriptors, const TunnelOptions& options, const HashKey& key) {
  constexpr std::uint32_t kType = PACKET_FANOUT_CBPF << 16, kNewGroup = PACKET_FANOUT_FLAG_UNIQUEID << 16;
  std::vector<sock_filter> code = fanout_program(options, key);
  if (code.size() > BPF_MAXINSNS) return fail(ErrorKind::invalid, "too many tunnel ports to spread packets by them");
  std::uint32_t group = kType | kNewGroup;
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    if (!set_option(descriptors[i], PACKET_FANOUT, group)) return refused("PACKET_FANOUT");
    if (i > 0) continue;
    socklen_t size = sizeof group;
    if (getsockopt(descriptors[0], SOL_PACKET, PACKET_FANOUT, &group, &size) != 0) return refused("PACKET_FANOUT");
    group = kType | (group & 0xffff);
    sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
    if (!set_option(descriptors[0], PACKET_FANOUT_DATA, program)) return refused("PACKET_FANOUT_DATA");
  }
  return {};
}

}  // namespace specular
