using ElfLoader.Inspection.Checks;

namespace ElfLoader.Tools.Verifying;

/// <summary>Tells people which checks failed, and what is there instead.</summary>
internal static class VerificationText
{
    /// <summary>What is wrong with a check, in lines; the first is the message, the others show the bytes.</summary>
    internal static IReadOnlyList<string> Describe(CheckResult result)
    {
        string text = result.Rule.Text.Trim();
        string place = $"{result.Rule.File}:{result.Position}";
        List<string> lines =
        [
            result.Outcome is CheckOutcome.Failed
                ? $"{place}: '{text}' is false: 0x{result.Left:x} is not 0x{result.Right:x}"
                : $"{place}: {result.Problem} (in '{text}')",
        ];
        lines.AddRange(result.Places.Select(Describe));
        return lines;
    }

    /// <summary>How many hold, for each file.</summary>
    internal static IEnumerable<string> Summarize(IReadOnlyList<CheckResult> results) =>
        from result in results
        group result by result.Rule.File into file
        let passed = file.Count(result => result.Outcome is CheckOutcome.Passed)
        select $"{file.Key}: {passed} of {file.Count()} checks passed";

    private static string Describe(CheckPlace place)
    {
        string bytes = string.Join(' ', place.Bytes.ToArray().Select(value => $"{value:x2}"));
        string text = $"    0x{place.Address:x} {place.Where}: {bytes}";
        return place.Instruction is null ? text : $"{text}    {place.Instruction}";
    }
}
