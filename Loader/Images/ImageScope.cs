using System.Text;
using ElfLoader.Elf;
using ElfLoader.Linking;

namespace ElfLoader.Images;

/// <summary>What the objects of an image see beside each other: the caller's definitions, the archives, the linker's own symbols.</summary>
internal sealed class ImageScope : ILinkScope
{
    private readonly ImageOptions _options;
    private readonly ImageMachine _machine;
    private readonly ElfObject _first;
    private readonly IReadOnlyList<Archive> _archives;
    private readonly LinkerSymbols _linkerSymbols;
    private readonly Dictionary<ulong, List<(byte[] Name, Definition Definition)>> _definitions = []; // by hash
    private readonly HashSet<(int Archive, int Member)> _seen = [];
    private readonly List<int> _pulled = [];
    private readonly byte[]? _called;

    internal ImageScope(
        ImageOptions options,
        ImageMachine machine,
        ElfObject first,
        IReadOnlyList<Archive> archives,
        LinkerSymbols linkerSymbols)
    {
        _options = options;
        _machine = machine;
        _first = first;
        _archives = archives;
        _linkerSymbols = linkerSymbols;
        _called = options.CalledEntry is { } called ? Encoding.UTF8.GetBytes(called) : null;
        foreach ((string text, DefinedSymbol symbol) in options.Definitions)
        {
            byte[] name = Encoding.UTF8.GetBytes(text);
            ulong hash = NameHash.Of(name);
            if (!_definitions.TryGetValue(hash, out List<(byte[], Definition)>? sameHash))
            {
                _definitions[hash] = sameHash = [];
            }

            sameHash.Add((name, new Definition
            {
                Address = symbol.Address,
                Type = symbol.Thumb is null ? SymbolType.NoType : SymbolType.Function,
                IsThumb = symbol.Thumb is true,
                IsAbsolute = true,
                Source = SymbolSource.Caller,
                Provider = "the caller's definitions (--define)",
            }));
        }
    }

    /// <summary>For each archive member that was pulled, in the order of pulling, the number of its archive.</summary>
    internal IReadOnlyList<int> Pulled => _pulled;

    /// <inheritdoc/>
    public LinkTargets Target => LinkTargets.Image;

    /// <inheritdoc/>
    public void Check(ElfObject elf) => _machine.Check(elf, _first);

    /// <inheritdoc/>
    public bool HasOwn => _definitions.Count > 0;

    /// <inheritdoc/>
    public bool GivesWay(in Definition own, bool isStrong) => false;

    /// <inheritdoc/>
    public Definition FindOwn(ulong hash, ReadOnlySpan<byte> name)
    {
        foreach ((byte[] defined, Definition definition) in _definitions.GetValueOrDefault(hash) ?? [])
        {
            if (name.SequenceEqual(defined))
            {
                return definition;
            }
        }

        return default;
    }

    /// <inheritdoc/>
    public bool HasGroup(ulong hash, ReadOnlySpan<byte> signature) => false;

    /// <inheritdoc/>
    public bool HasLinkOnce => false;

    /// <inheritdoc/>
    public Definition FindLinked(ulong hash, ReadOnlySpan<byte> name) => default;

    /// <summary>A symbol that linkers define; an archive's definition prevails, as it does in other linkers.</summary>
    public SyntheticSymbol? FindSynthetic(ReadOnlySpan<byte> name, IReadOnlyList<LinkObject> objects) =>
        (_linkerSymbols.Find(name, objects) ?? FindLocal(name, objects)) is { } symbol && !IsInArchives(name) ? symbol : null;

    private SyntheticSymbol? FindLocal(ReadOnlySpan<byte> name, IReadOnlyList<LinkObject> objects) =>
        _called is not null && name.SequenceEqual(_called)
            ? LocalEntry.Globalized(objects, _options.CalledEntry!, _machine.Rules.Architecture.ThumbBit)
            : null;

    /// <inheritdoc/>
    public ElfObject? FindInArchives(ReadOnlySpan<byte> name)
    {
        for (int i = 0; i < _archives.Count; i++)
        {
            if (_archives[i].TryFind(name, out int member))
            {
                if (!_seen.Add((i, member)))
                {
                    return null; // it is in the link already, and did not define the name after all
                }

                _pulled.Add(i);
                ArchiveMember found = _archives[i].Members[member];
                return ElfObject.Read(found.Bytes, found.FullName, _options.ReadLimits);
            }
        }

        return null;
    }

    /// <inheritdoc/>
    public bool HasOwnGrown => false;

    /// <inheritdoc/>
    public Definition FindOutside(ReadOnlySpan<byte> name, SymbolType type) => default;

    /// <inheritdoc/>
    public string HiddenScope => "an object or archive of this link";

    /// <inheritdoc/>
    public bool IsKnown(ReadOnlySpan<byte> name) => FindOwn(NameHash.Of(name), name).Exists || IsInArchives(name);

    /// <inheritdoc/>
    public IEnumerable<(string Name, string? HiddenIn)> Names() =>
        _options.Definitions.Keys.Concat(_archives.SelectMany(archive => archive.SymbolNames)).Select(name => (name, (string?)null));

    /// <inheritdoc/>
    public bool IsFunction(ReadOnlySpan<byte> name, in Definition definition) => definition.Type is SymbolType.Function;

    /// <inheritdoc/>
    public string Describe(in Definition definition) => definition.Provider;

    private bool IsInArchives(ReadOnlySpan<byte> name)
    {
        foreach (Archive archive in _archives)
        {
            if (archive.TryFind(name, out _))
            {
                return true;
            }
        }

        return false;
    }
}
