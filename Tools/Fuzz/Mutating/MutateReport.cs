using System.Globalization;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>Prints what a run of <c>mutate</c> found out.</summary>
internal static class MutateReport
{
    private static readonly (string Name, string[] Folders)[] Parts =
    [
        ("reader", ["/Loader/Elf/"]),
        (
            "engine",
            [
                "/Loader/Elf/Unwind/", "/Loader/Elf/Writing/", "/Loader/Linking/", "/Loader/Images/",
                "/Relocations/", "/Arch.X64/", "/Arch.Arm/",
            ]),
    ];

    /// <summary>Prints it.</summary>
    internal static void Write(TextWriter to, RunState state, string how)
    {
        Line(to, $"{state.Next:N0} mutants ({how})");
        foreach (string machine in (string[])["x86_64", "arm"])
        {
            Phases(to, state, machine);
        }

        Line(to, $"kinds of outcome seen: {state.Shapes.Count:N0}, mutants kept for more: {state.Queue.Count:N0}");
        Line(to, $"compared at two addresses: {state.Moved:N0} images, {state.Foretold:N0} relocations foretold; applied again: {state.Repeated:N0}");
        Line(to, $"worst: {state.WorstSeconds:F2} s, {state.WorstMemory:F0} bytes allocated for each byte of input");
        foreach (string moment in state.Trace)
        {
            Line(to, $"held by the process at mutant {moment}");
        }

        foreach ((string part, _) in Parts)
        {
            string[] all = [.. state.AllLines.Where(line => PartOf(line) == part)];
            if (all.Length > 0)
            {
                int ran = all.Count(state.Lines.Contains);
                Line(to, $"line coverage of the {part}: {100.0 * ran / all.Length:F1} % ({ran:N0} of {all.Length:N0})");
            }
        }

        Line(to, $"{state.Next / Math.Max(0.001, state.ProcessorSeconds):N0} mutants a second of processor time ({state.ProcessorSeconds:F0} s)");
        Line(to, $"findings: {state.Findings.Values.Sum()}");
        foreach ((string kind, long count) in state.Findings)
        {
            Line(to, $"  {count,8} {kind}");
        }
    }

    /// <summary>The part that has the most exact folder of a line.</summary>
    private static string? PartOf(string line) => Parts
        .SelectMany(part => part.Folders, (part, folder) => (part.Name, Folder: folder))
        .Where(candidate => line.Contains(candidate.Folder, StringComparison.Ordinal))
        .OrderByDescending(candidate => candidate.Folder.Length).FirstOrDefault().Name;

    private static void Phases(TextWriter to, RunState state, string machine)
    {
        long Of(Phase phase) => state.Phases.GetValueOrDefault($"{machine} {phase}");
        long total = state.Phases.Where(pair => pair.Key.StartsWith(machine, StringComparison.Ordinal)).Sum(pair => pair.Value);
        double share = 100.0 / Math.Max(1, total);
        long relocation = Of(Phase.Scan) + Of(Phase.Layout) + Of(Phase.Relocate) + Of(Phase.Loaded);
        Line(to, $"{machine}: {total:N0}; reach relocation {share * relocation:F1} %, load {share * Of(Phase.Loaded):F1} %");
        foreach ((string key, long count) in state.Errors
            .Where(pair => pair.Key.StartsWith(machine, StringComparison.Ordinal))
            .OrderBy(pair => Enum.Parse<Phase>(pair.Key.Split(' ')[1])).ThenByDescending(pair => pair.Value))
        {
            Line(to, $"  {key[(machine.Length + 1)..],-28} {count,9:N0} {share * count,5:F1} %");
        }
    }

    private static void Line(TextWriter to, FormattableString line) => to.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
