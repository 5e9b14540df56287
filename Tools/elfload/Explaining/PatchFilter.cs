using System.IO.Enumeration;

namespace ElfLoader.Tools.Explaining;

/// <summary>Which patched places to show: those that match one pattern of each kind that there are patterns of.</summary>
/// <param name="Symbols">Names of symbols, mangled or demangled.</param>
/// <param name="Sections">Names of sections.</param>
/// <param name="Types">Names of relocation types.</param>
internal sealed record PatchFilter(
    IReadOnlyList<string> Symbols, IReadOnlyList<string> Sections, IReadOnlyList<string> Types)
{
    /// <summary>Whether a place is to be shown.</summary>
    internal bool Admits(PatchRecord patch) =>
        (Matches(Symbols, patch.Symbol ?? "")
            || (CxxNames.Demangle(patch.Symbol ?? "") is { } name && Matches(Symbols, name)))
        && Matches(Sections, patch.Section)
        && Matches(Types, patch.Relocation);

    /// <summary>A name that contains '*' itself, as C++'s may, is matched by itself as well.</summary>
    private static bool Matches(IReadOnlyList<string> patterns, string name) =>
        patterns.Count is 0
        || patterns.Any(pattern => pattern == name || FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false));
}
