using ElfLoader.ReloadBenchmark;

// What redirecting costs: a call, an epoch, a swap, against direct calls, permission toggling and LLVM's ORC.
//   reload-benchmark [--orc PATH-OF-orc_bench]
string? orc = args is ["--orc", string path, ..] ? path : null;
using var sources = new Sources();
Calls.Run(sources);
Swaps.Run(sources, orc);
