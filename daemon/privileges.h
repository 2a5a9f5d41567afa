// What the process may do: capture packets, and nothing else that needs a privilege.
#pragma once

#include <string>

#include "capture/base/result.h"

namespace specular {

// Becomes `user` (if not empty; only root can) with that user's groups, keeps CAP_NET_RAW of all capabilities if it has
// it, and rules out that any program it starts gains more. `directory` is made if it is not there, and given to the
// user if it is new or empty. To be called before the first thread starts, since capabilities belong to threads.
Result<void> drop_privileges(const std::string& user, const std::string& directory);
// The same of the calling thread's own, for one that was started before.
Result<void> drop_thread_privileges();

}  // namespace specular
