using ElfLoader.Arch.Arm;
using ElfLoader.Elf;

namespace ElfLoader;

/// <summary>A symbol that the caller defines for an image.</summary>
/// <param name="Address">Its value.</param>
/// <param name="Thumb">
/// For a function whether it is in Thumb code; null where the symbol is not known to be a function.
/// </param>
public readonly record struct DefinedSymbol(ulong Address, bool? Thumb = null);

/// <summary>
/// Whose the global offset tables are, and so what GOT_ORG, the origin of the table, is (AAELF32); x86-64's GOT is likewise.
/// </summary>
public enum GotOrigin
{
    /// <summary>
    /// Each object has its own, as check expressions expect it: code that finds the table relative to itself does not mind.
    /// </summary>
    Object,

    /// <summary>
    /// All objects have one, as linkers make it: code may keep its address in a register across calls
    /// (<c>-msingle-pic-base</c>).
    /// </summary>
    Image,
}

/// <summary>How an image is linked.</summary>
public sealed record ImageOptions
{
    /// <summary>
    /// Address of the first segment, a multiple of 4. A system that maps pages can only run the image if it is a multiple of its
    /// page size; segments do not share a page of up to 64 KiB on ARM, 4 KiB on x86-64, as far as the address is a multiple
    /// of that. Null: the target's usual one, or one from which the mapped sections can be reached.
    /// </summary>
    public ulong? Base { get; init; }

    /// <summary>Sections whose addresses are given.</summary>
    public IReadOnlyList<SectionMapping> MapSections { get; init; } = [];

    /// <summary>
    /// Name of the symbol at which the program starts. It may be a local one, if only one object has it and no other symbol
    /// has the name.
    /// </summary>
    public string Entry { get; init; } = "_start";

    /// <summary>Whether it is an error if nothing defines <see cref="Entry"/>; else the image has entry 0.</summary>
    public bool EntryMustExist { get; init; }

    /// <summary>
    /// Name of the function that start code calls, the code at <see cref="Entry"/>, for which the rule of <see cref="Entry"/>
    /// is to hold, too: where no other symbol has the name, references are bound to a local one, if only one object has it.
    /// Null: all references are bound to global symbols.
    /// </summary>
    public string? CalledEntry { get; init; }

    /// <summary>
    /// Names that count as undefined from the start, so that the archive members which define them become part of the image
    /// (<c>-u</c> of linkers). It is no error if nothing defines one.
    /// </summary>
    public IReadOnlyList<string> RequiredSymbols { get; init; } = [];

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

    /// <summary>
    /// What <c>_GLOBAL_OFFSET_TABLE_</c> and relocations relative to the GOT count from; null: <see cref="GotOrigin.Image"/>,
    /// unless <see cref="MapSections"/> gives an object's own table an address.
    /// </summary>
    public GotOrigin? GotOrigin { get; init; }

    /// <summary>
    /// The static base, B(S) of AAELF32, that data is addressed relative to; null: the start of the first section in the
    /// segment that the symbol lies in, as linkers have it.
    /// </summary>
    public ulong? StaticBase { get; init; }

    /// <summary>
    /// What AAELF32 leaves to the platform. The processor is the one that the objects' build attributes name; the option
    /// counts where none does.
    /// </summary>
    public ArmOptions Arm { get; init; } = new();

    /// <summary>Whether <see cref="LinkedImage.Patches"/> tells of every patched place.</summary>
    public bool RecordPatches { get; init; }

    /// <summary>Most bytes that the image may have in memory, gaps between its parts excluded, and in the file.</summary>
    public ulong MaximumSize { get; init; } = 4UL << 30;

    /// <summary>Most threads that relocate one image; 0 for as many as there are processors.</summary>
    public int MaximumParallelism { get; init; }

    /// <summary>
    /// Whether small links take the ways that are meant for large ones, too: several threads, symbols that are bound late. It
    /// makes no difference to what they give, which is for tests to see.
    /// </summary>
    internal bool TreatsAsLarge { get; init; }

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
