// Asking a running daemon, over its Unix socket.
#pragma once

#include <string>

#include "capture/base/result.h"
#include "daemon/config.h"
#include "daemon/queries.h"

namespace specular {

// Where the daemon of a store is asked.
std::string control_path(const ControlOptions& options, const std::string& store);

struct ControlReply {
  int status = 0;  // of HTTP: control.h says which
  std::string body;
};

// Fails with `unavailable` if no daemon answers there, `io` if it may not be asked, which says who may, or if it broke
// off.
Result<ControlReply> ask_control(const std::string& path, const Query& query);
// The same for a change, which is made if it is accepted. After an error it may be made or not; making it again does no
// harm.
Result<ControlReply> change_by_control(const std::string& path, const Query& change);

}  // namespace specular
