using System.IO.Enumeration;
using ElfLoader.Relocations;

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

    /// <summary>Tells of patterns that no place matches: the names may have been meant differently.</summary>
    /// <param name="patches">All places.</param>
    /// <param name="rules">The relocation types of the machine.</param>
    /// <exception cref="CommandLineException">The machine has no relocation type of a name.</exception>
    internal IEnumerable<string> Unmatched(IReadOnlyList<PatchRecord> patches, IEnumerable<RelocationRule> rules)
    {
        string[] types = [.. rules.Select(rule => rule.Name)];
        foreach (string pattern in Types.Where(pattern => !patches.Any(patch => Matches([pattern], patch.Relocation))))
        {
            if (!types.Any(type => Matches([pattern], type)))
            {
                string advice = (NearestName.Find(pattern, types) ?? types.FirstOrDefault(
                    type => type.EndsWith($"_{pattern}", StringComparison.OrdinalIgnoreCase))) is { } near
                    ? $"did you mean '{near}'?"
                    : $"the machine's begin with {types[0][..(types[0].LastIndexOf('_') + 1)]}";
                throw new CommandLineException($"--type: there is no relocation type '{pattern}': {advice}");
            }

            yield return $"--type: no place has a relocation of type '{pattern}'";
        }

        string[] symbols = [.. patches.Select(patch => patch.Symbol).OfType<string>().Distinct()];
        symbols = [.. symbols, .. symbols.Select(CxxNames.Demangle).OfType<string>()];
        foreach (string pattern in Symbols.Where(pattern => !symbols.Any(symbol => Matches([pattern], symbol))))
        {
            yield return $"--symbol: no place refers to '{pattern}'{Advice(pattern, symbols)}";
        }

        string[] sections = [.. patches.Select(patch => patch.Section).Distinct()];
        foreach (string pattern in Sections.Where(pattern => !sections.Any(section => Matches([pattern], section))))
        {
            yield return $"--section: no place is in a section '{pattern}'{Advice(pattern, sections)}";
        }
    }

    private static string Advice(string pattern, string[] names) =>
        NearestName.Find(pattern, names) is { } near ? $"; did you mean '{near}'?" : "";

    /// <summary>A name that contains '*' itself, as C++'s may, is matched by itself as well.</summary>
    private static bool Matches(IReadOnlyList<string> patterns, string name) =>
        patterns.Count is 0
        || patterns.Any(pattern => pattern == name || FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false));
}
