namespace ElfLoader.Elf;

/// <summary>Goes through the relocations of one section, in file order; usable in <c>foreach</c>.</summary>
public ref struct RelocationReader
{
    private readonly Layout _layout;
    private ReadOnlySpan<byte> _rest;
    private CrelDecoder _crel;
    private RelocationRecord _current;

    internal RelocationReader(ReadOnlySpan<byte> section, RelocationFormat format, bool is64Bit, int count)
    {
        _rest = section;
        _layout = (format, is64Bit) switch
        {
            (RelocationFormat.Rela, true) => Layout.Rela64,
            (RelocationFormat.Rela, false) => Layout.Rela32,
            (RelocationFormat.Rel, true) => Layout.Rel64,
            (RelocationFormat.Rel, false) => Layout.Rel32,
            _ => Layout.Crel,
        };
        if (_layout == Layout.Crel && !CrelDecoder.TryStart(section, is64Bit, out _crel))
        {
            throw Changed();
        }

        Count = count;
    }

    private enum Layout : byte
    {
        Rela64,
        Rela32,
        Rel64,
        Rel32,
        Crel,
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
        Layout.Rel32 => NextWithoutAddend<Elf32>(),
        _ => NextCompact(),
    };

    /// <summary>ElfObject.Read has decoded the section once, so it was right then.</summary>
    private static InvalidOperationException Changed() =>
        new("The bytes of the object have been changed since it was read.");

    private bool NextCompact()
    {
        if (_crel.IsAtEnd)
        {
            return false;
        }

        return _crel.TryNext(out _current) ? true : throw Changed();
    }

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
