namespace ElfLoader.Linking;

/// <summary>Where the parts of what has been linked lie, as far as symbols that linkers define tell it.</summary>
internal interface ILinkedBounds
{
    /// <summary>Address of the ELF header.</summary>
    ulong Header { get; }

    /// <summary>Address after the last byte of code.</summary>
    ulong EndOfCode { get; }

    /// <summary>Address after the last variable with an initial value.</summary>
    ulong EndOfInitializedData { get; }

    /// <summary>Address of the first zero-initialized variable.</summary>
    ulong StartOfZeros { get; }

    /// <summary>Address after the last variable.</summary>
    ulong EndOfData { get; }

    /// <summary>Where the sections of a name lie; an empty range where there are none.</summary>
    (ulong Start, ulong End) RangeOf(string section);
}

/// <summary>What a symbol that linkers define needs of the layout.</summary>
[Flags]
internal enum LayoutNeeds : byte
{
    /// <summary>Nothing that is not there anyway.</summary>
    None = 0,

    /// <summary>An ELF header in memory.</summary>
    Header = 1,

    /// <summary>Zero-initialized variables behind all others.</summary>
    ZerosLast = 2,

    /// <summary>The sections of <see cref="LinkerSymbol.Section"/> end to end.</summary>
    Array = 4,
}

/// <summary>A symbol that linkers define where something refers to it and nothing defines it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">Its value, the layout being known.</param>
/// <param name="Needs">What the layout must provide.</param>
/// <param name="Section">The section whose bound it is; null if it is of the whole.</param>
internal sealed record LinkerSymbol(
    string Name, Func<ILinkedBounds, ulong> Value, LayoutNeeds Needs = LayoutNeeds.None, string? Section = null)
{
    /// <summary>The bounds of the sections of a name.</summary>
    internal static LinkerSymbol[] Range(string start, string end, string section, LayoutNeeds needs = LayoutNeeds.None) =>
    [
        new(start, bounds => bounds.RangeOf(section).Start, needs, section),
        new(end, bounds => bounds.RangeOf(section).End, needs, section),
    ];
}

/// <summary>The symbols that linkers define in executables, by name. Thread-safe.</summary>
internal sealed class LinkerNames
{
    private static readonly LinkerSymbol[] Everywhere =
    [
        new("__ehdr_start", bounds => bounds.Header, LayoutNeeds.Header),
        new("__executable_start", bounds => bounds.Header, LayoutNeeds.Header),
        new("etext", bounds => bounds.EndOfCode),
        new("_etext", bounds => bounds.EndOfCode),
        new("__etext", bounds => bounds.EndOfCode),
        new("edata", bounds => bounds.EndOfInitializedData, LayoutNeeds.ZerosLast),
        new("_edata", bounds => bounds.EndOfInitializedData, LayoutNeeds.ZerosLast),
        new("__bss_start", bounds => bounds.StartOfZeros, LayoutNeeds.ZerosLast),
        new("end", bounds => bounds.EndOfData),
        new("_end", bounds => bounds.EndOfData),
        .. LinkerSymbol.Range("__preinit_array_start", "__preinit_array_end", ".preinit_array", LayoutNeeds.Array),
        .. LinkerSymbol.Range("__init_array_start", "__init_array_end", ".init_array", LayoutNeeds.Array),
        .. LinkerSymbol.Range("__fini_array_start", "__fini_array_end", ".fini_array", LayoutNeeds.Array),
    ];

    private readonly Dictionary<ulong, (byte[] Name, LinkerSymbol Symbol)> _symbols = [];

    /// <param name="others">What else is defined in this kind of output.</param>
    internal LinkerNames(params IEnumerable<LinkerSymbol> others)
    {
        foreach (LinkerSymbol symbol in (IEnumerable<LinkerSymbol>)[.. Everywhere, .. others])
        {
            byte[] name = System.Text.Encoding.UTF8.GetBytes(symbol.Name);
            _symbols.Add(NameHash.Of(name), (name, symbol));
        }
    }

    /// <summary>Whether a name may be one of a linker's. Most are not: those of C++, for one.</summary>
    internal static bool IsCandidate(ReadOnlySpan<byte> name) => name.Length >= 3
        && (name[0] is (byte)'e' or (byte)'d' || (name[0] is (byte)'_' && name[1] is (byte)'_' or (byte)'e' or (byte)'b' or (byte)'T'));

    /// <summary>Finds a symbol; null where linkers define none of that name.</summary>
    internal LinkerSymbol? Find(ReadOnlySpan<byte> name) =>
        IsCandidate(name) && _symbols.TryGetValue(NameHash.Of(name), out (byte[] Name, LinkerSymbol Symbol) found)
            && name.SequenceEqual(found.Name)
            ? found.Symbol
            : null;
}
