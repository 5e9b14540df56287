using ElfLoader.Libraries;
using ElfLoader.Linking;
using ElfLoader.Redirection;

namespace ElfLoader.Loading;

/// <summary>A unit whose resolvers and initializers run: nobody sees it yet but the thread that runs them.</summary>
/// <param name="unit">The unit.</param>
/// <param name="resolution">Its names.</param>
/// <param name="isReplacing">Whether it is to take the place of what is loaded.</param>
internal sealed class StartingUnit(LoadedUnit unit, SymbolResolution resolution, bool isReplacing)
{
    /// <summary>The unit.</summary>
    internal LoadedUnit Unit => unit;

    /// <summary>The managed thread that runs its code.</summary>
    internal int Thread { get; } = Environment.CurrentManagedThreadId;

    /// <summary>Whether it is to take the place of what is loaded.</summary>
    internal bool IsReplacing => isReplacing;

    /// <summary>What its own initializers have added to its library and those that this links to, and taken away.</summary>
    internal ContentsChanges Changes { get; private set; }

    /// <summary>How often its own initializers have added something to its library.</summary>
    internal long Additions { get; private set; }

    /// <summary>Counts what its own initializers have changed in its library, or in one that this links to.</summary>
    internal void Count(ContentsChanges changes, LibraryContents changed)
    {
        Changes += changes;
        Additions += IsOf(changed) ? changes.Additions : 0;
    }

    /// <summary>Whether it is being loaded into these contents, not only into a library that links to theirs.</summary>
    internal bool IsOf(LibraryContents contents) => ReferenceEquals(unit.Library.Contents, contents);

    /// <summary>What it defines a name as; one that does not exist where it does not.</summary>
    internal Definition Find(ReadOnlySpan<byte> name)
    {
        int index = resolution.Symbols.Find(name);
        return index < 0 ? default
            : resolution.Symbols[index].IsShared ? PublishedSymbols.SharedBy(unit, resolution, resolution.Symbols[index])
            : resolution.Symbols[index].IsDefinedInLink
            ? PublishedSymbols.DefinitionOf(unit, resolution, unit.Entries, index)
            : default;
    }
}
