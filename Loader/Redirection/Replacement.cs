using System.Text;
using ElfLoader.Redirection;

namespace ElfLoader;

/// <summary>One generation of a library's functions: what took the place of what.</summary>
/// <remarks>All members may be used from any thread.</remarks>
public sealed class Replacement
{
    private readonly IReadOnlyList<NameChange> _changes;

    internal Replacement(
        ObjectLibrary library, LoadedUnit unit, ulong generation, IReadOnlyList<NameChange> changes)
    {
        Library = library;
        Unit = unit;
        Generation = (long)generation;
        _changes = changes;
    }

    /// <summary>The library.</summary>
    public ObjectLibrary Library { get; }

    /// <summary>What holds the code that is called from now on; after an undo, one of several such units.</summary>
    public LoadedUnit Unit { get; }

    /// <summary>Its number: that of the publication, which grows for all libraries of the process together.</summary>
    public long Generation { get; }

    /// <summary>The functions that had code, and have other code now.</summary>
    public IReadOnlyList<string> Redirected =>
        [.. _changes.Where(change => change is { Old.Body: not 0, New.Body: not 0 }).Select(change => Text(change.Name))];

    /// <summary>The names that had no definition before.</summary>
    public IReadOnlyList<string> Added => [.. _changes.Where(change => !change.Old.Exists).Select(change => Text(change.Name))];

    /// <summary>What became of the variables that the old objects had, too.</summary>
    public IReadOnlyList<StateReport> State { get; internal init; } = [];

    /// <summary>Units of which nothing is in use any more: their code is freed by <see cref="ObjectLibrary.Reclaim"/>.</summary>
    public IReadOnlyList<LoadedUnit> Superseded { get; internal init; } = [];

    /// <summary>Whether the initializers of the objects ran.</summary>
    public bool RanInitializers { get; internal init; }

    /// <summary>Objects and variables that were looked at to find out which of them are kept.</summary>
    internal long StateSteps { get; init; }

    internal IReadOnlyList<NameChange> Changes => _changes;

    /// <summary>Whether it has been undone; it may have been done again since. The gate of the library's contents is held.</summary>
    internal bool WasUndone { get; set; }

    /// <summary>
    /// Makes the previous generation the next one, as far as these names go: old code is called again, and variables are what
    /// they were before, with the values that they have now.
    /// </summary>
    /// <param name="timeout">How long to wait for a moment in which no thread is in an epoch; null: ten seconds.</param>
    /// <returns>What can be undone in turn.</returns>
    /// <exception cref="InvalidOperationException">
    /// It has been undone already, one of the names has been defined anew since, the old code has been reclaimed, or somebody uses what only the new object
    /// defines. The message says which.
    /// </exception>
    /// <exception cref="TimeoutException">There was no such moment.</exception>
    public Replacement Undo(TimeSpan? timeout = null) =>
        Library.Contents.Undo(this, timeout ?? new ReplaceOptions().Timeout);

    private static string Text(byte[] name) => Encoding.UTF8.GetString(name);
}
