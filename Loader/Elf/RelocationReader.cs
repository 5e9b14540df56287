namespace ElfLoader.Elf;

/// <summary>Goes through the relocations of one section, in file order; usable in <c>foreach</c>.</summary>
public ref struct RelocationReader
{
    private readonly Layout _layout;
    private ReadOnlySpan<byte> _rest;
    private RelocationRecord _current;

    internal RelocationReader(ReadOnlySpan<byte> section, RelocationFormat format, bool is64Bit, int count)
    {
        _rest = section;
        _layout = (format, is64Bit) switch
        {
            (RelocationFormat.Rela, true) => Layout.Rela64,
            (RelocationFormat.Rela, false) => Layout.Rela32,
            (RelocationFormat.Rel, true) => Layout.Rel64,
            _ => Layout.Rel32,
        };
        Count = count;
    }

    private enum Layout : byte
    {
        Rela64,
        Rela32,
        Rel64,
        Rel32,
    }

    /// <summary>Number of relocations in the section, not counting down.</summary>
    public long Count { get; }

    /// <summary>The relocation that <see cref="MoveNext"/> went to.</summary>
    public readonly RelocationRecord Current => _current;

    /// <summary>The reader itself.</summary>
    public readonly RelocationReader GetEnumerator() => this;

    /// <summary>Goes to the next relocation; false where there is none.</summary>
    public bool MoveNext() => _layout switch
    {
        Layout.Rela64 => NextWithAddend<Elf64>(),
        Layout.Rela32 => NextWithAddend<Elf32>(),
        Layout.Rel64 => NextWithoutAddend<Elf64>(),
        _ => NextWithoutAddend<Elf32>(),
    };

    private bool NextWithAddend<TClass>()
        where TClass : IElfClass
    {
        int size = 3 * TClass.WordSize;
        ReadOnlySpan<byte> rest = _rest;
        if (rest.Length < size)
        {
            return false;
        }

        ulong info = TClass.Word(rest[TClass.WordSize..]);
        _current = new RelocationRecord(
            TClass.Word(rest), TClass.TypeOf(info), TClass.SymbolOf(info), TClass.SignedWord(rest[(2 * TClass.WordSize)..]));
        _rest = rest[size..];
        return true;
    }

    private bool NextWithoutAddend<TClass>()
        where TClass : IElfClass
    {
        int size = 2 * TClass.WordSize;
        ReadOnlySpan<byte> rest = _rest;
        if (rest.Length < size)
        {
            return false;
        }

        ulong info = TClass.Word(rest[TClass.WordSize..]);
        _current = new RelocationRecord(TClass.Word(rest), TClass.TypeOf(info), TClass.SymbolOf(info), Addend: 0);
        _rest = rest[size..];
        return true;
    }
}
