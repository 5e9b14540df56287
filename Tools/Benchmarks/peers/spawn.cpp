// Times whole processes: from spawning a program to its end. Usage: spawn PROGRAM ARGUMENTS
// BENCHMARK_CLOCK=cpu: the user and system time of the process instead.
#include "harness.h"
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static double Milliseconds(const timeval &Time) { return Time.tv_sec * 1e3 + Time.tv_usec / 1e3; }

int main(int, char **Arguments) {
  posix_spawn_file_actions_t Files;
  posix_spawn_file_actions_init(&Files);
  posix_spawn_file_actions_addopen(&Files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&Files, 1, "/dev/null", O_WRONLY, 0);
  if (!getenv("SPAWN_SHOW_ERRORS"))
    posix_spawn_file_actions_addopen(&Files, 2, "/dev/null", O_WRONLY, 0);
  return Serve([&] {
    double Start = Now(CLOCK_MONOTONIC);
    pid_t Child;
    int Status;
    if (posix_spawnp(&Child, Arguments[1], &Files, nullptr, Arguments + 1, environ))
      Fail(std::string("cannot start ") + Arguments[1]);
    rusage Usage;
    if (wait4(Child, &Status, 0, &Usage) != Child || Status != 0)
      Fail(std::string(Arguments[1]) + " failed with status " + std::to_string(Status >> 8));
    double Elapsed = Now(CLOCK_MONOTONIC) - Start;
    usleep(20000); // some programs leave a child behind that unmaps what they used
    return ChosenClock() == CLOCK_MONOTONIC ? Elapsed : Milliseconds(Usage.ru_utime) + Milliseconds(Usage.ru_stime);
  });
}
