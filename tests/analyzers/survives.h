// Runs what may end the process in a child of its own, so that the other tests go on.
#pragma once

#include <csignal>
#include <cstdio>

#include <sys/wait.h>
#include <unistd.h>

namespace specular::test {

// Whether `run` came to its end, and said true there.
template <class Run>
bool survives(Run run) {
  std::fflush(nullptr);
  pid_t child = fork();
  if (child == 0) {
    // Not the handlers of the test program, which would report a test that crashed.
    for (int fatal : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL}) std::signal(fatal, SIG_DFL);
    _exit(run() ? 0 : 1);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace specular::test
