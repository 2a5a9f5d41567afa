// Description: every setting, counter and figure of coverage, with what it means, taken from where it is declared.
#pragma once

#include <string>

namespace specular {

// YAML. The first document is a configuration: every setting of speculard at its default, its help and range as
// comments. The second tells what is counted: `counters`, `coverage`, `anomalies`, `drops`.
std::string describe();

}  // namespace specular
