using System.Diagnostics;
using System.Globalization;
using ElfLoader.Memory;

namespace ElfLoader.ReloadBenchmark;

/// <summary>What a call and an epoch cost.</summary>
internal static class Calls
{
    private const string Callee = "long f(long x) { return x + 1; }";

    private const string Loop = """
        long f(long); void elfloader_enter_epoch(void); void elfloader_leave_epoch(void);
        long calls(long n) { long s = 0; while (n--) s = f(s); return s; }
        long epochs(long n) { while (n--) { elfloader_enter_epoch(); elfloader_leave_epoch(); } return 0; }
        """;

    private const ulong Count = 100_000_000;
    private const int Repetitions = 7;

    public static void Run(Sources sources)
    {
        string callee = sources.Compile("callee", Callee);
        string loop = sources.Compile("loop", Loop);
        using var direct = new ObjectLibrary("direct");
        using var redirectable = new ObjectLibrary("redirectable", new ObjectLibraryOptions { Redirectable = true });
        direct.Load(loop, callee);
        redirectable.Load(loop, callee);
        double directly = PerTurn(direct, "calls");
        double redirected = PerTurn(redirectable, "calls");
        Print("direct call", directly);
        Print("redirectable call", redirected);
        Print("  difference", redirected - directly);
        Print("epoch, native code", PerTurn(direct, "epochs"));
        Print("epoch, C#", ManagedEpoch());
    }

    private static double PerTurn(ObjectLibrary library, string function)
    {
        ulong address = (ulong)library.GetExport(function);
        return Best(() => NativeCall.Call(address, Count));
    }

    private static double ManagedEpoch() => Best(() =>
    {
        for (ulong i = 0; i < Count; i++)
        {
            using Epoch epoch = Epoch.Enter();
        }
    });

    private static double Best(Action action)
    {
        double best = double.MaxValue;
        for (int i = 0; i < Repetitions; i++)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalNanoseconds / Count);
        }

        return best;
    }

    private static void Print(string what, double nanoseconds) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-40} {nanoseconds,8:F2} ns"));
}
