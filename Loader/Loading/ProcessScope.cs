using ElfLoader.Elf;
using ElfLoader.Libraries;
using ElfLoader.Linking;
using ElfLoader.Runtime;

namespace ElfLoader.Loading;

/// <summary>What a link in this process sees: the library, what it links to, the host, and what the unit itself adds.</summary>
internal sealed class ProcessScope : ILinkScope
{
    private readonly ObjectLibrary _library;
    private readonly UnitServices _services;
    private readonly UnitBounds _bounds;
    private HashSet<(Archive Archive, int Member)>? _seen;
    private List<(Archive Archive, int Member)>? _pulled;
    private Dictionary<string, SectionRange>? _gathered;
    private SectionNames? _sections;

    internal ProcessScope(ObjectLibrary library, UnitServices services, UnitBounds bounds)
    {
        _library = library;
        _services = services;
        _bounds = bounds;
    }

    /// <summary>Forgets all of a link, so that there can be another one.</summary>
    internal void Clear()
    {
        (_seen, _pulled, _gathered, _sections, Families, HasOwnGrown) = (null, null, null, null, 0, false);
        _bounds.Clear();
    }

    /// <summary>Ranges of sections whose start or end is referred to, by name.</summary>
    internal IReadOnlyDictionary<string, SectionRange>? Gathered => _gathered;

    /// <inheritdoc/>
    public LinkTargets Target => LinkTargets.Process;

    /// <inheritdoc/>
    public void Check(ElfObject elf) => HostMachine.Check(elf);

    /// <inheritdoc/>
    public bool HasOwn => _library.Contents.HasDefinitions;

    /// <inheritdoc/>
    public Definition FindOwn(ulong hash, ReadOnlySpan<byte> name) => _library.Contents.Find(hash, name);

    /// <summary>Whether the objects take the place of what is loaded.</summary>
    internal bool IsReplacing { get; set; }

    /// <inheritdoc/>
    /// <remarks>What has been unloaded, or is lazy, gives way to anything.</remarks>
    public bool GivesWay(in Definition own, bool isStrong) => own is { Unit: null, Entry: not null }
        || (IsReplacing && own.Holder is not null && (isStrong || own.IsWeak));

    /// <inheritdoc/>
    public bool HasGroup(ulong hash, ReadOnlySpan<byte> signature) => !IsReplacing && _library.Contents.HasGroup(hash, signature);

    /// <inheritdoc/>
    public bool HasLinkOnce => !IsReplacing && _library.Contents.HasLinkOnce;

    /// <inheritdoc/>
    public Definition FindLinked(ulong hash, ReadOnlySpan<byte> name)
    {
        foreach (ObjectLibrary linked in _library.LinkedLibraries)
        {
            if (linked.Contents.Find(hash, name) is { Exists: true, IsHidden: false } definition)
            {
                return definition;
            }
        }

        return UnitServices.FindShared(name);
    }

    /// <inheritdoc/>
    public SyntheticSymbol? FindSynthetic(ReadOnlySpan<byte> name, IReadOnlyList<LinkObject> objects)
    {
        if (_services.Find(name) is { } service)
        {
            return service;
        }

        ReadOnlySpan<byte> start = "__start_"u8;
        ReadOnlySpan<byte> stop = "__stop_"u8;
        bool isStart = name.StartsWith(start);
        if (!isStart && !name.StartsWith(stop))
        {
            return FindBound(name);
        }

        ReadOnlySpan<byte> sectionName = name[(isStart ? start.Length : stop.Length)..];
        string key = System.Text.Encoding.UTF8.GetString(sectionName);
        _gathered ??= [];
        if (!_gathered.TryGetValue(key, out SectionRange? range))
        {
            range = SectionRange.Find(sectionName, _sections ??= new SectionNames(), objects);
            if (range is null)
            {
                return null;
            }

            _gathered.Add(key, range);
        }

        return EndOf(range, isStart);
    }

    /// <summary>A bound of the unit; an archive's definition prevails, as it does in other linkers.</summary>
    private SyntheticSymbol? FindBound(ReadOnlySpan<byte> name)
    {
        if (UnitBounds.Find(name) is not { } symbol || IsInArchives(name))
        {
            return null;
        }

        if ((symbol.Needs & LayoutNeeds.Array) != 0)
        {
            _gathered ??= [];
            if (!_gathered.TryGetValue(symbol.Section!, out SectionRange? arrays))
            {
                arrays = SectionRange.OfArrays(symbol.Section!);
                _gathered.Add(symbol.Section!, arrays);
            }

            _bounds.Add(symbol.Section!, arrays);
        }

        return _bounds.Use(symbol);
    }

    private bool IsInArchives(ReadOnlySpan<byte> name)
    {
        foreach (Archive archive in _library.Archives)
        {
            if (archive.TryFind(name, out _))
            {
                return true;
            }
        }

        return false;
    }

    private static SyntheticSymbol EndOf(SectionRange range, bool isStart) => new(
        isStart ? () => range.Start : () => range.Stop, SymbolTraits.Internal | SymbolTraits.Data);

    /// <inheritdoc/>
    public ElfObject? FindInArchives(ReadOnlySpan<byte> name)
    {
        foreach (Archive archive in _library.Archives)
        {
            if (!archive.TryFind(name, out int member) || !(_seen ??= []).Add((archive, member)))
            {
                continue;
            }

            if (_library.Contents.HasPulled(archive, member))
            {
                HasOwnGrown = true;
                continue;
            }

            (_pulled ??= []).Add((archive, member));
            return ElfObject.Read(
                archive.Members[member].Bytes, archive.Members[member].FullName, _library.Options.ReadLimits);
        }

        return null;
    }

    /// <inheritdoc/>
    public bool HasOwnGrown { get; private set; }

    /// <summary>The members that this link has pulled.</summary>
    internal IReadOnlyList<(Archive Archive, int Member)> Pulled => _pulled ?? (IReadOnlyList<(Archive, int)>)[];

    /// <inheritdoc/>
    public Definition FindOutside(ReadOnlySpan<byte> name, SymbolType type)
    {
        VersionedName versioned = VersionedName.Of(name);
        if (versioned.HasVersion && UnitServices.FindShared(versioned.Name) is { Exists: true } shared)
        {
            return shared;
        }

        Definition definition = _library.FindOutside(name, type);
        if (definition.Source is SymbolSource.Host && BlockFunctions.TryFind(versioned.Name, out BlockFunction function))
        {
            Families |= function.Family.Flag;
        }

        if (definition.Source is SymbolSource.Linker)
        {
            _bounds.UseInterface();
        }

        return definition;
    }

    /// <summary>
    /// <see cref="AllocationFamily.Flag"/> of each family whose blocks go to or come from functions of the host that this link is
    /// bound to.
    /// </summary>
    internal int Families { get; private set; }

    /// <inheritdoc/>
    public string HiddenScope => "this library";

    /// <inheritdoc/>
    public bool IsKnown(ReadOnlySpan<byte> name)
    {
        ulong hash = NameHash.Of(name);
        if (FindOwn(hash, name).Exists || FindLinked(hash, name).Exists)
        {
            return true;
        }

        foreach (Archive archive in _library.Archives)
        {
            if (archive.TryFind(name, out _))
            {
                return true;
            }
        }

        return _library.IsInHost(name);
    }

    /// <inheritdoc/>
    public IEnumerable<(string Name, string? HiddenIn)> Names()
    {
        foreach (ObjectLibrary linked in _library.LinkedLibraries.ToArray())
        {
            foreach ((string name, bool isHidden) in linked.Contents.Names())
            {
                yield return (name, isHidden ? $"library '{linked.Name}'" : null);
            }
        }

        foreach ((string name, _) in _library.Contents.Names())
        {
            yield return (name, null);
        }

        foreach (string name in _library.Archives.ToArray().SelectMany(archive => archive.SymbolNames))
        {
            yield return (name, null);
        }
    }

    /// <inheritdoc/>
    public bool IsFunction(ReadOnlySpan<byte> name, in Definition definition) => definition switch
    {
        { Type: not SymbolType.NoType } => definition.Type is SymbolType.Function,
        { Unit: not null } => false,
        _ => HostSymbols.Describe(definition.Source is SymbolSource.Host ? name : [], definition.Address).Kind
            is HostSymbolKind.Function,
    };

    /// <inheritdoc/>
    public string Describe(in Definition definition) =>
        definition.Unit is null && HostSymbols.LibraryOf(definition.Address) is { } path
            ? path
            : definition.Provider;
}
