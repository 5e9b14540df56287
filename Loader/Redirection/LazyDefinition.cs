using System.Text;
using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Redirection;

namespace ElfLoader;

/// <summary>Functions whose object is loaded when one of them is called first.</summary>
/// <remarks>
/// <para>
/// The first call, by whichever thread, loads the object in that thread; other callers wait for it. Arguments in whatever
/// registers, errno and the floating-point state are as the caller left them. The address of a function is the same before and
/// after. Members may be used from any thread.
/// </para>
/// <para>
/// Loading allocates memory, takes locks and may run a compiler. A first call is therefore not allowed in a signal handler, nor
/// between fork and exec: call <see cref="Materialize()"/> before.
/// </para>
/// </remarks>
public sealed class LazyDefinition
{
    private static readonly object Gate = new();
    private static readonly Dictionary<int, LazyDefinition> Waiting = [];

    private readonly ObjectLibrary _library;
    private readonly Func<IReadOnlyList<ElfObject>> _provide;
    private IReadOnlyList<CallEntry> _entries = [];
    private int _owner; // managed thread that is loading it; 0: none

    internal LazyDefinition(
        ObjectLibrary library, IReadOnlyList<string> names, Func<IReadOnlyList<ElfObject>> provide, nint fallback)
    {
        _library = library;
        Names = names;
        _provide = provide;
        Fallback = fallback;
    }

    /// <summary>The functions.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>What is called in place of the functions if their object cannot be had; 0: the process ends with a message.</summary>
    public nint Fallback { get; }

    /// <summary>Whether all functions have their code.</summary>
    public bool IsMaterialized => _entries.All(entry => entry.Target is not 0);

    /// <summary>Why the object could not be had; null if it could, or nobody has tried.</summary>
    public Exception? Error { get; private set; }

    /// <summary>
    /// Loads the object now, in this thread, unless it is loaded; after a failure, tries again. Returns at once where this
    /// thread, or one that waits for it, is loading it already.
    /// </summary>
    /// <exception cref="LinkException">The object cannot be loaded, or does not define all of the functions.</exception>
    public void Materialize() => Materialize(again: true);

    /// <summary>What a lazy function is to others, before and after.</summary>
    internal static Definition DefinitionOf(CallEntry entry) => new()
    {
        Address = entry.Address,
        Type = SymbolType.Function,
        IsWeak = true,
        Redirection = entry,
        Provider = $"{entry.Library.Name} (lazy)",
    };

    /// <summary>Tells which entries are the functions'.</summary>
    internal void Attach(IReadOnlyList<CallEntry> entries) => _entries = entries;

    /// <summary>Loads the object for a call.</summary>
    /// <param name="again">Whether to try again after a failure.</param>
    internal void Materialize(bool again)
    {
        int thread = Environment.CurrentManagedThreadId;
        if (!TryBegin(thread, again))
        {
            return;
        }

        Exception? error = null;
        try
        {
            Load();
        }
        catch (Exception exception)
        {
            error = exception;
            throw;
        }
        finally
        {
            lock (Gate)
            {
                _owner = 0;
                Error = error;
                Monitor.PulseAll(Gate);
            }
        }
    }

    /// <summary>Waits until nobody is loading it.</summary>
    /// <returns>Whether this thread is to load it; false if it is loaded, or waiting would never end.</returns>
    private bool TryBegin(int thread, bool again)
    {
        lock (Gate)
        {
            while (true)
            {
                if (IsMaterialized)
                {
                    return false;
                }

                if (_owner is 0)
                {
                    if (Error is { } error && !again)
                    {
                        throw new LinkException(
                            error,
                            [new LinkError(LinkErrorCode.Undefined, new LinkLocation(_library.Name, Symbol: Names[0]), error.Message)]);
                    }

                    _owner = thread;
                    return true;
                }

                if (IsWaitedForBy(thread))
                {
                    return false;
                }

                Waiting[thread] = this;
                try
                {
                    _ = Monitor.Wait(Gate);
                }
                finally
                {
                    _ = Waiting.Remove(thread);
                }
            }
        }
    }

    /// <summary>Whether whoever is loading it waits, through others perhaps, for a thread.</summary>
    private bool IsWaitedForBy(int thread)
    {
        for (LazyDefinition? lazy = this; lazy is not null && lazy._owner is not 0; lazy = Waiting.GetValueOrDefault(lazy._owner))
        {
            if (lazy._owner == thread)
            {
                return true;
            }
        }

        return false;
    }

    private void Load()
    {
        IReadOnlyList<ElfObject> objects = _provide();
        try
        {
            _ = _library.LinkLazily(objects);
        }
        catch (LinkException) when (IsMaterialized)
        {
            // Somebody has loaded it in another way meanwhile.
        }

        if (_entries.FirstOrDefault(entry => entry.Target is 0) is { } missing)
        {
            throw new LinkException(
                LinkErrorCode.Undefined,
                new LinkLocation(objects.Count > 0 ? objects[0].Name : _library.Name, Symbol: missing.Name),
                $"the object does not define '{missing.Name}', for which it was loaded");
        }
    }

    /// <summary>The bytes of names, for lookups.</summary>
    internal IEnumerable<byte[]> NameBytes => Names.Select(Encoding.UTF8.GetBytes);
}
