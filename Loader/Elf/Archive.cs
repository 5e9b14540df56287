namespace ElfLoader.Elf;

/// <summary>
/// A static library: GNU's format, BSD's, and GNU's thin archives, which name files instead of having them in them.
/// </summary>
/// <remarks>Immutable and safe for use by many threads, as long as nobody changes the bytes.</remarks>
public sealed class Archive
{
    private readonly Func<string, ReadOnlyMemory<byte>>? _openThinMember;
    private readonly ReadLimits? _limits;
    private readonly ReadOnlyMemory<byte> _index;
    private readonly ArchiveIndexFormat _indexFormat;
    private ArchiveIndex? _symbols;
    private Dictionary<ArchiveMember, int>? _repeated;

    private Archive(
        ReadOnlyMemory<byte> bytes,
        string name,
        Func<string, ReadOnlyMemory<byte>>? openThinMember,
        ReadLimits? limits)
    {
        Name = name;
        _openThinMember = openThinMember;
        _limits = limits;
        ArchiveReader reader = new(this, bytes);
        reader.Read();
        Members = reader.Members;
        IsThin = reader.IsThin;
        _index = reader.Index;
        _indexFormat = reader.IndexFormat;
    }

    /// <summary>What an archive begins with.</summary>
    public static ReadOnlySpan<byte> Magic => "!<arch>\n"u8;

    /// <summary>What a thin archive begins with.</summary>
    public static ReadOnlySpan<byte> ThinMagic => "!<thin>\n"u8;

    /// <summary>The name for messages that the caller gave.</summary>
    public string Name { get; private set; }

    /// <summary>Whether the members are files of their own.</summary>
    public bool IsThin { get; }

    /// <summary>Whether the archive has an index of symbols; where not, one is made when it is first needed.</summary>
    public bool HasIndex => _indexFormat != ArchiveIndexFormat.None;

    /// <summary>The members in file order, without those that are the archive's own tables.</summary>
    public IReadOnlyList<ArchiveMember> Members { get; }

    /// <summary>Reads an archive's member headers.</summary>
    /// <param name="bytes">The whole file; not to be changed as long as the archive is used.</param>
    /// <param name="name">Name for messages.</param>
    /// <param name="openThinMember">Gives the bytes of a file that a thin archive names, by its path from the
    /// archive's folder; called when the bytes are first wanted, and by several threads if several want them.</param>
    /// <param name="limits">What members may claim, where they have to be read to make an index.</param>
    /// <exception cref="LinkException">The bytes are no archive, or are malformed.</exception>
    public static Archive Read(
        ReadOnlyMemory<byte> bytes,
        string name,
        Func<string, ReadOnlyMemory<byte>>? openThinMember = null,
        ReadLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        try
        {
            return new Archive(bytes, name, openThinMember, limits);
        }
        catch (OutOfMemoryException exception)
        {
            throw MemoryShortage.Of(name, "read it", exception);
        }
    }

    /// <summary>Finds the first member, in the order of the index, that defines a symbol.</summary>
    /// <param name="symbol">Its name in UTF-8.</param>
    /// <param name="member">Index into <see cref="Members"/>.</param>
    /// <exception cref="LinkException">The index is malformed; or there is none, and a member cannot be read.
    /// </exception>
    public bool TryFind(ReadOnlySpan<byte> symbol, out int member)
    {
        // Several threads may make it at once: they make the same.
        ArchiveIndex symbols = Volatile.Read(ref _symbols) ?? MakeIndex();
        return symbols.TryFind(symbol, out member);
    }

    /// <summary>The names that members define, each once.</summary>
    /// <exception cref="LinkException">As of <see cref="TryFind"/>.</exception>
    internal IEnumerable<string> SymbolNames => (Volatile.Read(ref _symbols) ?? MakeIndex()).Names;

    /// <summary>Gives it another name, where another archive turns out to have the same.</summary>
    internal void Rename(string name) => Name = name;

    /// <summary>Which of the members of the same name one is, from 1 on.</summary>
    internal int OrdinalOf(ArchiveMember member)
    {
        Dictionary<ArchiveMember, int> repeated = Volatile.Read(ref _repeated) ?? FindRepeated();
        return repeated.GetValueOrDefault(member, 1);
    }

    /// <summary>Gets a thin archive's member from the caller.</summary>
    internal ReadOnlyMemory<byte> OpenThin(ArchiveMember member)
    {
        if (_openThinMember is null)
        {
            throw new LinkException(LinkErrorCode.File, new LinkLocation(member.FullName),
                "member of a thin archive; nothing was given that opens its file");
        }

        try
        {
            return _openThinMember(member.Name);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException
            or NotSupportedException)
        {
            throw new LinkException(failure,
                [new LinkError(LinkErrorCode.File, new LinkLocation(member.FullName), failure.Message)]);
        }
        catch (OutOfMemoryException exception)
        {
            throw MemoryShortage.Of(member.FullName, "read it", exception);
        }
    }

    /// <summary>Finds the members that are not the first of their name, when the first name is asked for.</summary>
    private Dictionary<ArchiveMember, int> FindRepeated()
    {
        Dictionary<ArchiveMember, int> repeated = [];
        Dictionary<ReadOnlyMemory<byte>, int> counts = new(Members.Count, new NameComparer());
        foreach (ArchiveMember member in Members)
        {
            int ordinal = counts.GetValueOrDefault(member.NameBytes) + 1;
            counts[member.NameBytes] = ordinal;
            if (ordinal > 1)
            {
                repeated.Add(member, ordinal);
            }
        }

        Volatile.Write(ref _repeated, repeated);
        return repeated;
    }

    private ArchiveIndex MakeIndex()
    {
        try
        {
            ArchiveIndex made = _indexFormat == ArchiveIndexFormat.None
                ? ArchiveIndex.Scan(this, _limits)
                : ArchiveIndex.Read(this, _index, _indexFormat);
            Volatile.Write(ref _symbols, made);
            return made;
        }
        catch (OutOfMemoryException exception)
        {
            throw MemoryShortage.Of(Name, "find what its members define", exception);
        }
    }

    /// <summary>Compares names by their bytes: no text is made of them.</summary>
    private sealed class NameComparer : IEqualityComparer<ReadOnlyMemory<byte>>
    {
        public bool Equals(ReadOnlyMemory<byte> one, ReadOnlyMemory<byte> other) => one.Span.SequenceEqual(other.Span);

        public int GetHashCode(ReadOnlyMemory<byte> name)
        {
            HashCode hash = default;
            hash.AddBytes(name.Span);
            return hash.ToHashCode();
        }
    }
}
