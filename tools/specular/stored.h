// The inventory that a store holds, for the commands that only look.
#pragma once

#include <memory>

#include "analyzers/judge.h"
#include "tools/specular/command.h"

namespace specular {

Result<std::unique_ptr<Judge>> read_store(const Invocation& invocation);

}  // namespace specular
