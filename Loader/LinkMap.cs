using ElfLoader.Loading;

namespace ElfLoader;

/// <summary>What lies where after linking: in this process, or in an image.</summary>
/// <param name="Machine">Name of the machine: <c>x86_64</c>, <c>arm</c>.</param>
/// <param name="Entry">Address at which the program starts; 0 if there is none.</param>
/// <param name="Sections">The input sections, in the order of linking.</param>
/// <param name="Symbols">The symbols that the objects define.</param>
/// <param name="Stubs">The code that the linker made, through which symbols are reached.</param>
/// <param name="Got">The slots of all global offset tables.</param>
/// <param name="Segments">What is mapped.</param>
public sealed record LinkMap(
    string Machine,
    ulong Entry,
    IReadOnlyList<ImageSection> Sections,
    IReadOnlyList<ImageSymbol> Symbols,
    IReadOnlyList<ImageStub> Stubs,
    IReadOnlyList<ImageGotSlot> Got,
    IReadOnlyList<ImageSegment> Segments)
{
    /// <summary>The map of an image.</summary>
    public static LinkMap Of(LinkedImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return new LinkMap(
            image.Machine, image.Entry, image.Sections, image.Symbols, image.Stubs, image.Got, image.Segments);
    }

    /// <summary>The map of what has been loaded into this process.</summary>
    /// <param name="units">The units; they must not be unloaded meanwhile.</param>
    /// <param name="entry">Address at which the program starts; 0 if there is none.</param>
    /// <remarks>
    /// The address of a thread-local variable is its offset: from the thread pointer where the unit has static storage,
    /// else from the start of the unit's block. Segments have no place in a file. Symbols of the host are not among the symbols.
    /// </remarks>
    public static LinkMap Of(IReadOnlyList<LoadedUnit> units, ulong entry = 0)
    {
        ArgumentNullException.ThrowIfNull(units);
        UnitMap[] parts = [.. units.Select(unit => new UnitMap(unit))];
        return new LinkMap(
            UnitMap.Machine,
            entry,
            [.. parts.SelectMany(part => part.Sections())],
            [.. parts.SelectMany(part => part.Symbols())],
            [.. parts.SelectMany(part => part.Stubs())],
            [.. parts.SelectMany(part => part.Got())],
            [.. parts.SelectMany(part => part.Segments())]);
    }
}
