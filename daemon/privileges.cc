#include "daemon/privileges.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace specular {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> system_error(const std::string& what) {
  return fail(ErrorKind::io, fmt::format("{}: {}", what, std::strerror(errno)));
}

// A store that is not there yet, in a folder that only root may write to.
Result<void> give_directory(const std::string& directory, const passwd& user) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return fail(ErrorKind::io, fmt::format("{}: {}", directory, error.message()));
  bool is_new = fs::is_empty(directory, error) && !error;
  if (is_new && chown(directory.c_str(), user.pw_uid, user.pw_gid) != 0) return system_error(directory);
  return {};
}

Result<void> become(const passwd& user) {
  if (prctl(PR_SET_KEEPCAPS, 1) != 0) return system_error("capabilities cannot be kept");
  if (initgroups(user.pw_name, user.pw_gid) != 0 || setresgid(user.pw_gid, user.pw_gid, user.pw_gid) != 0 ||
      setresuid(user.pw_uid, user.pw_uid, user.pw_uid) != 0) {
    return system_error(fmt::format("cannot become user {}", user.pw_name));
  }
  return {};
}

// What no program that this process becomes could ever regain. Takes CAP_SETPCAP: who lacks it has the set that it was
// started with.
void narrow_bounding_set() {
  for (cap_value_t capability = 0; CAP_IS_SUPPORTED(capability); ++capability) {
    if (capability != CAP_NET_RAW) cap_drop_bound(capability);
  }
}

Result<void> keep_only_capture() {
  std::unique_ptr<std::remove_pointer_t<cap_t>, int (*)(void*)> held(cap_get_proc(), &cap_free),
      kept(cap_init(), &cap_free);
  cap_flag_value_t has_raw = CAP_CLEAR;
  if (!held || !kept || cap_get_flag(held.get(), CAP_NET_RAW, CAP_PERMITTED, &has_raw) != 0) {
    return system_error("capabilities cannot be read");
  }
  cap_value_t raw[] = {CAP_NET_RAW};
  if (has_raw == CAP_SET) {
    cap_set_flag(kept.get(), CAP_PERMITTED, 1, raw, CAP_SET);
    cap_set_flag(kept.get(), CAP_EFFECTIVE, 1, raw, CAP_SET);
  }
  cap_reset_ambient();
  if (cap_set_proc(kept.get()) != 0) return system_error("capabilities cannot be given up");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return system_error("new privileges cannot be ruled out");
  // Memory holds other people's payloads.
  constexpr rlimit kNoCore{0, 0};
  if (setrlimit(RLIMIT_CORE, &kNoCore) != 0) return system_error("core files cannot be ruled out");
  return {};
}

}  // namespace

Result<void> drop_privileges(const std::string& user, const std::string& directory) {
  narrow_bounding_set();
  if (!user.empty()) {
    errno = 0;
    const passwd* entry = getpwnam(user.c_str());
    if (entry == nullptr) return fail(ErrorKind::invalid, fmt::format("there is no user {}", user));
    if (geteuid() != entry->pw_uid) {
      if (geteuid() != 0) return fail(ErrorKind::invalid, "only root can become another user");
      if (auto given = give_directory(directory, *entry); !given) return given;
      if (auto became = become(*entry); !became) return became;
    }
  }
  return keep_only_capture();
}

Result<void> drop_thread_privileges() {
  narrow_bounding_set();
  return keep_only_capture();
}

}  // namespace specular
