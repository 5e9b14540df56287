// What the harnesses of the peers share: they read the names of their inputs, one a line, from a file; say "ready" and
// then, for each line with a number that they are sent, run as often and answer with the times, in milliseconds.
// The comparison sends such lines to one harness after the other, so that noise hits all alike.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <sys/mman.h>
#include <time.h>
#include <vector>

// BENCHMARK_CLOCK=cpu: the time that this thread ran, which a busy machine changes less.
static clockid_t ChosenClock() {
  static const char *Name = getenv("BENCHMARK_CLOCK");
  return Name && !strcmp(Name, "cpu") ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
}

static double Now(clockid_t Clock = ChosenClock()) {
  timespec Time;
  clock_gettime(Clock, &Time);
  return Time.tv_sec * 1e3 + Time.tv_nsec / 1e6;
}

[[noreturn]] static void Fail(const std::string &Message) {
  printf("error %s\n", Message.substr(0, Message.find('\n')).c_str());
  exit(1);
}

static std::vector<std::string> ReadLines(const char *Path) {
  std::ifstream File(Path);
  if (!File)
    Fail(std::string("cannot read ") + Path);
  std::vector<std::string> Lines;
  for (std::string Line; std::getline(File, Line);)
    if (!Line.empty())
      Lines.push_back(Line);
  return Lines;
}

// An address that all undefined symbols get: a page of its own, mapped just before, so it is in reach of what follows.
static unsigned long AnyAddress() {
  void *Page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (Page == MAP_FAILED)
    Fail("no memory");
  return (unsigned long)Page;
}

// Answers until its input ends. Run returns the time that one run took.
template <typename RunOnce> static int Serve(RunOnce Run, const std::string &Note = "") {
  printf("ready %s\n", Note.c_str());
  fflush(stdout);
  int Count;
  while (scanf("%d", &Count) == 1) {
    for (int I = 0; I < Count; I++)
      printf(I ? " %.6f" : "%.6f", Run());
    printf("\n");
    fflush(stdout);
  }
  return 0;
}
