using System.Text;
using ElfLoader.Elf;
using ElfLoader.Redirection;

namespace ElfLoader;

/// <content>Functions that change while they are in use, or are loaded when they are called.</content>
public sealed partial class ObjectLibrary
{
    /// <summary>The entries of functions that can be redirected.</summary>
    internal EntryTable Entries { get; }

    /// <summary>
    /// Code that is not in use any more and has not been freed, with what keeps it: the newest last.
    /// </summary>
    public IReadOnlyList<RetiredUnit> RetiredUnits => RetiredUnit.Of(Contents);

    /// <summary>
    /// Loads objects, linked together, and lets their definitions take the place of those that the library has: all of them
    /// or none. The library must be <see cref="ObjectLibraryOptions.Redirectable"/>.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Names that the objects do not define keep their meaning. Initializers run before anything is replaced: what they call
    /// through names that are being replaced is the old code. Then, once no thread is in an <see cref="Epoch"/>, each function's
    /// cell is written. Calls in flight finish in the old code, which stays until <see cref="Reclaim"/>, and can be brought back
    /// until then (<see cref="Replacement.Undo"/>).
    /// </para>
    /// <para>Must not be called from within an epoch.</para>
    /// </remarks>
    /// <param name="paths">Objects; archives among them are searched for what the objects lack.</param>
    /// <returns>What took the place of what.</returns>
    /// <exception cref="LinkException">They cannot be read, linked or loaded. Nothing has changed.</exception>
    /// <exception cref="TimeoutException">There was no moment without a thread in an epoch. Nothing has changed.</exception>
    public Replacement Replace(params IReadOnlyList<string> paths) => Replace(paths, new ReplaceOptions());

    /// <inheritdoc cref="Replace(IReadOnlyList{string})"/>
    /// <param name="paths">Objects.</param>
    /// <param name="options">How.</param>
    public Replacement Replace(IReadOnlyList<string> paths, ReplaceOptions options)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var inputs = new InputFiles(Options.ReadLimits);
        foreach (string path in paths)
        {
            inputs.Add(path);
        }

        return WithArchives(inputs, () => Replace(inputs.Objects, options));
    }

    /// <inheritdoc cref="Replace(IReadOnlyList{string})"/>
    /// <param name="bytes">The object file. The bytes must not change while the library is in use.</param>
    /// <param name="name">Its name, for messages.</param>
    /// <param name="options">How; null: with the defaults.</param>
    public Replacement Replace(ReadOnlyMemory<byte> bytes, string name, ReplaceOptions? options = null) =>
        Replace([ElfObject.Read(bytes, name, Options.ReadLimits)], options);

    /// <inheritdoc cref="Replace(IReadOnlyList{string})"/>
    /// <param name="objects">Objects that have been read.</param>
    /// <param name="options">How; null: with the defaults.</param>
    public Replacement Replace(IReadOnlyList<ElfObject> objects, ReplaceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(objects);
        ObjectDisposedException.ThrowIf(_isClosed, this);
        if (!Options.Redirectable)
        {
            throw new InvalidOperationException(
                $"Library '{Name}' was not made with {nameof(ObjectLibraryOptions)}.{nameof(ObjectLibraryOptions.Redirectable)}.");
        }

        Contents.RefuseInInitializer(Name, nameof(Replace));
        if (EpochGate.IsInside)
        {
            throw new InvalidOperationException("A thread in an epoch cannot replace what it may be using.");
        }

        return LinkRepeatedly([.. objects], new LinkRequest(Replace: options ?? new ReplaceOptions())).Replacement
            ?? throw new LinkException(LinkErrorCode.File, new LinkLocation(Name), "there is no object to load");
    }

    /// <summary>Defines functions by an object that is loaded when one of them is called first.</summary>
    /// <param name="name">The function.</param>
    /// <param name="path">An object, or an archive: then the member that defines the function.</param>
    /// <param name="fallback">What is called instead if that fails; 0: the process ends with a message.</param>
    /// <returns>What to ask, or to load ahead.</returns>
    /// <exception cref="LinkException">The library has a definition of that name.</exception>
    public LazyDefinition DefineLazy(string name, string path, nint fallback = 0)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return DefineLazy([name], () => ReadLazily(name, path), fallback);
    }

    /// <summary>Defines functions by an object that a callback makes when one of them is called first.</summary>
    /// <param name="names">The functions.</param>
    /// <param name="compile">
    /// Gives the object file. Called in the thread that made the first call, once; it may take its time, and call other lazy
    /// functions, but not these.
    /// </param>
    /// <param name="fallback">What is called instead if that fails; 0: the process ends with a message.</param>
    /// <returns>What to ask, or to load ahead.</returns>
    /// <exception cref="LinkException">The library has a definition of one of these names.</exception>
    public LazyDefinition DefineLazy(
        IReadOnlyList<string> names, Func<ReadOnlyMemory<byte>> compile, nint fallback = 0)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(compile);
        return DefineLazy(
            names,
            () => [ElfObject.Read(compile(), names.Count > 0 ? $"{names[0]} (lazy)" : Name, Options.ReadLimits)],
            fallback);
    }

    /// <summary>Gives the places of functions back that have no definition and no user.</summary>
    /// <remarks>Whoever still holds the address of such a function must not call it from then on.</remarks>
    public void TrimEntries() => Entries.Trim();

    /// <summary>Links for a call that is waiting: nothing else waits for it, and it waits for nobody.</summary>
    internal LoadedUnit? LinkLazily(IReadOnlyList<ElfObject> objects) =>
        LinkRepeatedly([.. objects], new LinkRequest(IsLazy: true)).Unit;

    private LazyDefinition DefineLazy(
        IReadOnlyList<string> names, Func<IReadOnlyList<ElfObject>> provide, nint fallback)
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        ArgumentOutOfRangeException.ThrowIfZero(names.Count);
        var lazy = new LazyDefinition(this, [.. names], provide, fallback);
        Contents.DefineLazy(this, lazy);
        return lazy;
    }

    private List<ElfObject> ReadLazily(string name, string path)
    {
        var inputs = new InputFiles(Options.ReadLimits);
        inputs.Add(path);
        List<ElfObject> objects = [.. inputs.Objects];
        byte[] wanted = Encoding.UTF8.GetBytes(name);
        foreach (Archive archive in inputs.Archives)
        {
            if (archive.TryFind(wanted, out int member))
            {
                objects.Add(ElfObject.Read(archive.Members[member].Bytes, archive.Members[member].FullName, Options.ReadLimits));
                break;
            }
        }

        return objects;
    }
}
