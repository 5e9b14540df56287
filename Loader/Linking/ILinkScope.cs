namespace ElfLoader.Linking;

/// <summary>Where a link finds definitions that its own objects lack, in the order of the members.</summary>
internal interface ILinkScope
{
    /// <summary>What is linked for.</summary>
    LinkTargets Target { get; }

    /// <summary>Refuses an object that cannot be part of the link: one for another machine.</summary>
    /// <exception cref="LinkException">It cannot.</exception>
    void Check(Elf.ElfObject elf);

    /// <summary>Whether <see cref="FindOwn"/> can find anything at all.</summary>
    bool HasOwn { get; }

    /// <summary>A definition that the same library holds already: it prevails over further copies.</summary>
    Definition FindOwn(ulong hash, ReadOnlySpan<byte> name);

    /// <summary>Whether a definition of the library gives way to one of an object, though linkers' rules would not have it so.</summary>
    bool GivesWay(in Definition own, bool isStrong);

    /// <summary>Whether the library has loaded a COMDAT group of this signature.</summary>
    bool HasGroup(ulong hash, ReadOnlySpan<byte> signature);

    /// <summary>Whether the library has loaded sections of which one copy is kept by name: they are its groups, too.</summary>
    bool HasLinkOnce { get; }

    /// <summary>A definition of the libraries that this one links to.</summary>
    Definition FindLinked(ulong hash, ReadOnlySpan<byte> name);

    /// <summary>
    /// A symbol that linkers define, such as <c>__dso_handle</c>; its value is asked for after the layout.
    /// </summary>
    SyntheticSymbol? FindSynthetic(ReadOnlySpan<byte> name, IReadOnlyList<LinkObject> objects);

    /// <summary>The archive member that defines a name and is not yet part of the link.</summary>
    Elf.ElfObject? FindInArchives(ReadOnlySpan<byte> name);

    /// <summary>
    /// Whether another load has brought an archive member that this link wanted: then its definitions are in the library by now.
    /// </summary>
    bool HasOwnGrown { get; }

    /// <summary>A definition of the host process, a shared library, or the caller's callback.</summary>
    Definition FindOutside(ReadOnlySpan<byte> name, Elf.SymbolType type);

    /// <summary>Where hidden symbols are looked for, in words for messages.</summary>
    string HiddenScope { get; }

    /// <summary>Whether a name is defined outside of the link. For messages: nothing is pulled, and nobody is called.</summary>
    bool IsKnown(ReadOnlySpan<byte> name);

    /// <summary>
    /// The names that are defined outside of the link, but not those of the host. For messages: nothing is pulled, and nobody is
    /// called.
    /// </summary>
    /// <returns>Each name; and who has it, in words, where only that may use it.</returns>
    IEnumerable<(string Name, string? HiddenIn)> Names();

    /// <summary>Whether a definition is known to be code.</summary>
    /// <param name="name">The name that is bound to it.</param>
    /// <param name="definition">The definition.</param>
    bool IsFunction(ReadOnlySpan<byte> name, in Definition definition);

    /// <summary>Who provides a definition, as exactly as can be told.</summary>
    string Describe(in Definition definition);
}

/// <summary>A symbol that the linker defines itself.</summary>
/// <param name="Value">Gives its value, once the layout is known.</param>
/// <param name="Traits">What it is.</param>
internal sealed record SyntheticSymbol(Func<ulong> Value, SymbolTraits Traits);
