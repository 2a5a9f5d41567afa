// Networks for tests: a namespace of their own, interfaces in it, and frames sent through them. Needs root.
#pragma once

#include <string>

#include "tests/support/packet_builder.h"

namespace specular::test {

// Whether this process may make networks. Where it may not, tests that need them are skipped.
bool may_make_networks();

// While it lives, the calling thread, and what it starts, is in a network namespace of its own with nothing in it but
// the loopback interface, up. IPv6 is off on all interfaces, so that nothing speaks by itself.
class OwnNetwork {
 public:
  OwnNetwork();
  OwnNetwork(const OwnNetwork&) = delete;
  OwnNetwork& operator=(const OwnNetwork&) = delete;
  ~OwnNetwork();

 private:
  int before_;
};

// Runs a shell command; terminates with a message if it fails.
void run(const std::string& command);
// Two interfaces, up, that are the ends of a cable.
void make_cable(const std::string& one, const std::string& other);
// At once, as no command could.
void set_down(const std::string& interface);
// `feature` is ETHTOOL_SGRO or the like.
void switch_offload(const std::string& interface, std::uint32_t feature, bool on);

// Sends frames out of an interface.
class FrameSender {
 public:
  explicit FrameSender(const std::string& interface);
  FrameSender(const FrameSender&) = delete;
  FrameSender& operator=(const FrameSender&) = delete;
  ~FrameSender();

  void send(const Octets& frame);
  // So that all but the first 14 bytes lie outside of the linear part of the kernel's buffer, as after many drivers.
  // Requires: more than a page.
  void send_scattered(const Octets& frame);
  // As one of many TCP segments of so many bytes each, which nobody cuts up on the way.
  void send_glued(const Octets& frame, std::uint16_t segment);

 private:
  void send_with_header(const Octets& header, const Octets& frame);

  int plain_, offloading_;
};

}  // namespace specular::test
