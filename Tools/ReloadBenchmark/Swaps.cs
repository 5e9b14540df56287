using System.Diagnostics;
using System.Globalization;
using ElfLoader.Memory;

namespace ElfLoader.ReloadBenchmark;

/// <summary>What it costs to let a function have other code.</summary>
internal static class Swaps
{
    private const string Small = "int f(int x) { return x + 1; }";

    /// <summary>What a compiler that owns its pages does: the page writable, the jump written, the page executable again.</summary>
    private const string Toggle = """
        #include <stdint.h>
        #include <sys/mman.h>
        static volatile int32_t *page;
        long prepare(long n) { page = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); return 0; }
        long toggle(long n) {
            while (n--) {
                if (mprotect((void *)page, 4096, PROT_READ | PROT_WRITE)) return -1;
                *page = (int32_t)n;
                if (mprotect((void *)page, 4096, PROT_READ | PROT_EXEC)) return -1;
            }
            return 0;
        }
        """;

    private const int Rounds = 7;
    private const int InRound = 400;

    /// <summary>The runtime compiles code again, in the background, while it runs: twice, with pauses.</summary>
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(4);

    public static void Run(Sources sources, string? orc)
    {
        string small = sources.Compile("small", Small);
        byte[] bytes = File.ReadAllBytes(small);
        using var toggles = new ObjectLibrary("toggle");
        toggles.Load(sources.Compile("toggle", Toggle));
        _ = NativeCall.Call((ulong)toggles.GetExport("prepare"), 0);
        using var library = new ObjectLibrary("swaps", new ObjectLibraryOptions { Redirectable = true });
        library.Load(bytes, "small.o");
        List<double> swaps = [];
        List<double> reclaims = [];
        List<double> undos = [];
        List<double> toggled = [];
        List<double> runtimeDyld = [];
        List<double> jitLink = [];
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < WarmUp;)
        {
            Swap(library, bytes, [], []);
            library.Replace(bytes, "small.o").Undo();
        }

        for (int round = 0; round < Rounds; round++) // in turns, so that all see the same machine
        {
            for (int i = 0; i < InRound; i++)
            {
                Swap(library, bytes, swaps, reclaims);
                Replacement last = library.Replace(bytes, "small.o");
                undos.Add(Time(() => last.Undo()));
                toggled.Add(Time(() => NativeCall.Call((ulong)toggles.GetExport("toggle"), 1)));
            }

            if (orc is not null)
            {
                runtimeDyld.AddRange(Orc(orc, small, "rtdyld"));
                jitLink.AddRange(Orc(orc, small, "jitlink"));
            }
        }

        Print("swap: Replace of a small object", swaps);
        Print("  Reclaim of the old one", reclaims);
        Print("  Undo: cells only, nothing is linked", undos);
        Print("permissions toggled (2 mprotect)", toggled);
        Print("ORC, RuntimeDyld: add and look up", runtimeDyld);
        Print("ORC, JITLink: add and look up", jitLink);
    }

    private static void Swap(ObjectLibrary library, byte[] bytes, List<double> swaps, List<double> reclaims)
    {
        swaps.Add(Time(() => library.Replace(bytes, "small.o")));
        reclaims.Add(Time(() => library.Reclaim()));
    }

    private static double Time(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalMicroseconds;
    }

    private static IEnumerable<double> Orc(string program, string path, string linker)
    {
        var start = new ProcessStartInfo(program, [path, "f", $"{InRound}", linker]) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode is 0
            ? output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => double.Parse(line, CultureInfo.InvariantCulture) / 1_000)
            : throw new InvalidOperationException($"{program} failed");
    }

    private static void Print(string what, List<double> microseconds)
    {
        if (microseconds.Count > 0)
        {
            microseconds.Sort();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{what,-40} {microseconds[microseconds.Count / 2],8:F1} us median {microseconds[microseconds.Count / 10],8:F1} us best tenth"));
        }
    }
}
