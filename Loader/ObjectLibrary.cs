using System.Text;
using ElfLoader.Diagnostics;
using ElfLoader.Elf;
using ElfLoader.Images;
using ElfLoader.Libraries;
using ElfLoader.Linking;
using ElfLoader.Loading;
using ElfLoader.Memory;
using ElfLoader.Redirection;

namespace ElfLoader;

/// <summary>Finds the address of a symbol that nothing else defines.</summary>
/// <param name="library">The library whose objects refer to it.</param>
/// <param name="name">The symbol's name.</param>
/// <returns>Its address, or 0 if it is not known.</returns>
public delegate nint ResolvingSymbol(ObjectLibrary library, string name);

/// <summary>
/// A named set of definitions that objects are loaded into, and bound to one another in: what a shared library is to the
/// dynamic loader.
/// </summary>
/// <remarks>
/// <para>
/// A name is looked up in the library itself, then in the libraries that it links to (<see cref="AddLibrary"/>), then in
/// archives, in the host process and the shared libraries that were added, and at last by <see cref="Resolving"/>.
/// </para>
/// <para>
/// All members may be called from any thread. No lock is held while loaded code or a callback runs. Memory is never freed
/// behind the caller's back: there is no finalizer.
/// </para>
/// </remarks>
public sealed partial class ObjectLibrary : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<ElfObject> _queue = [];
    private readonly List<byte[]> _required = [];
    private readonly List<Delegate> _delegates = [];
    private readonly NativeProcess _process = NativeProcess.Current;
    private readonly MadeOnce<NativeArguments> _arguments;
    private readonly HostScope _host;
    private ObjectLibrary[] _linked = [];
    private Archive[] _archives = [];
    private UnitLinker? _idleLinker; // a load takes it out, so that another one meanwhile makes its own

    /// <summary>Creates an empty library.</summary>
    /// <param name="name">Its name, for messages.</param>
    /// <param name="options">How it links and loads.</param>
    public ObjectLibrary(string name, ObjectLibraryOptions? options = null)
        : this(name, options, isKnown: true)
    {
    }

    /// <param name="name">Its name.</param>
    /// <param name="options">How it links and loads.</param>
    /// <param name="isKnown">Whether loaded code that asks the dynamic linker is told of it.</param>
    internal ObjectLibrary(string name, ObjectLibraryOptions? options, bool isKnown)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
        Options = options ?? new ObjectLibraryOptions();
        Contents = new LibraryContents(_process);
        Entries = new EntryTable(this, _process);
        _host = new HostScope(Options.UseHostProcess);
        _arguments = new MadeOnce<NativeArguments>(() => new NativeArguments(Options.Arguments));
        if (isKnown)
        {
            _process.Add(this);
        }
    }

    /// <summary>Asked for the address of a symbol that nothing else defines.</summary>
    public event ResolvingSymbol? Resolving;

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>How it links and loads.</summary>
    public ObjectLibraryOptions Options { get; }

    /// <inheritdoc cref="Name"/>
    public override string ToString() => Name;

    /// <summary>What has been loaded and not been unloaded.</summary>
    public IReadOnlyList<LoadedUnit> Units => Contents.Units;

    /// <summary>What it holds: definitions and units.</summary>
    internal LibraryContents Contents { get; }

    /// <summary>
    /// What initializers get as arguments, from <see cref="ObjectLibraryOptions.Arguments"/>, with the environment as it was
    /// when this was first asked for. It lives as long as the library.
    /// </summary>
    public NativeArguments Arguments => _arguments.Value;

    /// <summary>What it finds in the host.</summary>
    internal HostScope Host => _host;

    internal ReadOnlySpan<ObjectLibrary> LinkedLibraries => _linked;

    /// <summary>The same, which nobody changes: another one takes its place.</summary>
    internal ObjectLibrary[] Linked => _linked;

    internal ReadOnlySpan<Archive> Archives => _archives;

    /// <summary>Loads objects, linked together with what was queued by <see cref="Add(string)"/>: all of them or none.</summary>
    /// <param name="paths">Objects; archives among them are searched for what the objects lack.</param>
    /// <returns>What was loaded.</returns>
    /// <exception cref="LinkException">
    /// They cannot be read, linked or loaded. Nothing has changed, but that shared libraries among them stay open and are searched.
    /// </exception>
    public LoadedUnit Load(params IReadOnlyList<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        InputFiles inputs = NewInputs();
        foreach (string path in paths)
        {
            inputs.Add(path);
        }

        RefuseWithoutObjects(paths, inputs);
        return Load(inputs);
    }

    /// <summary>Loads an object from memory. The bytes must not change while the library is in use.</summary>
    /// <param name="bytes">The object file.</param>
    /// <param name="name">Its name, for messages.</param>
    /// <returns>What was loaded.</returns>
    /// <exception cref="LinkException">It cannot be read, linked or loaded. Nothing has changed.</exception>
    public LoadedUnit Load(ReadOnlyMemory<byte> bytes, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return Link([ElfObject.Read(bytes, name, Options.ReadLimits)]);
    }

    /// <summary>Loads objects that have been read already, linked together: all of them or none.</summary>
    /// <param name="objects">The objects.</param>
    /// <returns>What was loaded.</returns>
    /// <exception cref="LinkException">They cannot be linked or loaded. Nothing has changed.</exception>
    public LoadedUnit Load(IReadOnlyList<ElfObject> objects)
    {
        ArgumentNullException.ThrowIfNull(objects);
        return Link(objects as ElfObject[] ?? [.. objects]);
    }

    /// <summary>Queues an object or an archive, to be linked together with all others that are queued.</summary>
    /// <exception cref="LinkException">It cannot be read.</exception>
    public void Add(string path)
    {
        var inputs = new InputFiles(Options.ReadLimits, _names);
        inputs.Add(path);
        Add(inputs);
    }

    /// <summary>
    /// Queues objects that have been read, to be linked together with all others that are queued; archives among them are
    /// searched for what is lacking, and shared libraries opened.
    /// </summary>
    /// <exception cref="LinkException">A shared library cannot be opened.</exception>
    public void Add(InputFiles inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        Provide(inputs);
        lock (_gate)
        {
            _queue.AddRange(inputs.Objects);
        }
    }

    /// <summary>Queues an object from memory, to be linked together with all others that are queued.</summary>
    /// <exception cref="LinkException">It cannot be read.</exception>
    public void Add(ReadOnlyMemory<byte> bytes, string name)
    {
        ElfObject elf = ElfObject.Read(bytes, name, Options.ReadLimits);
        lock (_gate)
        {
            _queue.Add(elf);
        }
    }

    /// <summary>
    /// Counts a name as undefined in the next link, so that an archive member which defines it is loaded though nothing refers
    /// to it (<c>-u</c> of linkers). It is no error if nothing defines it.
    /// </summary>
    public void Require(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        lock (_gate)
        {
            _required.Add(Encoding.UTF8.GetBytes(name));
        }
    }

    /// <summary>Links and loads what is queued; null if nothing is.</summary>
    /// <exception cref="LinkException">
    /// It cannot be linked or loaded; the message tells everything that is still missing. It stays queued.
    /// </exception>
    public LoadedUnit? Link() => LinkWithQueue([]);

    /// <summary>
    /// Links and loads what is queued, as a program: with the archive member that defines its entry, where no object does.
    /// </summary>
    /// <param name="entry">
    /// Name of the function to start with. It may be hidden; or local, if only one object has it and nothing else the name.
    /// </param>
    /// <param name="address">Its address; 0 if nothing defines it.</param>
    /// <returns>What was loaded; null if there was nothing to load.</returns>
    /// <exception cref="LinkException">
    /// It cannot be linked or loaded, or the entry is no function. Nothing has changed; what is queued stays so.
    /// </exception>
    public LoadedUnit? LinkProgram(string entry, out nint address)
    {
        ArgumentException.ThrowIfNullOrEmpty(entry);
        byte[] name = Encoding.UTF8.GetBytes(entry);
        bool isQueued;
        lock (_gate)
        {
            isQueued = _queue.Exists(elf => UnitMap.Defines(elf, name));
        }

        LoadedUnit? unit = LinkWithQueue([], isQueued ? null : name, entry);
        Definition definition = Contents.Find(NameHash.Of(name), name);
        if (definition.Exists && LibraryEntry.Objection(definition) is { } objection)
        {
            if (unit is null)
            {
                throw EntryCode.Refused(entry, objection); // there was nothing to link
            }

            definition = default; // it has come since: when this was linked, nothing defined the entry
        }

        address = definition.Exists ? NativeProcess.AddressOf(definition)
            : unit is not null && LocalEntry.TryFind(unit.Objects, entry, out ulong local) ? (nint)local
            : 0;
        return unit;
    }

    /// <summary>Searches another library for what later loads lack.</summary>
    /// <exception cref="ObjectDisposedException">One of them is disposed.</exception>
    public void AddLibrary(ObjectLibrary library)
    {
        ArgumentNullException.ThrowIfNull(library);
        ObjectDisposedException.ThrowIf(_isClosed, this);
        ObjectDisposedException.ThrowIf(library._isClosed, library);
        lock (_gate)
        {
            _linked = [.. _linked, library];
        }

        Contents.CountLinked();
        UpdateScope();
    }

    /// <summary>Opens a shared library with the host's loader, and searches it for what later loads lack.</summary>
    /// <param name="nameOrPath">A path, or a name as the host's loader finds it, such as <c>libm.so.6</c>.</param>
    /// <exception cref="LinkException">It cannot be opened.</exception>
    public void AddSharedLibrary(string nameOrPath)
    {
        ArgumentException.ThrowIfNullOrEmpty(nameOrPath);
        _host.Add(nameOrPath, _process.TryGetPools(UnitDiagnostics.MappingFor(Options)));
        UpdateScope();
    }

    /// <summary>Unloads everything, the last loaded first.</summary>
    /// <remarks>
    /// Of redirectable libraries that use one another, one can go before the other: what the other needs stays in memory, and
    /// can be called by it, until that goes, too.
    /// </remarks>
    /// <exception cref="InvalidOperationException">
    /// Units of another library use what only this one defines; nothing has been unloaded.
    /// </exception>
    /// <exception cref="TimeoutException">The library is redirectable, and there was no moment without a thread in an epoch.</exception>
    public void Unload()
    {
        Contents.RefuseInInitializer(Name, nameof(Unload));
        if (Options.Redirectable)
        {
            LibraryContents.UnloadTogether([.. Units.Reverse()], isLibrary: true); // later ones may be used by earlier ones
        }
        else
        {
            _process.Graph.RefuseIfNeeded(this, Units);
        }

        while (Contents.LastUnit is { } last)
        {
            Contents.Unload(last);
        }

        Reclaim();
    }

    /// <summary>
    /// Frees the memory of unloaded units that threads kept because they owed destructors of thread-local variables, as
    /// far as these have run, and of units that these used and that were unloaded, too. Frees code that was replaced or
    /// unloaded before every thread that is in an <see cref="Epoch"/> entered it, after which it cannot be brought back.
    /// </summary>
    /// <remarks>The caller vouches that no thread outside of epochs is in code that was replaced.</remarks>
    /// <returns>How many units are still kept.</returns>
    public int Reclaim() => Contents.Reclaim();

    /// <summary>
    /// Gives the host address space back that no library of the process uses at present. Memory itself goes back whenever a
    /// unit is unloaded; the addresses are kept for the next, and near the host's libraries there are not many.
    /// </summary>
    public static void TrimAddressSpace() => NativeProcess.Current.Trim();

    /// <summary>
    /// How many children of this process, and of its children, could not be given copies of loaded code and constants when they
    /// were forked: they see what this process unloads, replaces and loads, which it had better not do while they live.
    /// </summary>
    /// <remarks>
    /// It takes a system that has no memory for the copies, or one that lets a process map no more code. A child is counted soon
    /// after its fork.
    /// </remarks>
    public static long ForkedChildrenWithoutCopies => ForkHandling.ChildrenWithoutCopies;

    /// <summary>How often definitions have been added and taken away that a link may miss or rely on.</summary>
    internal ContentsChanges Changes => ChangesWith(_linked);

    /// <summary>The same, where only these others count.</summary>
    internal ContentsChanges ChangesWith(ObjectLibrary[] linked)
    {
        ContentsChanges changes = Contents.Changes;
        foreach (ObjectLibrary other in linked)
        {
            changes += other.Contents.Changes;
        }

        return changes;
    }

    private LoadedUnit Load(InputFiles inputs) => WithArchives(inputs, () => Link([.. inputs.Objects]));
}
