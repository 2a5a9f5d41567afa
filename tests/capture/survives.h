// Runs what may end the process (a sanitizer's find, an abort) in a child, so that one defect does not hide all others.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

namespace specular::test {

// True if `run` returned, as opposed to ending its process.
template <class Run>
bool survives(Run&& run) {
  std::fflush(nullptr);
  pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    run();
    _exit(0);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return false;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace specular::test
