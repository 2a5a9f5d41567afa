// Memory of this process, and how much it may have.
#pragma once

#include <cstdint>

namespace specular {

// Bytes of it that are in memory now (/proc/self/statm).
std::uint64_t resident_bytes();

// What is wanted, or, if that is 0, three quarters of the least of what the machine has and the control group allows.
std::uint64_t memory_limit(std::uint64_t wanted);

}  // namespace specular
