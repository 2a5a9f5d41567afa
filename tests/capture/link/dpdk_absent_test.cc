// In a build without DPDK.
#include <doctest/doctest.h>

#include "capture/link/dpdk.h"

namespace specular::test {

TEST_CASE("dpdk: a program built without it says so") {
  DpdkOptions options;
  TunnelOptions tunnels;
  CHECK_FALSE(Dpdk::is_built_in());
  auto started = Dpdk::start({options, tunnels, true, 1, false, {}});
  REQUIRE_FALSE(started);
  CHECK(started.error().text.find("without DPDK") != std::string::npos);
}

}  // namespace specular::test
