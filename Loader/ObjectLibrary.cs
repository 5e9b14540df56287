using System.Text;
using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Memory;

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
public sealed class ObjectLibrary : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Lock _reclaiming = new();
    private readonly DefinitionTable _definitions = new();
    private readonly DefinitionTable _groups = new();
    private readonly List<LoadedUnit> _units = [];
    private readonly List<LoadedUnit> _retired = [];
    private readonly List<ElfObject> _queue = [];
    private readonly List<Delegate> _delegates = [];
    private readonly HashSet<(Archive Archive, int Member)> _pulled = [];
    private readonly NativeProcess _process = NativeProcess.Current;
    private readonly HostScope _host;
    private ObjectLibrary[] _linked = [];
    private Archive[] _archives = [];
    private readonly Lazy<NativeArguments> _arguments;
    private bool _disposed;

    /// <summary>Creates an empty library.</summary>
    /// <param name="name">Its name, for messages.</param>
    /// <param name="options">How it links and loads.</param>
    public ObjectLibrary(string name, ObjectLibraryOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
        Options = options ?? new ObjectLibraryOptions();
        _host = new HostScope(Options.UseHostProcess);
        _arguments = new Lazy<NativeArguments>(() => new NativeArguments(Options.Arguments));
    }

    /// <summary>Asked for the address of a symbol that nothing else defines.</summary>
    public event ResolvingSymbol? Resolving;

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>How it links and loads.</summary>
    public ObjectLibraryOptions Options { get; }

    /// <summary>What has been loaded and not been unloaded.</summary>
    public IReadOnlyList<LoadedUnit> Units
    {
        get
        {
            lock (_gate)
            {
                return [.. _units];
            }
        }
    }

    /// <summary>What initializers get as arguments.</summary>
    internal NativeArguments Arguments => _arguments.Value;

    /// <summary>The pool that the last unit was put into: the next one goes beside it where it can.</summary>
    internal MemoryPool? LastPool { get; set; }

    internal IReadOnlyList<ObjectLibrary> LinkedLibraries => _linked;

    internal IReadOnlyList<Archive> Archives => _archives;

    internal bool HasDefinitions => _definitions.Count > 0;

    /// <summary>Loads objects, linked together with what was queued by <see cref="Add(string)"/>: all of them or none.</summary>
    /// <param name="paths">Objects; archives among them are searched for what the objects lack.</param>
    /// <returns>What was loaded.</returns>
    /// <exception cref="LinkException">They cannot be read, linked or loaded. Nothing has changed.</exception>
    public LoadedUnit Load(params IReadOnlyList<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var inputs = new InputFiles(Options.ReadLimits);
        foreach (string path in paths)
        {
            inputs.Add(path);
        }

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
        return Link(objects);
    }

    /// <summary>Queues an object or an archive, to be linked together with all others that are queued.</summary>
    /// <exception cref="LinkException">It cannot be read.</exception>
    public void Add(string path)
    {
        var inputs = new InputFiles(Options.ReadLimits);
        inputs.Add(path);
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

    /// <summary>Links and loads what is queued; null if nothing is.</summary>
    /// <exception cref="LinkException">
    /// It cannot be linked or loaded; the message tells everything that is still missing. It stays queued.
    /// </exception>
    public LoadedUnit? Link() => LinkWithQueue([]);

    /// <summary>
    /// Links and loads what is queued, as a program: with the archive member that defines its entry, where no object does.
    /// </summary>
    /// <param name="entry">Name of the function to start with; it may be hidden.</param>
    /// <param name="address">Its address; 0 if nothing defines it.</param>
    /// <returns>What was loaded; null if there was nothing to load.</returns>
    /// <exception cref="LinkException">It cannot be linked or loaded; what is queued stays so.</exception>
    public LoadedUnit? LinkProgram(string entry, out nint address)
    {
        ArgumentException.ThrowIfNullOrEmpty(entry);
        byte[] name = Encoding.UTF8.GetBytes(entry);
        bool isQueued;
        lock (_gate)
        {
            isQueued = _queue.Exists(elf => LinkMapOfUnit.Defines(elf, name));
        }

        LoadedUnit? unit = LinkWithQueue([], isQueued ? null : name);
        Definition definition = FindOwn(NameHash.Of(name), name);
        address = definition.Exists ? NativeProcess.AddressOf(definition) : 0;
        return unit;
    }

    /// <summary>Searches an archive for what later loads lack.</summary>
    /// <exception cref="LinkException">It cannot be read.</exception>
    public void AddArchive(string path)
    {
        var inputs = new InputFiles(Options.ReadLimits);
        inputs.Add(path);
        if (inputs.Objects.Count > 0)
        {
            throw new LinkException(LinkErrorCode.File, new LinkLocation(path), "this is not an archive");
        }

        Provide(inputs);
    }

    /// <summary>Searches another library for what later loads lack.</summary>
    public void AddLibrary(ObjectLibrary library)
    {
        ArgumentNullException.ThrowIfNull(library);
        lock (_gate)
        {
            _linked = [.. _linked, library];
        }
    }

    /// <summary>Opens a shared library with the host's loader, and searches it for what later loads lack.</summary>
    /// <param name="nameOrPath">A path, or a name as the host's loader finds it, such as <c>libm.so.6</c>.</param>
    /// <exception cref="LinkException">It cannot be opened.</exception>
    public void AddSharedLibrary(string nameOrPath)
    {
        ArgumentException.ThrowIfNullOrEmpty(nameOrPath);
        _host.Add(nameOrPath);
    }

    /// <summary>Defines a symbol as a function at an address.</summary>
    /// <exception cref="LinkException">The library has a definition of that name.</exception>
    public void Define(string name, nint address) => Define(name, address, SymbolType.Function);

    /// <summary>Defines a symbol as a variable at an address.</summary>
    /// <exception cref="LinkException">The library has a definition of that name.</exception>
    public void DefineData(string name, nint address) => Define(name, address, SymbolType.Object);

    /// <summary>Defines a symbol as a number, which is not known to be the address of code or of data.</summary>
    /// <exception cref="LinkException">The library has a definition of that name.</exception>
    public void DefineAbsolute(string name, ulong value) =>
        Define(name, new Definition { Address = value, IsAbsolute = true, Provider = $"{Name}.Define" });

    /// <summary>Defines a symbol as a C# function; the library keeps the delegate alive.</summary>
    /// <exception cref="LinkException">The library has a definition of that name.</exception>
    public void Define<TDelegate>(string name, TDelegate function)
        where TDelegate : Delegate
    {
        ArgumentNullException.ThrowIfNull(function);
        Define(name, NativeFunction.PointerTo(function), SymbolType.Function);
        lock (_gate)
        {
            _delegates.Add(function);
        }
    }

    /// <summary>The address of a symbol. Of a thread-local variable, this thread's copy.</summary>
    /// <remarks>What is queued is linked first; what only an archive defines is loaded from there.</remarks>
    /// <exception cref="EntryPointNotFoundException">The library has no definition of that name, or a hidden one.</exception>
    /// <exception cref="LinkException">What is queued cannot be linked.</exception>
    public nint GetExport(string name) => TryGetExport(name, out nint address)
        ? address
        : throw new EntryPointNotFoundException($"library '{Name}' does not define '{name}'");

    /// <summary>The address of a symbol. Of a thread-local variable, this thread's copy.</summary>
    /// <remarks>What is queued is linked first; what only an archive defines is loaded from there.</remarks>
    /// <returns>Whether the library defines it and does not hide it.</returns>
    /// <exception cref="LinkException">What is queued cannot be linked.</exception>
    public bool TryGetExport(string name, out nint address)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        _ = Link();
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        ulong hash = NameHash.Of(bytes);
        Definition definition = FindOwn(hash, bytes);
        if (!definition.Exists && _archives.Length > 0 && LinkWithQueue([], bytes) is not null)
        {
            definition = FindOwn(hash, bytes);
        }

        address = definition is { Exists: true, IsHidden: false } ? NativeProcess.AddressOf(definition) : 0;
        return definition is { Exists: true, IsHidden: false };
    }

    /// <summary>A symbol as a delegate.</summary>
    /// <exception cref="EntryPointNotFoundException">The library has no definition of that name, or a hidden one.</exception>
    /// <exception cref="LinkException">What is queued cannot be linked.</exception>
    public TDelegate GetFunction<TDelegate>(string name)
        where TDelegate : Delegate => NativeFunction.At<TDelegate>(GetExport(name));

    /// <summary>Unloads everything, the last loaded first.</summary>
    /// <exception cref="InvalidOperationException">Units of another library use what only this one defines.</exception>
    public void Unload()
    {
        while (true)
        {
            LoadedUnit? last;
            lock (_gate)
            {
                last = _units.Count > 0 ? _units[^1] : null;
            }

            if (last is null)
            {
                break;
            }

            Unload(last);
        }

        Reclaim();
    }

    /// <summary>
    /// Frees the memory of unloaded units that threads kept because they owed destructors of thread-local variables, as
    /// far as these have run.
    /// </summary>
    /// <returns>How many units are still kept.</returns>
    public int Reclaim()
    {
        List<LoadedUnit> freed = [];
        lock (_reclaiming)
        {
            LoadedUnit[] candidates;
            lock (_gate)
            {
                candidates = [.. _retired];
            }

            foreach (LoadedUnit unit in candidates)
            {
                if (unit.Resources.TryFree())
                {
                    freed.Add(unit);
                }
            }

            lock (_gate)
            {
                _retired.RemoveAll(freed.Contains);
            }
        }

        freed.ForEach(Release);
        lock (_gate)
        {
            return _retired.Count;
        }
    }

    /// <summary>Unloads everything; the library cannot be used again.</summary>
    /// <exception cref="InvalidOperationException">Units of another library use what only this one defines.</exception>
    public void Dispose()
    {
        if (!_disposed)
        {
            Unload();
            _disposed = true;
            if (_arguments.IsValueCreated)
            {
                _arguments.Value.Dispose();
            }
        }
    }

    internal Definition FindOwn(ulong hash, ReadOnlySpan<byte> name)
    {
        lock (_gate)
        {
            return _definitions.Find(hash, name);
        }
    }

    internal bool HasGroup(ulong hash, ReadOnlySpan<byte> signature)
    {
        lock (_gate)
        {
            return _groups.Count > 0 && _groups.Find(hash, signature).Exists;
        }
    }

    internal bool HasPulled(Archive archive, int member)
    {
        lock (_gate)
        {
            return _pulled.Contains((archive, member));
        }
    }

    internal Definition FindOutside(ReadOnlySpan<byte> name, SymbolType type)
    {
        if (_host.Find(name, type is SymbolType.Tls) is { Exists: true } definition)
        {
            return definition;
        }

        if (Resolving is { } resolving)
        {
            foreach (ResolvingSymbol handler in Delegate.EnumerateInvocationList(resolving))
            {
                nint address = handler(this, Encoding.UTF8.GetString(name));
                if (address is not 0)
                {
                    return new Definition
                    {
                        Address = (ulong)address,
                        Type = SymbolType.Function,
                        Provider = "the Resolving event",
                    };
                }
            }
        }

        return default;
    }

    /// <summary>Finds a strong symbol that another load has defined since a unit was resolved; -1 if there is none.</summary>
    internal int FindConflict(SymbolResolution resolution, out Definition other)
    {
        lock (_gate)
        {
            return PublishedSymbols.FindConflict(_definitions, resolution, out other);
        }
    }

    /// <summary>Makes a unit's definitions visible.</summary>
    /// <returns>-1, or a symbol that another load was faster to define: then nothing has changed.</returns>
    internal int Publish(
        LoadedUnit unit, SymbolResolution resolution, IReadOnlyList<(Archive, int)> pulled, out Definition other)
    {
        lock (_gate)
        {
            int conflict = PublishedSymbols.FindConflict(_definitions, resolution, out other);
            if (conflict >= 0)
            {
                return conflict;
            }

            PublishedSymbols.Add(_definitions, unit, resolution);
            foreach ((ulong hash, int file, int symbol) in resolution.Groups.All())
            {
                ElfObject elf = resolution.Objects[file].Elf;
                _groups.Set(
                    hash,
                    GroupSignatures.Signature(elf, symbol),
                    new Definition { Unit = unit, Provider = elf.Name });
            }

            _pulled.UnionWith(pulled);
            _units.Add(unit);
            unit.Pulled = pulled;
            unit.State = UnitState.Loaded;
            return -1;
        }
    }

    internal void Unload(LoadedUnit unit)
    {
        if (!_process.Graph.TryLeave(unit, out UnitUse use))
        {
            return;
        }

        lock (_gate)
        {
            _units.Remove(unit);
            _definitions.Remove(unit, use);
            _groups.Remove(unit); // the next copy of a group is loaded: what of the old one is shared prevails by name
            _pulled.ExceptWith(unit.Pulled);
        }

        if ((use & (UnitUse.SharedData | UnitUse.Owed)) == 0)
        {
            unit.Resources.RunDestructors();
        }

        if (use is UnitUse.None)
        {
            Finish(unit);
        }
    }

    /// <summary>Takes a unit back whose start has failed: the destructors of what ran are run.</summary>
    internal void Abandon(LoadedUnit unit)
    {
        unit.State = UnitState.Gone;
        Finish(unit);
    }

    /// <summary>Gives back what nobody uses any more.</summary>
    private void Finish(LoadedUnit unit)
    {
        lock (_gate)
        {
            _definitions.Remove(unit);
            _groups.Remove(unit);
        }

        unit.Resources.RunDestructors();
        unit.Objects = [];
        if (unit.Resources.TryFree())
        {
            Release(unit);
            return;
        }

        _process.Graph.Retire(unit);
        lock (_gate)
        {
            _retired.Add(unit);
        }
    }

    /// <summary>Lets go of what a unit used, whose memory is free.</summary>
    private void Release(LoadedUnit unit)
    {
        foreach (LoadedUnit freed in _process.Graph.Remove(unit))
        {
            freed.Library.Finish(freed);
        }
    }

    private void Define(string name, nint address, SymbolType type) =>
        Define(name, new Definition { Address = (ulong)address, Type = type, Provider = $"{Name}.Define" });

    private void Define(string name, in Definition definition)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        ulong hash = NameHash.Of(bytes);
        lock (_gate)
        {
            if (_definitions.Find(hash, bytes) is { Exists: true, IsWeak: false } other)
            {
                throw new LinkException(
                    LinkErrorCode.Duplicate,
                    new LinkLocation(Name, Symbol: name),
                    $"'{name}' is defined already by {other.Provider}");
            }

            _definitions.Set(hash, bytes, definition);
        }
    }

    private LoadedUnit Load(InputFiles inputs)
    {
        Provide(inputs);
        try
        {
            return Link(inputs.Objects);
        }
        catch
        {
            lock (_gate)
            {
                _archives = [.. _archives.Except(inputs.Archives)];
            }

            throw;
        }
    }

    private void Provide(InputFiles inputs)
    {
        foreach (string shared in inputs.SharedLibraries)
        {
            _host.Add(shared);
        }

        lock (_gate)
        {
            _archives = [.. _archives, .. inputs.Archives];
        }
    }

    private LoadedUnit Link(IReadOnlyList<ElfObject> objects) => LinkWithQueue(objects)
        ?? throw new LinkException(
            LinkErrorCode.File, new LinkLocation(Name), "there is no object to load: archives only provide what objects lack");

    /// <summary>Links objects together with what is queued, and with the archive member that defines a name.</summary>
    private LoadedUnit? LinkWithQueue(IReadOnlyList<ElfObject> objects, byte[]? wanted = null)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ElfObject[] queued;
        lock (_gate)
        {
            if (_queue.Count is 0 && objects.Count is 0 && wanted is null)
            {
                return null;
            }

            queued = [.. _queue];
            _queue.Clear();
        }

        try
        {
            return Link([.. queued, .. objects], wanted);
        }
        catch
        {
            lock (_gate)
            {
                _queue.InsertRange(0, queued); // what was queued stays so
            }

            throw;
        }
    }

    /// <summary>Links, and again where other threads have loaded or unloaded meanwhile what this link relied on.</summary>
    private LoadedUnit? Link(ElfObject[] objects, byte[]? wanted)
    {
        const int mostAttempts = 100;
        for (int attempt = 1; ; attempt++)
        {
            var linker = new UnitLinker(this, _process, objects);
            try
            {
                return linker.Link(wanted);
            }
            catch (LinkException) when (linker.WasOvertaken && attempt < mostAttempts)
            {
                Thread.Sleep(attempt < 10 ? 0 : 1);
            }
        }
    }
}
