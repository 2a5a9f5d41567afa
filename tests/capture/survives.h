// Runs what may end the process (a sanitizer's find, an abort) in a child, so that one defect does not hide all others.
#pragma once

#include <cstdio>
#include <type_traits>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace specular::test {

// True if `run` returned (true, if it says so), as opposed to ending its process.
template <class Run>
bool survives(Run&& run) {
  std::fflush(nullptr);
  pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);  // what the framework says of a crash is the parent's to say
    bool good = true;
    try {
      if constexpr (std::is_same_v<decltype(run()), bool>) {
        good = run();
      } else {
        run();
      }
    } catch (...) {  // a failed requirement: the rest of the tests is the parent's
      good = false;
    }
    _exit(good ? 0 : 1);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return false;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace specular::test
