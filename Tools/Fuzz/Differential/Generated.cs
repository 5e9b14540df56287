namespace ElfLoader.Fuzz.Differential;

/// <summary>A place in a generated object.</summary>
/// <param name="Offset">Of the relocated field, in the section.</param>
/// <param name="Form">What it is.</param>
/// <param name="Symbol">Name of the symbol.</param>
/// <param name="Addend">The addend.</param>
internal sealed record GeneratedPlace(int Offset, PlaceForm Form, string Symbol, long Addend);

/// <summary>A symbol of a generated object.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">A function in A32 or x86-64 (a), in Thumb (t), data (d), a label (n), thread-local (v), weak and undefined (w).</param>
/// <param name="Address">Its address, without the Thumb bit.</param>
/// <param name="Size">Its size.</param>
/// <param name="IsLocal">Whether only its own object sees it.</param>
internal sealed record GeneratedSymbol(string Name, char Kind, ulong Address, ulong Size, bool IsLocal);

/// <summary>A section of a generated object.</summary>
/// <param name="Name">Its name, unique in the batch.</param>
/// <param name="Kind">Code of A32 (a), Thumb (t), x86-64 (x), or data (d).</param>
/// <param name="Address">Where it is linked to.</param>
internal sealed record GeneratedSection(string Name, char Kind, ulong Address)
{
    /// <summary>Its size in bytes.</summary>
    internal int Size { get; set; }

    /// <summary>Labels by offset.</summary>
    internal List<(int Offset, GeneratedSymbol Symbol)> Labels { get; } = [];

    /// <summary>What is relocated.</summary>
    internal List<GeneratedPlace> Places { get; } = [];
}

/// <summary>An object.</summary>
/// <param name="Name">Its name, without folders.</param>
internal sealed record GeneratedObject(string Name)
{
    /// <summary>Its sections.</summary>
    internal List<GeneratedSection> Sections { get; } = [];

    /// <summary>Numbers that it defines (SHN_ABS), for its partner or for itself.</summary>
    internal List<GeneratedSymbol> Numbers { get; } = [];
}

/// <summary>Two objects that refer to each other, and are linked together.</summary>
/// <param name="First">The first; only it may refer to the table's address.</param>
/// <param name="Second">The second.</param>
internal sealed record GeneratedPair(GeneratedObject First, GeneratedObject Second)
{
    /// <summary>The static base; null where nothing counts from it.</summary>
    internal ulong? StaticBase { get; init; }

    /// <summary>All symbols, by name.</summary>
    internal Dictionary<string, GeneratedSymbol> Symbols { get; } = [];

    /// <summary>Both.</summary>
    internal GeneratedObject[] Objects => [First, Second];
}
