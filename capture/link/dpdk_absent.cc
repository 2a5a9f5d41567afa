// What a program has that was built without DPDK.
#include "capture/link/dpdk.h"

namespace specular {

bool Dpdk::is_built_in() {
  return false;
}

Result<std::unique_ptr<Dpdk>> Dpdk::start(Setup) {
  return fail(ErrorKind::invalid, "this program was built without DPDK");
}

}  // namespace specular
