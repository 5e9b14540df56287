using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ElfLoader.Memory;

namespace ElfLoader.Fuzz.Faults;

/// <summary><c>faults</c>: makes each call to the system fail with each error, and looks what comes of it.</summary>
internal sealed class FaultsCommand : Command
{
    private readonly Option<int> _processes = new("--processes")
    {
        Description = "How many faults are tried at the start of a process of their own, too, evenly chosen; -1: all.",
        DefaultValueFactory = _ => -1,
    };

    private readonly Option<int> _first = new("--first")
    {
        Description = "Only the fault of this number, in this process, which has loaded nothing before.",
        DefaultValueFactory = _ => -1,
        Hidden = true,
    };

    internal FaultsCommand()
        : base("faults", "Make calls to the system fail, one at a time, and look whether anything but a refusal comes of it.")
    {
        Add(_processes);
        Add(_first);
        SetAction(Run);
    }

    private int Run(ParseResult result)
    {
        Fault[] all = [.. FaultInjection.All];
        if (result.GetValue(_first) is >= 0 and int first)
        {
            return Tell(all[first], FaultInjection.TryFirst(all[first]));
        }

        int found = 0, happened = 0, refused = 0;
        foreach (IGrouping<MemoryMapping, Fault> faults in all.GroupBy(fault => fault.Mapping))
        {
            FaultInjection.Settle(faults.Key);
            foreach (Fault fault in faults)
            {
                found += Tell(fault, FaultInjection.Try(fault, out bool wasUsed, out int steps));
                happened += wasUsed ? 1 : 0;
                refused += steps > 0 ? 1 : 0;
            }
        }

        int processes = result.GetValue(_processes) is >= 0 and int chosen ? Math.Min(chosen, all.Length) : all.Length;
        for (int i = 0; i < processes; i++)
        {
            found += RunProcess((int)((long)i * all.Length / processes), all);
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{all.Length} faults, of which {happened} happened and {refused} refused a step; {processes} at the start of a process; findings: {found}"));
        return found is 0 ? 0 : 1;
    }

    private static int RunProcess(int index, Fault[] all)
    {
        const int patience = 60_000;
        using Process process = Process.Start(new ProcessStartInfo(
            Environment.ProcessPath!,
            [typeof(FaultsCommand).Assembly.Location, "faults", "--first", index.ToString(CultureInfo.InvariantCulture)]))!;
        if (!process.WaitForExit(patience))
        {
            process.Kill();
            return Tell(all[index], ["the process does not end"]);
        }

        return process.ExitCode is 0 or 1 ? process.ExitCode : Tell(all[index], [$"the process ends with status {process.ExitCode}"]);
    }

    private static int Tell(Fault fault, IReadOnlyList<string> findings)
    {
        foreach (string finding in findings)
        {
            Console.WriteLine($"{fault}: {finding}");
        }

        return findings.Count > 0 ? 1 : 0;
    }
}
