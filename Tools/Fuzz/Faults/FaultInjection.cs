using System.Globalization;
using ElfLoader.Loading;
using ElfLoader.Memory;

namespace ElfLoader.Fuzz.Faults;

/// <summary>Which use of which call fails, and how.</summary>
/// <param name="Call">The call.</param>
/// <param name="Error">The error.</param>
/// <param name="Use">1 for the first use.</param>
/// <param name="Mapping">How code is mapped.</param>
internal readonly record struct Fault(string Call, (string Name, int Number) Error, int Use, MemoryMapping Mapping)
{
    /// <summary>For people.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Call} fails with {Error.Name} at use {Use}, {Mapping}");
}

/// <summary>
/// Makes single calls to the system fail, and looks whether anything but a refusal comes of it: another exception, something that
/// is not given back, a failure that stays.
/// </summary>
internal static class FaultInjection
{
    private static readonly int[] s_uses = [1, 2, 10];

    /// <summary>All faults.</summary>
    internal static IEnumerable<Fault> All =>
        from call in SystemCall.All
        from error in call.Errors
        from use in s_uses
        from mapping in (MemoryMapping[])[MemoryMapping.Auto, MemoryMapping.WriteThenProtect]
        select new Fault(call.Name, error, use, mapping);

    /// <summary>Does what this process does once, so that what is held afterwards can be compared.</summary>
    /// <exception cref="InvalidOperationException">It does not work without faults, either.</exception>
    internal static void Settle(MemoryMapping mapping)
    {
        for (int i = 0; i < 2; i++)
        {
            (IReadOnlyList<string> refused, IReadOnlyList<string> findings) = FaultRound.Run(mapping);
            if (refused.Count + findings.Count > 0)
            {
                throw new InvalidOperationException($"without a fault: {string.Join("; ", refused.Concat(findings))}");
            }
        }
    }

    /// <summary>Makes one call fail.</summary>
    /// <param name="fault">Which.</param>
    /// <param name="happened">Whether the call was used so often.</param>
    /// <param name="refused">How many steps were refused.</param>
    /// <returns>What should not have happened.</returns>
    internal static IReadOnlyList<string> Try(Fault fault, out bool happened, out int refused)
    {
        (int, int) before = Held(fault.Mapping);
        List<string> all = [.. RunTwice(fault, out happened, out refused)];
        (int, int) after = Held(fault.Mapping);
        if (after != before)
        {
            all.Add($"allocations and descriptors were {before} and are {after}");
        }

        return all;
    }

    /// <summary>Makes one call fail in a process that has not loaded anything before.</summary>
    internal static IReadOnlyList<string> TryFirst(Fault fault) => RunTwice(fault, out _, out _);

    /// <summary>A round with the fault and one without, which is to succeed.</summary>
    private static IReadOnlyList<string> RunTwice(Fault fault, out bool happened, out int refused)
    {
        (IReadOnlyList<string> refusals, IReadOnlyList<string> findings) = RunWith(fault, out happened);
        refused = refusals.Count;
        (IReadOnlyList<string> still, IReadOnlyList<string> later) = FaultRound.Run(fault.Mapping);
        return [.. findings, .. still.Concat(later).Select(finding => $"in the next round: {finding}")];
    }

    private static (IReadOnlyList<string> Refusals, IReadOnlyList<string> Findings) RunWith(Fault fault, out bool happened)
    {
        int uses = 0;
        SystemFaults.Choose = call =>
            call == fault.Call && Interlocked.Increment(ref uses) == fault.Use ? fault.Error.Number : 0;
        try
        {
            return FaultRound.Run(fault.Mapping);
        }
        finally
        {
            SystemFaults.Choose = null;
            happened = uses >= fault.Use;
        }
    }

    private static (int Allocations, int Descriptors) Held(MemoryMapping mapping) => (
        NativeProcess.Current.Pools(mapping).Statistics.Allocations,
        Directory.GetFiles("/proc/self/fd").Length);
}
