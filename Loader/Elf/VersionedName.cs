namespace ElfLoader.Elf;

/// <summary>
/// A symbol's name, taken apart where assemblers' <c>.symver</c> has put a version behind it: <c>foo@V</c> is version V of foo,
/// <c>foo@@V</c> the one that <c>foo</c> means (GNU as manual, ".symver").
/// </summary>
internal readonly ref struct VersionedName
{
    private const byte Separator = (byte)'@';

    /// <summary>
    /// Most separators: <c>@@@</c> stands for <c>@@</c> in a definition. Assemblers write <c>@@</c>, but nothing obliges them.
    /// </summary>
    private const int MostSeparators = 3;

    private VersionedName(ReadOnlySpan<byte> name, ReadOnlySpan<byte> version, bool isDefault)
    {
        Name = name;
        Version = version;
        IsDefault = isDefault;
    }

    /// <summary>The name without the version.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>The version; empty where the name has none.</summary>
    public ReadOnlySpan<byte> Version { get; }

    /// <summary>Whether a definition of this name is what the name without a version means.</summary>
    public bool IsDefault { get; }

    /// <summary>Whether there is a version.</summary>
    public bool HasVersion => !Version.IsEmpty;

    /// <summary>Whether a string table may hold names with versions: one look at all of it, instead of one for each name.</summary>
    public static bool MayBeIn(ReadOnlySpan<byte> names) => names.Contains(Separator);

    /// <summary>Takes a name apart. A separator that nothing follows, or that nothing precedes, belongs to the name.</summary>
    public static VersionedName Of(ReadOnlySpan<byte> symbol)
    {
        int length = symbol.IndexOf(Separator);
        if (length <= 0)
        {
            return new VersionedName(symbol, default, isDefault: false);
        }

        ReadOnlySpan<byte> rest = symbol[length..];
        int separators = 1;
        while (separators < Math.Min(rest.Length, MostSeparators) && rest[separators] is Separator)
        {
            separators++;
        }

        return separators is 1 && rest.Length is 1
            ? new VersionedName(symbol, default, isDefault: false)
            : new VersionedName(symbol[..length], rest[separators..], separators > 1);
    }

    /// <summary>
    /// Writes a name that a definition has if it is of this version and the one that the name without a version means.
    /// </summary>
    /// <param name="form">0 for the first, 1 for the second.</param>
    /// <param name="definition">The name.</param>
    /// <returns>False where there is no such form, or this is no reference to a version.</returns>
    public bool TryGetDefault(int form, out ReadOnlySpan<byte> definition)
    {
        int separators = form + 2;
        if (!HasVersion || IsDefault || separators > MostSeparators)
        {
            definition = default;
            return false;
        }

        byte[] bytes = new byte[Name.Length + separators + Version.Length];
        Name.CopyTo(bytes);
        bytes.AsSpan(Name.Length, separators).Fill(Separator);
        Version.CopyTo(bytes.AsSpan(Name.Length + separators));
        definition = bytes;
        return true;
    }
}
