using ElfLoader.Inspection.Checks;
using ElfLoader.Tools.Arguments;

namespace ElfLoader.Tools.Json;

/// <summary>What <c>verify</c> finds.</summary>
/// <param name="Machine">The machine that was linked for.</param>
/// <param name="Passed">How many checks hold.</param>
/// <param name="Failed">How many do not, or cannot be evaluated.</param>
/// <param name="Checks">All of them, in the order of the files.</param>
internal sealed record VerificationJson(string Machine, int Passed, int Failed, IReadOnlyList<CheckJson> Checks)
{
    /// <summary>What went wrong: an entry for each check that did not pass.</summary>
    public required IReadOnlyList<ErrorJson> Errors { get; init; }

    /// <summary>What the user may not have wanted.</summary>
    public required IReadOnlyList<ErrorJson> Warnings { get; init; }

    /// <summary>The parts of the results.</summary>
    internal static VerificationJson Of(string machine, IReadOnlyList<CheckResult> results, IReadOnlyList<ErrorJson> warnings)
    {
        CheckResult[] failed = [.. results.Where(result => result.Outcome is not CheckOutcome.Passed)];
        return new VerificationJson(
            machine, results.Count - failed.Length, failed.Length, [.. results.Select(CheckJson.Of)])
        {
            Errors = [.. failed.Select(ErrorOf)],
            Warnings = warnings,
        };
    }

    private static ErrorJson ErrorOf(CheckResult result) => new()
    {
        Code = "check",
        Object = result.Rule.File,
        Message = result.Problem ?? $"'{result.Rule.Text.Trim()}' is false: {AddressText.Format(result.Left)} is not {AddressText.Format(result.Right)}",
    };
}

/// <summary>A check.</summary>
/// <param name="File">The file it stands in.</param>
/// <param name="Line">Where it starts, or, if it cannot be evaluated, where the problem is.</param>
/// <param name="Column">The character of the line.</param>
/// <param name="Expression">The equation.</param>
/// <param name="Result">passed, failed or error.</param>
internal sealed record CheckJson(string File, int Line, int Column, string Expression, string Result)
{
    /// <summary>Value of the left side, where it has one.</summary>
    public string? Left { get; init; }

    /// <summary>Value of the right side, where it has one.</summary>
    public string? Right { get; init; }

    /// <summary>Why it cannot be evaluated.</summary>
    public string? Problem { get; init; }

    /// <summary>What it looked at, where it does not hold.</summary>
    public IReadOnlyList<CheckPlaceJson>? Places { get; init; }

    internal static CheckJson Of(CheckResult result)
    {
        bool isError = result.Outcome is CheckOutcome.Error;
        return new CheckJson(
            result.Rule.File,
            result.Position.Line,
            result.Position.Column,
            result.Rule.Text.Trim(),
            result.Outcome switch { CheckOutcome.Passed => "passed", CheckOutcome.Failed => "failed", _ => "error" })
        {
            Left = isError ? null : AddressText.Format(result.Left),
            Right = isError ? null : AddressText.Format(result.Right),
            Problem = result.Problem,
            Places = result.Places.Count is 0 ? null : [.. result.Places.Select(CheckPlaceJson.Of)],
        };
    }
}

/// <summary>A place in the image.</summary>
internal sealed record CheckPlaceJson(string Address, string Where, string Bytes, string? Instruction)
{
    internal static CheckPlaceJson Of(CheckPlace place) => new(
        AddressText.Format(place.Address), place.Where, Convert.ToHexStringLower(place.Bytes.Span), place.Instruction);
}
