using ElfLoader.Elf;

namespace ElfLoader;

/// <summary>A symbol that the caller defines for an image.</summary>
/// <param name="Address">Its value.</param>
/// <param name="Thumb">
/// For a function whether it is in Thumb code; null where the symbol is not known to be a function.
/// </param>
public readonly record struct DefinedSymbol(ulong Address, bool? Thumb = null);

/// <summary>How an image is linked.</summary>
public sealed record ImageOptions
{
    /// <summary>
    /// Address of the first segment, a multiple of the target's page size; null: the target's usual one, or one from
    /// which the mapped sections can be reached.
    /// </summary>
    public ulong? Base { get; init; }

    /// <summary>Sections whose addresses are given.</summary>
    public IReadOnlyList<SectionMapping> MapSections { get; init; } = [];

    /// <summary>Name of the symbol at which the program starts.</summary>
    public string Entry { get; init; } = "_start";

    /// <summary>Whether it is an error if nothing defines <see cref="Entry"/>; else the image has entry 0.</summary>
    public bool EntryMustExist { get; init; }

    /// <summary>Symbols that the caller defines.</summary>
    public IReadOnlyDictionary<string, DefinedSymbol> Definitions { get; init; } = new Dictionary<string, DefinedSymbol>();

    /// <summary>
    /// Whether symbols without a definition are given <see cref="UndefinedAddress"/> instead of being an error.
    /// </summary>
    public bool AllowUndefined { get; init; }

    /// <summary>
    /// The value of symbols without a definition, where that is allowed; null: the image's first address, which is in
    /// reach and cannot be executed.
    /// </summary>
    public ulong? UndefinedAddress { get; init; }

    /// <summary>Whether instructions may be rewritten to cheaper forms, as linkers do.</summary>
    public bool Relax { get; init; } = true;

    /// <summary>Most bytes that the image may have in memory, gaps between its parts excluded, and in the file.</summary>
    public ulong MaximumSize { get; init; } = 4UL << 30;

    /// <summary>Limits of what objects may claim.</summary>
    public ReadLimits ReadLimits { get; init; } = ReadLimits.Default;
}

/// <summary>
/// Thrown where the options of an image contradict each other or the objects: an address that is not aligned, sections
/// that would overlap, a name that no object has. The input is not at fault.
/// </summary>
public sealed class ImageOptionException : ArgumentException
{
    /// <summary>Creates the exception with a message.</summary>
    public ImageOptionException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and what caused it.</summary>
    public ImageOptionException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates the exception.</summary>
    public ImageOptionException()
    {
    }
}
