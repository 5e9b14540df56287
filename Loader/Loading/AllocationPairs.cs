using System.Text;
using ElfLoader.Elf;
using ElfLoader.Libraries;
using ElfLoader.Linking;

namespace ElfLoader.Loading;

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
    /// <param name="resolution">The objects, some of which are bound to functions of the host that hand blocks across.</param>
    /// <param name="families">The families of these functions (<see cref="AllocationFamily.Flag"/>).</param>
    /// <param name="errors">Where to report it: one error for each family.</param>
    /// <remarks>Costs next to nothing where nobody defines a function of a family, as nobody mostly does.</remarks>
    internal static void Check(ObjectLibrary library, SymbolResolution resolution, int families, LinkErrors errors)
    {
        List<(string Name, BlockFunction Function)>? functions = null;
        foreach (AllocationFamily family in AllocationFamily.All)
        {
            if ((families & family.Flag) is not 0 && DefinesAny(library, resolution, family))
            {
                Check(library, resolution, family, functions ??= FindFunctions(resolution), errors);
            }
        }
    }

    private static bool DefinesAny(ObjectLibrary library, SymbolResolution resolution, AllocationFamily family)
    {
        foreach (HashedName name in family.Names)
        {
            if (OwnDefinerOf(resolution, name) is not null)
            {
                return true;
            }
        }

        if (library.Contents.DefinesAny(family.Names))
        {
            return true;
        }

        foreach (ObjectLibrary linked in library.LinkedLibraries)
        {
            if (linked.Contents.DefinesAny(family.Names))
            {
                return true;
            }
        }

        return false;
    }

    private static void Check(
        ObjectLibrary library,
        SymbolResolution resolution,
        AllocationFamily family,
        List<(string Name, BlockFunction Function)> functions,
        LinkErrors errors)
    {
        List<string> defined = [];
        string definer = "";
        List<string> meeting = [];
        foreach (HashedName name in family.Names)
        {
            if (DefinerOf(library, resolution, name) is { } found)
            {
                definer = defined.Count is 0 ? found : definer;
                defined.Add(name.Text);
                meeting.AddRange(functions.Where(pair =>
                    pair.Function.Family == family && family.Opposite(pair.Function.Transfer).Contains(name.Text))
                    .Select(pair => pair.Name));
            }
        }

        if (meeting.Count > 0 && !PassesOn(resolution))
        {
            errors.Add(
                LinkErrorCode.Unsupported,
                new LinkLocation(definer, Symbol: defined[0]),
                Describe(defined, family, [.. meeting.Distinct()]));
        }
    }

    /// <summary>The functions of the host that the objects are bound to, and that hand blocks across.</summary>
    private static List<(string Name, BlockFunction Function)> FindFunctions(SymbolResolution resolution)
    {
        List<(string Name, BlockFunction Function)> functions = [];
        LinkSymbols symbols = resolution.Symbols;
        for (int i = 0; i < symbols.Count; i++)
        {
            ref LinkSymbol symbol = ref symbols[i];
            if (symbol.State is SymbolState.External && resolution.Outside(symbol).Source is SymbolSource.Host)
            {
                ReadOnlySpan<byte> name = VersionedName.Of(symbols.Name(i)).Name;
                if (BlockFunctions.TryFind(name, out BlockFunction function))
                {
                    functions.Add((Encoding.UTF8.GetString(name), function));
                }
            }
        }

        return functions;
    }

    /// <summary>The object that defines a name for the link; null if the host does, or nobody.</summary>
    private static string? DefinerOf(ObjectLibrary library, SymbolResolution resolution, HashedName name)
    {
        if (OwnDefinerOf(resolution, name) is { } own)
        {
            return own;
        }

        Definition definition = library.Contents.Find(name.Hash, name.Bytes);
        foreach (ObjectLibrary linked in definition.Exists ? [] : library.LinkedLibraries)
        {
            if (!definition.Exists && linked.Contents.Find(name.Hash, name.Bytes) is { IsHidden: false } shown)
            {
                definition = shown;
            }
        }

        return definition.Unit is null ? null : definition.Provider;
    }

    /// <summary>The object of the link that defines a name; null if none does.</summary>
    private static string? OwnDefinerOf(SymbolResolution resolution, HashedName name)
    {
        int index = resolution.Symbols.Find(name);
        return index >= 0 && resolution.Symbols[index] is { Definer: >= 0, State: not SymbolState.External } symbol
            ? resolution.Objects[symbol.Definer].Elf.Name
            : null;
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
