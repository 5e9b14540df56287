using System.Text;

namespace ElfLoader.Linking;

/// <summary>
/// Refuses objects that define one side of a family of allocating functions, such as <c>free</c>, where they use functions of the
/// host that have the other side from the host: a block would go to a function that does not know it.
/// </summary>
/// <remarks>
/// In a linked program the program's definitions serve its shared libraries, too. Host libraries are bound before there is an
/// object, so their own allocations stay with the host: only that is right where no block goes from the one to the other.
/// </remarks>
internal static class AllocationPairs
{
    private const int MostNamed = 5;

    /// <summary>Looks whether any block would be released by a stranger.</summary>
    /// <param name="library">The library that the objects are for.</param>
    /// <param name="resolution">The objects.</param>
    /// <param name="functions">The functions of the host that the objects are bound to, and that hand blocks across.</param>
    /// <param name="errors">Where to report it: one error for each family.</param>
    internal static void Check(
        ObjectLibrary library, SymbolResolution resolution, IReadOnlyList<BlockFunction> functions, LinkErrors errors)
    {
        foreach (IGrouping<AllocationFamily, BlockFunction> family in functions.GroupBy(function => function.Family))
        {
            List<string> defined = [];
            string definer = "";
            List<BlockFunction> meeting = [];
            foreach (string name in family.Key.Allocating.Union(family.Key.Releasing))
            {
                if (DefinerOf(library, resolution, name) is { } found)
                {
                    definer = defined.Count is 0 ? found : definer;
                    defined.Add(name);
                    meeting.AddRange(family.Where(function => function.Family.Opposite(function.Transfer).Contains(name)));
                }
            }

            if (meeting.Count > 0 && !PassesOn(resolution))
            {
                errors.Add(
                    LinkErrorCode.Unsupported,
                    new LinkLocation(definer, Symbol: defined[0]),
                    Describe(defined, family.Key, [.. meeting.Select(function => function.Name).Distinct()]));
            }
        }
    }

    /// <summary>The object that defines a name for the link; null if the host does, or nobody.</summary>
    private static string? DefinerOf(ObjectLibrary library, SymbolResolution resolution, string name)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(name);
        ulong hash = NameHash.Of(bytes);
        int index = resolution.Symbols.Find(bytes);
        if (index >= 0 && resolution.Symbols[index] is { Definer: >= 0, State: not SymbolState.External } symbol)
        {
            return resolution.Objects[symbol.Definer].Elf.Name;
        }

        Definition definition = library.Contents.Find(hash, bytes);
        foreach (ObjectLibrary linked in definition.Exists ? [] : library.LinkedLibraries)
        {
            if (!definition.Exists && linked.Contents.Find(hash, bytes) is { IsHidden: false } shown)
            {
                definition = shown;
            }
        }

        return definition.Unit is null ? null : definition.Provider;
    }

    /// <summary>Whether the definitions only pass on to glibc's own under their other names: then all blocks are of one kind.</summary>
    private static bool PassesOn(SymbolResolution resolution) =>
        resolution.Symbols.Find("__libc_malloc"u8) >= 0 || resolution.Symbols.Find("__libc_free"u8) >= 0;

    private static string Describe(List<string> defined, AllocationFamily family, List<string> functions)
    {
        string way = family == AllocationFamily.C
            ? "give these functions as objects or a static library, too, or leave all of malloc and free to the host"
            : "give the static C++ library (libstdc++.a) as an input";
        return $"{Listed(defined)} {(defined.Count > 1 ? "are" : "is")} defined here, and blocks would go from or to the host's "
            + $"{Listed(functions)}, which the host's own {family.Name} serve: {way}";
    }

    private static string Listed(List<string> names) => $"'{string.Join("', '", names.Take(MostNamed))}'"
        + (names.Count > MostNamed ? $" and {names.Count - MostNamed} more" : "");
}
